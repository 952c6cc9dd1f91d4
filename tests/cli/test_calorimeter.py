"""`calogan calorimeter`, as a user types it."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path

import pytest

from calogan.calorimeter import CALOGAN, Calorimeter
from tests.cli.command import Command


@pytest.fixture
def calogan(calogan: Command, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run `calogan calorimeter` in this process."""
    monkeypatch.setenv("COLUMNS", "100")
    return partial(calogan, "calorimeter")


def test_list(calogan: Command) -> None:
    result = calogan("list")
    assert result.code == 0
    for words in (("calogan", "504"), ("ecal-hcal", "828"), ("si-w", "6480")):
        assert any(all(word in line for word in words) for line in result.out.splitlines())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("calogan", ("30.8 radiation lengths", "3 eta x 96 phi", "160 x 5", "115 + 1 cut")),
        ("ecal-hcal", ("20 mm G4_Fe", "12 eta x 12 phi", "100 x 100", "7.22 interaction")),
        ("si-w", ("0-44", "16 alpha x 9 r", "22.5° x 4.65 mm", "1.4 mm G4_W")),
    ],
)
def test_show(calogan: Command, name: str, words: tuple[str, ...]) -> None:
    result = calogan("show", name)
    assert result.code == 0
    for word in words:
        assert word in result.out


def test_show_draws(calogan: Command, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra evaluate")
    path = tmp_path / "drawing.png"
    result = calogan("show", "si-w", "-o", path)
    assert result.code == 0
    assert str(path) in result.out.replace("\n", "")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert [file.name for file in tmp_path.iterdir()] == ["drawing.png"]


def test_show_needs_no_plots(
    calogan: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in [name for name in sys.modules if name.startswith("calogan.evaluation")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("calogan.evaluation", raising=False)  # put back with the rest
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert calogan("show", "calogan").code == 0
    result = calogan("show", "calogan", "-o", tmp_path / "drawing.png")
    assert result.code == 2
    assert not list(tmp_path.iterdir())
    assert "pip install 'calogan[evaluate]'" in result.err


def test_a_copy_can_be_changed(calogan: Command, tmp_path: Path) -> None:
    text = calogan("show", "calogan", "--yaml").out
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace("name: calogan", "name: mine").replace("repeat: 80", "repeat: 90"))
    result = calogan("show", path, "--json")
    assert Calorimeter.from_dict(json.loads(result.out)).depth_mm == 540
    assert Calorimeter.from_dict(json.loads(calogan("show", "calogan", "--json").out)) == CALOGAN


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (("thickness_mm: 2.0", "thickness_mm: 0"), "sections.0.sublayers.0.thickness_mm: must be"),
        (("G4_Pb", "G4_Pbb"), "sections.0.sublayers.0.material: unknown material 'G4_Pbb'"),
        (("z_min_mm: 197.0", "z_min_mm: 190"), "layers.2.z_min_mm: 190 mm lies in front"),
        (("repeat: 80", "repeat: 80\n  colour: red"), "sections.0.colour: unknown field"),
        (("name: calogan", "name: a\nname: b"), "line 2: not valid YAML: the key 'name' comes"),
        (("n_eta: 3,", "n_eta: 3000000,"), "layers: 288000216 cells in all"),
        (("G4_lAr: 1.0", "G4_lAr: 0.7"), "composition: the mass fractions add up to 0.7"),
        (("half_size_mm: 500.0", "half_size_mm: .inf"), "half_size_mm: must be finite"),
    ],
)
def test_bad_files_get_one_line_and_no_drawing(
    calogan: Command, tmp_path: Path, change: tuple[str, str], what: str
) -> None:
    path = tmp_path / "my[bold].yaml"
    text = CALOGAN.to_yaml()
    assert change[0] in text
    path.write_text(text.replace(*change, 1))
    result = calogan("show", path, "-o", tmp_path / "drawing.png")
    assert result.code == 2
    assert result.err.startswith(f"calogan: {path}")
    assert what in result.err
    assert result.err.count("\n") == 1
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (
            ("show", "atlas"),
            "no calorimeter 'atlas': give calogan, ecal-hcal, si-w, or a YAML file",
        ),
        (("show", "calogan", "--json", "--yaml"), "--json or --yaml, not both"),
        (("show", "calogan", "-o", "no/such/folder/a.png"), "the folder no/such/folder does not"),
        (("show", "."), "cannot read the calorimeter .: Is a directory"),
    ],
)
def test_bad_arguments(calogan: Command, arguments: tuple[str, ...], what: str) -> None:
    result = calogan(*arguments)
    assert result.code == 2
    assert what in result.err
