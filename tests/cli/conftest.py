"""What the tests of the commands share."""

from __future__ import annotations

import sys
import warnings

import pytest

from calogan.cli import main
from tests.cli.command import Command, Result


@pytest.fixture
def calogan(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run `calogan` with some arguments in this process."""

    def run(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["calogan", *map(str, arguments)])
        code = 0
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                main()
            except SystemExit as stopped:
                code = int(stopped.code or 0)
        text = capsys.readouterr()
        notes = "".join(f"warning: {note.message}\n" for note in caught)
        return Result(code, text.out, notes + text.err)

    return run
