from __future__ import annotations

import numpy as np
import pytest
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray

from calogan.errors import CaloganError
from calogan.evaluation.distances.kernel import kernel_distance, squared_mmd
from tests.evaluation.published import JETNET, TOYS, features, toy

Floats = NDArray[np.float64]


def exact_mmd(name: str) -> float:
    """Exact for Gaussians: five points per axis integrate a polynomial of degree 4 in each."""
    nodes, weights = hermegauss(5)
    grid = np.stack(np.meshgrid(nodes, nodes), axis=-1).reshape(-1, 2)
    shares = np.outer(weights, weights).ravel() / weights.sum() ** 2

    def mean(first: str, second: str) -> float:
        x, y = (
            grid @ np.linalg.cholesky(TOYS[k].gaussian[1]).T + TOYS[k].gaussian[0]
            for k in (first, second)
        )
        return float(shares @ (x @ y.T / 2 + 1) ** 4 @ shares)

    return mean("truth", "truth") + mean(name, name) - 2 * mean("truth", name)


def obvious_mmd(first: Floats, second: Floats) -> float:
    def kernel(x: Floats, y: Floats) -> float:
        return float((x @ y / len(x) + 1) ** 4)

    within = [
        np.mean([kernel(x, y) for i, x in enumerate(s) for j, y in enumerate(s) if i != j])
        for s in (first, second)
    ]
    return float(sum(within) - 2 * np.mean([kernel(x, y) for x in first for y in second]))


def test_against_a_slow_loop() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(0, 1, (23, 3)), rng.normal(0.5, 1, (31, 3))
    assert squared_mmd(a, b) == pytest.approx(obvious_mmd(a, b))


def test_blocks_of_rows_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    a, b = rng.normal(0, 1, (700, 4)), rng.normal(0.2, 1, (501, 4))
    found = squared_mmd(a, b)
    monkeypatch.setattr("calogan.evaluation.distances.kernel._ROWS", 37)
    assert squared_mmd(a, b) == pytest.approx(found)


@pytest.mark.parametrize("kind", ["candidate", "same"])
def test_the_formula_is_that_of_jetnet(kind: str) -> None:
    a, b = features("reference"), features(kind)
    assert squared_mmd(a[:1000], b[:1000]) == pytest.approx(JETNET[kind].mmd_1000, rel=1e-9)
    assert squared_mmd(a[:700], b[:300]) == pytest.approx(JETNET[kind].mmd_700_300, rel=1e-9)


def test_the_case_of_the_tests_of_jetnet() -> None:
    zeros, ones = np.zeros((500, 2)), np.ones((500, 2))
    found = kernel_distance(zeros, ones, rng=np.random.default_rng(0))
    assert found.value == pytest.approx(15)
    assert found.error == pytest.approx(0)


@pytest.mark.parametrize("kind", ["candidate", "same"])
def test_the_batches_agree_with_jetnet(kind: str) -> None:
    a, b = features("reference"), features(kind)
    found = kernel_distance(a, b, rng=np.random.default_rng(0), batch_size=2500)
    value, error = JETNET[kind].kpd
    assert found.value == pytest.approx(value, abs=2 * np.hypot(found.error, error))


@pytest.mark.parametrize("name", TOYS)
def test_the_published_toys(name: str) -> None:
    found = kernel_distance(
        toy("truth", 6000, seed=1), toy(name, 6000, seed=2), rng=np.random.default_rng(0)
    )
    toys = TOYS[name]
    assert found.value == pytest.approx(toys.kpd, abs=2.5 * np.hypot(found.error, toys.kpd_error))
    assert found.value == pytest.approx(exact_mmd(name), abs=3 * found.error)


def test_the_error_is_the_spread_of_repeated_samples() -> None:
    rng = np.random.default_rng(3)
    found = [
        kernel_distance(rng.normal(0, 1, (300, 3)), rng.normal(0.4, 1, (300, 3)), rng=rng)
        for _ in range(80)
    ]
    spread = np.std([one.value for one in found])
    assert np.mean([one.error for one in found]) == pytest.approx(spread, rel=0.35)


def test_two_samples_of_one_distribution_are_at_zero() -> None:
    rng = np.random.default_rng(4)
    found = [
        kernel_distance(rng.normal(0, 1, (200, 3)), rng.normal(0, 1, (500, 3)), rng=rng).value
        for _ in range(60)
    ]
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(60)
    assert min(found) < 0 < max(found)


def test_it_sees_a_shape_that_has_the_same_covariance() -> None:
    """The second mixture of two Gaussians of arXiv:2211.10295, which its FPD cannot see."""
    rng = np.random.default_rng(5)
    n, mean = 4000, 0.75
    covariance = np.array([[1.0, 0.25], [0.25, 1.0]]) - mean**2
    sign = rng.choice([-1.0, 1.0], (n, 1))
    mixture = rng.multivariate_normal([0, 0], covariance, n, method="eigh") + sign * mean
    found = kernel_distance(toy("truth", n, seed=6), mixture, rng=rng)
    assert found.value == pytest.approx(0.35, abs=3 * np.hypot(found.error, 0.03))
    assert found.value > 4 * found.error


def test_too_few_showers_are_refused_in_one_line() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(CaloganError, match="99 showers are too few, at least 100"):
        kernel_distance(rng.normal(size=(99, 2)), rng.normal(size=(400, 2)), rng=rng)
