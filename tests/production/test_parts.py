"""The folder beside an unfinished file, and the lock on it."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from calogan.calorimeter import CALOGAN
from calogan.errors import OutputError
from calogan.incident import Incident
from calogan.production import pending_seed, produce
from calogan.production.lock import exclusive
from calogan.production.parts import manifest_of, parts_folder
from calogan.production.showers import ShowerGoods
from tests.production.dice import Dice, incident_of


class Stop(Exception):
    """What a test raises in the middle of a production."""


def stop_at(n: int) -> Any:
    def on_progress(done: int) -> None:
        if done >= n:
            raise Stop

    return on_progress


def begin(path: Path, incident: Incident | None = None, **options: Any) -> None:
    """A production of 40 showers that stops after 8."""
    given = {"seed": 1, "made_with": {"physics": "a"}, "resumable": True, **options}
    with pytest.raises(Stop):
        produce(Dice, incident or incident_of(40), path, on_progress=stop_at(8), **given)


def resume(path: Path, incident: Incident | None = None, **options: Any) -> int:
    given = {"seed": 1, "made_with": {"physics": "a"}, "resumable": True, **options}
    return produce(Dice, incident or incident_of(40), path, **given).resumed


def test_stopped_and_continued(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "a.h5"
    begin(path)
    assert "8 of 40 showers are kept in" in caplog.text
    assert "the same command continues" in caplog.text
    assert pending_seed(path) == 1
    assert resume(path) == 8
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.h5"]
    assert pending_seed(path) is None


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"seed": 2}, "seed 1 there, 2 here"),
        ({"chunk_size": 5}, "chunk_size 4 there, 5 here"),
        ({"made_with": {"physics": "b"}}, "physics a there, b here"),
        ({"made_with": {}}, "physics a there, not set here"),
        ({"incident": incident_of(41)}, "n 40 there, 41 here"),
        ({"incident": incident_of(40, seed=4)}, "other incident particles"),
    ],
)
def test_another_production_is_refused(tmp_path: Path, options: dict[str, Any], text: str) -> None:
    path = tmp_path / "a.h5"
    begin(path)
    with pytest.raises(OutputError) as caught:
        resume(path, **options)
    assert text in str(caught.value)
    assert "delete the folder to start over" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert resume(path) == 8  # nothing was lost


def test_a_production_without_parts_is_refused_as_well(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    begin(path)
    with pytest.raises(OutputError, match="physics a there, b here"):
        resume(path, made_with={"physics": "b"}, resumable=False)
    assert not path.exists()


def test_the_manifest_covers_the_calorimeter() -> None:
    finer = CALOGAN.model_copy(update={"half_size_mm": 600.0})
    incident = incident_of(3)
    assert manifest_of(ShowerGoods(incident, CALOGAN), {}) != manifest_of(
        ShowerGoods(incident, finer), {}
    )
    moved = Incident.create("e+", incident.energy_gev, position_mm=(0.0, 1.0, -288.0))
    assert manifest_of(ShowerGoods(incident, CALOGAN), {}) != manifest_of(
        ShowerGoods(moved, CALOGAN), {}
    )


def test_a_production_without_finished_chunks_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    begin(path)
    (parts_folder(path) / "journal").write_bytes(b"")  # as if killed before the first chunk
    assert resume(path, seed=2) == 0


def test_damaged_chunks_are_simulated_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.h5"
    resume(tmp_path / "good.h5")
    begin(path)
    journal = parts_folder(path) / "journal"
    content = bytearray(journal.read_bytes())
    content[200] ^= 1
    journal.write_bytes(content)
    assert resume(path) == 4
    assert "damaged bytes are made again" in caplog.text
    assert path.read_bytes() == (tmp_path / "good.h5").read_bytes()


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"{}", b"\xff\xfe", b'{"made_with": 3}'])
def test_a_damaged_manifest_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.h5"
    begin(path)
    (parts_folder(path) / "manifest.json").write_bytes(content)
    assert pending_seed(path) is None
    with pytest.raises(OutputError, match=r"manifest\.json is damaged: delete the folder"):
        resume(path)


def test_foreign_files_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    folder = parts_folder(path)
    folder.mkdir()
    (folder / "thesis.tex").write_text("all of it")
    with pytest.raises(OutputError, match=r"thesis\.tex, which is not calogan's"):
        resume(path)
    assert (folder / "thesis.tex").read_text() == "all of it"
    other = tmp_path / "b.h5"
    parts_folder(other).write_text("a file")
    with pytest.raises(OutputError, match="in the way"):
        resume(other)


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    gone = tmp_path / f".a.h5.{process.pid}.part"
    others = [
        tmp_path / f".a.h5.{os.getppid()}.part",  # still running
        tmp_path / f".b.h5.{process.pid}.part",  # of another file
        tmp_path / ".a.h5.backup.part",
    ]
    for part in (gone, *others):
        part.write_bytes(b"showers")
    produce(Dice, incident_of(4), tmp_path / "a.h5", seed=1, made_with={})
    assert not gone.exists()
    assert all(part.exists() for part in others)


def test_one_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with exclusive(path):
        with pytest.raises(OutputError, match=f"another calogan .process {os.getpid()} on"):
            resume(path)
        resume(tmp_path / "b.h5")
    assert resume(path) == 0
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.h5", "b.h5"]


def no_locks(*_: object) -> None:
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


def test_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calogan.production.lock.fcntl.flock", no_locks)
    path, owner = tmp_path / "a.h5", tmp_path / ".a.h5.owner"
    with exclusive(path):
        assert str(os.getpid()) in owner.read_text()
        with pytest.raises(OutputError, match=r"if that is over, delete .*\.owner"):
            resume(path)
    assert resume(path) == 0
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.h5"]
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    here = os.uname().nodename
    owner.write_text(f"process {process.pid} on {here}")  # killed: it cannot be running
    assert resume(path) == 0
    owner.write_text(f"process {process.pid} on not-{here}")  # nobody knows
    with pytest.raises(OutputError, match="another calogan"):
        resume(path)


def test_pending_seed_of_nothing(tmp_path: Path) -> None:
    assert pending_seed(tmp_path / "a.h5") is None
    folder = parts_folder(tmp_path / "a.h5")
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps({"made_with": {"seed": "x"}}))
    assert pending_seed(tmp_path / "a.h5") is None


def test_errors_of_others_pass(tmp_path: Path) -> None:
    """An error of the block is not taken for one of the lock."""

    def fail() -> None:
        with exclusive(tmp_path / "a.h5"):
            raise OSError(errno.EIO, "from the block")

    with pytest.raises(OSError, match="from the block"):
        fail()
