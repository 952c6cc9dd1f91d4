"""The model repository for Triton: its configuration by Triton's own schema, and its folders."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calogan.bundle import Bundle, Condition, find_bundle
from calogan.bundle.triton import TritonOptions, export_triton, triton_config
from calogan.errors import CaloganError, ConfigurationError, ModelError, OutputError
from calogan.neural import NeuralSimulator
from tests.tiny_models import LATENT, make_bundle, make_card, make_network

PARSER = """
import sys
from google.protobuf import json_format, text_format
from tritonclient.grpc import model_config_pb2
config = text_format.Parse(sys.stdin.read(), model_config_pb2.ModelConfig())
print(json_format.MessageToJson(config, preserving_proto_field_name=True))
"""


def parsed(text: str) -> dict[str, Any]:
    """What Triton reads in a configuration: in a process that may warn as it likes."""
    pytest.importorskip("google.protobuf", reason="needs protobuf")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PARSER],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    if "ModuleNotFoundError" in done.stderr:
        pytest.skip("needs tritonclient[grpc], which knows Triton's schema")
    assert done.returncode == 0, done.stderr
    config: dict[str, Any] = json.loads(done.stdout)
    return config


def shapes(config: dict[str, Any], what: str) -> dict[str, list[int]]:
    assert all(tensor["data_type"] == "TYPE_FP32" for tensor in config[what])
    return {tensor["name"]: [int(size) for size in tensor["dims"]] for tensor in config[what]}


def test_the_configuration_is_what_triton_expects_and_the_network_takes() -> None:
    path = find_bundle("calogan-eplus")
    assert path is not None
    card = Bundle(path).card
    config = parsed(triton_config(card, TritonOptions(2048, 700, 2, "gpu", 3)))
    assert config["name"] == "calogan-eplus"
    assert config["backend"] == "onnxruntime"
    assert config["max_batch_size"] == 2048
    assert config["dynamic_batching"]["max_queue_delay_microseconds"] == "700"
    assert config["instance_group"] == [{"count": 2, "kind": "KIND_GPU"}]
    assert "all" in config["version_policy"]
    assert config["parameters"]["intra_op_thread_count"] == {"string_value": "3"}
    import onnxruntime

    session = onnxruntime.InferenceSession(path / "model.onnx")
    for what, parts in (("input", session.get_inputs()), ("output", session.get_outputs())):
        assert shapes(config, what) == {part.name: part.shape[1:] for part in parts}


def test_conditions_and_the_rest_unless_given() -> None:
    conditions = (Condition(name="x_mm", low=-20, high=20), Condition(name="y_mm", low=0, high=1))
    config = parsed(triton_config(make_card(conditions=conditions)))
    assert shapes(config, "input") == {"noise": [LATENT], "condition": [3]}
    assert config["instance_group"] == [{"count": 1}]  # KIND_AUTO is the default
    assert "parameters" not in config


def test_the_repository(tmp_path: Path) -> None:
    one = make_bundle(tmp_path / "one")
    two = make_bundle(tmp_path / "two", version=2)
    other = make_bundle(tmp_path / "other", name="other")
    repository = tmp_path / "models"
    written = export_triton(repository, [one, other])
    assert written == [repository / "tiny" / "1", repository / "other" / "1"]
    assert export_triton(repository, [two, one]) == [repository / "tiny" / "2", written[0]]
    files = {str(path.relative_to(repository)) for path in repository.rglob("*") if path.is_file()}
    assert files == {
        f"{model}/{file}"
        for model, versions in (("tiny", (1, 2)), ("other", (1,)))
        for file in (
            "config.pbtxt",
            *(f"{v}/{name}" for v in versions for name in ("model.onnx", "card.json")),
        )
    }
    assert (written[0] / "model.onnx").read_bytes() == (one / "model.onnx").read_bytes()
    NeuralSimulator(written[0])  # a version is a bundle


def test_another_export_changes_the_configuration(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "one")
    export_triton(tmp_path / "models", [bundle])
    export_triton(tmp_path / "models", [bundle], TritonOptions(max_batch_size=7))
    config = parsed((tmp_path / "models" / "tiny" / "config.pbtxt").read_text())
    assert config["max_batch_size"] == 7


def foreign_file(model: Path) -> None:
    model.mkdir(parents=True)
    (model / "notes.txt").write_text("mine")


def foreign_config(model: Path) -> None:
    model.mkdir(parents=True)
    (model / "config.pbtxt").write_text('name: "tiny"\n')


def foreign_version(model: Path) -> None:
    (model / "1").mkdir(parents=True)
    (model / "1" / "model.onnx").write_bytes(b"mine")


def a_file(model: Path) -> None:
    model.parent.mkdir(parents=True)
    model.write_text("mine")


@pytest.mark.parametrize("make", [foreign_file, foreign_config, foreign_version, a_file])
def test_what_is_not_ours_is_not_touched(tmp_path: Path, make: Any) -> None:
    model = tmp_path / "models" / "tiny"
    make(model)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    other = make_bundle(tmp_path / "other", name="other")
    with pytest.raises(OutputError, match="it is no folder that calogan export has made") as caught:
        export_triton(tmp_path / "models", [other, make_bundle(tmp_path / "one")])
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "models" / "other").exists()  # nothing at all is written
    assert all(path.read_bytes() == content for path, content in before.items())


def test_versions_that_do_not_fit_together(tmp_path: Path) -> None:
    one = make_bundle(tmp_path / "one")
    changed = make_network()
    changed.graph.doc_string = "changed"
    same = make_bundle(tmp_path / "same", changed)
    wider = make_bundle(
        tmp_path / "wider",
        make_network(told="condition", n_told=2),
        version=2,
        conditions=(Condition(name="x_mm", low=-20, high=20),),
    )
    export_triton(tmp_path / "models", [one])
    with pytest.raises(ModelError, match="holds another network as version 1 of tiny"):
        export_triton(tmp_path / "models", [same])
    with pytest.raises(ModelError, match="has other inputs or outputs than version 2"):
        export_triton(tmp_path / "models", [wider])
    with pytest.raises(ModelError, match="holds another network as version 1 of tiny"):
        export_triton(tmp_path / "empty", [one, same])
    assert not (tmp_path / "empty").exists()


def test_a_damaged_bundle_is_not_exported(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "one")
    content = (bundle / "model.onnx").read_bytes()
    (bundle / "model.onnx").write_bytes(content[:-1] + b"x")
    with pytest.raises(ModelError, match="damaged"):
        export_triton(tmp_path / "models", [bundle])
    assert not (tmp_path / "models").exists()


def test_what_a_killed_export_left_does_no_harm(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "one")
    export_triton(tmp_path / "models", [bundle])
    shutil.copytree(tmp_path / "models" / "tiny" / "1", tmp_path / "models" / "tiny" / ".2.abc")
    assert export_triton(tmp_path / "models", [bundle])[0].is_dir()


@pytest.mark.parametrize(
    "options",
    [
        {"max_batch_size": 0},
        {"delay_us": -1},
        {"instances": 0},
        {"threads": 0},
        {"kind": "tpu"},
    ],
)
def test_impossible_options(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="give"):
        TritonOptions(**options)


def test_a_repository_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file")
    with pytest.raises(CaloganError, match="cannot write the model"):
        export_triton(tmp_path / "models", [make_bundle(tmp_path / "one")])
    assert np.array_equal((tmp_path / "models").read_bytes(), b"a file")
