"""What docs/bundles.md says: its fields are those of a card, its commands and its Python run."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from calogan.bundle import Card, find_bundle
from calogan.cli import main
from tests.tiny_models import make_bundle

PAGE = (Path(__file__).parents[2] / "docs" / "bundles.md").read_text(encoding="utf-8")


def test_every_field_is_there() -> None:
    section = PAGE[PAGE.index("## The card") : PAGE.index("## A model of your own")]
    rows = dict(re.findall(r"^\| `(\w+)` \|.*\|( yes)? \|$", section, flags=re.MULTILINE))
    assert list(rows) == list(Card.model_fields)
    required = {name for name, field in Card.model_fields.items() if field.is_required()}
    assert {name for name, yes in rows.items() if yes} == required


def test_the_python_and_the_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In their order, in one folder, with a training's model and a network to begin with."""
    monkeypatch.chdir(tmp_path)
    make_bundle(tmp_path / "run" / "model", name="first")
    shipped = find_bundle("calogan-eplus")
    assert shipped is not None
    shutil.copy(shipped / "model.onnx", "network.onnx")
    (python,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    exec(compile(python, "bundles.md", "exec"), {})  # noqa: S102
    commands = re.findall(r"^    (calogan|export) (.*)$", PAGE, flags=re.MULTILINE)
    assert len(commands) == 11
    for program, line in commands:
        if program == "export":
            name, value = line.split("=")
            monkeypatch.setenv(name, value)
            continue
        monkeypatch.setattr(sys, "argv", ["calogan", *shlex.split(line.replace("1000", "10"))])
        code: str | int | None = 0
        try:
            main()
        except SystemExit as stopped:
            code = stopped.code
        assert not code, line
    assert "ours@2" in capsys.readouterr().out
    assert Path("fast.h5").is_file()


def test_links_lead_somewhere() -> None:
    folder = Path(__file__).parents[2] / "docs"
    for target in re.findall(r"\]\(([^)]+)\)", PAGE):
        if not target.startswith("https://"):
            assert (folder / target).exists(), target
