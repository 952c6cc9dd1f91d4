from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from calogan.calorimeter import CALOGAN, Calorimeter, ReadoutLayer, Section, SubLayer
from calogan.incident import Incident
from calogan.observables import (
    INCIDENT_ENERGY,
    Axis,
    centroid,
    hit_share,
    lateral_width,
    layer_energy,
    layer_fraction,
    observables_of,
    response,
    total_energy,
)
from calogan.showers import Showers

# cells of 10 x 20 mm, centres along eta at -15, -5, 5, 15 and along phi at -10, 10
SMALL = Calorimeter(
    name="small",
    sections=(Section(sublayers=(SubLayer(material="G4_Pb", thickness_mm=20.0),)),),
    layers=(
        ReadoutLayer(z_min_mm=-10, z_max_mm=0, n_eta=4, n_phi=2, half_width_mm=20),
        ReadoutLayer(z_min_mm=0, z_max_mm=10, n_eta=1, n_phi=5, half_width_mm=25),
    ),
)


def small(first: NDArray[np.float32], second: NDArray[np.float32] | None = None) -> Showers:
    n = len(first)
    if second is None:
        second = np.zeros((n, 1, 5), np.float32)
    return Showers(
        Incident.create("e+", np.full(n, 0.02)),
        (first.astype(np.float32), second.astype(np.float32)),
        np.zeros((n, 2), np.float32),
        SMALL,
    )


@pytest.fixture
def two() -> Showers:
    """One shower with energies to compute with, one that is empty."""
    first = np.zeros((2, 4, 2), np.float32)
    first[0, 1, 0] = 3.0  # at (-5, -10)
    first[0, 3, 1] = 1.0  # at (15, 10)
    second = np.zeros((2, 1, 5), np.float32)
    second[0, 0, 2] = 12.0
    return small(first, second)


def test_values_by_hand(two: Showers) -> None:
    assert layer_energy(two, 0).tolist() == [4, 0]
    assert layer_energy(two, 1).tolist() == [12, 0]
    assert total_energy(two).tolist() == [16, 0]
    assert response(two) == pytest.approx([0.8, 0])
    assert layer_fraction(two, 0)[0] == pytest.approx(0.25)
    assert layer_fraction(two, 1)[0] == pytest.approx(0.75)
    assert hit_share(two, 0).tolist() == [0.25, 0]
    assert hit_share(two, 1).tolist() == [0.2, 0]
    assert centroid(two, 0, "eta")[0] == pytest.approx((3 * -5 + 15) / 4)
    assert centroid(two, 0, "phi")[0] == pytest.approx((3 * -10 + 10) / 4)
    # weights 3/4 and 1/4, 20 mm apart: sqrt(3/16) * 20
    assert lateral_width(two, 0, "eta")[0] == pytest.approx(20 * np.sqrt(3) / 4)
    assert lateral_width(two, 0, "phi")[0] == pytest.approx(20 * np.sqrt(3) / 4)


def test_energy_in_one_cell_has_no_width(two: Showers) -> None:
    assert lateral_width(two, 1, "phi")[0] == 0
    assert lateral_width(two, 1, "eta")[0] == 0


def test_empty_shower_has_no_fraction_centroid_or_width(two: Showers) -> None:
    assert np.isnan(layer_fraction(two, 0)[1])
    for axis in ("eta", "phi"):
        assert np.isnan(centroid(two, 0, axis)[1])
        assert np.isnan(lateral_width(two, 0, axis)[1])


def test_empty_layer_of_a_shower_has_fraction_zero() -> None:
    showers = small(np.ones((1, 4, 2), np.float32))
    assert layer_fraction(showers, 1).tolist() == [0]
    assert np.isnan(lateral_width(showers, 1, "phi")).all()


def test_paper_calorimeter_has_the_paper_observables() -> None:
    names = [o.name for o in observables_of(CALOGAN)]
    assert len(names) == len(set(names))
    for k in range(3):
        assert {f"E_{k}", f"f_{k}", f"sigma_eta_{k}", f"sigma_phi_{k}", f"hits_{k}"} <= set(names)
    assert {"E_tot", "response"} <= set(names)
    assert "f_3" not in names


def test_every_observable_gives_one_value_per_shower(two: Showers) -> None:
    for observable in (*observables_of(SMALL), INCIDENT_ENERGY):
        values = observable.compute(two)
        assert values.shape == (2,), observable.name
        assert values.dtype == np.float64, observable.name
        assert np.isfinite(values[0]), observable.name
        assert observable.label.startswith("$")
        none = observable.compute(two[:0])
        assert none.shape == (0,)


images = st.integers(0, 2**32 - 1).map(
    lambda seed: np.random.default_rng(seed).gamma(0.3, 50, (3, 4, 2)).astype(np.float32)
)


@settings(deadline=None, max_examples=50)
@given(images, images)
def test_fractions_add_up_to_one(first: NDArray[np.float32], second: NDArray[np.float32]) -> None:
    showers = small(first, second.reshape(3, 1, 8)[:, :, :5])
    total = layer_fraction(showers, 0) + layer_fraction(showers, 1)
    assert total[total_energy(showers) > 0] == pytest.approx(1)


@settings(deadline=None, max_examples=50)
@given(images, st.integers(0, 2))
def test_moving_an_image_moves_the_centroid_and_keeps_the_width(
    image: NDArray[np.float32], by: int
) -> None:
    narrow = np.zeros((3, 4, 2), np.float32)
    narrow[:, :2] = image[:, :2]
    moved = np.roll(narrow, by, axis=1)
    before, after = small(narrow), small(moved)
    assert centroid(after, 0, "eta") == pytest.approx(
        centroid(before, 0, "eta") + 10 * by, abs=1e-6, nan_ok=True
    )
    for axis in ("eta", "phi"):
        assert lateral_width(after, 0, axis) == pytest.approx(
            lateral_width(before, 0, axis), abs=1e-6, nan_ok=True
        )


@settings(deadline=None, max_examples=50)
@given(images, st.floats(0.01, 100))
def test_scale_of_the_energy_changes_no_shape(image: NDArray[np.float32], factor: float) -> None:
    one, other = small(image), small(image * np.float32(factor))
    axes: tuple[Axis, Axis] = ("eta", "phi")
    for axis in axes:
        assert lateral_width(other, 0, axis) == pytest.approx(
            lateral_width(one, 0, axis), rel=1e-4, abs=1e-3, nan_ok=True
        )
        assert lateral_width(one, 0, axis)[0] <= 20
        assert abs(centroid(one, 0, axis)[0]) <= 20
