"""The README does what it says: its Python runs, and so do its commands, with fewer showers."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")

FEWER = {"10000": "600", "1000": "64", "1:100": "1:10", "64": "4"}
"""Fewer and smaller showers, and a smaller network; the commands stay the same."""


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_five_lines_of_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("python")
    assert len([line for line in code.splitlines() if line and "import" not in line]) == 5
    exec(compile(code, "README.md", "exec"), {})  # noqa: S102
    assert Path("fast.h5").is_file()


def run(line: str) -> None:
    words = [FEWER.get(word, word) for word in shlex.split(line)]
    if words[0] == "echo":
        text, _, path = words[1:]
        Path(path).write_text(text)
        return
    assert Path(words[0]).name == "calogan"
    if words[1] == "train":
        words += ["--batch-size", "16"]
    subprocess.run([sys.executable, "-m", "calogan", *words[1:]], check=True)


@pytest.mark.slow
def test_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All but the installation and the tests themselves, in their order, in one folder."""
    pytest.importorskip("calzone", reason="needs the extra geant4")
    monkeypatch.chdir(tmp_path)
    lines = [line for block in blocks("bash") for line in block.splitlines()]
    commands = [part for line in lines for part in line.split(" && ")]
    ran = 0
    for command in commands:
        if re.match(r"\S*(calogan|echo) ", command):
            run(command)
            ran += 1
    assert ran >= 7
    for name in ("fast.h5", "eplus.h5", "run/model/card.json", "report/index.html"):
        assert Path(name).is_file()


def test_there_are_two_commands_and_the_gate_runs_the_second() -> None:
    assert README.count("python3 -m venv .venv") == 2
    gate = (ROOT / ".ci" / "run").read_text()
    assert "<!-- test command -->" in gate
    assert "<!-- test command -->\n```bash\n" in README


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", README):
        if not target.startswith("https://"):
            assert (ROOT / target).exists(), target
