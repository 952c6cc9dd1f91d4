"""Chunks through Parsl: the files that describe clusters, and the local ones for real."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from calogan.errors import ConfigurationError, SimulationError
from calogan.production import produce, read_cluster
from calogan.production.cluster import Local, Slurm
from tests.production.dice import Dice, incident_of, with_trouble

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "cluster"
NAMES = ["slurm", "htcondor", "pbs", "local-processes", "local-threads"]


@pytest.mark.parametrize("name", NAMES)
def test_examples_are_valid_with_all_that_they_comment_out(name: str, tmp_path: Path) -> None:
    path = EXAMPLES / f"{name}.yaml"
    assert read_cluster(path).provider == name.split("-", maxsplit=1)[0]
    lines = path.read_text().splitlines()
    text = "\n".join(
        line.removeprefix("# ") if line.startswith(("# address:", "# qos:", "# project:")) else line
        for line in lines
    )
    other = tmp_path / "all.yaml"
    other.write_text(text)
    assert read_cluster(other).provider == read_cluster(path).provider


def test_every_example_is_tested() -> None:
    assert sorted(path.stem for path in EXAMPLES.glob("*.yaml")) == sorted(NAMES)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "slurm",
            {
                "partition": "short",
                "account": "my-group",
                "cores_per_node": 32,
                "mem_per_node": 32,
                "max_blocks": 4,
                "exclusive": False,
                "walltime": "04:00:00",
            },
        ),
        (
            "htcondor",
            {"cores_per_slot": 8, "mem_per_slot": 8, "max_blocks": 20, "walltime": "08:00:00"},
        ),
        (
            "pbs",
            {
                "queue": "workq",
                "account": "my-group",
                "cpus_per_node": 32,
                "select_options": "mem=32gb",
                "max_blocks": 4,
            },
        ),
        ("local-processes", {"max_blocks": 1, "worker_init": ""}),
    ],
)
def test_parsl_takes_the_examples(name: str, expected: dict[str, Any], tmp_path: Path) -> None:
    pytest.importorskip("parsl", reason="needs the extra cluster")
    from calogan.production.parsl_crew import parsl_config

    cluster = read_cluster(EXAMPLES / f"{name}.yaml")
    config = parsl_config(cluster, tmp_path / "runinfo")
    executor: Any = config.executors[0]
    assert executor.max_workers_per_node == cluster.workers_per_node
    assert executor.encrypted
    assert executor.all_addresses
    assert ("127.0.0.1" in executor.all_addresses) == (cluster.provider == "local")
    provider = executor.provider
    assert {key: getattr(provider, key) for key in expected} == expected
    assert config.run_dir == str(tmp_path / "runinfo")
    assert not (tmp_path / "runinfo").exists()  # nothing was started


BAD = {
    "provider: slrum": r"provider: 'slrum' is none of local, slurm, htcondor, pbs",
    "nodes: 3": r"provider: None is none of",
    "provider: [slurm]": r"provider: \['slurm'\] is none of",
    "- slurm": r"expected a mapping",
    "": r"expected a mapping",
    "provider: {": r"cannot read the cluster",
    "provider: slurm\nqueue: x": r"queue: no such key for slurm, which takes account, address,",
    "provider: local\nnodes: 2": r"nodes: no such key for local",
    "provider: pbs\nexecutor: threads": r"executor: no such key for pbs",
    "provider: slurm\nnodes: 0": r"nodes: Input should be greater than or equal to 1",
    "provider: slurm\nnodes: many": r"nodes: Input should be a valid integer",
    "provider: slurm\nwalltime: 2h": r"walltime: '2h' is no time such as '02:30:00'",
    "provider: slurm\nwalltime: '00:00:00'": r"walltime: '00:00:00' is no time",
    "provider: slurm\nmemory_per_worker_gb: .inf": r"memory_per_worker_gb: Input should be a f",
    "provider: local\nexecutor: !!python/name:os.system": r"cannot read the cluster .*python/name",
}


@pytest.mark.parametrize("text", BAD)
def test_bad_files_are_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "cluster.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=BAD[text]) as caught:
        read_cluster(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no\.yaml: No such file"):
        read_cluster(tmp_path / "no.yaml")


@pytest.mark.parametrize(
    ("text", "seconds"), [("4:00:00", 14400), ("'00:01:30'", 90), ("100:00:00", 360000)]
)
def test_walltime_with_and_without_quotes(tmp_path: Path, text: str, seconds: int) -> None:
    path = tmp_path / "cluster.yaml"
    path.write_text(f"provider: slurm\nwalltime: {text}")
    cluster = read_cluster(path)
    assert isinstance(cluster, Slurm)
    assert cluster.walltime_s == seconds


@pytest.mark.slow
@pytest.mark.parametrize("name", ["local-processes", "local-threads"])
def test_local_clusters_give_the_same_bytes(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("parsl", reason="needs the extra cluster")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # so that workers find the dice
    monkeypatch.chdir(tmp_path)
    produce(Dice, incident_of(40), tmp_path / "a.h5", seed=1, made_with={})
    seen: list[int] = []
    # on processes, a worker dies twice on the way: Parsl's own are replaced as well
    trouble = "kill" if name == "local-processes" else "two lines"
    # not at once: a process of Parsl's that dies while it hands a result over blocks the others
    factory = partial(Dice, trouble, tmp_path / "attempts", recovers=3, pause_s=0.2)
    incident = with_trouble(40, 9)
    produce(Dice, incident, tmp_path / "a.h5", seed=1, made_with={})
    production = produce(
        factory,
        incident,
        tmp_path / "b.h5",
        seed=1,
        made_with={},
        cluster=read_cluster(EXAMPLES / f"{name}.yaml"),
        on_progress=seen.append,
    )
    assert production.failed == ()
    assert production.resumable
    assert seen[-1] == 40
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    left = {path.name for path in tmp_path.iterdir()} - {"attempts", "b.h5.parts"}
    assert left == {"a.h5", "b.h5"}  # no runinfo


def fake_command(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def slurm(tmp_path: Path) -> Callable[[], Any]:
    return lambda: produce(
        Dice,
        incident_of(8),
        tmp_path / "a.h5",
        seed=1,
        made_with={},
        cluster=Slurm(provider="slurm", partition="none"),
    )


@pytest.mark.parametrize("name", ["slurm", "htcondor", "pbs"])
def test_no_scheduler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    pytest.importorskip("parsl", reason="needs the extra cluster")
    monkeypatch.setenv("PATH", str(tmp_path))
    cluster = read_cluster(EXAMPLES / f"{name}.yaml")
    with pytest.raises(SimulationError, match=f"is not found: a production for {name} must be"):
        produce(Dice, incident_of(8), tmp_path / "a.h5", seed=1, made_with={}, cluster=cluster)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_scheduler_refuses_the_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("parsl", reason="needs the extra cluster")
    commands = tmp_path / "bin"
    commands.mkdir()
    fake_command(commands, "sbatch", "echo 'sbatch: error: invalid partition none' >&2; exit 1")
    fake_command(commands, "squeue", "exit 0")
    fake_command(commands, "sacct", "exit 0")
    monkeypatch.setenv("PATH", f"{commands}:{os.environ['PATH']}")
    with pytest.raises(SimulationError, match="invalid partition none") as caught:
        slurm(tmp_path)()
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "a.h5").exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
@pytest.mark.slow
def test_a_killed_production_takes_its_cluster_along(tmp_path: Path) -> None:
    pytest.importorskip("parsl", reason="needs the extra cluster")
    script = tmp_path / "script.py"
    script.write_text(
        "from functools import partial\n"
        "from calogan.production import produce\n"
        "from calogan.production.cluster import Local\n"
        "from tests.production.dice import Dice, incident_of\n"
        "produce(partial(Dice, pause_s=0.2), incident_of(4000), 'a.h5', seed=1, made_with={},\n"
        "        cluster=Local(provider='local'), on_progress=lambda n: print(n, flush=True))\n"
    )
    with subprocess.Popen(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "IN_THE_TEST": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "4\n"
        started = _with_environment(f"IN_THE_TEST={tmp_path}")
        assert len(started) >= 4  # the script, Parsl's interchange, its pool, a worker
        process.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 15
    while _with_environment(f"IN_THE_TEST={tmp_path}") and time.monotonic() < deadline:
        time.sleep(0.2)
    assert _with_environment(f"IN_THE_TEST={tmp_path}") == []


def _with_environment(entry: str) -> list[str]:
    """Command lines of the processes that run with an entry in their environment."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                if entry.encode() in (process / "environ").read_bytes().split(b"\0"):
                    found.append((process / "cmdline").read_text(errors="replace"))
            except (OSError, ProcessLookupError):  # ended, or of somebody else
                continue
    return found


def test_local_has_one_node() -> None:
    assert Local(provider="local").nodes == 1
    assert yaml.safe_load((EXAMPLES / "slurm.yaml").read_text())["nodes"] == 4
