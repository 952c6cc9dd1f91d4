"""Names, versions, and bundles that change while they are served."""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from calogan.errors import ModelError
from calogan.incident import Incident
from calogan.neural import NeuralSimulator
from calogan.serving.refusals import Refusal, Why
from calogan.serving.remote import RemoteSimulator
from calogan.serving.repository import Repository, resolve
from tests.serving.processes import ServerProcess
from tests.tiny_models import make_bundle, make_network


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two versions of a model, and another one, where installed models are."""
    folder = tmp_path / "models"
    for name, version in (("tiny", 1), ("tiny", 3), ("other", 1)):
        make_bundle(folder / f"{name}@{version}", name=name, version=version)
    monkeypatch.setenv("CALOGAN_MODELS", str(folder))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    return folder


def found(*names: str) -> dict[str, list[int]]:
    return {name: sorted(versions) for name, versions in resolve(names).items()}


def test_names_and_versions(installed: Path, tmp_path: Path) -> None:
    assert found("tiny") == {"tiny": [1, 3]}
    assert found("tiny@1", "other") == {"tiny": [1], "other": [1]}
    assert list(found("eplus")) == ["eplus"]
    assert found(str(installed / "tiny@3")) == {"tiny": [3]}
    with pytest.raises(ModelError, match="no version 2 of the model tiny"):
        resolve(["tiny@2"])
    with pytest.raises(ModelError, match=r"no model 'muon': give one of eplus, .*tiny"):
        resolve(["muon"])
    copy = make_bundle(tmp_path / "copy", name="other")
    with pytest.raises(ModelError, match="other@1 is both in"):
        resolve(["other", str(copy)])


def test_highest_version_unless_named(installed: Path, tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "log", ["tiny", "other"], models_folder=installed) as process:
        assert "tiny@1, tiny@3, other@1" in process.words
        for name, version in (("tiny", 3), ("tiny@1", 1), ("tiny@3", 3), ("other", 1)):
            for address in (process.grpc(name), process.http(name)):
                with RemoteSimulator(address) as simulator:
                    assert simulator.card.version == version
                    assert len(simulator.simulate(Incident.draw("e+", 10, 3))) == 3


def test_no_model_yet_is_no_unknown_model() -> None:
    async def look() -> None:
        from calogan.serving.metrics import Metrics

        repository = Repository(["tiny"], lambda _: None, Metrics(), 1)  # type: ignore[arg-type, return-value]
        with pytest.raises(Refusal, match="starting or stopping") as caught:
            repository.find("tiny")
        assert caught.value.why is Why.STOPPING

    asyncio.run(look())


def test_new_versions_without_a_lost_request(installed: Path, tmp_path: Path) -> None:
    """Under load, versions come, and a bundle is replaced, damaged and mended."""
    options = ["--reload-every", "0.05"]
    with ServerProcess(tmp_path / "log", ["tiny"], options, models_folder=installed) as process:
        over = threading.Event()
        answers: list[int] = []
        trouble: list[BaseException] = []

        def ask() -> None:
            incident = Incident.draw("e+", "1:100", 300, seed=1)
            here = NeuralSimulator(installed / "tiny@1", threads=1)
            reference = here.simulate(incident, np.random.default_rng(1))
            try:
                with RemoteSimulator(process.grpc("tiny@1"), patience_s=0.0) as simulator:
                    while not over.is_set():
                        showers = simulator.simulate(incident, np.random.default_rng(1))
                        for one, other in zip(showers.layers, reference.layers, strict=True):
                            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-4)
                        answers.append(len(showers))
            except Exception as error:  # noqa: BLE001 - told to the test
                trouble.append(error)

        asking = threading.Thread(target=ask)
        asking.start()
        try:
            for version in (4, 5, 6):
                make_bundle(installed / f"tiny@{version}", name="tiny", version=version)
                await_highest(process, version)
            card = installed / "tiny@6" / "card.json"
            whole = card.read_text()
            card.write_text("{")  # damaged: what was loaded stays
            wait_for_words(process, "tiny@6 is gone or damaged on disk")
            await_highest(process, 6)
            card.write_text(whole.replace(" 90,", " 91,"))
            (installed / "tiny@6" / "model.onnx").write_bytes(b"damaged")
            wait_for_words(process, "models stay as they were: ")
            await_highest(process, 6)
            other = make_network()
            other.producer_name = "trained again"
            make_bundle(installed / "tiny@6", other, name="tiny", version=6)
            wait_for_words(process, "tiny@6", times=2)
        finally:
            over.set()
            asking.join()
        assert not trouble
        assert len(answers) > 3
        with RemoteSimulator(process.grpc("tiny")) as simulator:
            assert simulator.card == NeuralSimulator(installed / "tiny@6").card


def test_network_that_arrives_after_its_card(installed: Path, tmp_path: Path) -> None:
    with ServerProcess(
        tmp_path / "log", ["tiny"], ["--reload-every", "0.1"], models_folder=installed
    ) as process:
        whole = make_bundle(tmp_path / "whole", name="tiny", version=5)
        folder = installed / "tiny@5"
        folder.mkdir()
        (folder / "model.onnx").write_bytes(b"half of it")
        shutil.copy(whole / "card.json", folder)
        wait_for_words(process, "models stay as they were: ")
        shutil.copy(whole / "model.onnx", folder)
        await_highest(process, 5)


def await_highest(process: ServerProcess, version: int) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with RemoteSimulator(process.grpc("tiny")) as simulator:
            if simulator.card.version == version:
                return
        time.sleep(0.02)
    pytest.fail(f"version {version} was never served")


def wait_for_words(process: ServerProcess, words: str, times: int = 1) -> None:
    end = time.monotonic() + 30
    serving = "calogan: serving " if times > 1 else ""
    while process.words.count(serving + words) < times:
        assert time.monotonic() < end, process.words
        time.sleep(0.02)
