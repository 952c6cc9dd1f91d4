from __future__ import annotations

import numpy as np
import pytest

from calogan import samples
from calogan.calorimeter import CALOGAN, Calorimeter, PolarLayer, ReadoutLayer
from calogan.incident import Incident
from calogan.observables import (
    centroid,
    containment_radius,
    layer_radius,
    mean_radius,
    radial_profile,
    ring_edges,
)
from calogan.showers import Showers
from tests.observables.toys import MIXED, make_mixed


def square(image: list[list[float]], x: float = 0.0, slope: float = 0.0) -> Showers:
    """One shower in one layer of cells of 10 mm, with its middle at z = 0."""
    cells = np.array(image, np.float32)[None]
    n = cells.shape[1]
    layer = ReadoutLayer(z_min_mm=-5, z_max_mm=5, n_eta=n, n_phi=n, half_width_mm=5 * n)
    incident = Incident.create("e+", 1, position_mm=(x, 0, -100), direction=(slope, 0, 1))
    calorimeter = CALOGAN.model_copy(update={"layers": (layer,)})
    return Showers(incident, (cells,), np.zeros((1, 1), np.float32), calorimeter)


CROSS: list[list[float]] = [[0.0, 1, 0], [2, 6, 0], [0, 1, 0]]  # 6 in the middle, 4 at 10 mm


def test_radii_by_hand() -> None:
    showers = square(CROSS)
    assert layer_radius(showers, 0)[0] == pytest.approx(4.0)
    assert mean_radius(showers)[0] == pytest.approx(4.0)
    # 6 of 10 on the axis, the other 4 between 0 and 10 mm: 9 of 10 at three quarters
    assert containment_radius(showers)[0] == pytest.approx(7.5)
    assert containment_radius(showers, 1.0)[0] == pytest.approx(10)
    assert containment_radius(showers, 0.5)[0] == 0


def test_the_axis_is_that_of_the_particle() -> None:
    # at z = 0 this particle is at x = -10
    for showers in (square(CROSS, x=-10), square(CROSS, x=-110, slope=1.0)):
        stretch = 1.0 if showers.incident.direction[0, 0] == 0 else np.sqrt(0.5)
        # 1 on the axis, 6 at 10 mm in x, 2 at 10 mm in x and in y, 1 at 20 mm in x
        wanted = (6 * 10 * stretch + 2 * np.hypot(10 * stretch, 10) + 20 * stretch) / 10
        assert layer_radius(showers, 0)[0] == pytest.approx(wanted)


def test_profile_by_hand() -> None:
    profile = radial_profile(square(CROSS), 0)
    assert profile.edges_mm[:3].tolist() == [0, 10, 20]
    assert profile.shares[0, :2] == pytest.approx([0.6, 0.4])
    narrow = radial_profile(square(CROSS), 0, np.array([5.0, 30.0]))
    assert narrow.shares.tolist() == [[pytest.approx(0.4)]]


def test_profile_and_mean_radius_agree() -> None:
    showers = samples.read_sample("eplus")
    for k in range(3):
        fine = radial_profile(showers, k, np.arange(0, 400, 0.5))
        middle = (fine.edges_mm[1:] + fine.edges_mm[:-1]) / 2
        defined = ~np.isnan(layer_radius(showers, k))
        assert (fine.shares @ middle)[defined] == pytest.approx(
            layer_radius(showers, k)[defined], abs=0.25
        )


@pytest.mark.parametrize("beams", [False, True])
def test_shares_add_up_to_one(beams: bool) -> None:
    showers = make_mixed(20, 5, beams=beams)
    for k, energy in enumerate(showers.layer_energies.T):
        shares = radial_profile(showers, k, np.array([0.0, 10.0, 500.0])).shares
        assert shares.shape == (20, 2)
        assert shares.sum(axis=1)[energy > 0] == pytest.approx(1)
        assert np.isnan(shares[energy == 0]).all()


def test_beams_one_by_one_and_together() -> None:
    showers = make_mixed(6, 8, beams=True)
    together = radial_profile(showers, 1).shares
    for row in range(6):
        alone = radial_profile(showers[row : row + 1], 1).shares
        assert alone[0] == pytest.approx(together[row], nan_ok=True)


@pytest.mark.parametrize("calorimeter", [CALOGAN, MIXED, Calorimeter.load("si-w")])
def test_every_ring_holds_cells(calorimeter: Calorimeter) -> None:
    """With one MeV in each cell, no ring is empty, and none is left out."""
    one = tuple(np.ones((1, *shape), np.float32) for shape in calorimeter.layer_shapes)
    none = np.zeros((1, len(one)), np.float32)
    showers = Showers(Incident.create("e+", 1.0), one, none, calorimeter)
    for k in range(len(one)):
        profile = radial_profile(showers, k)
        assert np.array_equal(profile.edges_mm, ring_edges(calorimeter, k))
        assert (profile.shares > 0).all()
        assert profile.shares.sum() == pytest.approx(1)


def test_cells_in_radius_are_their_own_rings() -> None:
    siw = Calorimeter.load("si-w")
    layer = siw.layers[7]
    assert isinstance(layer, PolarLayer)
    rng = np.random.default_rng(1)
    images = tuple(rng.random((3, *shape), np.float32) for shape in siw.layer_shapes)
    showers = Showers(Incident.create("e+", np.ones(3)), images, np.zeros((3, 45), np.float32), siw)
    wanted = images[7].sum(axis=1) / images[7].sum(axis=(1, 2))[:, None]
    profile = radial_profile(showers, 7)
    assert profile.edges_mm.tolist() == list(layer.r_edges_mm)
    assert profile.shares == pytest.approx(wanted, rel=1e-5)


def test_half_of_the_energy_within_the_median_of_a_blob() -> None:
    """Deposits in a Gaussian blob, in fine cells: half of them within 1.1774 sigma."""
    rng = np.random.default_rng(3)
    layer = ReadoutLayer(z_min_mm=-5, z_max_mm=5, n_eta=120, n_phi=120, half_width_mm=60)
    calorimeter = CALOGAN.model_copy(update={"layers": (layer,)})
    place = np.c_[rng.normal(0, 9, (200_000, 2)), np.zeros(200_000)]
    images, overflow = calorimeter.bin_deposits(
        np.zeros(200_000, np.int64), place, np.full(200_000, 1e-3), 1
    )
    showers = Showers(Incident.create("e+", 0.2), images, overflow, calorimeter)
    assert containment_radius(showers, 0.5)[0] == pytest.approx(9 * 1.1774, rel=0.01)
    assert layer_radius(showers, 0)[0] == pytest.approx(9 * np.sqrt(np.pi / 2), rel=0.01)
    assert abs(centroid(showers, 0, "eta")[0]) < 0.1
