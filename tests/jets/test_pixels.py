from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

pytest.importorskip("fastjet", reason="needs the extra jets")

from calogan.jets.images import ETA, PHI
from calogan.jets.simulation.pixels import images_of, mirror, turn
from calogan.jets.simulation.trimming import trim
from tests.jets.test_trimming import towers

MIDDLE = 12


def blob(eta: float, phi: float, width: float = 0.25) -> NDArray[np.float64]:
    """One image of a smooth blob, (1, 25, 25)."""
    return np.exp(-((ETA[None, :] - eta) ** 2 + (PHI[:, None] - phi) ** 2) / (2 * width**2))[None]


@pytest.mark.parametrize("quarter", [0, 1, 2, 3, -1])
def test_a_quarter_turn_moves_pixels_and_nothing_else(quarter: int) -> None:
    image = np.random.default_rng(1).exponential(1, (3, 25, 25))
    turned = turn(image, np.full(3, quarter * np.pi / 2))
    # row 0 is on top: from +eta' to +phi' is counterclockwise, as numpy turns
    np.testing.assert_allclose(turned, np.rot90(image, quarter, axes=(1, 2)), atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.floats(-np.pi, np.pi), st.floats(0, 0.6), st.floats(-np.pi, np.pi))
def test_a_blob_is_turned(angle: float, distance: float, start: float) -> None:
    image = blob(distance * np.cos(start), distance * np.sin(start))
    expected = blob(distance * np.cos(start + angle), distance * np.sin(start + angle))
    turned = turn(image, np.array([angle]))
    np.testing.assert_allclose(turned, expected, atol=0.03)
    assert turned.sum() == pytest.approx(image.sum())


def test_turning_adds_no_energy_and_nothing_negative() -> None:
    rng = np.random.default_rng(2)
    image = rng.exponential(10, (20, 25, 25)) * (rng.random((20, 25, 25)) < 0.05)
    turned = turn(image, rng.uniform(0, 2 * np.pi, 20))
    assert turned.min() == 0
    np.testing.assert_allclose(turned.sum(axis=(1, 2)), image.sum(axis=(1, 2)))


def test_an_empty_image_stays_empty() -> None:
    assert (turn(np.zeros((1, 25, 25)), np.array([1.0])) == 0).all()


def test_mirror_brings_more_to_the_right() -> None:
    image = np.zeros((3, 25, 25))
    image[0, 3, 2] = 5  # left
    image[1, 3, 22] = 5  # right
    image[2, 3, MIDDLE] = 5  # neither
    image[2, 3, 20] = 1
    mirrored = mirror(image)
    assert mirrored[0, 3, 22] == 5
    np.testing.assert_array_equal(mirrored[1:], image[1:])
    np.testing.assert_array_equal(mirrored.sum(axis=(1, 2)), image.sum(axis=(1, 2)))


@pytest.mark.parametrize("angle", np.linspace(-3, 3, 7))
@pytest.mark.parametrize("place", [(0.55, 1.05), (-1.45, 0.05), (0.05, 6.25)])
def test_the_second_prong_comes_to_lie_below(place: tuple[float, float], angle: float) -> None:
    eta, phi = place
    second = (eta + 0.6 * np.cos(angle), phi + 0.6 * np.sin(angle))
    image = images_of(trim(towers([(200.0, eta, phi), (80.0, *second)])))[0]
    assert image.dtype == np.float32
    assert image[MIDDLE, MIDDLE] > 150  # the leading prong is in the middle
    below = image[MIDDLE + 3 : MIDDLE + 10, MIDDLE - 2 : MIDDLE + 3]  # phi' = -0.6
    assert below.sum() == pytest.approx(80.0, rel=0.1)
    row = (below.sum(axis=1) * PHI[MIDDLE + 3 : MIDDLE + 10]).sum() / below.sum()
    assert row == pytest.approx(-0.6, abs=0.08)
    assert image.sum() == pytest.approx(280.0, rel=1e-5)


def test_the_third_prong_comes_to_lie_on_the_right() -> None:
    for side in (-0.5, 0.5):
        jet = [(200.0, 0.05, 1.0), (80.0, 0.05, 0.4), (30.0, 0.05 + side, 1.0)]
        image = images_of(trim(towers(jet)))[0]
        assert image[:, MIDDLE + 3 :].sum() == pytest.approx(30.0, rel=0.1)
        assert image[:, : MIDDLE - 2].sum() == pytest.approx(0.0, abs=3)


def test_a_jet_with_one_subjet_is_turned_along_its_spread() -> None:
    jet = [(200.0, 0.05, 1.0), (30.0, 0.15, 1.1), (20.0, 0.25, 1.2)]
    jets = trim(towers(jet))
    assert jets.delta_r[0] == 0
    image = images_of(jets)[0]
    rows, columns = image.sum(axis=1), image.sum(axis=0)
    assert rows @ PHI < 0  # what is far of the core lies below
    assert rows @ PHI**2 > 3 * (columns @ ETA**2)


def test_what_is_outside_the_square_is_lost() -> None:
    jets = trim(towers([(200.0, 0.55, 1.05), (80.0, 0.55, 1.65)]))
    elsewhere = replace(jets, leading=np.array([[0.55, 0.25]]))  # the second prong is at 1.4
    assert images_of(elsewhere)[0].sum() == pytest.approx(200.0, rel=1e-5)
