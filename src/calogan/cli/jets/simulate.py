"""calogan jets simulate: collisions to a file of jet images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from calogan.production import Production

__all__ = ["EPILOG", "simulate"]

PRODUCTION = "Production"
"""Panel of the help text."""

EPILOG = (
    "Examples: "
    "calogan jets simulate -n 100000 --seed 1 -o jets.h5; "
    "calogan jets simulate --with lagan -n 1000 -o fast.h5"
)


def simulate(
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write (HDF5).")],
    n: Annotated[int, typer.Option("-n", min=1, max=10**8, help="Number of jets.")],
    simulator: Annotated[
        str,
        typer.Option("--with", help="pythia, a model (lagan), or the folder of one."),
    ] = "pythia",
    signal_fraction: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="Share of jets of W bosons; the others are of QCD. They are mixed."
        ),
    ] = 0.5,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Fixes the jets; drawn and printed unless given. Another number of jets of the "
            "same seed holds some of the same jets: take another seed for an independent file.",
            rich_help_panel=PRODUCTION,
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Processes (threads of a model); all cores unless given.",
            rich_help_panel=PRODUCTION,
        ),
    ] = None,
    chunk_size: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Jets per task, 500 with Pythia unless given; fixes the jets, as the seed.",
            rich_help_panel=PRODUCTION,
        ),
    ] = None,
    cluster: Annotated[
        Path | None,
        typer.Option(
            help="YAML file of a cluster whose nodes simulate: Slurm, HTCondor, PBS.",
            rich_help_panel=PRODUCTION,
        ),
    ] = None,
) -> None:
    """Simulate jets and write their images to a file in the layout of the LAGAN paper."""
    import os
    import secrets
    import time
    from functools import partial

    import numpy as np

    from calogan.cli.extras import needs_extra
    from calogan.cli.progress import progress_bar
    from calogan.errors import ConfigurationError
    from calogan.files.output import check_writable
    from calogan.jets.production import JetSimulator, draw_signal, produce_jets
    from calogan.production import pending_seed, read_cluster

    check_writable(output)
    nodes = read_cluster(cluster) if cluster is not None else None
    if nodes is not None and workers is not None:
        msg = f"--workers counts processes of this machine: {cluster} says how many a node has"
        raise ConfigurationError(msg)
    workers = workers or len(os.sched_getaffinity(0))  # a batch system may give fewer than all
    seed = pending_seed(output) if seed is None else seed  # of a production that was stopped
    seed = secrets.randbits(32) if seed is None else seed
    factory: Callable[[], JetSimulator]
    if simulator == "pythia":
        with needs_extra("jets from Pythia", "jets"):
            from calogan.jets.simulation.pythia_jets import PythiaJets
        factory = PythiaJets
    else:  # one process: the threads of ONNX Runtime share the network
        from calogan.jets.models import open_jet_generator

        factory = partial(open_jet_generator, simulator, threads=1 if nodes else workers)
        workers = 1
    factory()  # whatever is wrong with it is said before there is a bar
    started = time.perf_counter()
    with progress_bar("jets") as progress:
        task = progress.add_task(f"jets with {simulator}", total=n)
        production = produce_jets(
            factory,
            n,
            output,
            seed=seed,
            signal_fraction=signal_fraction,
            workers=workers,
            chunk_size=chunk_size,
            made_with={"simulator": simulator},
            on_progress=lambda done: progress.update(task, completed=done),
            cluster=nodes,
        )
    _print_speed(production, time.perf_counter() - started, seed)
    n_signal = np.count_nonzero(draw_signal(n, signal_fraction, seed))
    typer.echo(f"{output}: jets with {simulator}, {n_signal} of {n} of W bosons")
    if production.failed:
        again = "the same command tries them again" + (
            " and nothing else" if production.resumable else ""
        )
        lacking = n - production.written
        typer.echo(f"calogan: incomplete: {lacking} of {n} jets failed; {again}", err=True)
        raise typer.Exit(1)


def _print_speed(production: Production, seconds: float, seed: int) -> None:
    """Say how fast it was; what was finished before does not count."""
    n = production.simulated
    each = f" ({1e3 * seconds / n:.3g} ms per jet)" if n else ""
    before = f", {production.resumed} finished before" if production.resumed else ""
    typer.echo(f"{n} jets in {seconds:.1f} s{each}, seed {seed}{before}")
