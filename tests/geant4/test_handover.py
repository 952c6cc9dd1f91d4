from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calogan.calorimeter import CALOGAN, Calorimeter, PolarLayer
from calogan.geant4.handover import MAX_ANGLE_DEG, Entering, covered, moved, on_axis
from calogan.incident import Incident
from calogan.showers import Showers
from tests.conftest import make_showers
from tests.geant4.models import OneCell

FACE_MM = -240.0


def entering(
    pdgid: int | list[int] = 22,
    energy_mev: float = 2e3,
    position_mm: tuple[float, float, float] = (0, 0, FACE_MM),
    angle_deg: float = 0.0,
) -> Entering:
    ids = np.atleast_1d(np.asarray(pdgid, dtype=np.int64))
    n = len(ids)
    angle = np.radians(angle_deg)
    direction = np.array([np.sin(angle), 0, np.cos(angle)])
    return Entering(
        np.arange(n),
        ids,
        np.full(n, energy_mev),
        np.tile(np.array(position_mm, dtype=float), (n, 1)),
        np.tile(direction, (n, 1)),
    )


def test_particles_that_a_model_knows() -> None:
    model = OneCell({-11: (1, 10), 22: (1, 10)})
    found = covered(entering([-11, 11, 22, 211, 2112]), model)
    assert found.tolist() == [True, True, True, False, False]
    assert on_axis(entering([-11, 11, 22]), model).pdgid.tolist() == [-11, -11, 22]


def test_electrons_go_to_a_model_of_their_own_if_there_is_one() -> None:
    model = OneCell({-11: (1, 10), 11: (1, 3)})
    assert on_axis(entering([11]), model).pdgid.tolist() == [11]
    assert not covered(entering([11], 5e3), model).any()


@pytest.mark.parametrize(
    ("energy_mev", "expected"), [(999, False), (1000, True), (10_000, True), (10_001, False)]
)
def test_energies(energy_mev: float, expected: bool) -> None:
    assert covered(entering(energy_mev=energy_mev), OneCell({22: (1, 10)}))[0] == expected


@pytest.mark.parametrize(
    ("angle_deg", "expected"),
    [(0, True), (MAX_ANGLE_DEG - 0.01, True), (MAX_ANGLE_DEG + 0.01, False), (180, False)],
)
def test_angles(angle_deg: float, expected: bool) -> None:
    assert covered(entering(angle_deg=angle_deg), OneCell())[0] == expected


@pytest.mark.parametrize(
    ("position_mm", "expected"),
    [
        ((239, -239, FACE_MM), True),
        ((241, 0, FACE_MM), False),  # beside the cells
        ((0, -241, FACE_MM), False),
        ((500, 0, 0), False),  # through the side
        ((0, 0, 240), False),  # from behind
    ],
)
def test_places(position_mm: tuple[float, float, float], expected: bool) -> None:
    assert covered(entering(position_mm=position_mm), OneCell())[0] == expected


def test_a_particle_that_leaves_the_cells_on_its_way_is_not_covered() -> None:
    outwards = entering(position_mm=(220, 0, FACE_MM), angle_deg=4)  # 458 mm ahead: 32 mm aside
    assert not covered(outwards, OneCell())[0]
    assert covered(outwards[np.array([False])], OneCell()).tolist() == []


def test_a_shower_on_the_axis_stays() -> None:
    showers = make_showers(3)
    cells, overflow = moved(showers, entering([22, 22, 22], position_mm=(2, -2, FACE_MM)))
    for image, layer in zip(cells, showers.layers, strict=True):
        np.testing.assert_array_equal(image, layer)
    np.testing.assert_array_equal(overflow, showers.overflow)


def test_moved_by_whole_cells_along_the_line_of_flight() -> None:
    showers = make_showers(1)
    at_40_mm = entering(position_mm=(38, 41, FACE_MM), angle_deg=2)
    # middle of the layers: 45, 263.5 and 458.5 mm ahead; 1.6, 9.2 and 16 mm aside in x
    cells, _ = moved(showers, at_40_mm)
    expected = [(0, 8), (1, 1), (1, 1)]
    for image, layer, (i, j) in zip(cells, showers.layers, expected, strict=True):
        shape = layer.shape
        np.testing.assert_array_equal(image[:, i:, j:], layer[:, : shape[1] - i, : shape[2] - j])
        assert image[:, :i].sum() == image[:, :, :j].sum() == 0


@given(st.floats(-240, 240), st.floats(-240, 240), st.floats(-5, 5))
def test_moving_loses_no_energy(x: float, y: float, angle: float) -> None:
    showers = make_showers(2)
    cells, overflow = moved(
        showers, entering([22, 22], position_mm=(x, y, FACE_MM), angle_deg=angle)
    )
    for k, (image, layer) in enumerate(zip(cells, showers.layers, strict=True)):
        after = image.sum(axis=(1, 2), dtype=float) + overflow[:, k]
        before = layer.sum(axis=(1, 2), dtype=float) + showers.overflow[:, k]
        np.testing.assert_allclose(after, before, rtol=1e-5)
        assert (overflow[:, k] >= showers.overflow[:, k]).all()


@given(st.floats(-100, 100), st.floats(-100, 100))
def test_moved_to_the_impact(x: float, y: float) -> None:
    image = np.zeros((1, 12, 12), np.float32)
    image[0, 5:7, 5:7] = 100.0
    empty = [np.zeros((1, *shape), np.float32) for shape in CALOGAN.layer_shapes]
    showers = Showers(
        Incident.create("e+", [1]),
        (empty[0], image, empty[2]),
        np.zeros((1, 3), np.float32),
        CALOGAN,
    )
    cells, _ = moved(showers, entering(position_mm=(x, y, FACE_MM)))
    centers = CALOGAN.layers[1].x_mm, CALOGAN.layers[1].y_mm
    found = [(cells[1][0] * center).sum() / cells[1].sum() for center in centers]
    np.testing.assert_allclose(found, [x, y], atol=20 + 1e-3)  # half of a cell of 40 mm


def test_polar_cells_are_not_moved() -> None:
    rings = PolarLayer(z_min_mm=-240, z_max_mm=240, n_alpha=4, r_edges_mm=(0, 10, 200))
    calorimeter = Calorimeter(
        name="rings", sections=CALOGAN.sections, layers=(rings,), materials=CALOGAN.materials
    )
    model = OneCell(cell=(1, 0), calorimeter=calorimeter)
    assert covered(entering(position_mm=(4.9, 0, FACE_MM)), model)[0]
    assert not covered(entering(position_mm=(5.1, 0, FACE_MM)), model)[0]
    there = entering(position_mm=(4, 4, FACE_MM))
    showers = model.simulate(on_axis(there, model))
    np.testing.assert_array_equal(moved(showers, there)[0][0], showers.layers[0])
