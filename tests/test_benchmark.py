from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calogan.benchmark import PUBLISHED, Plan, Result, Row, describe_machine, run_benchmark
from calogan.benchmark import bench as bench_module
from calogan.benchmark.bench import Bench
from calogan.benchmark.machine import peak_memory_mb
from calogan.benchmark.plan import Contestant
from calogan.benchmark.result import with_speed_ups
from calogan.benchmark.running import spread_evenly
from calogan.benchmark.worker import Worker
from calogan.calorimeter import CALOGAN
from calogan.errors import (
    CaloganError,
    ConfigurationError,
    IncidentError,
    ModelError,
    OutputError,
    SimulationError,
)
from calogan.incident import Incident
from calogan.showers import Showers
from tests.tiny_models import make_bundle

MS = 0.003
"""What a shower of the sleeper takes [s]."""


class Sleeper:
    """A simulator that takes a known time."""

    def __init__(self, resumable: bool = False) -> None:
        self.name, self.calorimeter, self.resumable = "sleeper", CALOGAN, resumable
        self.energies: list[float] = []

    def check(self, incident: Incident) -> None:
        if (incident.pdgid != -11).any():
            msg = "e+ only"
            raise IncidentError(msg)

    def simulate(self, incident: Incident, rng: np.random.Generator | None = None) -> Showers:  # noqa: ARG002
        time.sleep(MS * len(incident))
        self.energies += list(incident.energy_gev)
        shapes = self.calorimeter.layer_shapes
        layers = tuple(np.ones((len(incident), *shape), np.float32) for shape in shapes)
        overflow = np.zeros((len(incident), 3), np.float32)
        return Showers(incident, layers, overflow, self.calorimeter)


@pytest.fixture
def sleeper(monkeypatch: pytest.MonkeyPatch) -> Bench:
    """The bench of a sleeper, in this process."""
    monkeypatch.setattr(bench_module, "open_simulator", lambda _, **options: Sleeper(**options))
    bench = Bench("sleeper", {})
    bench.prepare(Incident.create("e+", np.linspace(1, 100, 16)), 1)
    return bench


def test_a_batch_takes_what_it_takes(sleeper: Bench) -> None:
    seconds = sleeper.batch_seconds(4, 3)
    assert 12 * MS <= seconds < 12 * MS + 1
    with pytest.raises(ConfigurationError, match="16 particles are too few for a batch of 17"):
        sleeper.batch_seconds(17, 1)


def test_single_showers_until_the_time_is_up(sleeper: Bench) -> None:
    times = sleeper.shower_seconds(5 * MS)
    assert 1 <= len(times) <= 5
    assert min(times) >= MS
    assert len(sleeper.shower_seconds(1e-9)) == 1  # at least one
    simulator: Any = sleeper._simulator
    energies = np.linspace(1, 100, 16)  # one after another: not the first one again
    np.testing.assert_array_equal(simulator.energies, energies[: len(simulator.energies)])


def test_what_a_file_takes(sleeper: Bench) -> None:
    found = sleeper.write_file(40, 1)  # more than there are particles
    assert 40 * MS <= found["simulating_s"] < found["total_s"]
    assert found["bytes"] > 1000
    assert sleeper.about()["one_by_one"] is False


def test_particles_that_a_simulator_refuses(sleeper: Bench) -> None:
    with pytest.raises(IncidentError, match=r"e\+ only"):
        sleeper.prepare(Incident.create("gamma", [1.0]), 1)


@pytest.mark.parametrize("n", [1, 2, 7, 100, 4096])
def test_any_beginning_has_all_energies(n: int) -> None:
    incident = Incident.draw("e+", "1:100", n, seed=1)
    ordered = spread_evenly(incident)
    np.testing.assert_array_equal(np.sort(ordered.energy_gev), np.sort(incident.energy_gev))
    if n == 4096:
        for k in (4, 8, 20, 64):
            assert ordered.energy_gev[:k].mean() == pytest.approx(
                incident.energy_gev.mean(), abs=60 / k
            )


def test_figures_of_a_row() -> None:
    contestant = Contestant("eplus", "cpu", 2)
    row = Row.create(contestant, 10, [1.0, 2.0, 9.0], 30)
    assert (row.ms_per_shower, row.repeats, row.n_showers) == (2.0, 3, 30)
    assert row.hardware == "CPU, 2 threads"
    assert row.error_ms == pytest.approx(1.25 * np.std([1, 2, 9], ddof=1) / math.sqrt(3))
    single = Row.create(Contestant("geant4", "cpu", 1), None, [1.0, 2.0, 9.0], 3)
    assert single.ms_per_shower == 4.0  # the mean: showers differ in energy
    assert single.hardware == "CPU, 1 thread"
    assert Row.create(contestant, 1, [1.0], 1).error_ms is None
    assert Contestant("x", "server", None).hardware == "server"
    assert Contestant("x", "cuda", None).hardware == "GPU (cuda)"


