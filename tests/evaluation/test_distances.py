from __future__ import annotations

import numpy as np
import pytest

from calogan.evaluation.binning import choose_binning
from calogan.evaluation.distances import (
    difference,
    ks_distance,
    moments,
    separation,
    separation_noise,
    wasserstein,
)


def test_moments_of_known_values() -> None:
    found = moments(np.array([1.0, 2.0, 3.0, 4.0, np.nan]))
    assert found.n == 4
    assert found.defined == pytest.approx(0.8)
    assert found.mean == pytest.approx(2.5)
    assert found.sd == pytest.approx(np.sqrt(5 / 3))
    assert found.mean_error == pytest.approx(np.sqrt(5 / 3) / 2)


def test_errors_of_moments_are_the_spread_of_repeated_samples() -> None:
    rng = np.random.default_rng(1)
    found = [moments(rng.exponential(2.0, 400)) for _ in range(400)]
    assert np.std([f.mean for f in found]) == pytest.approx(
        np.mean([f.mean_error for f in found]), rel=0.15
    )
    assert np.std([f.sd for f in found]) == pytest.approx(
        np.mean([f.sd_error for f in found]), rel=0.2
    )


def test_moments_of_too_little() -> None:
    assert moments(np.array([])).n == 0
    assert np.isnan(moments(np.array([np.nan])).mean)
    one = moments(np.array([3.0]))
    assert (one.n, one.mean) == (1, 3.0)
    assert np.isnan(one.sd)
    assert moments(np.full(5, 2.0)).sd == 0


def test_separation_by_hand() -> None:
    assert separation(np.array([1.0, 1.0]), np.array([2.0, 2.0])) == 0
    assert separation(np.array([1.0, 0.0]), np.array([0.0, 3.0])) == pytest.approx(1)
    # p = (1/2, 1/2), q = (1, 0): (1/4 / (3/2) + 1/4 / (1/2)) / 2
    assert separation(np.array([1.0, 1.0]), np.array([4.0, 0.0])) == pytest.approx(1 / 3)


def test_separation_noise_is_what_equal_samples_show() -> None:
    rng = np.random.default_rng(2)
    share = np.full(30, 1 / 30)
    pairs = [
        tuple(rng.multinomial(n, share).astype(np.float64) for n in (2000, 900)) for _ in range(200)
    ]
    seen = np.mean([separation(*pair) for pair in pairs])
    assert seen == pytest.approx(separation_noise(*pairs[0]), rel=0.1)


def test_distances_of_a_shift() -> None:
    values = np.linspace(0, 1, 1001)
    assert wasserstein(values, values + 0.25) == pytest.approx(0.25)
    assert wasserstein(values, np.append(values, np.nan)) == pytest.approx(0)
    assert ks_distance(values, values + 0.25) == pytest.approx(0.25, abs=2e-3)
    assert ks_distance(values, values + 2) == 1


def test_ratio_of_means_is_left_out_around_zero() -> None:
    values = np.random.default_rng(3).normal(0, 1, 500)
    binning = choose_binning(values, [values])
    counts = binning.count(values).all
    assert np.isnan(difference(values, values, counts, counts).ratio_mean)
    assert difference(values + 9, values + 9, counts, counts).ratio_mean == 1


def test_bins_hold_the_reference_and_reach_to_the_candidates() -> None:
    rng = np.random.default_rng(4)
    values = rng.normal(10, 1, 5000)
    binning = choose_binning(values, [values + 3])
    assert binning.count(values).share_beyond < 0.01
    assert binning.count(values + 3).share_beyond < 0.02
    far = choose_binning(values, [values + 1000])
    assert far.edges[-1] < 30
    assert far.count(values + 1000).share_beyond == 1
    assert far.count(values + 1000).n == 5000


def test_bins_of_counted_values_have_no_gaps() -> None:
    values = np.random.default_rng(5).binomial(72, 0.3, 4000) / 72
    binning = choose_binning(values, [values], quantum=1 / 72)
    widths = np.diff(binning.edges) * 72
    assert np.allclose(widths, np.round(widths[0]))
    inner = binning.count(values).inside[5:-5]
    assert (inner > 0).all()


def test_logarithmic_bins_put_zeros_below() -> None:
    values = np.concatenate([np.geomspace(1e-2, 1e3, 2000), np.zeros(7)])
    binning = choose_binning(values, [values], may_be_log=True)
    assert binning.log
    assert binning.count(values).beyond[0] >= 7
    assert not choose_binning(np.linspace(50, 60, 100), [], may_be_log=True).log


@pytest.mark.parametrize("values", [np.array([]), np.full(9, 4.0), np.zeros(9), np.full(3, np.nan)])
def test_bins_of_degenerate_values(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> None:
    binning = choose_binning(values, [values])
    assert (np.diff(binning.edges) > 0).all()
    assert binning.count(values).share_beyond == 0
