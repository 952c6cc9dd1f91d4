from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from calogan.calorimeter import CALOGAN, Calorimeter
from calogan.errors import CalorimeterError


def bin_one(x: float, y: float, z: float) -> tuple[int, tuple[int, ...], float]:
    """Layer, cell and overflow of a deposit of 1 MeV."""
    layers, overflow = CALOGAN.bin_deposits(
        np.array([0]), np.array([[x, y, z]]), np.array([1.0]), n_events=1
    )
    for k, layer in enumerate(layers):
        if layer.any():
            return k, tuple(int(i) for i in np.argwhere(layer[0])[0]), float(overflow.sum())
    return int(np.argmax(overflow[0])), (), float(overflow.sum())


def test_the_paper_s_detector() -> None:
    assert CALOGAN.n_cells == 504
    assert CALOGAN.layer_shapes == ((3, 96), (12, 12), (12, 6))
    assert CALOGAN.depth_mm == 480
    assert CALOGAN.gun_z_mm == -288
    assert CALOGAN.layers[0].cell_size_mm == (160, 5)


@pytest.mark.parametrize(
    ("place", "layer", "cell"),
    [
        ((0.1, 0.1, -240.0), 0, (1, 48)),
        ((-239.9, -239.9, -200.0), 0, (0, 0)),
        ((239.9, 239.9, -150.1), 0, (2, 95)),
        ((0.1, 0.1, -150.0), 1, (6, 6)),  # the lower edge belongs to the layer
        ((-0.1, 239.9, 196.9), 1, (5, 11)),
        ((0.1, -0.1, 197.0), 2, (6, 2)),
        ((0.1, -0.1, 240.0), 2, (6, 2)),  # the back face counts in the last layer
    ],
)
def test_a_deposit_falls_into_its_cell(
    place: tuple[float, float, float], layer: int, cell: tuple[int, int]
) -> None:
    assert bin_one(*place) == (layer, cell, 0.0)


@pytest.mark.parametrize("place", [(240.0, 0.0, -200.0), (0.0, -240.1, 0.0), (-499.0, 0.0, 220.0)])
def test_a_deposit_beside_the_cells_is_overflow(place: tuple[float, float, float]) -> None:
    layer, cell, overflow = bin_one(*place)
    assert cell == ()
    assert overflow == 1.0
    assert layer == {-200.0: 0, 0.0: 1, 220.0: 2}[place[2]]


@given(
    arrays(np.float64, (50, 3), elements=st.floats(-240, 240, width=32)),
    arrays(np.float64, 50, elements=st.floats(0, 1e3, width=32)),
    arrays(np.int64, 50, elements=st.integers(0, 6)),
)
def test_no_energy_is_lost(
    position: NDArray[np.float64], energy: NDArray[np.float64], event: NDArray[np.int64]
) -> None:
    layers, overflow = CALOGAN.bin_deposits(event, position, energy, n_events=7)
    total = sum(layer.sum((1, 2)) for layer in layers) + overflow.sum(1)
    np.testing.assert_allclose(total, np.bincount(event, energy, minlength=7), rtol=1e-5, atol=1e-4)


def test_no_deposits_make_empty_showers() -> None:
    layers, overflow = CALOGAN.bin_deposits(
        np.empty(0, np.int64), np.empty((0, 3)), np.empty(0), n_events=2
    )
    assert [layer.shape for layer in layers] == [(2, 3, 96), (2, 12, 12), (2, 12, 6)]
    assert not overflow.any()


def test_split_cells_is_the_published_order() -> None:
    cells = np.arange(504, dtype=np.float32)[None]
    layers = CALOGAN.split_cells(cells)
    assert layers[0][0, 1, 0] == 96
    assert layers[1][0, 0, 0] == 288
    assert layers[2][0, 11, 5] == 503


def test_yaml_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "calorimeter.yaml"
    path.write_text(CALOGAN.model_dump_json())  # JSON is YAML
    assert Calorimeter.from_yaml(path) == CALOGAN


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"half_size_mm": -1}, "half_size_mm"),
        ({"colour": "red"}, "colour"),
        ({"layers": [{"z_min_mm": 0, "z_max_mm": -1, "n_eta": 1, "n_phi": 1}]}, "layers.0"),
        ({"layers": [{"z_min_mm": 0, "z_max_mm": 9, "n_eta": 0, "n_phi": 1}]}, "layers.0.n_eta"),
        (
            {"sections": [{"sublayers": [{"material": "G4_Pb", "thickness_mm": 0}]}]},
            "sections.0.sublayers.0.thickness_mm",
        ),
    ],
)
def test_invalid_geometry_is_refused_with_its_place(change: dict[str, object], place: str) -> None:
    with pytest.raises(CalorimeterError, match=f"calorimeter: {place}: "):
        Calorimeter.from_dict(CALOGAN.model_dump(mode="json") | change)


def test_layers_must_not_overlap_nor_reach_out() -> None:
    values = CALOGAN.model_dump(mode="json")
    values["layers"][1]["z_min_mm"] = -151
    with pytest.raises(CalorimeterError, match="overlap at z = -151"):
        Calorimeter.from_dict(values)
    values = CALOGAN.model_dump(mode="json")
    values["layers"][2]["z_max_mm"] = 241
    with pytest.raises(CalorimeterError, match="reaches out"):
        Calorimeter.from_dict(values)
