from __future__ import annotations

import re
import shlex
from dataclasses import fields
from pathlib import Path

import pytest

from calogan.cli import main
from calogan.training import TrainingConfig

PAGE = Path(__file__).parents[2] / "docs" / "training.md"


@pytest.fixture
def page() -> str:
    if not PAGE.exists():
        pytest.skip("only in the repository")
    return PAGE.read_text()


@pytest.mark.slow
def test_the_commands_of_the_page_run(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = re.findall(r"```(bash|yaml)\n(.*?)```", page, re.DOTALL)
    commands = [line for kind, text in found if kind == "bash" for line in text.splitlines()]
    recipe = next(text for kind, text in found if kind == "yaml" and "training:" in text)
    monkeypatch.chdir(tmp_path)
    Path("recipe.yaml").write_text(recipe)
    assert len(commands) == 6
    for command in commands:
        program, *arguments = shlex.split(command)
        if program == "echo":
            Path(arguments[-1]).write_text(arguments[0])
            continue
        with monkeypatch.context() as patch:
            patch.setattr("sys.argv", [program, *arguments])
            if "second" in arguments:  # the export takes seconds
                patch.setattr("calogan.training.export.export_onnx", lambda *_: b"no network")
            with pytest.raises(SystemExit) as stopped:
                main()
            assert stopped.value.code == 0
    assert Path("fast.h5").exists()
    assert len(Path("second/log.jsonl").read_text().splitlines()) == 2


def test_the_settings_of_the_page_exist(page: str) -> None:
    names = {field.name for field in fields(TrainingConfig)}
    table = re.findall(r"^\| (`[a-z_]+`(?:, `[a-z_]+`)*) \| ", page, re.MULTILINE)
    mentioned = {name for cell in table for name in re.findall(r"`([a-z_]+)`", cell)}
    assert mentioned
    assert mentioned <= names
    options = {option.strip("-").replace("-", "_") for option in re.findall(r"`--([a-z-]+)", page)}
    own = {"resume", "auto_resume", "resume_from", "with"}
    assert options <= names | own
