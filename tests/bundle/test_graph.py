from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calogan.bundle.graph import check_graph
from calogan.bundle.search import BUNDLED
from calogan.errors import ModelError
from tests.tiny_models import make_model, make_network, onnx, value

helper = onnx.helper
MODEL = make_network().SerializeToString()


def network_of(*nodes: object, numbers: Iterable[object] = ()) -> bytes:
    model = make_model(list(nodes), [value("x", ["n", 1])], [value("y", ["n", 1])], list(numbers))
    return bytes(model.SerializeToString())


def test_networks_are_accepted() -> None:
    check_graph(MODEL)
    for path in BUNDLED.glob("*/model.onnx"):
        check_graph(path.read_bytes())


def test_weights_in_another_file_are_refused() -> None:
    """ONNX Runtime follows `../` out of the working folder when it is given a network as bytes."""
    weight = onnx.numpy_helper.from_array(np.ones(1, np.float32), "weight")
    weight.ClearField("raw_data")
    weight.data_location = onnx.TensorProto.EXTERNAL
    entry = onnx.StringStringEntryProto(key="location", value="../secret.bin")
    weight.external_data.append(entry)
    node = helper.make_node("Mul", ["x", "weight"], ["y"])
    with pytest.raises(ModelError, match="holds weights that are in another file: only standard"):
        check_graph(network_of(node, numbers=[weight]))
    constant = helper.make_node("Constant", [], ["c"], value=weight)
    with pytest.raises(ModelError, match="weights that are in another file"):
        check_graph(network_of(constant, helper.make_node("Mul", ["x", "c"], ["y"])))
    weight.ClearField("external_data")
    with pytest.raises(ModelError, match="weights that are in another file"):
        check_graph(network_of(node, numbers=[weight]))


def test_operators_of_a_library_are_refused() -> None:
    node = helper.make_node("Evil", ["x"], ["y"], domain="com.evil")
    with pytest.raises(ModelError, match=r"holds the operator 'Evil' of 'com.evil'"):
        check_graph(network_of(node))


def test_loops_and_branches_are_refused() -> None:
    body = helper.make_graph([helper.make_node("Abs", ["x"], ["z"])], "body", [], [value("z", [1])])
    node = helper.make_node("If", ["x"], ["y"], then_branch=body, else_branch=body)
    with pytest.raises(ModelError, match="holds a branch or loop \\('If'\\)"):
        check_graph(network_of(node))


def test_functions_and_training_steps_are_refused() -> None:
    model = make_network()
    opset = [helper.make_opsetid("", 17)]
    nodes = [helper.make_node("Abs", ["a"], ["b"])]
    model.functions.append(helper.make_function("mine", "F", ["a"], ["b"], nodes, opset))
    with pytest.raises(ModelError, match="holds functions"):
        check_graph(model.SerializeToString())
    model = make_network()
    model.training_info.append(onnx.TrainingInfoProto())
    with pytest.raises(ModelError, match="holds training steps"):
        check_graph(model.SerializeToString())


def test_sparse_weights_are_refused() -> None:
    model = make_network()
    model.graph.sparse_initializer.append(onnx.SparseTensorProto())
    with pytest.raises(ModelError, match="holds sparse weights"):
        check_graph(model.SerializeToString())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a network",
        b"\x08",
        b"\x00\x00",
        b"\xff" * 30,
        b"PK\x03\x04",
        MODEL[:-1],
        MODEL[:99],
    ],
)
def test_other_files_are_one_line(content: bytes) -> None:
    with pytest.raises(ModelError, match=r"here\.onnx is no ONNX network") as caught:
        check_graph(content, "here.onnx")
    assert "\n" not in str(caught.value)


def complaint(content: bytes) -> str:
    """What is said of a file; nothing if it is accepted."""
    try:
        check_graph(content)
    except ModelError as error:
        return str(error)
    return ""


@given(st.binary(max_size=300))
def test_any_bytes_end_well(content: bytes) -> None:
    assert re.fullmatch(r"(model\.onnx(: holds| is no ONNX network).*)?", complaint(content))


@given(st.integers(0, len(MODEL) - 1), st.integers(0, 255))
def test_any_damage_ends_well(place: int, byte: int) -> None:
    damaged = bytearray(MODEL)
    damaged[place] = byte
    assert "\n" not in complaint(bytes(damaged))
