"""Models of a few numbers, made by hand: what they give can be worked out on paper."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from calogan.bundle import Architecture, Card, TrainingData, write_bundle
from calogan.calorimeter import CALOGAN, Calorimeter

onnx = pytest.importorskip("onnx", reason="needs the extra train")

LATENT = 3


def weights(k: int, n_cells: int) -> NDArray[np.float32]:
    """What the noise is multiplied with in layer k, shape `(latent, n_cells)`."""
    return np.random.default_rng(k).normal(size=(LATENT, n_cells)).astype(np.float32)


def expected(
    noise: NDArray[np.float32], told: NDArray[np.float32], calorimeter: Calorimeter = CALOGAN
) -> list[NDArray[np.float32]]:
    """|noise @ W| times the sum of what the network is told, each column times its place."""
    scale = np.abs(told @ np.arange(1, told.shape[1] + 1, dtype=np.float32))
    return [
        (np.abs(noise @ weights(k, rows * columns)) * scale[:, None]).reshape(-1, rows, columns)
        for k, (rows, columns) in enumerate(calorimeter.layer_shapes)
    ]


def make_network(
    *,
    n_told: int = 1,
    told: str = "energy",
    shapes: Sequence[tuple[int, int]] = CALOGAN.layer_shapes,
    n: str | int = "n",
) -> Any:
    """The network of `expected` as ONNX."""
    helper = onnx.helper
    place = np.arange(1, n_told + 1, dtype=np.float32)[:, None]
    nodes = [
        helper.make_node("MatMul", [told, "place"], ["sum"]),
        helper.make_node("Abs", ["sum"], ["scale"]),
    ]
    numbers = [onnx.numpy_helper.from_array(place, "place")]
    outputs = []
    for k, shape in enumerate(shapes):
        numbers += [
            onnx.numpy_helper.from_array(weights(k, shape[0] * shape[1]), f"weight_{k}"),
            onnx.numpy_helper.from_array(np.array([-1, *shape]), f"shape_{k}"),
        ]
        nodes += [
            helper.make_node("MatMul", ["noise", f"weight_{k}"], [f"flat_{k}"]),
            helper.make_node("Abs", [f"flat_{k}"], [f"image_{k}"]),
            helper.make_node("Mul", [f"image_{k}", "scale"], [f"scaled_{k}"]),
            helper.make_node("Reshape", [f"scaled_{k}", f"shape_{k}"], [f"layer_{k}"]),
        ]
        outputs.append(value(f"layer_{k}", [n, *shape]))
    inputs = [value("noise", [n, LATENT]), value(told, [n, n_told])]
    return make_model(nodes, inputs, outputs, numbers)


def value(name: str, shape: list[str | int]) -> Any:
    return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)


def make_model(nodes: list[Any], inputs: list[Any], outputs: list[Any], numbers: list[Any]) -> Any:
    graph = onnx.helper.make_graph(nodes, "tiny", inputs, outputs, numbers)
    return onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9
    )


def make_card(**changes: Any) -> Card:
    """The card of the network of `make_network`."""
    fields: dict[str, Any] = {
        "name": "tiny",
        "particle": "e+",
        "energy_range_gev": (1.0, 100.0),
        "calorimeter": CALOGAN,
        "architecture": Architecture(
            kind="calogan", latent_size=LATENT, attention=False, parameters=3 * 504
        ),
        "data": TrainingData(
            file="eplus.h5",
            sha256="0" * 64,
            n_training=90,
            n_validation=10,
            made_with={"geant4": "none, made for a test"},
        ),
        "training": {"seed": 1},
        "quality": {},
        "sha256": "",
        "made_with": {"calogan": "0.1.0"},
    }
    return Card(**{**fields, **changes})


def make_bundle(path: Path, network: Any = None, **changes: Any) -> Path:
    """Write a bundle of a tiny model."""
    model = make_network() if network is None else network
    return write_bundle(path, model.SerializeToString(), make_card(**changes))
