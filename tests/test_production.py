from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calogan.calorimeter import CALOGAN, Calorimeter
from calogan.errors import (
    CaloganError,
    ConfigurationError,
    IncidentError,
    MissingExtraError,
    OutputError,
    SimulationError,
)
from calogan.files import ShowerFile, read_showers
from calogan.incident import Incident
from calogan.production import chunks_of, incident_rng, produce
from calogan.showers import Showers


@dataclass
class Dice:
    """Puts all energy into random cells; fails on demand at some energy."""

    chunk_size = 4
    trouble: str = ""

    name = "dice"
    calorimeter: Calorimeter = CALOGAN

    @property
    def provenance(self) -> dict[str, Any]:
        return {"simulator": self.name}

    def simulate(self, incident: Incident, rng: np.random.Generator | None = None) -> Showers:
        rng = rng or np.random.default_rng()
        if (incident.energy_gev > 1000).any():
            if self.trouble == "calogan":
                msg = "no such energy"
                raise IncidentError(msg)
            if self.trouble == "extra":
                what = "gambling"
                raise MissingExtraError(what, "dice")
            if self.trouble == "death":
                os._exit(3)
            if self.trouble == "sleep":
                time.sleep(60)
            msg = "two\nlines"
            raise ValueError(msg)
        n = len(incident)
        shares = rng.dirichlet(np.ones(504), n)
        images = CALOGAN.split_cells((1e3 * incident.energy_gev[:, None] * shares).astype("f4"))
        return Showers(incident, images, np.zeros((n, 3), np.float32), CALOGAN)


def incident_of(n: int, seed: int = 3) -> Incident:
    return Incident.draw("e+", "1:100", n, seed=incident_rng(seed))


def with_trouble(n: int, where: int) -> Incident:
    energies = np.full(n, 10.0)
    energies[where] = 2000.0
    return Incident.create("e+", energies)


def test_chunks_cover_everything_once() -> None:
    chunks = chunks_of(10, 4, seed=1)
    assert [(c.index, c.start, c.stop) for c in chunks] == [(0, 0, 4), (1, 4, 8), (2, 8, 10)]
    draws = [c.rng().random() for c in chunks] + [incident_rng(1).random()]
    assert len(set(draws)) == 4
    assert chunks_of(0, 4, seed=1) == []


def test_streams_are_the_children_of_the_seed() -> None:
    children = np.random.SeedSequence(5).spawn(3)
    expected = [np.random.default_rng(child).random() for child in children]
    chunks = chunks_of(2, 1, seed=5)
    assert [incident_rng(5).random(), *(c.rng().random() for c in chunks)] == expected


def test_file_is_the_same_for_any_number_of_workers(tmp_path: Path) -> None:
    incident = incident_of(30)
    files = []
    for workers in (1, 2, 3):
        path = tmp_path / f"{workers}.h5"
        seen: list[int] = []
        n = produce(
            Dice,
            incident,
            path,
            seed=7,
            workers=workers,
            made_with={"command": "test"},
            on_progress=seen.append,
        )
        assert n == 30
        assert seen == [4, 8, 12, 16, 20, 24, 28, 30]
        files.append(path.read_bytes())
    assert files[0] == files[1] == files[2]
    with ShowerFile(tmp_path / "1.h5") as file:
        assert file.made_with == {
            "simulator": "dice",
            "command": "test",
            "calogan": version("calogan"),
            "n": 30,
            "seed": 7,
            "chunk_size": 4,
        }
        showers = file.read()
    np.testing.assert_allclose(showers.total_energy, 1e3 * incident.energy_gev, rtol=1e-5)


def test_another_seed_gives_other_showers(tmp_path: Path) -> None:
    incident = incident_of(8)
    for seed in (1, 2):
        produce(Dice, incident, tmp_path / f"{seed}.h5", seed=seed, made_with={})
    one, two = (read_showers(tmp_path / f"{seed}.h5").cells for seed in (1, 2))
    assert not np.array_equal(one, two)


