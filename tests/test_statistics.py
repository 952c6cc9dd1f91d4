from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from calogan.statistics import defined, ks_distance, moments, relative_wasserstein, wasserstein

finite = st.floats(-1e3, 1e3, width=32)
samples = arrays(np.float64, st.integers(1, 30), elements=finite)


@given(samples, st.integers(1, 4))
def test_a_weight_is_a_number_of_showers(values: np.ndarray, times: int) -> None:
    weights = (np.arange(len(values)) % times + 1).astype(np.float64)
    repeated = np.repeat(values, weights.astype(int))
    other = np.array([-1.0, 0.5, 2.0])
    expected = wasserstein(repeated, other)
    assert wasserstein(values, other, first_weights=weights) == pytest.approx(expected, abs=1e-9)
    assert wasserstein(other, values, second_weights=weights) == pytest.approx(expected, abs=1e-9)


@given(samples, samples)
def test_distances_are_distances(first: np.ndarray, second: np.ndarray) -> None:
    assert wasserstein(first, first) == ks_distance(first, first) == 0
    assert wasserstein(first, second) == pytest.approx(wasserstein(second, first), abs=1e-9)
    assert wasserstein(first, second) >= abs(first.mean() - second.mean()) - 1e-6
    assert 0 <= ks_distance(first, second) <= 1


@given(arrays(np.float64, 9, elements=finite), arrays(np.float64, 9, elements=finite))
def test_as_many_values_are_moved_in_their_order(first: np.ndarray, second: np.ndarray) -> None:
    expected = np.abs(np.sort(first) - np.sort(second)).mean()
    assert wasserstein(first, second) == pytest.approx(expected, abs=1e-9)


def test_ks_distance_by_hand() -> None:
    # F and G after 1, 2, 3, 4: (1/2, 1/2, 1, 1) and (0, 1/3, 2/3, 1)
    assert ks_distance(np.array([1.0, 3.0]), np.array([2.0, 3.0, 4.0])) == pytest.approx(0.5)


def test_what_is_not_finite_does_not_count() -> None:
    values = np.array([1.0, np.nan, np.inf, 3.0])
    assert defined(values).tolist() == [1, 3]
    assert moments(values).mean == 2
    assert wasserstein(values, np.array([1.0, 3.0, np.nan])) == 0
    weights = np.array([1.0, 9.0, 9.0, 1.0])
    assert wasserstein(values, np.array([1.0, 3.0]), first_weights=weights) == 0


def test_without_values_there_is_no_distance() -> None:
    nothing, something = np.array([np.nan]), np.array([1.0, 2.0])
    assert np.isnan(wasserstein(nothing, something))
    assert np.isnan(ks_distance(something, nothing))
    assert np.isnan(relative_wasserstein(something, nothing))
    assert np.isnan(wasserstein(something, something, first_weights=np.zeros(2)))


def test_a_shift_in_standard_deviations() -> None:
    values = np.random.default_rng(1).normal(5, 2, 500)
    shifted = values + 0.3 * values.std()
    assert relative_wasserstein(values, shifted) == pytest.approx(0.3)
    assert np.isnan(relative_wasserstein(np.full(9, 0.1), values))
