from __future__ import annotations

import sys
from pathlib import Path

import pytest

from calogan.jets import open_jet_images
from tests.cli.command import Command


def test_pythia(tmp_path: Path, calogan: Command) -> None:
    pytest.importorskip("pythia8mc", reason="needs the extra jets")
    pytest.importorskip("fastjet", reason="needs the extra jets")
    path = tmp_path / "jets.h5"
    options = ("-n", 6, "--signal-fraction", 0.67, "--seed", 3, "--workers", 1, "-o", path)
    result = calogan("jets", "simulate", *options)
    assert result.code == 0, result.err
    assert "6 jets in" in result.out
    assert "seed 3" in result.out
    with open_jet_images(path) as file:
        assert file.read().signal.sum() == 4
        made_with = file.made_with
    assert made_with["pythia"]
    assert made_with["seed"] == 3
    assert made_with["selection"]["jet_pt_gev"] == [250.0, 300.0]
    assert "HardQCD:all = on" in made_with["background"]["settings"]


def test_without_the_extra(
    tmp_path: Path, calogan: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("calogan.jets.simulation")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pythia8mc", None)
    result = calogan("jets", "simulate", "-n", 5, "-o", tmp_path / "jets.h5")
    assert result.code == 2
    assert "pip install 'calogan[jets]'" in result.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("-n", 0), "Invalid value for '-n'"),
        (("-n", -5), "Invalid value for '-n'"),
        (("-n", 5, "--signal-fraction", 1.5), "Invalid value for '--signal-fraction'"),
        (("-n", 5, "--workers", 0), "Invalid value for '--workers'"),
        (("-n", 5, "--chunk-size", 0), "Invalid value for '--chunk-size'"),
        ((), "Missing option '-n'"),
    ],
)
def test_bad_options(
    tmp_path: Path, calogan: Command, options: tuple[object, ...], text: str
) -> None:
    result = calogan("jets", "simulate", *options, "-o", tmp_path / "jets.h5")
    assert result.code == 2
    assert text in " ".join(result.err.split())
    assert list(tmp_path.iterdir()) == []


def test_no_such_folder(tmp_path: Path, calogan: Command) -> None:
    result = calogan("jets", "simulate", "-n", 5, "-o", tmp_path / "no" / "jets.h5")
    assert result.code == 2
    assert "does not exist" in result.err


def test_help_names_the_commands(calogan: Command) -> None:
    result = calogan("jets", "--help")
    assert "simulate" in result.out


def test_no_such_model(tmp_path: Path, calogan: Command) -> None:
    result = calogan("jets", "simulate", "--with", "nonsense", "-n", 5, "-o", tmp_path / "jets.h5")
    assert result.code == 2
    assert "nonsense" in result.err
    assert list(tmp_path.iterdir()) == []
