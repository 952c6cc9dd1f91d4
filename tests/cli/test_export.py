"""`calogan export`: what it writes and says, how it fails."""

from __future__ import annotations

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
    monkeypatch.chdir(tmp_path)
    make_bundle(tmp_path / "tiny")
    return partial(calogan, "export")


def test_bundled_models_and_a_folder(run: Run) -> None:
    code, out, err = run("--format", "triton", "models", "eplus", "gamma", "./tiny", "--threads", 2)
    assert code == 0, err
    assert "eplus version 1 -> models/eplus/1" in out
    assert "tritonserver --model-repository=models" in out
    assert sorted(path.name for path in Path("models").iterdir()) == [
        "eplus",
        "gamma",
        "tiny",
    ]
    config = Path("models/tiny/config.pbtxt").read_text()
    assert 'key: "intra_op_thread_count" value { string_value: "2" }' in config


def test_help_has_an_example(run: Run) -> None:
    code, out, _ = run("--help")
    assert code == 0
    assert "calogan export --format triton" in " ".join(out.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("models", "nothing"), "no model 'nothing': give one of eplus"),
        (("models", "geant4"), "no model 'geant4'"),
        (("models", "./tiny", "--max-batch", "0"), "batches of 0 showers"),
        (("tiny/card.json", "./tiny"), "cannot write the model tiny/card.json/tiny"),
    ],
)
def test_what_is_wrong_is_one_line(run: Run, arguments: tuple[str, ...], message: str) -> None:
    code, out, err = run(*arguments)
    assert code == 2
    assert err.strip().splitlines()[-1].startswith("calogan: ")
    assert message in err
    assert not out
    assert not Path("models").exists()
