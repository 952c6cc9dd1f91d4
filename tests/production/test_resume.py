"""Productions that are killed with real signals, and continued."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from calogan.production import pending_seed, produce
from calogan.production.parts import parts_folder
from tests.production.dice import Dice, incident_of
from tests.production.victim import MOMENTS, SEED

ROOT = Path(__file__).parents[2]


def start(
    output: Path, *, workers: int = 1, pause_s: float = 0, n: int = 40, moment: str = "never"
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.production.victim"),
            *(str(output), str(workers), str(pause_s), str(n), moment),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def undisturbed(tmp_path: Path, n: int = 40) -> bytes:
    path = tmp_path / "undisturbed.h5"
    produce(Dice, incident_of(n), path, seed=SEED, made_with={"command": "victim"})
    return path.read_bytes()


def finish(output: Path, n: int = 40) -> int:
    """Continue a production; return how many showers it had."""
    return produce(
        Dice,
        incident_of(n),
        output,
        seed=SEED,
        made_with={"command": "victim"},
        resumable=True,
    ).resumed


def leftovers(path: Path) -> list[str]:
    return [entry.name for entry in path.parent.iterdir() if path.name in entry.name[1:]]


@pytest.mark.parametrize("moment", [moment for moment in MOMENTS if moment != "never"])
def test_killed_at_any_moment(tmp_path: Path, moment: str) -> None:
    expected = undisturbed(tmp_path)
    output = tmp_path / "a.h5"
    with start(output, moment=moment) as process:
        _, error = process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL, error
    assert output.exists() == (moment in {"after the file", "in the removal"})
    finish(output)
    assert output.read_bytes() == expected
    assert leftovers(output) == []


@pytest.mark.slow
def test_killed_again_and_again(tmp_path: Path) -> None:
    n = 80
    expected = undisturbed(tmp_path, n)
    output = tmp_path / "a.h5"
    seen = []
    for kill_after in (1, 6):
        with start(output, workers=2, pause_s=0.02, n=n) as process:
            assert process.stdout is not None
            for k, line in enumerate(process.stdout):
                seen.append(int(line))
                if k == kill_after:
                    break
            process.kill()
    assert seen[0] == 4
    assert seen == sorted(seen)
    assert finish(output, n) >= seen[-1]
    assert output.read_bytes() == expected
    assert leftovers(output) == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_their_parent(tmp_path: Path, how: signal.Signals) -> None:
    output = tmp_path / "a.h5"
    with start(output, workers=2, pause_s=0.3, n=400) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "4\n"
        children = _children(process.pid)
        assert len(children) >= 2
        started = time.monotonic()
        os.killpg(process.pid, how) if how == signal.SIGINT else process.send_signal(how)
        _, error = process.communicate(timeout=20)
        while any(_alive(child) for child in children) and time.monotonic() - started < 20:
            time.sleep(0.05)
        assert not [child for child in children if _alive(child)]
        assert time.monotonic() - started < 10
    if how == signal.SIGINT:
        assert error.count("KeyboardInterrupt") == 1  # the parent's: workers leave it to that
    assert not output.exists()
    assert pending_seed(output) == SEED
    assert parts_folder(output).is_dir()


def _children(pid: int) -> list[int]:
    return [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_second_process_is_refused(tmp_path: Path) -> None:
    output = tmp_path / "a.h5"
    with start(output, pause_s=0.3, n=400) as first:
        assert first.stdout is not None
        first.stdout.readline()
        with start(output) as second:
            _, error = second.communicate(timeout=60)
            assert second.returncode == 1
        first.kill()
    assert f"is being made by another calogan (process {first.pid} on " in error
    assert len(error.splitlines()) == 1


def test_cheap_simulator_starts_over(tmp_path: Path) -> None:
    output = tmp_path / "a.h5"
    produce(Dice, incident_of(8), output, seed=1, made_with={})
    assert leftovers(output) == []
    assert pending_seed(output) is None


def test_parts_make_no_difference(tmp_path: Path) -> None:
    for resumable in (False, True):
        produce(
            Dice,
            incident_of(30),
            tmp_path / f"{resumable}.h5",
            seed=1,
            made_with={},
            resumable=resumable,
        )
    assert (tmp_path / "False.h5").read_bytes() == (tmp_path / "True.h5").read_bytes()


@pytest.mark.slow
@pytest.mark.physics
def test_geant4_is_resumed(tmp_path: Path) -> None:
    pytest.importorskip("calzone", reason="needs the extra geant4")
    command = [
        *(sys.executable, "-m", "calogan", "simulate", "--with", "geant4", "--particle", "e+"),
        *("--energy", "1:2", "--physics-list", "FTFP_BERT_EMV", "-n", "8", "--workers", "2"),
        *("--chunk-size", "1", "-o"),
    ]
    output = tmp_path / "a.h5"
    with subprocess.Popen([*command, str(output)], stderr=subprocess.PIPE) as process:
        journal = parts_folder(output) / "journal"
        while process.poll() is None and not (journal.exists() and journal.stat().st_size):
            time.sleep(0.002)
        process.kill()
    seed = pending_seed(output)
    assert seed is not None  # nobody gave one: the next command finds it
    result = subprocess.run([*command, str(output)], capture_output=True, text=True, check=True)
    assert f"seed {seed}," in result.stdout
    assert "finished before" in result.stdout
    other = tmp_path / "b.h5"
    subprocess.run([*command, str(other), "--seed", str(seed)], capture_output=True, check=True)
    assert output.read_bytes() == other.read_bytes()
