from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the extra train")

from calogan.jets import read_jet_images, write_jet_images
from tests.cli.command import Command
from tests.jets.toys import make_jet_images


@pytest.fixture
def jets(tmp_path: Path) -> Path:
    path = tmp_path / "jets.h5"
    write_jet_images(path, make_jet_images(30))
    return path


def test_train_resume_simulate(jets: Path, tmp_path: Path, calogan: Command) -> None:
    folder = tmp_path / "run"
    options = ("--model", "fcgan", "--batch-size", 8, "--accelerator", "cpu", "-o", folder)
    first = calogan("jets", "train", jets, *options, "--epochs", 1)
    assert first.code == 0, first.err
    assert f"model -> {folder / 'model'}" in first.out
    refused = calogan("jets", "train", jets, *options, "--epochs", 2)
    assert refused.code == 2
    assert "continue it with --resume" in refused.err
    second = calogan("jets", "train", jets, *options, "--epochs", 2, "--resume")
    assert second.code == 0, second.err
    lines = (folder / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2]

    fast = tmp_path / "fast.h5"
    made = calogan("jets", "simulate", "--with", folder / "model", "-n", 12, "-o", fast)
    assert made.code == 0, made.err
    assert len(read_jet_images(fast)) == 12

    shown = calogan("jets", "models", folder / "model")
    assert shown.code == 0
    assert "fcgan (arXiv:1701.05927), 895,315 parameters" in shown.out
    assert "signal/mass" in shown.out
    card = json.loads(calogan("jets", "models", folder / "model", "--json").out)["card"]
    assert card["name"] == "fcgan"


def test_a_recipe(jets: Path, tmp_path: Path, calogan: Command) -> None:
    recipe = tmp_path / "toy.yaml"
    recipe.write_text(
        "name: toy\nimages: jets.h5\n"
        "training: {model: fcgan, batch_size: 8, nb_epochs: 3, tensorboard: false}\n"
    )
    folder = tmp_path / "run"
    result = calogan("jets", "train", recipe, "-o", folder, "--epochs", 1, "--auto-resume")
    assert result.code == 0, result.err
    card = json.loads((folder / "model" / "card.json").read_text())
    assert (card["name"], card["training"]["nb_epochs"]) == ("toy", 1)


def test_list_of_models(
    jets: Path, tmp_path: Path, calogan: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "models"
    options = ("--model", "fcgan", "--batch-size", 8, "--epochs", 1, "--name", "toy")
    calogan("jets", "train", jets, *options, "-o", tmp_path / "run")
    folder.mkdir()
    (tmp_path / "run" / "model").rename(folder / "toy")
    monkeypatch.setenv("CALOGAN_MODELS", str(folder))
    listed = calogan("jets", "models")
    assert listed.code == 0
    assert "toy@1" in listed.out
    entries = json.loads(calogan("jets", "models", "--json").out)
    kinds = {entry["name"]: entry["kind"] for entry in entries}
    # beside those that ship with the package
    assert {"toy": "fcgan", "lagan": "lagan"}.items() <= kinds.items()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("lost.h5",), "lost.h5"),
        (("lost.yaml",), "cannot read lost.yaml"),
        (("jets.h5", "--model", "vae"), "model"),
        (("jets.h5", "--resume"), "nothing to resume"),
        (("jets.h5", "--batch-size", 1000), "too few to train on"),
    ],
)
def test_bad_input(
    arguments: tuple[object, ...],
    message: str,
    jets: Path,
    tmp_path: Path,
    calogan: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    result = calogan("jets", "train", *arguments, "-o", "run")
    assert result.code == 2
    assert message in result.err
    assert result.err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["jets.h5"]


def test_no_such_model(calogan: Command) -> None:
    result = calogan("jets", "models", "nothing")
    assert result.code == 2
    assert "no model of jet images 'nothing'" in result.err
