"""`calogan show` as a user types it: what it prints, what it leaves, how it fails."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("plotly", reason="needs the extra evaluate")

from calogan.calorimeter import Calorimeter
from calogan.files import write_showers
from calogan.incident import Incident
from calogan.showers import Showers
from tests.cli.command import Command
from tests.conftest import make_showers

DOCS = Path(__file__).parents[2] / "docs" / "event_display.md"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with showers, and with some of another calorimeter."""
    monkeypatch.chdir(tmp_path)
    write_showers("eplus.h5", make_showers(20), {})
    other = Calorimeter.load("ecal-hcal")
    images = tuple(np.ones((2, *shape), np.float32) for shape in other.layer_shapes)
    overflow = np.zeros((2, len(images)), np.float32)
    incident = Incident.create("e+", [1.0, 2.0])
    write_showers("other.h5", Showers(incident, images, overflow, other), {})
    return tmp_path


def test_a_file_beside_a_model(calogan: Command, files: Path) -> None:
    result = calogan("show", "sample:eplus", "calogan-eplus", "--event", "3,7-9", "-o", "page.html")
    assert result.code == 0, result.err
    assert result.out.splitlines() == [
        "sample:eplus: event 3, 7, 8, 9",
        "calogan-eplus: new showers of the same particles",
        "Page: page.html",
    ]
    page = Path("page.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "plotly.js" in page


def test_events_given_more_than_once(calogan: Command, files: Path) -> None:
    result = calogan("show", "eplus.h5", "--event", 3, "--event", "5-6")
    assert "eplus.h5: event 3, 5, 6" in result.out
    assert Path("event.html").is_file()


def test_events_at_random(calogan: Command, files: Path) -> None:
    seen = [
        calogan("show", "sample:eplus", "--random", 4, "--min-energy", 50, "--seed", seed).out
        for seed in (1, 1, 2)
    ]
    assert seen[0] == seen[1] != seen[2]
    assert len(re.findall(r"\d+", seen[0].splitlines()[0])) == 4


BAD_INPUT: dict[str, tuple[list[object], str]] = {
    "out of range": (
        ["eplus.h5", "--event", 20],
        "no event 20: eplus.h5 holds 20 showers, 0 to 19",
    ),
    "no number": (["eplus.h5", "--event", "x"], "event 'x': give numbers"),
    "both": (["eplus.h5", "--event", 1, "--random", 2], "not by both"),
    "energy": (["eplus.h5", "--min-energy", 500], "no shower of at least 500 GeV: the highest is"),
    "too many": (["eplus.h5", "--random", 30], "fewer than 30"),
    "calorimeters": (["eplus.h5", "other.h5"], "are of different calorimeters (calogan, 3 layers"),
    "model": (["other.h5", "calogan-eplus"], "are of different calorimeters"),
    "only a simulator": (["calogan-eplus"], "needs incident particles: give a file"),
    "missing": (["nowhere.h5"], "no such file: nowhere.h5"),
    "unknown": (["eplus.h5", "nothing"], "no file and no simulator 'nothing'"),
    "sample": (["sample:x"], "no sample 'x'"),
    "three": (["eplus.h5", "eplus.h5", "eplus.h5"], "3 sources"),
    "particle": (["eplus.h5", "calogan-gamma"], "simulates gamma and nothing else"),
    "folder": (["eplus.h5", "-o", "nowhere/page.html"], "the folder nowhere does not exist"),
    "names": (["eplus.h5", "--name", "a", "--name", "b"], "2 names for 1 sources"),
    "itself": (["eplus.h5", "-o", "eplus.h5"], "eplus.h5 is one of the sources"),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_one_line_status_2_and_no_page(
    calogan: Command, files: Path, case: str
) -> None:
    before = {path: path.read_bytes() for path in files.iterdir()}
    arguments, message = BAD_INPUT[case]
    result = calogan("show", *arguments)
    assert result.code == 2
    assert result.err.startswith("calogan: ")
    assert len(result.err.strip().splitlines()) == 1
    assert message in result.err
    assert {path: path.read_bytes() for path in files.iterdir()} == before


def test_the_page_about_it(
    calogan: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands and Python of the docs, as they stand there."""
    text = DOCS.read_text(encoding="utf-8")
    commands = [
        line
        for block in re.findall(r"```bash\n(.*?)```", text, flags=re.DOTALL)
        for line in block.splitlines()
    ]
    assert len(commands) >= 3
    monkeypatch.chdir(tmp_path)
    for command in commands:
        result = calogan(*command.split()[1:])
        assert result.code == 0, result.err
    (code,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, timeout=120)
    assert len(list(tmp_path.glob("*.html"))) >= 2
