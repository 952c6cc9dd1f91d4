"""Observables of jet images: against a plain loop over pixels, and images whose values are known."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from calogan.jets.images import ETA, PHI, PIXELS
from calogan.jets.observables import (
    OBSERVABLES,
    axes_distance,
    brightest_share,
    image_mass,
    image_pt,
    image_tau1,
    image_tau2,
    image_tau21,
    image_width,
    observe,
    sparsity,
    without_faint,
)
from tests.jets.toys import make_jet_images

MIDDLE = PIXELS // 2


def image_of(pixels: dict[tuple[int, int], float]) -> NDArray[np.float32]:
    """One image with some pixels, by row and column."""
    image = np.zeros((1, PIXELS, PIXELS), np.float32)
    for place, energy in pixels.items():
        image[0, *place] = energy
    return image


def particles(image: NDArray[np.float32]) -> list[tuple[float, float, float]]:
    """Energy, eta' and phi' of the hit pixels of one image."""
    return [(float(image[i, j]), float(ETA[j]), float(PHI[i])) for i, j in np.argwhere(image > 0)]


def momentum(image: NDArray[np.float32]) -> tuple[float, float]:
    """Mass and transverse momentum, one massless particle after another."""
    px = py = pz = energy = 0.0
    for pt, eta, phi in particles(image):
        px += pt * math.cos(phi)
        py += pt * math.sin(phi)
        pz += pt * math.sinh(eta)
        energy += pt * math.cosh(eta)
    return math.sqrt(energy**2 - px**2 - py**2 - pz**2), math.hypot(px, py)


def tau_2(image: NDArray[np.float32]) -> float:
    """2-subjettiness by kt clustering that looks at all pairs in each step."""
    left = {(int(i), int(j)): float(image[i, j]) for i, j in np.argwhere(image > 0)}
    while len(left) > 2:
        steps = []
        for first, second in combinations(left, 2):
            soft, hard = sorted((first, second), key=lambda one: left[one])
            squared = (first[0] - second[0]) ** 2 + (first[1] - second[1]) ** 2
            steps.append((left[soft] ** 2 * squared, hard, soft))
        _, hard, soft = min(steps)  # of neighbours that are equally near the first one
        left[hard] += left.pop(soft)
    total = sum(
        image[i, j] * 0.1 * min(math.hypot(i - a[0], j - a[1]) for a in left)
        for i, j in np.argwhere(image > 0)
    )
    return float(total) / float(image.sum(dtype=np.float64))


@pytest.fixture(scope="module")
def images() -> NDArray[np.float32]:
    image = make_jet_images(40, seed=3).image.copy()
    rng = np.random.default_rng(5)
    image[rng.random(image.shape) < 0.6] = 0  # few enough for the loop over pairs
    return image


def test_mass_and_pt_are_those_of_massless_particles_at_the_pixels(
    images: NDArray[np.float32],
) -> None:
    expected = np.array([momentum(image) for image in images])
    assert image_mass(images) == pytest.approx(expected[:, 0], rel=1e-6)
    assert image_pt(images) == pytest.approx(expected[:, 1], rel=1e-9)


def test_tau_2_is_that_of_clustering_pair_by_pair(images: NDArray[np.float32]) -> None:
    assert image_tau2(images) == pytest.approx([tau_2(image) for image in images], rel=1e-5)


def test_tau_1_is_around_the_brightest_pixel(images: NDArray[np.float32]) -> None:
    expected = []
    for image in images:
        found = particles(image)
        _, eta, phi = max(found)
        total = sum(pt * math.hypot(e - eta, p - phi) for pt, e, p in found)
        expected.append(total / sum(pt for pt, _, _ in found))
    assert image_tau1(images) == pytest.approx(expected, rel=1e-5)


def test_two_pixels() -> None:
    image = image_of({(MIDDLE, MIDDLE): 200.0, (MIDDLE + 6, MIDDLE): 50.0})
    # m^2 = 2 E E' (1 - cos 0.6) for massless particles at the same eta
    assert image_mass(image)[0] == pytest.approx(math.sqrt(2e4 * (1 - math.cos(0.6))))
    assert image_pt(image)[0] == pytest.approx(
        math.sqrt(200**2 + 50**2 + 2 * 200 * 50 * math.cos(0.6))
    )
    assert image_tau1(image)[0] == pytest.approx(50 * 0.6 / 250)
    assert image_tau2(image)[0] == 0
    assert image_tau21(image)[0] == 0
    assert axes_distance(image)[0] == pytest.approx(0.6)
    assert sparsity(image)[0] == pytest.approx(2 / 625)
    assert brightest_share(image)[0] == pytest.approx(0.8)
    # both are 0.12 and 0.48 from the middle of energy
    assert image_width(image)[0] == pytest.approx((200 * 0.12 + 50 * 0.48) / 250)


def test_a_boost_along_eta_changes_pt_alone_by_nothing() -> None:
    """Pixels at one phi: two at the same eta have no mass, wherever they are."""
    image = image_of({(MIDDLE, 3): 30.0})
    assert image_mass(image)[0] == pytest.approx(0, abs=1e-3)
    assert image_pt(image)[0] == pytest.approx(30.0)


def test_what_has_no_value_is_not_a_number() -> None:
    empty, one = image_of({}), image_of({(4, 5): 10.0})
    found = {name: values[0] for name, values in observe(empty).items()}
    assert (found["mass"], found["pt"], found["hit"]) == (0, 0, 0)
    others = set(found) - {"mass", "pt", "hit"}
    assert all(np.isnan(found[name]) for name in others)
    single = observe(one)
    assert np.isnan([single["tau_21"][0], single["axes"][0]]).all()
    assert (single["tau_1"][0], single["tau_2"][0], single["brightest"][0]) == (0, 0, 1)


def test_all_at_once_is_one_by_one(images: NDArray[np.float32]) -> None:
    found = observe(images)
    assert list(found) == [one.name for one in OBSERVABLES]
    for one in OBSERVABLES:
        assert found[one.name] == pytest.approx(one.compute(images), nan_ok=True)


def test_images_of_many_and_of_few_pixels_go_together() -> None:
    """Clustering goes through images by their number of pixels: the order must come back."""
    rng = np.random.default_rng(2)
    image = rng.exponential(1.0, (600, PIXELS, PIXELS)).astype(np.float32)
    image[rng.random(image.shape) > rng.choice([0.004, 0.02, 0.2], 600)[:, None, None]] = 0
    together = image_tau2(image)
    assert np.isfinite(together).any()
    apart = [image_tau2(image[k : k + 1])[0] for k in range(0, 600, 37)]
    assert together[::37] == pytest.approx(apart, nan_ok=True)


def test_faint_pixels_are_left_out() -> None:
    image = image_of({(1, 1): 5e-4, (2, 2): 1e-3, (3, 3): 2.0})
    kept = without_faint(image)
    assert kept.dtype == image.dtype
    assert np.count_nonzero(kept) == 2
    assert kept[0, 1, 1] == 0
    assert image[0, 1, 1] > 0
    assert np.count_nonzero(without_faint(image, 1.0)) == 1


def test_energies_twice_as_high_scale_mass_and_pt_and_nothing_else(
    images: NDArray[np.float32],
) -> None:
    once, twice = observe(images), observe(2 * images)
    for name, values in once.items():
        factor = 2 if name in {"mass", "pt"} else 1
        assert twice[name] == pytest.approx(factor * values, rel=1e-6, nan_ok=True), name
