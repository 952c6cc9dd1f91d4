"""calogan jets simulate: collisions to a file of jet images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from calogan.cli.production import PANEL, ClusterFile, Workers, exit_if_incomplete, make_plan, run

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["EPILOG", "simulate"]

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
            rich_help_panel=PANEL,
        ),
    ] = None,
    workers: Workers = None,
    chunk_size: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Jets per task, 500 with Pythia unless given; fixes the jets, as the seed.",
            rich_help_panel=PANEL,
        ),
    ] = None,
    cluster: ClusterFile = None,
) -> None:
    """Simulate jets and write their images to a file in the layout of the LAGAN paper."""
    from functools import partial

    import numpy as np

    from calogan.cli.extras import needs_extra
    from calogan.jets.production import JetSimulator, draw_signal, produce_jets

    plan = make_plan(output, seed, workers, cluster)
    factory: Callable[[], JetSimulator]
    if simulator == "pythia":
        with needs_extra("jets from Pythia", "jets"):
            from calogan.jets.simulation.pythia_jets import PythiaJets
        factory = PythiaJets
    else:  # one process: the threads of ONNX Runtime share the network
        from calogan.jets.models import open_jet_generator

        factory = partial(open_jet_generator, simulator, threads=plan.threads)
    factory()  # whatever is wrong with it is said before there is a bar
    production = run(
        "jet",
        f"jets with {simulator}",
        n,
        plan.seed,
        lambda report: produce_jets(
            factory,
            n,
            output,
            seed=plan.seed,
            signal_fraction=signal_fraction,
            workers=plan.cores if simulator == "pythia" else 1,
            chunk_size=chunk_size,
            made_with={"simulator": simulator},
            on_progress=report,
            cluster=plan.nodes,
        ),
    )
    n_signal = np.count_nonzero(draw_signal(n, signal_fraction, plan.seed))
    typer.echo(f"{output}: jets with {simulator}, {n_signal} of {n} of W bosons")
    exit_if_incomplete(production, "jet", n)
