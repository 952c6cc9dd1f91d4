"""`calogan simulate` with productions that fail, stop, or run on a cluster; and their page."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from calogan.cli import main
from calogan.files import ShowerFile
from calogan.production.parts import parts_folder
from tests.production.dice import Dice

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "production.md").read_text(encoding="utf-8")


def simulate(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    given = ("calogan", "simulate", "--with", "dice", "--particle", "e+", *arguments)
    monkeypatch.setattr(sys, "argv", [str(argument) for argument in given])
    try:
        main()
    except SystemExit as stopped:
        return int(stopped.code or 0)
    return 0


def with_dice(monkeypatch: pytest.MonkeyPatch, **options: Any) -> None:
    factory = partial(Dice, **options)
    monkeypatch.setattr("calogan.catalogue.open_simulator", lambda *_, **__: factory())


@pytest.mark.parametrize("resumable", [False, True])
def test_incomplete(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    resumable: bool,
) -> None:
    path = tmp_path / "a.h5"
    with_dice(monkeypatch, trouble="two lines", resumable=resumable)
    arguments = ("--energy", "10,20,30,40,2000", "-n", 40, "--chunk-size", 1, "-o", path)
    assert simulate(monkeypatch, *arguments, "--seed", 3) == 1
    printed = capsys.readouterr()
    with ShowerFile(path) as file:
        failed = file.made_with["failed_chunks"]
        assert len(file) == 40 - len(failed)
    assert 0 < len(failed) < 40
    assert f"calogan: incomplete: {len(failed)} of 40 showers failed" in printed.err
    assert ("and nothing else" in printed.err) == resumable
    assert printed.err.count("failed 3 times: ValueError: two lines") == len(failed)
    assert f"{40 - len(failed)} showers in" in printed.out
    if resumable:  # the seed is known, and only what failed is tried again
        with_dice(monkeypatch, resumable=True)
        assert simulate(monkeypatch, *arguments) == 0
        printed = capsys.readouterr()
        assert f"{len(failed)} showers in" in printed.out
        assert f"seed 3, {40 - len(failed)} finished before" in printed.out
        with ShowerFile(path) as file:
            assert len(file) == 40
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.h5"]


def test_cluster_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("parsl", reason="needs the extra cluster")
    command = [sys.executable, "-m", "calogan", "simulate", "-n", "60", "--seed", "1"]
    cluster = ROOT / "examples" / "cluster" / "local-threads.yaml"
    for name, more in (("a.h5", []), ("b.h5", ["--cluster", str(cluster)])):
        result = subprocess.run(
            [*command, "-o", name, *more], cwd=tmp_path, check=True, capture_output=True, text=True
        )
        assert "parsl" not in result.stderr.lower()
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.h5", "b.h5"]
    with_dice(monkeypatch)
    arguments = ("-n", 4, "-o", tmp_path / "c.h5", "--cluster", cluster, "--workers", 2)
    assert simulate(monkeypatch, *arguments) == 2
    assert "says how many a node has" in capsys.readouterr().err


@pytest.mark.slow
def test_the_page_does_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("calzone", reason="needs the extra geant4")
    pytest.importorskip("parsl", reason="needs the extra cluster")
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    commands = "".join(re.findall(r"```bash\n(.*?)```", PAGE, flags=re.DOTALL)).splitlines()
    assert len(commands) == 2
    contents = []
    for command in commands:  # both make the same file
        line = command.replace("-n 1000", "-n 2").replace("-n 64", "-n 2").replace("1:100", "1:2")
        line = line.replace("examples/", f"{ROOT}/examples/") + " --physics-list FTFP_BERT_EMV"
        words = shlex.split(line)[1:]
        subprocess.run([sys.executable, "-m", "calogan", *words], cwd=tmp_path, check=True)
        contents.append((tmp_path / "eplus.h5").read_bytes())
    assert contents[0] == contents[1]
    assert not parts_folder(tmp_path / "eplus.h5").exists()
    values: dict[str, Any] = {}
    exec(compile(code.replace('"geant4"', '"eplus"'), "production.md", "exec"), values)  # noqa: S102
    expected = values["incident"].energy_gev[420:430]
    assert values["showers"].incident.energy_gev.tolist() == expected.tolist()
