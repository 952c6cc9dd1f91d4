"""What the commands share that simulate into a file: options, seed, progress, what is said at the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from calogan.production import Cluster, Production

__all__ = ["PANEL", "ClusterFile", "Plan", "Workers", "exit_if_incomplete", "make_plan", "run"]

PANEL = "Production"
"""Panel of the help text."""

Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Processes (threads of a model); all cores unless given.",
        rich_help_panel=PANEL,
    ),
]

ClusterFile = Annotated[
    Path | None,
    typer.Option(
        help="YAML file of a cluster whose nodes simulate: Slurm, HTCondor, PBS.",
        rich_help_panel=PANEL,
    ),
]


@dataclass(frozen=True)
class Plan:
    """How a production runs.

    Args:
        seed: Its seed: as given, that of a production that was stopped, or a new one.
        cores: Cores that may be used.
        nodes: Cluster that simulates instead of this machine.
    """

    seed: int
    cores: int
    nodes: Cluster | None

    @property
    def threads(self) -> int:
        """Threads of a network: one process runs it, and its threads share the weights."""
        return 1 if self.nodes else self.cores


def make_plan(output: Path, seed: int | None, workers: int | None, cluster: Path | None) -> Plan:
    """Check what a user asks for, before anything is simulated.

    Raises:
        CaloganError: The file cannot be written; no such cluster, or workers beside one.
    """
    import os
    import secrets

    from calogan.errors import ConfigurationError
    from calogan.files.output import check_writable
    from calogan.production import pending_seed, read_cluster

    check_writable(output)
    nodes = read_cluster(cluster) if cluster is not None else None
    if nodes is not None and workers is not None:
        msg = f"--workers counts processes of this machine: {cluster} says how many a node has"
        raise ConfigurationError(msg)
    cores = workers or len(os.sched_getaffinity(0))  # a batch system may give fewer than all
    seed = pending_seed(output) if seed is None else seed
    return Plan(secrets.randbits(32) if seed is None else seed, cores, nodes)


def run(
    noun: str, title: str, n: int, seed: int, produce: Callable[[Callable[[int], None]], Production]
) -> Production:
    """Simulate behind a progress bar, and say how fast it was.

    Args:
        noun: What is simulated: `shower` or `jet`.
        title: What stands beside the bar.
        n: How many.
        seed: The seed, to be said.
        produce: Simulates, and reports how many are done.
    """
    import time

    from calogan.cli.progress import progress_bar

    started = time.perf_counter()
    with progress_bar(f"{noun}s") as progress:
        task = progress.add_task(title, total=n)
        production = produce(lambda done: progress.update(task, completed=done))
    seconds = time.perf_counter() - started
    done = production.simulated  # what was finished before does not count
    each = f" ({_short(1e3 * seconds / done)} ms per {noun})" if done else ""
    before = f", {production.resumed} finished before" if production.resumed else ""
    typer.echo(f"{done} {noun}s in {seconds:.1f} s{each}, seed {seed}{before}")
    return production


def _short(value: float) -> str:
    """Three digits, without an exponent."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def exit_if_incomplete(production: Production, noun: str, n: int) -> None:
    """Say what is lacking, and what to do, and end with an error; nothing if nothing lacks."""
    if not production.failed:
        return
    again = "the same command tries them again" + (
        " and nothing else" if production.resumable else ""
    )
    lacking = n - production.written
    typer.echo(f"calogan: incomplete: {lacking} of {n} {noun}s failed; {again}", err=True)
    raise typer.Exit(1)
