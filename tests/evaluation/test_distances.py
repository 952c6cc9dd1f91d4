from __future__ import annotations

import numpy as np
import pytest

from calogan.evaluation.distances.measures import (
    LIMITS,
    Measured,
    chi2_per_ndf,
    difference,
    grade,
    ks_distance,
    light,
    measure,
    moments,
    relative_wasserstein,
    separation,
    separation_noise,
    wasserstein,
)
from calogan.evaluation.distances.resampling import filled_in, grid_counts
from calogan.evaluation.pictures.binning import choose_binning

Floats = np.ndarray[tuple[int], np.dtype[np.float64]]


def measured(
    reference: Floats, candidate: Floats, seed: int = 0, n_bootstrap: int = 200
) -> dict[str, Measured]:
    binning = choose_binning(reference, [candidate])
    return measure(
        reference,
        candidate,
        binning.count(reference).all,
        binning.count(candidate).all,
        rng=np.random.default_rng(seed),
        n_bootstrap=n_bootstrap,
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


def test_chi2_by_hand() -> None:
    # 2 x 2 table without Yates' correction: 60 (10 10 - 20 20)^2 / 30^4 = 6.667
    value, ndf = chi2_per_ndf(np.array([10.0, 20.0]), np.array([20.0, 10.0]))
    assert value == pytest.approx(20 / 3)
    assert ndf == 1
    # totals that differ do not matter: the same shares
    assert chi2_per_ndf(np.array([10.0, 20.0, 70.0]), np.array([30.0, 60.0, 210.0])) == (0, 2)
    value, ndf = chi2_per_ndf(np.array([50.0]), np.array([40.0]))
    assert np.isnan(value)
    assert ndf == 0


def test_chi2_merges_bins_with_few_entries() -> None:
    thin = np.array([1.0, 2.0, 3.0, 4.0, 1.0, 90.0, 1.0, 0.0])
    assert chi2_per_ndf(thin, thin[::-1].copy())[1] < 5
    rng = np.random.default_rng(1)
    share = np.array([0.001] * 20 + [0.49, 0.49])
    found = [
        chi2_per_ndf(
            rng.multinomial(1000, share).astype(float), rng.multinomial(400, share).astype(float)
        )[0]
        for _ in range(300)
    ]
    assert np.mean(found) == pytest.approx(1, abs=0.15)


def test_values_are_the_exact_distances() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(0, 1, 3000), rng.normal(0.3, 1.1, 2000)
    found = measured(a, b)
    assert found["ks"].value == ks_distance(a, b)
    assert found["wasserstein"].value == relative_wasserstein(a, b)
    binning = choose_binning(a, [b])
    counts = binning.count(a).all, binning.count(b).all
    assert found["separation"].value == pytest.approx(separation(*counts))
    assert found["chi2_ndf"].value == pytest.approx(chi2_per_ndf(*counts)[0])
    assert all(one.value > one.floor_high > one.floor > 0 for one in found.values())
    assert found["chi2_ndf"].floor == pytest.approx(1, abs=0.15)


def test_errors_are_the_spread_of_repeated_samples() -> None:
    rng = np.random.default_rng(2)
    binning = choose_binning(rng.normal(0, 1, 400), [])
    found = []
    for _ in range(60):
        a, b = rng.normal(0, 1, 400), rng.normal(0.6, 1, 300)
        counts = binning.count(a).all, binning.count(b).all
        found.append(measure(a, b, *counts, rng=rng, n_bootstrap=60))
    for name in ("separation", "ks", "wasserstein", "chi2_ndf"):
        spread = np.std([f[name].value for f in found])
        assert np.mean([f[name].error for f in found]) == pytest.approx(spread, rel=0.3), name


@pytest.mark.parametrize("kind", ["normal", "tail", "count", "undefined"])
def test_one_in_twenty_equal_samples_is_above_its_floor(kind: str) -> None:
    rng = np.random.default_rng(3)

    def draw(n: int) -> Floats:
        match kind:
            case "normal":
                return rng.normal(0, 1, n)
            case "tail":
                return rng.lognormal(0, 1, n)
            case "count":
                return rng.binomial(30, 0.3, n) / 30
            case _:
                return np.where(rng.random(n) < 0.2, np.nan, rng.exponential(1, n))

    pairs = [measured(draw(500), draw(800), seed, 60) for seed in range(100)]
    for name in ("separation", "ks", "wasserstein", "chi2_ndf"):
        above = np.mean([pair[name].value > pair[name].floor_high for pair in pairs])
        assert above <= 0.14, name
        # and the floor is no wall either: half of the samples are above the median
        half = np.mean([pair[name].value > pair[name].floor for pair in pairs])
        assert 0.3 < half < 0.7, name
    assert np.mean([light(pair) == "green" for pair in pairs]) > 0.8
    assert all(light(pair) != "red" for pair in pairs)


def test_distances_at_the_points_are_nearly_the_exact_ones() -> None:
    rng = np.random.default_rng(4)
    a = np.append(rng.standard_t(3, 10_000), 500.0)
    b = np.append(rng.standard_t(3, 8_000) * 1.1, -90.0)
    points, first, second = grid_counts(a, b)
    assert len(points) <= 1051
    assert (first.sum(), second.sum()) == (len(a), len(b))
    gaps = np.abs(np.cumsum(first) / len(a) - np.cumsum(second) / len(b))
    assert gaps.max() == pytest.approx(ks_distance(a, b), abs=1e-3)
    assert (gaps[:-1] * np.diff(points)).sum() == pytest.approx(wasserstein(a, b), rel=0.02)


def test_counted_values_are_met_exactly() -> None:
    rng = np.random.default_rng(5)
    a, b = rng.binomial(72, 0.3, 5000) / 72, rng.binomial(72, 0.32, 4000) / 72
    points, first, second = grid_counts(a, b)
    gaps = np.abs(np.cumsum(first) / len(a) - np.cumsum(second) / len(b))
    assert gaps.max() == pytest.approx(ks_distance(a, b))
    assert (gaps[:-1] * np.diff(points)).sum() == pytest.approx(wasserstein(a, b))


def test_a_share_of_undefined_values_is_a_difference() -> None:
    rng = np.random.default_rng(6)
    a, b = rng.normal(0, 1, 2000), rng.normal(0, 1, 2000)
    fewer = np.where(np.arange(2000) % 4 == 0, np.nan, b)
    found = measured(a, fewer)
    # half of the sum over two bins of 1 and 0, 3/4 and 1/4, is 1/7
    assert found["separation"].value == pytest.approx(1 / 7, abs=0.015)
    assert found["chi2_ndf"].value > 5
    assert light(found) == "red"
    assert light(measured(a, b)) == "green"


def test_distances_of_degenerate_samples() -> None:
    constant, other, none = np.full(50, 3.0), np.full(40, 4.0), np.full(30, np.nan)
    same = measured(constant, constant[:20])
    assert [same[name].value for name in ("separation", "ks", "wasserstein")] == [0, 0, 0]
    assert [same[name].floor_high for name in ("separation", "ks", "wasserstein")] == [0, 0, 0]
    assert np.isnan(same["chi2_ndf"].value)
    assert light(same) == "green"
    apart = measured(constant, other)
    assert (apart["separation"].value, apart["ks"].value) == (1, 1)
    assert np.isnan(apart["wasserstein"].value)
    assert light(apart) == "red"
    undefined = measured(constant, none)
    assert undefined["separation"].value == 1
    assert np.isnan(undefined["ks"].value)
    assert measured(none, none)["separation"].value == 0
    empty = measured(constant, np.array([]))
    assert all(np.isnan(one.value) for one in empty.values())
    assert light(empty) == "yellow"
    assert measured(np.array([1.0, 2.0]), np.array([1.5]))["ks"].value == 0.5


def test_without_a_bootstrap_there_is_no_floor() -> None:
    a = np.random.default_rng(7).normal(0, 1, 100)
    found = measured(a, a + 1, n_bootstrap=0)
    assert found["wasserstein"].value == pytest.approx(1 / a.std())
    assert np.isnan(found["wasserstein"].floor)
    assert np.isnan(found["separation"].error)
    assert light(found) == "red"


def test_thin_tails_are_filled_in_and_spikes_stay() -> None:
    counts = np.array([0.0, 0.0, 900.0, 0.0, 2.0, 0.0, 1.0, 0.0, 50.0])
    smooth = filled_in(counts)
    assert smooth.sum() == pytest.approx(counts.sum())
    assert smooth[:2].tolist() == [0, 0]
    assert smooth[2] == pytest.approx(900, rel=0.01)
    assert (smooth[3:8] > 0).all()


@pytest.mark.parametrize(
    ("apart", "width", "expected"),
    [
        (0.01, 0.02, "green"),
        (0.03, 0.02, "yellow"),
        (0.01, 0.1, "yellow"),
        (0.05, 0.02, "red"),
        (0.01, 0.3, "red"),
        (np.nan, 0.3, "red"),
        (0.01, np.nan, "green"),
        (np.nan, np.nan, "yellow"),
    ],
)
def test_the_traffic_light(apart: float, width: float, expected: str) -> None:
    found = {
        "separation": Measured(apart, 0.001, 0.015, 0.02),
        "wasserstein": Measured(width, 0.01, 0.02, 0.03),
        "ks": Measured(1.0, 0.0, 0.0, 0.0),
    }
    assert light(found) == expected


def test_a_large_difference_within_the_noise_is_not_red() -> None:
    few = {"separation": Measured(0.3, 0.1, 0.2, 0.4), "wasserstein": Measured(0.5, 0.2, 0.4, 0.7)}
    assert light(few) == "green"


def test_grades_follow_the_same_limit() -> None:
    limit = 100 * LIMITS["separation"]
    assert grade(1.9, 1.0) == "noise"
    assert grade(0.5 + limit - 0.1, 0.5) == "above"
    assert grade(0.5 + limit + 0.1, 0.5) == "large"
