"""calogan simulate: incident particles to a file of showers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["EPILOG", "simulate"]

EPILOG = (
    "Examples: "
    "calogan simulate --with eplus --energy 50 -n 10000 -o fast.h5; "
    "calogan simulate --with geant4 --particle e+ --energy 1:100 -n 1000 --seed 1 -o eplus.h5"
)


def simulate(
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write (HDF5).")],
    n: Annotated[int, typer.Option("-n", min=1, max=10**9, help="Number of showers.")],
    simulator: Annotated[
        str,
        typer.Option("--with", help="geant4, a model (eplus), or the folder of a model bundle."),
    ] = "eplus",
    particle: Annotated[
        str | None,
        typer.Option(help="e+, gamma, pi+, ... or a PDG id; a model knows its own particle."),
    ] = None,
    energy: Annotated[
        str,
        typer.Option(help="GeV: 50, 1:100 (uniform), log:1:100 (log-uniform) or 10,20,50."),
    ] = "1:100",
    seed: Annotated[
        int | None, typer.Option(min=0, help="Fixes the showers; drawn and printed unless given.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes (threads of a model); all cores unless given."),
    ] = None,
    physics_list: Annotated[
        str | None,
        typer.Option(help="Geant4 only: FTFP_BERT (default), FTFP_BERT_EMV, QGSP_BERT, ..."),
    ] = None,
    range_cut: Annotated[
        float | None,
        typer.Option(help="Geant4 only: production threshold as a range in mm (default 0.7)."),
    ] = None,
) -> None:
    """Simulate showers and write them to a file in the layout of the CaloGAN paper."""
    import os
    import secrets
    import time
    from functools import partial

    from calogan.catalogue import open_simulator
    from calogan.cli.progress import progress_bar
    from calogan.errors import ConfigurationError, IncidentError
    from calogan.files.output import check_writable
    from calogan.incident import Incident, parse_spectrum, pdg_id
    from calogan.production import incident_rng, produce

    check_writable(output)
    spectrum = parse_spectrum(energy)
    workers = workers or len(os.sched_getaffinity(0))  # a batch system may give fewer than all
    seed = secrets.randbits(32) if seed is None else seed
    physics = {"physics_list": physics_list, "range_cut_mm": range_cut}
    given = {name: value for name, value in physics.items() if value is not None}
    if simulator == "geant4":
        factory = partial(open_simulator, simulator, **given)
    else:  # one process: ONNX Runtime's threads share the network
        if given:
            msg = f"--physics-list and --range-cut are Geant4's, not those of {simulator}"
            raise ConfigurationError(msg)
        factory = partial(open_simulator, simulator, threads=workers)
        workers = 1
    particle = particle or getattr(factory(), "particle", None)
    if particle is None:
        msg = f"{simulator} simulates any particle: name one with --particle, such as e+"
        raise IncidentError(msg)
    incident = Incident.create(pdg_id(particle), spectrum.draw(n, incident_rng(seed)))
    made_with = {"simulator": simulator, "particle": particle, "energy_gev": energy}
    started = time.perf_counter()
    with progress_bar("showers") as progress:
        task = progress.add_task(f"{particle} with {simulator}", total=n)
        produce(
            factory,
            incident,
            output,
            seed=seed,
            workers=workers,
            made_with=made_with,
            on_progress=lambda done: progress.update(task, completed=done),
        )
    seconds = time.perf_counter() - started
    typer.echo(
        f"{n} showers in {seconds:.1f} s ({_short(1e3 * seconds / n)} ms per shower), seed {seed}"
    )
    _print_provenance(output)


def _short(value: float) -> str:
    """Three digits, without an exponent."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _print_provenance(output: Path) -> None:
    """Say what is in the file: read back, so that it is what a later reader finds."""
    from calogan.files import ShowerFile

    with ShowerFile(output) as file:
        made_with = file.made_with
    shown = ("simulator", "geant4", "physics_list", "data", "model", "model_version")
    facts = ", ".join(f"{key} {made_with[key]}" for key in shown if key in made_with)
    typer.echo(f"{output}: {facts}")
