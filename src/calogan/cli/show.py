"""calogan show: single showers in three dimensions, in a page for the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["EPILOG", "show"]

EPILOG = (
    "Examples: "
    "calogan show eplus.h5 --event 3; "
    "calogan show sample:eplus calogan-eplus --event 3,7-9 -o event.html; "
    "calogan show geant4.h5 fast.h5 --random 5 --min-energy 50"
)


def show(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="A file of showers, or sample:NAME; and, to put beside it, another file or a"
            " simulator (a model, library:FILE, geant4), which makes showers of the same"
            " particles.",
            metavar="FILE [OTHER]",
        ),
    ],
    event: Annotated[
        list[str] | None,
        typer.Option(
            "--event",
            "-e",
            help="Numbers of the showers, from 0: 3, or 3,7-9. The first one unless given.",
            metavar="NUMBERS",
        ),
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The page to write (HTML, about 5 MB).")
    ] = Path("event.html"),
    random: Annotated[
        int | None, typer.Option("--random", min=1, help="So many showers at random.", metavar="N")
    ] = None,
    min_energy: Annotated[
        float | None,
        typer.Option(
            "--min-energy",
            min=0,
            help="Only showers of particles with at least this energy [GeV]: the first one, or"
            " those of --random.",
            metavar="GEV",
        ),
    ] = None,
    threshold: Annotated[
        float,
        typer.Option(
            min=0,
            help="Hide cells below this energy [MeV] at first; the page has a slider.",
            metavar="MEV",
        ),
    ] = 0.0,
    name: Annotated[
        list[str] | None,
        typer.Option("--name", help="Name in the page: once per source.", metavar="TEXT"),
    ] = None,
    same_numbers: Annotated[
        bool,
        typer.Option(
            "--same-numbers",
            help="Show the same numbers of both files, not the showers nearest in energy.",
        ),
    ] = False,
    calorimeter: Annotated[
        str | None,
        typer.Option(
            help="YAML file of the calorimeter, or the name of a shipped one, if a file does not"
            " say."
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, help="Fixes --random, and what a simulator makes.")
    ] = 0,
    browse: Annotated[bool, typer.Option("--browse", help="Open the page in the browser.")] = False,
) -> None:
    """Show single showers in three dimensions: a page to turn, point at, and compare in."""
    from calogan.calorimeter import Calorimeter
    from calogan.evaluation.display import Choice, parse_events
    from calogan.evaluation.display import show as show_showers

    given = None if calorimeter is None else Calorimeter.load(calorimeter)
    shown = show_showers(
        sources,
        output,
        Choice(parse_events(event or ()), random, min_energy),
        names=name or (),
        calorimeter=given,
        threshold_mev=threshold,
        same_numbers=same_numbers,
        seed=seed,
    )
    for source, numbers in zip(sources, shown, strict=True):
        what = (
            "new showers of the same particles"
            if not numbers
            else f"event {', '.join(map(str, numbers))}"
        )
        typer.echo(f"{source}: {what}")
    typer.echo(f"Page: {output}")
    if browse:
        typer.launch(str(output.resolve()))
