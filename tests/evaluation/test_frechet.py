from __future__ import annotations

import numpy as np
import pytest

from calogan.errors import CaloganError
from calogan.evaluation.distances.frechet import (
    fewest_for_frechet,
    frechet_distance,
    gaussian_frechet_distance,
)
from tests.evaluation.published import JETNET, TOYS, features, toy

Floats = np.ndarray[tuple[int, int], np.dtype[np.float64]]


def gaussian(values: Floats) -> tuple[np.ndarray, np.ndarray]:
    return values.mean(axis=0), np.cov(values, rowvar=False)


def test_the_distance_of_known_gaussians() -> None:
    zero, one = np.zeros(2), np.eye(2)
    assert gaussian_frechet_distance(zero, one, zero + 3, one) == pytest.approx(18)
    # independent: the sum of squared differences of the standard deviations
    assert gaussian_frechet_distance(
        zero, np.diag([1.0, 4.0]), zero, np.diag([9.0, 0.25])
    ) == pytest.approx(4 + 2.25)
    # eigenvalues of the covariance 1 +- 1/4
    correlated = np.array([[1, 0.25], [0.25, 1]])
    assert gaussian_frechet_distance(zero, correlated, zero, one) == pytest.approx(
        4 - 2 * (np.sqrt(1.25) + np.sqrt(0.75))
    )
    # singular, as of observables that add up to 1
    full = np.ones((2, 2))
    assert gaussian_frechet_distance(zero, full, zero, full) == pytest.approx(0, abs=1e-9)
    assert gaussian_frechet_distance(zero, full, zero, 4 * full) == pytest.approx(2)


def test_several_pairs_at_once() -> None:
    rng = np.random.default_rng(1)
    pairs = [[gaussian(rng.normal(0, 1, (50, 3))) for _ in range(2)] for _ in range(4)]
    alone = [float(gaussian_frechet_distance(*a, *b)) for a, b in pairs]
    stacked = [np.stack([pair[k][j] for pair in pairs]) for k in (0, 1) for j in (0, 1)]
    assert gaussian_frechet_distance(*stacked) == pytest.approx(alone)


@pytest.mark.parametrize("kind", ["candidate", "same"])
def test_the_formula_is_that_of_jetnet(kind: str) -> None:
    found = gaussian_frechet_distance(*gaussian(features("reference")), *gaussian(features(kind)))
    assert float(found) == pytest.approx(JETNET[kind].frechet, rel=1e-9)


@pytest.mark.parametrize("kind", ["candidate", "same"])
def test_the_extrapolation_agrees_with_jetnet(kind: str) -> None:
    found = frechet_distance(features("reference"), features(kind), rng=np.random.default_rng(0))
    expected, error = JETNET[kind].fpd
    # jetnet's error is that of the line alone, and its value keeps the c / N of 50 000 showers
    assert found.value == pytest.approx(expected, abs=2 * np.hypot(found.error, error))
    assert 0 < found.error < 0.01


@pytest.mark.parametrize("name", TOYS)
def test_the_published_toys(name: str) -> None:
    found = frechet_distance(
        toy("truth", 20_000, seed=1), toy(name, 20_000, seed=2), rng=np.random.default_rng(0)
    )
    # their error leaves out that of one sample of 50 000, which ours of 20 000 bounds
    assert found.value == pytest.approx(
        TOYS[name].fpd, abs=3 * np.hypot(found.error, TOYS[name].fpd_error)
    )
    exact = float(gaussian_frechet_distance(*TOYS["truth"].gaussian, *TOYS[name].gaussian))
    assert found.value == pytest.approx(exact, abs=3 * found.error + 1e-4)


@pytest.mark.parametrize(("n", "m"), [(200, 200), (150, 900)])
def test_small_samples_have_no_bias_and_a_fair_error(n: int, m: int) -> None:
    rng = np.random.default_rng(3)
    mixing = rng.normal(0, 1, (8, 8)) / np.sqrt(8)
    same, other, errors, plain = [], [], [], []
    for _ in range(60):
        a, b = rng.normal(0, 1, (n, 8)) @ mixing, rng.normal(0, 1, (m, 8)) @ mixing
        same.append(frechet_distance(a, b, rng=rng, n_draws=5).value)
        plain.append(float(gaussian_frechet_distance(*gaussian(a), *gaussian(b))))
        found = frechet_distance(a, b * 1.5, rng=rng, n_draws=5)
        other.append(found.value)
        errors.append(found.error)
    standard = np.std(same) / np.sqrt(60)
    assert abs(np.mean(same)) < 3 * standard
    assert np.mean(plain) > 10 * standard  # what there is to take away
    sigma = mixing.T @ mixing
    exact = float(gaussian_frechet_distance(np.zeros(8), sigma, np.zeros(8), 2.25 * sigma))
    assert np.mean(other) == pytest.approx(exact, abs=3 * np.std(other) / np.sqrt(60))
    assert np.mean(errors) == pytest.approx(np.std(other), rel=0.4)


def test_too_few_showers_are_refused_in_one_line() -> None:
    assert fewest_for_frechet(60) == 300
    rng = np.random.default_rng(0)
    with pytest.raises(CaloganError, match="99 showers are too few for 20 observables"):
        frechet_distance(rng.normal(size=(99, 20)), rng.normal(size=(400, 20)), rng=rng)


def test_the_seed_fixes_the_result() -> None:
    a, b = toy("truth", 300, seed=1), toy("shift", 300, seed=2)
    first, second = (frechet_distance(a, b, rng=np.random.default_rng(4)) for _ in range(2))
    assert first == second
