"""Chunks on a cluster: Parsl's executor, made from a `Cluster`."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calogan.errors import CaloganError, MissingExtraError, SimulationError
from calogan.production.cluster import PBS, Cluster, HTCondor, Local, Slurm
from calogan.production.crews import ExecutorCrew, Lost, Trouble

if TYPE_CHECKING:
    import parsl
    from parsl.executors import HighThroughputExecutor

__all__ = ["ParslCrew", "parsl_config"]

_PER_WORKER = 2
"""Chunks to submit per worker: one that runs, and one that waits for it."""

_SUBMIT_COMMANDS = {Slurm: "sbatch", HTCondor: "condor_submit", PBS: "qsub"}
_LABEL = "calogan"
_PARSL = "parsl.executors.high_throughput"
_DRAIN_SHARE = 0.9
"""Share of the walltime after which a node takes no further chunks."""


def parsl_config(cluster: Cluster, run_dir: Path) -> parsl.Config:
    """Parsl's configuration for a cluster.

    Args:
        cluster: The cluster.
        run_dir: Folder for logs, scripts and keys; the nodes must see it.

    Raises:
        MissingExtraError: Parsl is not installed.
    """
    try:
        import parsl
        from parsl.executors import ThreadPoolExecutor
    except ModuleNotFoundError as error:
        what = "--cluster"
        raise MissingExtraError(what, "cluster") from error
    if isinstance(cluster, Local) and cluster.executor == "threads":
        executor: Any = ThreadPoolExecutor(label=_LABEL, max_threads=cluster.workers_per_node)
    else:
        executor = _processes(cluster)
    return parsl.Config(
        executors=[executor],
        run_dir=str(run_dir),
        strategy="none" if isinstance(cluster, Local) else "simple",
        usage_tracking=0,
        initialize_logging=False,
    )


def _processes(cluster: Cluster) -> HighThroughputExecutor:
    from parsl.executors import HighThroughputExecutor
    from parsl.executors.high_throughput.executor import DEFAULT_LAUNCH_CMD

    # Parsl's script of this name is not on the PATH where an environment is not activated
    pool, interchange = (f"{_PARSL}.{name}" for name in ("process_worker_pool", "interchange"))
    python = shlex.quote(sys.executable)
    follower = ["-m", "calogan.production.follower", str(os.getpid())]
    if isinstance(cluster, Local):
        timing: dict[str, Any] = {"heartbeat_period": 1, "heartbeat_threshold": 30}
        launch = f"{python} {' '.join(follower)} {pool}"
        address = None
    else:
        drain = max(1, int(_DRAIN_SHARE * cluster.walltime_s))
        timing = {"heartbeat_period": 10, "heartbeat_threshold": 120, "drain_period": drain}
        address = cluster.address
        # the Python that worker_init provides, or, without any, this one: most clusters share
        # their file systems
        launch = f"{'python3' if cluster.worker_init.strip() else python} -m {pool}"
    executor = HighThroughputExecutor(
        label=_LABEL,
        provider=_provider(cluster),
        launch_cmd=DEFAULT_LAUNCH_CMD.replace("process_worker_pool.py", launch, 1),
        interchange_launch_cmd=[sys.executable, *follower, interchange],
        address=address or "127.0.0.1",  # without any, Parsl would ask a server on the internet
        max_workers_per_node=cluster.workers_per_node,
        # on this machine the file says how many there are, and not the number of cores
        cores_per_worker=1e-6 if isinstance(cluster, Local) else 1.0,
        **timing,
    )
    if not isinstance(cluster, Local) and address is None:
        executor.address, executor.all_addresses = None, _addresses()
    return executor


def _addresses() -> set[str]:
    """Addresses of this machine, of which a node tries all."""
    import psutil  # type: ignore[import-untyped]  # Parsl brings it

    interfaces = psutil.net_if_addrs().values()
    return {
        entry.address
        for entries in interfaces
        for entry in entries
        if entry.family == socket.AF_INET and not entry.address.startswith("127.")
    } or {socket.gethostname()}


def _provider(cluster: Cluster) -> Any:
    import parsl.providers

    providers: Any = parsl.providers  # its constructors are only partly annotated

    if isinstance(cluster, Local):
        return providers.LocalProvider(init_blocks=1, max_blocks=1, worker_init=cluster.worker_init)
    common: dict[str, Any] = {
        "nodes_per_block": 1,
        "init_blocks": cluster.nodes,
        "min_blocks": 0,
        "max_blocks": cluster.nodes,
        "walltime": cluster.walltime,
        "scheduler_options": cluster.scheduler_options,
        "worker_init": cluster.worker_init,
    }
    cores, memory = cluster.workers_per_node, cluster.memory_per_node_gb
    if isinstance(cluster, Slurm):
        return providers.SlurmProvider(
            partition=cluster.partition,
            account=cluster.account,
            qos=cluster.qos,
            constraint=cluster.constraint,
            exclusive=cluster.exclusive,
            cores_per_node=cores,
            mem_per_node=memory,
            **common,
        )
    if isinstance(cluster, HTCondor):
        return providers.CondorProvider(
            project=cluster.project,
            requirements=cluster.requirements,
            cores_per_slot=cores,
            mem_per_slot=memory,
            **common,
        )
    select = ":".join(part for part in (f"mem={memory}gb", cluster.select_options) if part)
    return providers.PBSProProvider(
        account=cluster.account,
        queue=cluster.queue,
        cpus_per_node=cores,
        select_options=select,
        **common,
    )


class ParslCrew(ExecutorCrew):
    """Workers of a cluster."""

    @classmethod
    @contextmanager
    def open(cls, cluster: Cluster, factory: bytes, run_dir: Path) -> Iterator[ParslCrew]:
        """Start Parsl; stop it after the block, without waiting for what still runs.

        Args:
            cluster: The cluster.
            factory: Pickled factory of the simulator.
            run_dir: Folder for logs, scripts and keys.

        Raises:
            MissingExtraError: Parsl is not installed.
            SimulationError: Parsl cannot start.
        """
        config = parsl_config(cluster, run_dir)
        from parsl.concurrent import ParslPoolExecutor

        command = _SUBMIT_COMMANDS.get(type(cluster))
        if command is not None and shutil.which(command) is None:
            msg = (
                f"{command} is not found: a production for {cluster.provider} must be started on"
                " a machine that submits jobs"
            )
            raise SimulationError(msg)
        try:
            executor = ParslPoolExecutor(config)
        except Exception as error:  # whatever Parsl and its providers raise
            msg = f"cannot start the cluster ({cluster.provider}): {_one_line(error)}"
            raise SimulationError(msg) from error
        try:
            yield cls(executor, factory, _PER_WORKER * cluster.nodes * cluster.workers_per_node)
        finally:
            executor.shutdown(wait=False)

    def translate(self, error: Exception) -> Exception:
        """Say in our words what Parsl raised for a chunk."""
        from parsl.executors.errors import ExecutorError
        from parsl.executors.high_throughput.errors import ManagerLost, WorkerLost

        if isinstance(error, WorkerLost):
            return Trouble(f"its worker process on {error.hostname} died (out of memory?)")
        if isinstance(error, ManagerLost):
            return Lost(f"its node {error.hostname} was lost, or its job ended")
        if isinstance(error, ExecutorError):
            raise self.fatal(error) from error
        return error

    def fatal(self, error: BaseException) -> CaloganError:
        """Say that the cluster is of no use any more."""
        reason = getattr(error, "reason", None) or error
        return SimulationError(f"the cluster runs no workers: {_one_line(reason)}")


def _one_line(error: object) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else f"{text[:297]}..."
