"""The page about observables does what it says, and leaves none out."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from calogan.calorimeter import CALOGAN
from calogan.cli import main
from calogan.incident import Incident
from calogan.observables import observables_of, observables_table
from calogan.showers import Showers

PAGE = (Path(__file__).parents[2] / "docs" / "observables.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def test_commands_and_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pandas", reason="needs the extra tables")
    pytest.importorskip("pyarrow", reason="needs the extra tables")
    monkeypatch.chdir(tmp_path)
    commands = [line for block in blocks("bash") for line in block.splitlines()]
    assert len(commands) == 3
    for command in commands:
        monkeypatch.setattr(sys, "argv", shlex.split(command))
        with pytest.raises(SystemExit) as stopped:
            main()
        assert stopped.value.code in {0, None}
    said = capsys.readouterr().out
    assert "shapes.parquet: 1000 showers, 60 columns" in said
    assert "shapes.csv: 500 showers" in said
    read, python = blocks("python")
    for code, printed in ((read, "mm\n"), (python, " GeV: resolution 0.")):
        done = subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
        )
        assert printed in done.stdout


def test_the_table_lists_every_observable_as_it_is() -> None:
    rows: dict[str, list[str]] = {}
    for line in PAGE.split("## What there is")[1].splitlines():
        columns = [column.strip() for column in line.strip("|").split("|")]
        if line.startswith("| `"):
            rows |= dict.fromkeys(re.findall(r"`(\w+)`", columns[0]), columns)
    for m in range(2, 5):  # `peak_1_k` ... `peak_5_k`
        rows[f"peak_{m}_k"] = rows["peak_5_k"]
    listed = {re.sub(r"_2$", "_k", one.name): one for one in observables_of(CALOGAN)}
    listed = {name: one for name, one in listed.items() if not name.endswith(("_0", "_1"))}
    assert set(rows) == set(listed)
    images = tuple(np.zeros((1, *shape), np.float32) for shape in CALOGAN.layer_shapes)
    nothing = Showers(Incident.create("e+", 5.0), images, np.zeros((1, 3), np.float32), CALOGAN)
    empty = observables_table(nothing)
    for name, one in listed.items():
        _, _, unit, group, primary, if_empty = rows[name]
        assert (unit, group) == (one.unit, one.group)
        assert one.primary == (primary in {"yes", f"`{name}`"}), name
        value = "NaN" if np.isnan(empty[one.name][0]) else f"{empty[one.name][0]:g}"
        assert if_empty.split(" if")[0] == value, name
