from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from calogan.calorimeter import CALOGAN
from calogan.errors import CalorimeterError, ShowerFileError
from calogan.showers import Showers


def test_sums(showers: Showers) -> None:
    assert showers.cells.shape == (200, 504)
    np.testing.assert_allclose(
        showers.layer_energies[:, 0], showers.layers[0].sum((1, 2)), rtol=1e-5
    )
    np.testing.assert_allclose(showers.total_energy, showers.cells.sum(1), rtol=1e-5)


def test_select_and_join(showers: Showers) -> None:
    joined = Showers.concatenate([showers[:50], showers[np.arange(50, 200)]])
    np.testing.assert_array_equal(joined.cells, showers.cells)
    np.testing.assert_array_equal(joined.overflow, showers.overflow)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0])
def test_impossible_energies_are_refused(showers: Showers, bad: float) -> None:
    layer = showers.layers[1].copy()
    layer[3, 2, 1] = bad
    with pytest.raises(ShowerFileError, match="layer_1: shower 3 "):
        dataclasses.replace(showers, layers=(showers.layers[0], layer, showers.layers[2]))


def test_wrong_shapes_are_refused(showers: Showers) -> None:
    with pytest.raises(ShowerFileError, match="layer_0 has the shape"):
        dataclasses.replace(showers, layers=showers.layers[::-1])


def test_calorimeters_do_not_mix(showers: Showers) -> None:
    other = dataclasses.replace(showers, calorimeter=CALOGAN.model_copy(update={"name": "other"}))
    with pytest.raises(CalorimeterError):
        Showers.concatenate([showers, other])
