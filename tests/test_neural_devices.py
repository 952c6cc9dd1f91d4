"""Where and in what portions a network runs changes no shower."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from calogan import neural, open_simulator
from calogan.errors import ModelError
from calogan.incident import Incident
from calogan.neural import NeuralSimulator
from tests.tiny_models import make_bundle


@pytest.mark.parametrize("at_once", [1, 33, 200, 5000])
def test_portions_change_nothing_but_the_last_bits(
    monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """The noise of a shower does not depend on how many are made in one call."""
    simulator = open_simulator("calogan-eplus", threads=1)
    incident = Incident.draw("e+", "1:100", 200, seed=1)
    usual = simulator.simulate(incident, np.random.default_rng(2))
    monkeypatch.setattr(neural, "_AT_ONCE", at_once)
    other = simulator.simulate(incident, np.random.default_rng(2))
    np.testing.assert_allclose(
        other.cells / usual.total_energy[:, None],
        usual.cells / usual.total_energy[:, None],
        atol=1e-6,
    )


def test_a_device_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    tiny = make_bundle(tmp_path / "tiny")
    assert NeuralSimulator(tiny).device == "cpu"
    with pytest.raises(ModelError, match="no device 'tpu': give cpu or cuda"):
        NeuralSimulator(tiny, device="tpu")
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        with pytest.raises(ModelError, match=r"cannot use the device cuda: .*onnxruntime-gpu"):
            open_simulator(str(tiny), device="cuda")


def test_a_device_that_is_not_used_is_no_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ONNX Runtime itself would say nothing, and run on the CPU."""
    inside = onnxruntime.InferenceSession
    asked: list[Any] = []

    def fall_back(model: bytes, options: Any, providers: list[str]) -> Any:
        asked.extend(providers)
        return inside(model, options, providers=["CPUExecutionProvider"])

    monkeypatch.setattr(onnxruntime, "InferenceSession", fall_back)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    with pytest.raises(ModelError, match="the device cuda cannot be used: its driver"):
        NeuralSimulator(make_bundle(tmp_path / "tiny"), device="cuda")
    assert asked == ["CUDAExecutionProvider"]
