"""`calogan benchmark`: what it prints, what it writes, how it fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.cli.command import Command
from tests.tiny_models import make_bundle

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calogan: Command) -> Run:
    """Run the command in this process: exit status, output, errors."""
    monkeypatch.setenv("COLUMNS", "40")  # a narrow terminal loses no digit
    monkeypatch.chdir(tmp_path)
    make_bundle(tmp_path / "tiny")
    return partial(calogan, "benchmark")


QUICK = ("--with", "./tiny", "--repeats", 2, "--limit", 0.1, "--threads", 1)


def test_table_json_and_plot(run: Run) -> None:
    pytest.importorskip("mplhep", reason="needs the extra evaluate")
    code, out, err = run(
        *QUICK,
        *("--with", "library:sample:eplus", "--batch-sizes", "1,32", "--file", 20),
        *("--json", "speed.json", "--plot", "speed.png", "--published"),
    )
    assert code == 0, err
    rows = json.loads(Path("speed.json").read_text())["rows"]
    assert [row["batch_size"] for row in rows] == [1, 32, 1, 32]
    assert Path("speed.png").read_bytes().startswith(b"\x89PNG")
    lines = [line.split() for line in out.splitlines()]
    assert next(x for x in lines if "./tiny" in x)[:5] == ["./tiny", "CPU,", "1", "thread", "1"]
    assert any(line[:5] == ["CaloGAN,", "paper", "their", "CPU", "1"] for line in lines)
    assert "onnxruntime" in out
    assert "…" not in out
    assert "figures -> speed.json" in out


def test_help_has_an_example(run: Run) -> None:
    code, out, _ = run("--help")
    assert code == 0
    assert "calogan benchmark --with geant4" in " ".join(out.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--batch-sizes", "1,many"), "--batch-sizes 1,many: give whole numbers"),
        (("--batch-sizes", "0"), "batch sizes 0: each must be 1 to"),
        (("--threads", "two"), "--threads two: give whole numbers"),
        (("--device", "tpu"), "--device tpu: give cpu, cuda, cpu,cuda or all"),
        (("--limit", "0"), "limit of 0 s: must be above 0"),
        (("--with", "nothing"), "no simulator 'nothing'"),
        (("--json", "nowhere/speed.json"), "the folder nowhere does not exist"),
        (("--plot", "speed.gif"), "give a figure the suffix .png, .pdf or .svg"),
        (("--particle", "gamma"), "simulates e+ and nothing else"),
        (("--energy", "high"), "energy 'high'"),
    ],
)
def test_what_is_wrong_is_one_line(run: Run, arguments: tuple[str, ...], message: str) -> None:
    code, out, err = run(*QUICK, "--file", 0, *arguments)
    assert code == 2
    (line,) = err.strip().splitlines()[-1:]
    assert line.startswith("calogan: ")
    assert message in line
    assert "ms/shower" not in out  # before anything is measured
    assert not list(Path().glob("speed.*"))
