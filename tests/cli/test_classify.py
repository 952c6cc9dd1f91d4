"""`calogan classify` and `calogan particle-id`: what is printed, written and refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from calogan.files import write_showers
from tests.cli.command import Command
from tests.conftest import make_showers

pytest.importorskip("torch", reason="needs the extra train")
pytest.importorskip("sklearn", reason="needs the extra evaluate")

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calogan: Command) -> Run:
    """Run the command line in this process, in a folder: exit status, output, errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return calogan


def test_classify_files(run: Run, tmp_path: Path) -> None:
    for name, seed in (("geant4.h5", 0), ("fast.h5", 1), ("more.h5", 2)):
        write_showers(tmp_path / name, make_showers(80, seed=seed), {})
    code, out, _ = run(
        *("classify", "geant4.h5", "fast.h5", "--floor", "more.h5", "--inputs", "high"),
        *("--seeds", 2, "--threads", 1, "--json", "auc.json"),
    )
    assert code == 0
    assert "fast against geant4.h5" in out
    assert "80 showers of each kind; floor: 80. Mean and spread of 2 trainings." in out
    assert "…" not in out
    (row,) = (line for line in out.splitlines() if line.strip().startswith("high  "))
    numbers = json.loads(Path("auc.json").read_text())
    found = numbers["candidates"]["fast"]["high"]
    assert f"{found['auc']:.3f}±{found['auc_spread']:.3f}" in row
    assert f"{found['ceiling']['auc']:.3f}" in row
    assert found["n_showers"] == 80
    assert not found["floor"]["from_halves"]


PAGE = (Path(__file__).parents[2] / "docs" / "classifier_tests.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    calogan (.+)$", PAGE, flags=re.MULTILINE)
"""The commands of the page, which run here on the samples."""


def test_classify_a_model(run: Run) -> None:
    words = re.sub(r"(\w+)\.h5", r"sample:\1", COMMANDS[0]).split()
    assert words == ["classify", "sample:eplus", "calogan-eplus"]
    code, out, _ = run(*words, "-n", 60, "--seeds", 1, "--inputs", "high", "--threads", 1)
    assert code == 0
    assert "calogan-eplus against sample:eplus" in out
    assert "floor: 30, of two halves of the reference. One training." in out


def test_particle_id(run: Run) -> None:
    words = re.sub(r"(\w+)\.h5", r"sample:\1", COMMANDS[1]).replace("gamma", "piplus").split()
    code, out, _ = run(*words, "-n", 100, "--seeds", 2, "--threads", 1, "--json", "id.json")
    assert code == 0
    assert "e+ or pi+: 100 showers of each, high" in out
    numbers = json.loads(Path("id.json").read_text())
    assert numbers["generated"] == ["calogan-eplus", "calogan-piplus"]
    entries = {(e["trained_on"], e["tested_on"]): e for e in numbers["entries"]}
    assert entries["reference", "reference"]["accuracy"] > 0.85
    assert f"{100 * entries['generated', 'reference']['accuracy']:.1f}±" in out


def test_the_python_of_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    fewer = code.replace('read_sample("eplus")', 'read_sample("eplus")[:60]')
    assert fewer != code
    exec(compile(fewer, "classifier_tests.md", "exec"), {})  # noqa: S102
    auc, *_, conclusive = capsys.readouterr().out.split()
    assert 0 <= float(auc) <= 1
    assert conclusive in {"True", "False"}


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["sample:eplus", "nowhere.h5"], "no such file: nowhere.h5"),
        (["calogan-eplus", "sample:eplus"], "calogan-eplus is a simulator"),
        (["sample:eplus", "sample:eplus", "--inputs", "pixels"], "no classifier inputs 'pixels'"),
        (["sample:eplus", "sample:eplus", "--inputs", ","], "give at least one kind of inputs"),
        (["sample:eplus", "sample:eplus", "-n", "20"], "a sample has 20 showers"),
        (["sample:eplus", "sample:eplus", "--json", "no/where.json"], "no"),
    ],
)
def test_what_is_refused(run: Run, arguments: list[str], line: str) -> None:
    code, out, err = run("classify", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("calogan: ")
    assert line in err
    assert len(err.splitlines()) == 1
    assert not list(Path().glob("*.json"))
