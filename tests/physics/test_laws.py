"""What showers must obey whatever the cross sections are: conservation, symmetry, linearity."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from calogan.calorimeter import CALOGAN, Calorimeter, ReadoutLayer, Section, SubLayer
from calogan.catalogue import open_simulator
from calogan.files import read_showers
from calogan.incident import Incident
from calogan.observables import response
from calogan.production import produce
from calogan.samples import read_sample
from calogan.showers import Showers

pytestmark = pytest.mark.physics

PHYSICS_LIST = "FTFP_BERT_EMV"
BLOCK = Calorimeter(
    name="block",
    sections=(Section(sublayers=(SubLayer(material="G4_Pb", thickness_mm=1000),)),),
    layers=(ReadoutLayer(z_min_mm=-500, z_max_mm=500, n_eta=1, n_phi=1, half_width_mm=1000),),
    half_size_mm=1000,
)


def simulate(
    path: Path, energies: NDArray[np.float64], calorimeter: Calorimeter = CALOGAN
) -> Showers:
    pytest.importorskip("calzone", reason="needs the extra geant4")
    start = (0.0, 0.0, calorimeter.gun_z_mm)
    produce(
        partial(open_simulator, "geant4", physics_list=PHYSICS_LIST, calorimeter=calorimeter),
        Incident.create("e+", energies, position_mm=start),
        path,
        seed=5,
        workers=2,
        made_with={"test": "laws"},
    )
    return read_showers(path)


@pytest.mark.slow
def test_a_block_of_lead_keeps_all_energy(tmp_path: Path) -> None:
    """Of 175 radiation lengths little comes back; the positron's annihilation comes on top."""
    energies = np.full(20, 2.0)
    showers = simulate(tmp_path / "block.h5", energies, BLOCK)
    assert (showers.overflow == 0).all()
    share = showers.total_energy / (1e3 * energies + 1.022)
    assert (share < 1 + 1e-6).all()
    assert (share > 0.93).all()  # photons set neutrons free, which costs and carries energy
    assert share.mean() > 0.985


@pytest.mark.slow
def test_response_is_linear(tmp_path: Path) -> None:
    energies = np.repeat([2.0, 20.0, 80.0], [40, 10, 4])
    showers = simulate(tmp_path / "linear.h5", energies)
    values = response(showers)
    means = [values[energies == energy].mean() for energy in (2.0, 20.0, 80.0)]
    assert max(means) / min(means) < 1.01, means


def asymmetry(image: NDArray[np.floating], mirrored: NDArray[np.floating]) -> float:
    """Chi2 per cell of the mean of `image - mirrored`, both `(n, eta, phi)`, among lit cells."""
    difference = (image - mirrored).astype(np.float64)
    lit = (image > 0).sum(axis=0) >= 100
    error = difference.std(axis=0, ddof=1) / np.sqrt(len(image))
    pull = difference.mean(axis=0)[lit & (error > 0)] / error[lit & (error > 0)]
    return float((pull**2).mean())


@pytest.mark.parametrize("sample", ["eplus", "gamma", "piplus"])
def test_mean_shower_is_symmetric(sample: str) -> None:
    """The detector and the beam know no left and right, and no up and down."""
    showers = read_sample(sample)
    # each cell in a unit of the particle's energy, so that all showers count alike
    layers = [x / showers.incident.energy_gev[:, None, None] for x in showers.layers]
    for k, layer in enumerate(layers):
        for axis in (1, 2):
            assert asymmetry(layer, np.flip(layer, axis)) < 1.6, (k, axis)
    square = layers[1]  # 12 x 12 cells of one size: a quarter turn changes nothing either
    assert asymmetry(square, np.rot90(square, axes=(1, 2))) < 1.6
    # and the test would see a shift by a tenth of a cell
    moved = square + 0.1 * (np.roll(square, 1, axis=1) - square)
    assert asymmetry(moved, np.flip(moved, 1)) > 3
