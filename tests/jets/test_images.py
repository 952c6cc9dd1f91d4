from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from calogan.errors import JetError
from calogan.jets import JetImages
from calogan.jets.images import ETA, HALF_WIDTH, PHI, PIXELS, VARIABLES
from tests.jets.toys import make_jet_images


def test_pixels_cover_the_square() -> None:
    width = 2 * HALF_WIDTH / PIXELS
    np.testing.assert_allclose(ETA, -HALF_WIDTH + width * (np.arange(PIXELS) + 0.5), atol=1e-12)
    np.testing.assert_array_equal(PHI, ETA[::-1])  # row 0 is on top


def test_selecting_and_joining() -> None:
    images = make_jet_images(10)
    parts = [images[:3], images[np.arange(3, 6)], images[np.arange(10) >= 6]]
    assert [len(part) for part in parts] == [3, 3, 4]
    back = JetImages.concatenate(parts)
    np.testing.assert_array_equal(back.image, images.image)
    np.testing.assert_array_equal(back.signal, images.signal)
    assert list(back.variables) == list(VARIABLES)
    for name in VARIABLES:
        np.testing.assert_array_equal(back.variables[name], images.variables[name])


def test_joining_keeps_the_variables_that_all_have() -> None:
    known = make_jet_images(2)
    one = JetImages(known.image, known.signal, {"tau_1": known.variables["tau_1"]})
    assert list(JetImages.concatenate([known, one]).variables) == ["tau_1"]
    assert not JetImages.concatenate([known, make_jet_images(2, variables=False)]).variables
    assert len(JetImages.concatenate([])) == 0


def test_images_travel_between_processes() -> None:
    images = make_jet_images(3)
    back = pickle.loads(pickle.dumps(images))
    np.testing.assert_array_equal(back.image, images.image)
    assert dict(back.variables).keys() == dict(images.variables).keys()


def test_labels_of_any_type_become_booleans() -> None:
    images = JetImages(np.zeros((2, 25, 25), np.float32), np.array([1.0, 0.0]))
    assert images.signal.tolist() == [True, False]
    assert images.signal.dtype == bool


def bad_pixel(value: float) -> JetImages:
    image = np.zeros((2, 25, 25), np.float32)
    image[1, 3, 4] = value
    return JetImages(image, np.zeros(2, bool))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: JetImages(np.zeros((2, 24, 25), np.float32), np.zeros(2, bool)), "24, 25"),
        (lambda: JetImages(np.zeros((2, 25, 25), np.float32), np.zeros(3, bool)), "signal"),
        (
            lambda: JetImages(
                np.zeros((2, 25, 25), np.float32),
                np.zeros(2, bool),
                {"jet_pt": np.zeros(1, np.float32)},
            ),
            "jet_pt has the shape",
        ),
        (
            lambda: JetImages(
                np.zeros((1, 25, 25), np.float32),
                np.zeros(1, bool),
                {"jet_charge": np.zeros(1, np.float32)},
            ),
            "unknown variable 'jet_charge'",
        ),
        (lambda: bad_pixel(-1.0), "not negative"),
        (lambda: bad_pixel(np.nan), "finite"),
        (lambda: bad_pixel(np.inf), "finite"),
    ],
)
def test_impossible_images(make: Any, text: str) -> None:
    with pytest.raises(JetError, match=text) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_images_cannot_be_relabelled() -> None:
    images = make_jet_images(1)
    with pytest.raises(TypeError):
        images.variables["tau_1"] = np.ones(1, np.float32)  # type: ignore[index]
