from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from calogan.calorimeter import (
    CALOGAN,
    Axis,
    Calorimeter,
    PolarLayer,
    ReadoutLayer,
    Section,
    SubLayer,
)
from calogan.incident import Incident
from calogan.observables import (
    INCIDENT_ENERGY,
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


def deposited(calorimeter: Calorimeter, center: tuple[float, float], width: float) -> Showers:
    """One shower of 200 000 deposits of 1 keV in a blob, and what they are themselves."""
    rng = np.random.default_rng(5)
    place = np.concatenate(
        [rng.normal(center, width, (200_000, 2)), np.zeros((200_000, 1))], axis=1
    )
    event, energy = np.zeros(200_000, np.int64), np.full(200_000, 1e-3)
    images, overflow = calorimeter.bin_deposits(event, place, energy, 1)
    return Showers(Incident.create("e+", 0.2), images, overflow, calorimeter)


def of_one_layer(layer: PolarLayer | ReadoutLayer) -> Calorimeter:
    return SMALL.model_copy(update={"layers": (layer,)})


@pytest.mark.parametrize("center", [(0.0, 0.0), (4.0, -7.0)])
def test_polar_cells_give_the_shapes_of_the_deposits(center: tuple[float, float]) -> None:
    """Centroid and width, at the size of the cells of CaloChallenge's data set 2."""
    siw = Calorimeter.load("si-w").layers[0]
    assert isinstance(siw, PolarLayer)
    edges = tuple(4.65 * k for k in range(20))
    layer = siw.model_copy(update={"z_min_mm": -5.0, "z_max_mm": 5.0, "r_edges_mm": edges})
    showers = deposited(of_one_layer(layer), center, 9.0)
    assert total_energy(showers)[0] == pytest.approx(200, rel=1e-3)
    axes: tuple[Axis, Axis] = ("eta", "phi")
    for axis, expected in zip(axes, center, strict=True):
        assert centroid(showers, 0, axis)[0] == pytest.approx(expected, abs=0.15)
        assert lateral_width(showers, 0, axis)[0] == pytest.approx(9.0, rel=0.02)


def test_polar_and_rectangular_cells_agree() -> None:
    """Fine cells of either kind tell the same."""
    polar = PolarLayer(
        z_min_mm=-5, z_max_mm=5, n_alpha=90, r_edges_mm=tuple(float(r) for r in range(61))
    )
    square = ReadoutLayer(z_min_mm=-5, z_max_mm=5, n_eta=120, n_phi=120, half_width_mm=60)
    one, other = (deposited(of_one_layer(layer), (3.0, 2.0), 8.0) for layer in (polar, square))
    axes: tuple[Axis, Axis] = ("eta", "phi")
    for axis in axes:
        assert centroid(one, 0, axis)[0] == pytest.approx(centroid(other, 0, axis)[0], abs=0.01)
        width = lateral_width(other, 0, axis)[0]
        assert lateral_width(one, 0, axis)[0] == pytest.approx(width, rel=2e-3)


def test_hit_share_of_polar_cells() -> None:
    layer = PolarLayer(z_min_mm=-5, z_max_mm=5, n_alpha=4, r_edges_mm=(0, 10, 20, 30))
    image = np.zeros((1, 4, 3), np.float32)
    image[0, 3, :2] = 2.0
    showers = Showers(
        Incident.create("e+", 1.0), (image,), np.zeros((1, 1), np.float32), of_one_layer(layer)
    )
    assert hit_share(showers, 0).tolist() == [2 / 12]
    assert layer_energy(showers, 0).tolist() == [4]
    (hits,) = (o for o in observables_of(showers.calorimeter) if o.group == "hits")
    assert hits.quantum == 1 / 12
    # both cells lie between x = 0 and y = 0 on the side of negative x
    assert centroid(showers, 0, "eta")[0] < 0 < centroid(showers, 0, "phi")[0]


def test_rings_tell_no_centroid_and_no_width() -> None:
    rings = PolarLayer(z_min_mm=-5, z_max_mm=0, n_alpha=1, r_edges_mm=(0, 10, 20))
    cells = PolarLayer(z_min_mm=0, z_max_mm=5, n_alpha=4, r_edges_mm=(0, 10, 20))
    names = {o.name for o in observables_of(SMALL.model_copy(update={"layers": (rings, cells)}))}
    assert {"E_0", "f_0", "hits_0", "sigma_eta_1", "c_phi_1"} <= names
    assert not {"sigma_eta_0", "sigma_phi_0", "c_eta_0", "c_phi_0"} & names


def test_observables_know_their_layer() -> None:
    siw = Calorimeter.load("si-w")
    layers = {o.name: o.layer for o in observables_of(siw)}
    assert len(layers) == len(observables_of(siw))
    assert layers["sigma_phi_44"] == layers["E_44"] == layers["c_eta_44"] == 44
    assert layers["r_44"] == layers["peak_5_44"] == layers["E_ratio_44"] == 44
    assert layers["E_tot"] is layers["response"] is layers["s_d"] is layers["r_90"] is None
