from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from calogan.errors import CaloganError
from calogan.evaluation.distances.frechet import frechet_distance
from calogan.evaluation.distances.physics import features_of, physics_distances

Table = dict[str, NDArray[np.float64]]


def table(n: int, seed: int, shift: float = 0.0) -> Table:
    rng = np.random.default_rng(seed)
    energy = rng.uniform(1, 100, n)
    return {
        "E_0": 200 * energy * rng.normal(1, 0.1, n),
        "sigma": rng.normal(16, 3, n) + 3 * shift,
        "f": rng.beta(2, 5, n),
        "sometimes": np.where(rng.random(n) < 0.1, np.nan, rng.normal(0, 1, n)),
    }


def test_features_are_standardised_by_the_reference() -> None:
    a, b = table(400, 1), table(300, 2, shift=1.0)
    found = features_of(a, b)
    assert found.names == ("E_0", "sigma", "f", "sometimes", "sometimes defined")
    assert (found.reference.shape, found.candidate.shape) == ((400, 5), (300, 5))
    assert found.reference.mean(axis=0) == pytest.approx(0, abs=1e-12)
    assert np.delete(found.reference.std(axis=0), 3) == pytest.approx(1)
    expected = (b["sigma"] - a["sigma"].mean()) / a["sigma"].std()
    assert found.candidate[:, 1] == pytest.approx(expected)
    missing = np.isnan(a["sometimes"])
    assert (found.reference[missing, 3] == 0).all()
    assert len(set(found.reference[missing, 4])) == 1


def test_a_value_that_is_missing_in_the_candidate_only_is_seen() -> None:
    a, b = table(1000, 1), table(1000, 2)
    for values in (a, b):
        values["sometimes"] = np.nan_to_num(values["sometimes"])
    few = b | {"f": np.where(np.arange(1000) < 9, np.nan, b["f"])}
    assert "f defined" not in features_of(a, few).names
    many = b | {"f": np.where(np.arange(1000) < 90, np.nan, b["f"])}
    assert "f defined" in features_of(a, many).names
    rng = np.random.default_rng(0)
    found = physics_distances(a, many, rng=rng)
    # nine per cent at -10 (a share of one per cent is 0.0995 wide): mean -0.9, variance 8.19
    assert found["fpd"].value == pytest.approx(0.81 + 8.19, rel=0.15)
    assert found["fpd"].above_floor


def test_one_shower_far_out_does_not_decide() -> None:
    a, b = table(2000, 1), table(2000, 2)
    for values in (a, b):
        values["depth"] = np.full(2000, 2.0)
    a["depth"][5] = 0.0  # 45 standard deviations
    b["sigma"][7] = 1e6
    found = features_of(a, b)
    assert np.abs(found.reference).max() == np.abs(found.candidate).max() == 10
    distances = physics_distances(a, b, rng=np.random.default_rng(1))
    assert distances["fpd"].value < 0.15
    assert not distances["fpd"].above_floor
    assert not distances["kpd"].above_floor


def test_constants_and_copies_are_left_out() -> None:
    a, b = table(200, 1), table(200, 2)
    for values in (a, b):
        values["nothing"] = np.zeros(200)
        values["cells"] = values["sigma"] / 40 + 1
        values["minus"] = -values["f"]
    b["new"], a["new"] = np.arange(200.0), np.full(200, 3.0)
    found = features_of(a, b)
    assert set(found.names) == {"E_0", "sigma", "f", "sometimes", "sometimes defined", "new"}
    assert np.isfinite(found.candidate).all()
    # a copy in the reference that the candidate does not keep is a difference
    b["cells"] = b["cells"][::-1]
    assert "cells" in features_of(a, b).names


def test_equal_samples_are_at_the_floor_and_others_above() -> None:
    rng = np.random.default_rng(3)
    a = table(1500, 1)
    same = physics_distances(a, table(1500, 2), rng=rng)
    other = physics_distances(a, table(1500, 3, shift=0.5), rng=rng)
    for name in ("fpd", "kpd"):
        assert same[name].above_floor is False
        assert other[name].above_floor is True
        assert abs(same[name].floor) < 3 * same[name].floor_error
        assert (same[name].floor_sizes, same[name].n_features) == ((750, 750), 5)
        assert same[name].reason == ""
    assert other["fpd"].value == pytest.approx(0.25, abs=4 * other["fpd"].error)


def test_an_independent_sample_is_the_floor() -> None:
    a, b, c = table(900, 1), table(900, 2, shift=0.3), table(700, 3)
    found = physics_distances(a, b, rng=np.random.default_rng(1), floor_table=c)
    assert found["fpd"].floor_sizes == (900, 700)
    assert "independent" in found["fpd"].floor_from
    features = features_of(a, c)
    alone = frechet_distance(
        features.reference, features.candidate, rng=np.random.default_rng(2), n_draws=60
    )
    assert found["fpd"].floor == pytest.approx(alone.value, abs=alone.error)
    with pytest.raises(CaloganError, match="must have the observables of the reference"):
        physics_distances(a, b, rng=np.random.default_rng(1), floor_table={"f": c["f"]})


def test_too_few_showers_are_said_in_words() -> None:
    rng = np.random.default_rng(0)
    found = physics_distances(table(60, 1), table(60, 2), rng=rng)
    assert np.isfinite(found["fpd"].value)
    assert found["fpd"].reason.startswith("no floor: Frechet distance: 30 showers are too few")
    assert np.isnan(found["kpd"].value)
    assert found["kpd"].reason.startswith("kernel distance: 60 showers are too few")
    assert found["fpd"].above_floor is None
    constant = {"f": np.ones(500)}
    assert "one and the same value" in physics_distances(constant, constant, rng=rng)["fpd"].reason


def test_tables_of_other_observables_are_refused() -> None:
    a = table(10, 1)
    with pytest.raises(CaloganError, match="they differ in: f"):
        features_of(a, {k: v for k, v in a.items() if k != "f"})
    with pytest.raises(CaloganError, match="none at all"):
        features_of({}, {})
