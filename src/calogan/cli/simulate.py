"""calogan simulate: incident particles to a file of showers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from calogan.cli.production import PANEL, ClusterFile, Workers, exit_if_incomplete, make_plan, run

__all__ = ["EPILOG", "simulate"]

BEAM = "Beam"
GEANT4 = "Geant4"
"""Panels of the help text."""

EPILOG = (
    "Examples: "
    "calogan simulate --with eplus --energy 50 -n 10000 -o fast.h5; "
    "calogan simulate --with geant4 --particle e+ --energy 1:100 -n 1000 --seed 1 -o eplus.h5"
)


def simulate(
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write (HDF5).")],
    n: Annotated[
        int | None,
        typer.Option(
            "-n",
            min=1,
            max=10**9,
            help="Number of showers; a file of energies and a macro know it themselves.",
        ),
    ] = None,
    simulator: Annotated[
        str,
        typer.Option(
            "--with",
            help="geant4, a model (eplus), its folder, library:FILE, or grpc://HOST:8001/eplus.",
        ),
    ] = "eplus",
    particle: Annotated[
        str | None,
        typer.Option(
            help="e+, gamma, pi+, ..., a PDG id, or several: e+,gamma; a model knows its own.",
            rich_help_panel=BEAM,
        ),
    ] = None,
    energy: Annotated[
        str | None,
        typer.Option(
            help="GeV: 50, 1:100 (uniform; the default), log:1:100, 10,20,50 (one of these), "
            "file:FILE:COLUMN (in order), pow:-2:1:100, exp:20:1:100, ...",
            rich_help_panel=BEAM,
        ),
    ] = None,
    position: Annotated[
        str | None,
        typer.Option(
            help="mm: X,Y where particles enter the front face (0,0), or X,Y,Z where they start; "
            "-20:20,-20:20 a uniform box.",
            rich_help_panel=BEAM,
        ),
    ] = None,
    direction: Annotated[
        str | None,
        typer.Option(
            help="0,0,1 (the default), theta=0:20,phi=0:360 (uniform in the angles, degrees) or "
            "cone:5 (uniform in solid angle).",
            rich_help_panel=BEAM,
        ),
    ] = None,
    macro: Annotated[
        Path | None,
        typer.Option(
            help="A Geant4 macro with a general particle source, such as run2.mac, instead.",
            rich_help_panel=BEAM,
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Fixes the showers; drawn and printed unless given.",
            rich_help_panel=PANEL,
        ),
    ] = None,
    workers: Workers = None,
    chunk_size: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Showers per task, 10 with Geant4 unless given; fixes the showers, as the seed.",
            rich_help_panel=PANEL,
        ),
    ] = None,
    cluster: ClusterFile = None,
    physics_list: Annotated[
        str | None,
        typer.Option(
            help="FTFP_BERT (default), FTFP_BERT_EMV, QGSP_BERT, ...", rich_help_panel=GEANT4
        ),
    ] = None,
    range_cut: Annotated[
        float | None,
        typer.Option(
            help="Production threshold as a range in mm (default 0.7).", rich_help_panel=GEANT4
        ),
    ] = None,
    calorimeter: Annotated[
        str | None,
        typer.Option(
            help="The paper's (calogan, the default), another one that ships, or a YAML file.",
            rich_help_panel=GEANT4,
        ),
    ] = None,
    deposits: Annotated[
        str | None,
        typer.Option(
            metavar="all|active",
            help="Which energy counts: in absorbers too (all, as in the paper), or in active "
            "sub-layers only.",
            rich_help_panel=GEANT4,
        ),
    ] = None,
    views: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Read each shower out so many more times, turned around the beam axis and "
            "mirrored at random: for training.",
            rich_help_panel=GEANT4,
        ),
    ] = None,
    upstream: Annotated[
        Path | None,
        typer.Option(
            help="YAML file of slabs that stand before the calorimeter.", rich_help_panel=GEANT4
        ),
    ] = None,
    fast: Annotated[
        str | None,
        typer.Option(
            help="Models that take over at the calorimeter: eplus,library:gamma.h5",
            rich_help_panel=GEANT4,
        ),
    ] = None,
) -> None:
    """Simulate showers and write them to a file in the layout of the CaloGAN paper."""
    from functools import partial

    from calogan.catalogue import open_simulator
    from calogan.cli.beams import BeamOptions, draw_incident
    from calogan.errors import ConfigurationError
    from calogan.production import produce

    plan = make_plan(output, seed, workers, cluster)
    geant4_options = {
        "physics_list": physics_list,
        "range_cut_mm": range_cut,
        "calorimeter": calorimeter,
        "deposits": deposits,
        "views": views,
        "upstream": upstream,
        "fast": None if fast is None else fast.split(","),
    }
    given = {name: value for name, value in geant4_options.items() if value is not None}
    if simulator == "geant4":
        factory = partial(open_simulator, simulator, **given)
    else:  # one process: ONNX Runtime's threads share the network
        if given:
            names = [f"--{name.removesuffix('_mm').replace('_', '-')}" for name in given]
            msg = f"{', '.join(names)}: for --with geant4 only, not for {simulator}"
            raise ConfigurationError(msg)
        factory = partial(open_simulator, simulator, threads=plan.threads)
    beam = BeamOptions(particle, energy, position, direction, macro, n)
    incident, drawn = draw_incident(beam, factory(), plan.seed)
    n = len(incident)
    made_with = {"simulator": simulator, **drawn}
    production = run(
        "shower",
        f"{drawn.get('particle', macro)} with {simulator}",
        n,
        plan.seed,
        lambda report: produce(
            factory,
            incident,
            output,
            seed=plan.seed,
            workers=plan.cores if simulator == "geant4" else 1,
            chunk_size=chunk_size,
            made_with=made_with,
            on_progress=report,
            cluster=plan.nodes,
        ),
    )
    _print_provenance(output)
    exit_if_incomplete(production, "shower", n)


def _print_provenance(output: Path) -> None:
    """Say what is in the file: read back, so that it is what a later reader finds."""
    from calogan.files import ShowerFile

    with ShowerFile(output) as file:
        made_with = file.made_with
    shown = ("simulator", "geant4", "physics_list", "data", "model", "model_version")
    facts = ", ".join(f"{key} {made_with[key]}" for key in shown if key in made_with)
    if "upstream" in made_with:
        facts += f", behind {made_with['upstream']['name']}"
    if "fast" in made_with:
        facts += f", fast with {' and '.join(model['name'] for model in made_with['fast'])}"
    typer.echo(f"{output}: {facts}")
