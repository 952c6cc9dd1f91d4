"""Chunks that fail, workers that die, disks that are full."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calogan.errors import CaloganError, IncidentError, OutputError, SimulationError
from calogan.files import ShowerFile, read_showers
from calogan.production import pending_seed, produce
from calogan.production.parts import parts_folder
from tests.production.dice import BAD_GEV, Dice, incident_of, with_trouble

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("workers", "resumable", "trouble", "error", "text"),
    [
        (1, False, "calogan", IncidentError, "no such energy"),
        (1, True, "calogan", IncidentError, "no such energy"),
        (2, False, "calogan", IncidentError, "no such energy"),
        (2, True, "extra", CaloganError, "pip install"),
    ],
)
def test_what_the_user_must_mend_stops_at_once(
    tmp_path: Path,
    *,
    resumable: bool,
    workers: int,
    trouble: str,
    error: type[Exception],
    text: str,
) -> None:
    attempts = tmp_path / "attempts"
    with pytest.raises(error, match=text):
        produce(
            partial(Dice, trouble, attempts),
            with_trouble(20, 1),
            tmp_path / "a.h5",
            seed=1,
            workers=workers,
            made_with={},
            resumable=resumable,
        )
    assert attempts.stat().st_size == 1
    left = {path.name for path in tmp_path.iterdir()} - {"attempts"}
    assert left <= ({"a.h5.parts"} if workers == 2 and resumable else set())


@pytest.mark.parametrize(
    ("workers", "trouble", "cause"),
    [
        (1, "two lines", "ValueError: two lines"),
        (2, "two lines", "ValueError: two lines"),
        (2, "gave up", "the dice rolled off the table"),
        (2, "kill", "its worker process was killed by SIGKILL (out of memory?)"),
    ],
)
def test_a_chunk_that_fails_is_reported_and_the_rest_goes_on(
    tmp_path: Path, workers: int, trouble: str, cause: str, caplog: pytest.LogCaptureFixture
) -> None:
    attempts, path = tmp_path / "attempts", tmp_path / "a.h5"
    incident = with_trouble(20, 9)
    production = produce(
        partial(Dice, trouble, attempts),
        incident,
        path,
        seed=5,
        workers=workers,
        made_with={},
    )
    assert attempts.stat().st_size == 3
    (failure,) = production.failed
    expected = f"showers 8 to 11 (chunk 2, seed 5) failed 3 times: {cause}"
    assert str(failure) == expected
    (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert expected in warning.message
    assert (production.n, production.written, production.simulated) == (20, 16, 16)
    record = {"index": 2, "start": 8, "stop": 12, "seed": 5, "cause": cause}
    with ShowerFile(path) as file:
        assert file.made_with["failed_chunks"] == [record]
        energies = file.read().incident.energy_gev
    np.testing.assert_allclose(energies, np.delete(incident.energy_gev, slice(8, 12)), rtol=1e-6)


@pytest.mark.parametrize(("trouble", "resumable"), [("two lines", False), ("kill", True)])
def test_a_chunk_that_recovers_leaves_no_trace(
    tmp_path: Path, *, resumable: bool, trouble: str
) -> None:
    incident = with_trouble(30, 9)
    produce(Dice, incident, tmp_path / "good.h5", seed=1, made_with={})
    production = produce(
        partial(Dice, trouble, tmp_path / "attempts", recovers=3),
        incident,
        tmp_path / "a.h5",
        seed=1,
        workers=2,
        made_with={},
        resumable=resumable,
    )
    assert production.failed == ()
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "good.h5").read_bytes()


def test_only_what_failed_is_tried_again(tmp_path: Path) -> None:
    incident, path = with_trouble(40, 9, 22), tmp_path / "a.h5"
    produce(Dice, incident, tmp_path / "good.h5", seed=1, made_with={})
    attempts = tmp_path / "attempts"

    def again(trouble: str, recovers: int = 0) -> Any:
        attempts.write_bytes(b"")
        seen: list[int] = []
        factory = partial(Dice, trouble, attempts, recovers=recovers, resumable=True)
        options = {"seed": 1, "made_with": {}, "on_progress": seen.append}
        return produce(factory, incident, path, **options), seen  # type: ignore[arg-type]

    production, _ = again("two lines")
    assert [failure.chunk.index for failure in production.failed] == [2, 5]
    assert production.resumable
    assert len(read_showers(path)) == 32
    assert pending_seed(path) == 1
    production, seen = again("two lines")  # still no luck
    assert len(production.failed) == 2
    assert (production.resumed, production.simulated, seen) == (32, 0, [32])
    production, seen = again("two lines", recovers=1)
    assert (production.resumed, production.simulated) == (32, 8)
    assert seen == [32, 36, 40]
    assert path.read_bytes() == (tmp_path / "good.h5").read_bytes()
    assert not parts_folder(path).exists()


@pytest.mark.parametrize("workers", [1, 2])
def test_no_chunk_succeeds(tmp_path: Path, workers: int) -> None:
    attempts = tmp_path / "attempts"
    with pytest.raises(SimulationError, match=r"showers \d+ to .* failed 3 times: ValueError"):
        produce(
            partial(Dice, "two lines", attempts, resumable=True),
            with_trouble(400, *range(400)),
            tmp_path / "a.h5",
            seed=1,
            workers=workers,
            made_with={},
        )
    assert attempts.stat().st_size < 20  # and not three times for each of a hundred chunks
    assert [path.name for path in tmp_path.iterdir()] == ["attempts"]


class Miscounting(Dice):
    def simulate(self, incident: Any, rng: Any = None) -> Any:
        return super().simulate(incident, rng)[1:]


def test_a_simulator_that_loses_showers(tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match="returned 3 showers"):
        produce(Miscounting, incident_of(8), tmp_path / "a.h5", seed=1, made_with={})


def test_executors_retry_as_well(tmp_path: Path) -> None:
    incident = with_trouble(40, 9)
    factory = partial(Dice, "two lines", tmp_path / "attempts")
    with ThreadPoolExecutor(2) as executor:
        production = produce(
            factory, incident, tmp_path / "a.h5", seed=1, workers=2, made_with={}, executor=executor
        )
    assert [failure.chunk.index for failure in production.failed] == [2]


def test_a_broken_executor_stops_the_production(tmp_path: Path) -> None:
    factory = partial(Dice, "kill", resumable=True)
    with (
        ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor,
        pytest.raises(SimulationError, match="executor cannot be used any more"),
    ):
        produce(
            factory,
            with_trouble(40, 30),
            tmp_path / "a.h5",
            seed=1,
            workers=2,
            made_with={},
            executor=executor,
        )
    assert not (tmp_path / "a.h5").exists()


_SMALL_DISK = """
import resource
import sys
from pathlib import Path
from calogan.errors import CaloganError
from calogan.production import produce
from tests.production.dice import Dice, incident_of

resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    produce(Dice, incident_of(40), Path(sys.argv[1]), seed=1, made_with={}, resumable=True)
except CaloganError as error:
    raise SystemExit(str(error))
"""


# the journal takes some 100 kB and the file 95 kB, so the limit bites in one or the other
@pytest.mark.parametrize(("limit", "where"), [(60_000, "a.h5.parts"), (105_000, "a.h5:")])
def test_full_disk_loses_nothing(tmp_path: Path, limit: int, where: str) -> None:
    path = tmp_path / "a.h5"
    produce(Dice, incident_of(40), tmp_path / "good.h5", seed=1, made_with={})
    if where == "a.h5:":  # the journal is written already
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("calogan.production.showers.ShowerWriter", _no_room)
            with pytest.raises(OutputError):
                produce(Dice, incident_of(40), path, seed=1, made_with={}, resumable=True)
        limit = 30_000
    command = [sys.executable, "-c", _SMALL_DISK, str(path), str(limit)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert where in result.stderr
    assert "File too large" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not path.exists()
    seen: list[int] = []
    options = {"seed": 1, "made_with": {}, "resumable": True, "on_progress": seen.append}
    production = produce(Dice, incident_of(40), path, **options)  # type: ignore[arg-type]
    assert production.resumed >= 20
    assert seen[0] == production.resumed
    assert path.read_bytes() == (tmp_path / "good.h5").read_bytes()


def _no_room(*_: Any, **__: Any) -> Any:
    msg = "No space left on device"
    raise OutputError(msg)


def test_permission_is_lost_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.h5"
    real, count = os.pwrite, 0

    def forbidden(*arguments: Any) -> int:
        nonlocal count
        count += 1
        if count > 3:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr("calogan.production.journal.os.pwrite", forbidden)
        with pytest.raises(OutputError, match=r"a\.h5\.parts: Permission denied"):
            produce(Dice, incident_of(40), path, seed=1, made_with={}, resumable=True)
    production = produce(Dice, incident_of(40), path, seed=1, made_with={}, resumable=True)
    assert production.resumed == 12


def test_the_failed_chunk_can_be_simulated_alone(tmp_path: Path) -> None:
    """What the documentation shows: a chunk of a file, from what the file says."""
    incident, path = with_trouble(20, 9), tmp_path / "a.h5"
    (failure,) = produce(partial(Dice, "two lines"), incident, path, seed=5, made_with={}).failed
    chunk = failure.chunk
    alone = Dice().simulate(incident[chunk.start : chunk.stop], chunk.rng())
    produce(Dice, incident, tmp_path / "good.h5", seed=5, made_with={})
    good = read_showers(tmp_path / "good.h5", chunk.start, chunk.stop)
    np.testing.assert_array_equal(alone.cells, good.cells)
    assert BAD_GEV in alone.incident.energy_gev
    assert json.dumps(failure.record())
