"""calogan jets compare, as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

for library in ("torch", "sklearn", "matplotlib", "jinja2"):
    pytest.importorskip(library, reason="needs the extras train and evaluate")

from calogan.jets.files import write_jet_images
from tests.cli.command import Command
from tests.jets.compared import ToyModel, make_jets


@pytest.fixture
def jets(tmp_path: Path) -> Path:
    path = tmp_path / "jets.h5"
    write_jet_images(path, make_jets(300, 1), {"pythia": "toy"})
    return path


def test_a_file_and_models_make_a_report(
    calogan: Command, jets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("lagan", "dcgan", "fcgan", "hybrid")
    models = {name: ToyModel(name) for name in names}
    monkeypatch.setattr("calogan.jets.report.samples.open_jet_generator", models.__getitem__)
    write_jet_images(tmp_path / "other.h5", make_jets(250, 2, scale=0.8))
    out = tmp_path / "report"
    arguments = [jets, *names, tmp_path / "other.h5", "-o", out, "--quick"]
    result = calogan("jets", "compare", *arguments, "-n", 240, "--workers", 1)
    assert result.code == 0, result.err
    assert "Wasserstein distances to jets" in result.out
    assert "The LAGAN paper says" in " ".join(result.out.split())
    assert "index.html" in result.out
    metrics = json.loads((out / "metrics.json").read_text())
    assert [sample["name"] for sample in metrics["samples"]] == ["jets", *names, "other"]
    assert [sum(sample["n"].values()) for sample in metrics["samples"]] == [240] * 6
    assert metrics["samples"][0]["made_with"] == {"pythia": "toy"}
    worst = metrics["ranking"]["observables"]["pt"]["places"][-1]
    assert worst["name"] == "other"
    assert worst["value"] > 1
    assert "pT" in (out / "index.html").read_text()


def test_a_sample_ships(calogan: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calogan.jets.report.writing.contents", lambda _: [])
    out = tmp_path / "report"
    result = calogan(
        "jets", "compare", "sample:jets", "sample:jets", "--name", "a", "--name", "b",
        "-o", out, "--quick", "-n", 300, "--workers", 1,
    )  # fmt: skip
    assert result.code == 0, result.err
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["lights"]["b"] == {"green": 20, "yellow": 0, "red": 0}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none.h5"], "no such file: none.h5"),
        (["nothing"], "no model of jet images 'nothing'"),
        (["jets.h5"], "each sample needs a name of its own"),
        (["jets.h5", "--name", "a"], "1 names for 2 samples"),
        (["other.txt"], "other.txt"),
    ],
)
def test_bad_input_is_one_line(
    calogan: Command,
    jets: Path,
    arguments: list[str],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(jets.parent)
    Path("other.txt").write_text("no images")
    result = calogan("jets", "compare", "jets.h5", *arguments, "-o", "report")
    assert result.code == 2
    assert result.err.startswith("calogan: ")
    assert result.err.count("\n") == 1
    assert words in result.err
    assert not Path("report").exists()