def test_takes_any_executor_and_leaves_it_open(tmp_path: Path) -> None:
    incident = incident_of(30)
    produce(Dice, incident, tmp_path / "a.h5", seed=1, made_with={})
    with ThreadPoolExecutor(3) as executor:
        produce(
            Dice, incident, tmp_path / "b.h5", seed=1, workers=3, made_with={}, executor=executor
        )
        assert executor.submit(int).result() == 0
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_no_showers(tmp_path: Path) -> None:
    assert produce(Dice, incident_of(0), tmp_path / "a.h5", seed=1, workers=2, made_with={}) == 0
    with ShowerFile(tmp_path / "a.h5") as file:
        assert len(file) == 0


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("trouble", "error", "text"),
    [("calogan", IncidentError, "no such energy"), ("extra", CaloganError, "pip install")],
)
def test_errors_reach_the_user(
    tmp_path: Path, workers: int, trouble: str, error: type[Exception], text: str
) -> None:
    factory = partial(Dice, trouble)
    with pytest.raises(error, match=text):
        produce(
            factory,
            with_trouble(20, 9),
            tmp_path / "a.h5",
            seed=1,
            workers=workers,
            made_with={},
        )
    assert list(tmp_path.iterdir()) == []


def test_unexpected_error_in_a_worker_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match=r"showers 8 to 11 .*ValueError: two lines") as caught:
        produce(Dice, with_trouble(20, 9), tmp_path / "a.h5", seed=1, workers=2, made_with={})
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_death_of_a_worker(tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match="worker process"):
        produce(
            partial(Dice, "death"),
            with_trouble(20, 9),
            tmp_path / "a.h5",
            seed=1,
            workers=2,
            made_with={},
        )
    assert list(tmp_path.iterdir()) == []


def test_bad_numbers(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="workers"):
        produce(Dice, incident_of(2), tmp_path / "a.h5", seed=1, workers=0, made_with={})
    with pytest.raises(ConfigurationError, match="chunk size"):
        produce(Dice, incident_of(2), tmp_path / "a.h5", seed=1, chunk_size=0, made_with={})


def test_unwritable_place_is_found_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="does not exist"):
        produce(
            partial(Dice, "sleep"),
            with_trouble(2, 0),
            tmp_path / "no" / "a.h5",
            seed=1,
            made_with={},
        )


_SCRIPT = """
import signal
import sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
from functools import partial
from pathlib import Path
sys.path.insert(0, {here!r})
from test_production import Dice, with_trouble
from calogan.production import produce

if __name__ == "__main__":
    produce(
        partial(Dice, "sleep"), with_trouble(40, 39), Path("a.h5"), seed=1, workers=2,
        made_with={{}}, on_progress=lambda n: print(n, flush=True),
    )
"""


def _children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text().split()]


def _alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_their_parent(tmp_path: Path, how: signal.Signals) -> None:
    script = tmp_path / "script.py"
    script.write_text(_SCRIPT.format(here=str(Path(__file__).parent)))
    with subprocess.Popen(
        [sys.executable, str(script)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:  # all but the chunk that sleeps
            if line.strip() == "36":
                break
        children = _children(process.pid)
        assert len(children) >= 2
        started = time.monotonic()
        process.send_signal(how)
        process.wait(timeout=20)
        while any(_alive(child) for child in children) and time.monotonic() - started < 20:
            time.sleep(0.05)
        assert not [child for child in children if _alive(child)]
        assert time.monotonic() - started < 10
    left = {path.name for path in tmp_path.iterdir()} - {"script.py"}
    if how == signal.SIGINT:
        assert left == set()
    else:  # nothing can tidy up after SIGKILL, but no file has the name that was asked for
        assert "a.h5" not in left


def test_made_with_is_json(tmp_path: Path) -> None:
    produce(Dice, incident_of(1), tmp_path / "a.h5", seed=1, made_with={"detector": "barrel"})
    with ShowerFile(tmp_path / "a.h5") as file:
        assert json.loads(file.attributes["made_with"])["detector"] == "barrel"
