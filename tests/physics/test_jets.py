"""What jets of W bosons and of QCD must look like, whatever the generator's tune.

A hundred jets of each kind, from Pythia: twenty seconds.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("pythia8mc", reason="needs the extra jets: pip install 'calogan[jets]'")
pytest.importorskip("fastjet", reason="needs the extra jets: pip install 'calogan[jets]'")

from calogan.jets import JetImages
from calogan.jets.images import ETA, PHI
from calogan.jets.simulation.collisions import SIGNAL, Collisions
from calogan.jets.simulation.pixels import turned_images
from calogan.jets.simulation.pythia_jets import PythiaJets, is_selected
from calogan.jets.simulation.trimming import trim

pytestmark = [pytest.mark.physics, pytest.mark.slow]

N = 120
W_MASS_GEV = 80.4


@pytest.fixture(scope="module")
def jets() -> JetImages:
    return PythiaJets().simulate(np.arange(2 * N) < N, np.random.default_rng(7))


def momentum(images: JetImages) -> dict[str, NDArray[np.float64]]:
    """Transverse momentum and mass of images whose pixels are massless particles."""
    image = images.image.astype(np.float64)
    energy = (image * np.cosh(ETA)).sum(axis=(1, 2))
    x, y = ((image * f(PHI)[:, None]).sum(axis=(1, 2)) for f in (np.cos, np.sin))
    z = (image * np.sinh(ETA)).sum(axis=(1, 2))
    return {"pt": np.hypot(x, y), "mass": np.sqrt(energy**2 - x**2 - y**2 - z**2)}


def test_the_trimmed_mass_of_w_jets_peaks_at_the_w_mass(jets: JetImages) -> None:
    mass = jets.variables["jet_mass"]
    signal, background = mass[jets.signal], mass[~jets.signal]
    near = [abs(values - W_MASS_GEV) < 6 for values in (signal, background)]
    assert abs(np.median(signal) - W_MASS_GEV) < 3
    assert near[0].mean() > 0.5
    assert near[1].mean() < 0.4  # flat and falling: 12 GeV of 40 GeV
    histogram, edges = np.histogram(signal, bins=np.arange(60, 101, 4))
    peak = edges[histogram.argmax()] + 2
    assert abs(peak - W_MASS_GEV) <= 4


def test_two_prongs_are_told_from_one(jets: JetImages) -> None:
    tau_21 = jets.variables["tau_21"]
    signal, background = tau_21[jets.signal], tau_21[~jets.signal]
    assert np.median(signal) < np.median(background) - 0.1
    assert (signal[:, None] < background).mean() > 0.72  # area under the ROC curve


def test_images_hold_the_momentum_of_their_jets(jets: JetImages) -> None:
    """Within 5 %: turning an image changes the angles in it a little, and pixels are coarse."""
    ratio = momentum(jets)["pt"] / jets.variables["jet_pt"]
    assert abs(ratio.mean() - 1) < 0.03
    assert (abs(ratio - 1) < 0.05).mean() > 0.95
    mass_ratio = momentum(jets)["mass"] / jets.variables["jet_mass"]
    assert abs(np.median(mass_ratio) - 1) < 0.03


def test_the_second_subjet_lies_below_and_more_on_the_right(jets: JetImages) -> None:
    average = jets.image.mean(axis=0)
    assert np.unravel_index(average.argmax(), average.shape) == (12, 12)
    assert average[15:].sum() > 5 * average[:10].sum()
    right, left = jets.image[:, :, 13:].sum(axis=(1, 2)), jets.image[:, :, :12].sum(axis=(1, 2))
    assert (right >= left).all()


def test_average_images_are_symmetric_before_they_are_mirrored() -> None:
    """Left and right are alike: in each column of pixels, within what so few jets tell.

    Mirroring then moves the richer half of every image to the right, so that this symmetry is not
    that of the images of a file.
    """
    collected = trim(Collisions(SIGNAL, seed=11).towers(1000))
    image = turned_images(collected[is_selected(collected)])
    columns = image.sum(axis=1)
    difference = (columns - columns[:, ::-1])[:, :12]
    error = difference.std(axis=0) / np.sqrt(len(image))
    filled = error > 0
    assert filled.sum() >= 8
    pulls = difference.mean(axis=0)[filled] / error[filled]
    assert (abs(pulls) < 4).all()
    assert abs(columns.mean(axis=0) @ ETA) / columns.mean(axis=0).sum() < 0.005


def test_average_images_do_not_know_the_side_of_the_detector(jets: JetImages) -> None:
    """Jets of either side of eta = 0 have the same average images."""
    side = jets.variables["jet_eta"] > 0
    for kind in (jets.signal, ~jets.signal):
        total = [jets.image[kind & s].sum(axis=1) for s in (side, ~side)]
        difference = total[0].mean(axis=0) - total[1].mean(axis=0)
        error = np.sqrt(sum(t.var(axis=0) / len(t) for t in total))
        filled = error > 1e-3
        assert (abs(difference[filled] / error[filled]) < 4).all()