def test_speed_up_over_geant4_and_its_error() -> None:
    geant4 = Row.create(Contestant("geant4", "cpu", 1), None, [90.0, 110.0], 2)
    fast = Row.create(Contestant("eplus", "cpu", 1), 8, [1.9, 2.0, 2.1], 24)
    one, two = with_speed_ups([geant4, fast])
    assert (one.speed_up, one.speed_up_error) == (1.0, 0.0)
    assert two.speed_up == pytest.approx(50.0)
    assert fast.error_ms is not None
    assert two.speed_up_error == pytest.approx(50 * math.hypot(10 / 100, fast.error_ms / 2.0))
    assert with_speed_ups([fast]) == (fast,)
    assert fast.speed_up is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"simulators": ()}, "nothing to measure"),
        ({"batch_sizes": (0,)}, "batch sizes 0: each must be"),
        ({"batch_sizes": ()}, "no batch sizes"),
        ({"threads": (-1,)}, "threads -1"),
        ({"repeats": 0}, "0 repeats"),
        ({"limit_s": math.nan}, "limit of nan s"),
        ({"n_file": -1}, "a file of -1 showers"),
    ],
)
def test_impossible_plans(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Plan(**{"simulators": ("eplus",), **changes})


def test_each_network_runs_on_each_hardware() -> None:
    plan = Plan(
        ("geant4", "eplus", "library:sample:eplus", "grpc://localhost:8001/eplus", "eplus"),
        threads=(1, 2),
        devices=("cpu", "cuda"),
    )
    assert [(c.simulator, c.hardware) for c in plan.contestants()] == [
        ("geant4", "CPU, 1 thread"),
        ("eplus", "CPU, 1 thread"),
        ("eplus", "CPU, 2 threads"),
        ("eplus", "GPU (cuda)"),
        ("library:sample:eplus", "CPU, 1 thread"),
        ("grpc://localhost:8001/eplus", "server"),
    ]


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """A short benchmark of a tiny network and a library."""
    bundle = make_bundle(tmp_path_factory.mktemp("models") / "tiny")
    plan = Plan(
        (str(bundle), "library:sample:eplus"),
        batch_sizes=(1, 16),
        threads=(1,),
        repeats=3,
        limit_s=0.1,
        n_file=50,
    )
    told: list[float] = []
    found = run_benchmark(plan, lambda _, share: told.append(share))
    assert told == sorted(told)
    assert told[-1] == 1.0
    return found


def test_a_benchmark(result: Result) -> None:
    assert result.particle == "e+"  # the one of the network
    assert [(row.simulator[-5:], row.batch_size) for row in result.rows] == [
        (name, size) for name in ("/tiny", "eplus") for size in (1, 16)
    ]
    for row in result.rows:
        assert 1e-4 < row.ms_per_shower < 1000
        assert 1 <= row.repeats <= 3
        assert row.n_showers >= row.repeats * (row.batch_size or 0)
        assert row.speed_up is None  # no Geant4 among them
    for file in result.files:
        assert file.n_showers == 50
        assert file.ms_per_shower is not None
        assert file.showers_per_s == pytest.approx(1e3 / file.ms_per_shower)
        assert file.outside_simulator is not None
        assert 0 < file.outside_simulator < 1
        assert file.peak_memory_mb is not None
        assert 30 < file.peak_memory_mb < 2000
    assert result.machine["cores"] >= 1
    assert "onnxruntime" in result.machine["versions"]


def test_figures_as_json(result: Result, tmp_path: Path) -> None:
    path = result.write_json(tmp_path / "speed.json")
    found = json.loads(path.read_text())
    assert found == json.loads(json.dumps(result.as_dict()))
    keys = {"simulator", "device", "batch_size", "ms_per_shower", "spread_ms", "speed_up"}
    assert all(keys <= set(row) for row in found["rows"])
    assert found["plan"]["particle"] == "e+"
    with pytest.raises(OutputError):
        result.write_json(tmp_path / "nowhere" / "speed.json")


def test_the_plot(result: Result, tmp_path: Path) -> None:
    pytest.importorskip("mplhep", reason="needs the extra evaluate")
    from calogan.benchmark.plot import plot_benchmark

    geant4 = Row.create(Contestant("geant4", "cpu", 1), None, [400.0, 600.0], 2)
    more = Result(result.plan, "e+", result.machine, (*result.rows, geant4), result.files)
    labels = ["/tiny", "library:sample:eplus", "geant4", "CaloGAN, paper", "their GPU"]
    for one, published, n in ((result, False, 2), (more, False, 3), (more, True, 5)):
        text = plot_benchmark(one, tmp_path / "speed.svg", published=published).read_text()
        assert [label for label in labels if label in text] == labels[:n]
    assert plot_benchmark(more, tmp_path / "speed.png").stat().st_size > 10_000
    with pytest.raises(OutputError, match=r"give a figure the suffix \.png"):
        plot_benchmark(result, tmp_path / "speed.gif")


def test_a_simulator_that_is_not_there_is_one_line() -> None:
    with pytest.raises(ModelError, match="no simulator 'nothing'"):
        run_benchmark(Plan(("nothing",)))


def test_the_particle_must_suit_all(tmp_path: Path) -> None:
    plan = Plan((str(make_bundle(tmp_path / "tiny")),), particle="gamma", limit_s=0.1)
    with pytest.raises(ModelError, match=r"simulates e\+ and nothing else"):
        run_benchmark(plan)


def test_the_memory_of_a_simulator_is_its_own(tmp_path: Path) -> None:
    """That of a parent is not counted, as getrusage would."""
    fat = np.ones(60_000_000)  # 480 MB, touched
    own = peak_memory_mb()
    if own is None:
        pytest.skip("no /proc")
    assert own > 480
    with Worker.open(Contestant(str(make_bundle(tmp_path / "tiny")), "cpu", 1)) as worker:
        assert worker.ask("peak_memory_mb") < 400
    assert fat.all()


def test_a_simulator_that_dies_is_one_line(tmp_path: Path) -> None:
    bundle = str(make_bundle(tmp_path / "tiny"))
    with Worker.open(Contestant(bundle, "cpu", 1)) as worker:
        assert worker._process.pid is not None
        os.kill(worker._process.pid, signal.SIGKILL)
        with pytest.raises(SimulationError, match="/tiny ended with status -9"):
            worker.ask("about")
        with pytest.raises(SimulationError, match="/tiny ended with status -9"):
            worker.ask("about")


def test_a_benchmark_that_is_killed_leaves_nothing_behind(tmp_path: Path) -> None:
    """Its simulators end with it, whatever they are doing."""
    make_bundle(tmp_path / "tiny")
    command = ["benchmark", "--with", "./tiny", "--limit", "100", "--file", "10000000"]
    process = subprocess.Popen(
        [sys.executable, "-m", "calogan", *command, "--repeats", "1", "--batch-sizes", "1"],
        cwd=tmp_path,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        children = wait_for(lambda: children_of(process.pid))
        process.kill()
        process.wait()
        assert wait_for(lambda: not any(map(alive, children)))
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def children_of(pid: int) -> list[int]:
    """The process of the simulator, which runs `spawn_main`."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    found = [int(word) for word in path.read_text().split()] if path.exists() else []
    return [child for child in found if b"spawn_main" in command_of(child)]


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def alive(pid: int) -> bool:
    return bool(command_of(pid))  # a zombie has none


def wait_for(condition: Callable[[], Any]) -> Any:
    for _ in range(600):
        if found := condition():
            return found
        time.sleep(0.05)
    return None


def test_what_a_simulator_raises_is_one_line(tmp_path: Path) -> None:
    bundle = str(make_bundle(tmp_path / "tiny"))
    with (
        Worker.open(Contestant(bundle, "cpu", 1)) as worker,
        pytest.raises(CaloganError, match=r"/tiny: TypeError: .* missing"),
    ):
        worker.ask("batch_seconds")


def test_the_table_of_the_paper() -> None:
    """Figures of the slides; the speed-up of 100 000 that they name."""
    assert [ms for name, device, _, ms in PUBLISHED if (name, device) == ("CaloGAN", "CPU")] == [
        13.1,
        5.11,
        2.19,
        2.03,
    ]
    times = {(name, device, size): ms for name, device, size, ms in PUBLISHED}
    assert times["Geant4", "CPU", None] / times["CaloGAN", "GPU", 1024] > 1e5


def test_the_machine_has_no_name() -> None:
    import socket

    assert socket.gethostname() not in json.dumps(describe_machine())


@pytest.mark.slow
def test_speed_up_over_geant4(tmp_path: Path) -> None:
    pytest.importorskip("calzone", reason="needs the extra geant4")
    plan = Plan(
        ("geant4", str(make_bundle(tmp_path / "tiny"))),
        energy="2",
        batch_sizes=(8,),
        threads=(1,),
        repeats=2,
        limit_s=0.2,
        n_file=1000,
    )
    result = run_benchmark(plan)
    geant4, tiny = result.rows
    assert result.files[0].n_showers < 100  # no more than the limit allows: it takes a while
    assert result.files[1].n_showers == 1000
    assert (geant4.batch_size, geant4.speed_up) == (None, 1.0)
    assert geant4.repeats >= 2
    assert tiny.speed_up == pytest.approx(geant4.ms_per_shower / tiny.ms_per_shower)
    assert geant4.ms_per_shower > 10 * tiny.ms_per_shower
