"""calogan jets compare: how far generated jet images are from those of Pythia, on one page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = ["EPILOG", "compare"]

CONTENTS = "Contents"
"""Panel of the help text."""

EPILOG = (
    "Examples: "
    "calogan jets compare jets.h5 lagan dcgan fcgan hybrid -o report; "
    "calogan jets compare jets.h5 runs/lagan/model other.h5 -o report --quick"
)


def compare(
    reference: Annotated[
        Path,
        typer.Argument(help="File of Pythia's images, or sample:jets.", metavar="REFERENCE"),
    ],
    candidates: Annotated[
        list[str],
        typer.Argument(
            help="What to compare with it: models (lagan), their folders, or files. A model makes "
            "as many images of each class as the reference has.",
            metavar="CANDIDATE...",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="Folder of the report; an older report is replaced."),
    ] = Path("report"),
    name: Annotated[
        list[str] | None,
        typer.Option(
            "--name", help="Name in the report: once per sample, in their order.", metavar="TEXT"
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", "-n", min=1, help="Most images of each sample."),
    ] = None,
    training: Annotated[
        Path | None,
        typer.Option(
            help="File of the images that the candidates were trained with, to look for copies. "
            "Not needed if that is the reference.",
            rich_help_panel=CONTENTS,
        ),
    ] = None,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick",
            help="The tables, average images and distributions only: no classifiers.",
            rich_help_panel=CONTENTS,
        ),
    ] = False,
    seeds: Annotated[
        int,
        typer.Option(min=1, help="Trainings of each classifier.", rich_help_panel=CONTENTS),
    ] = 2,
    seed: Annotated[
        int,
        typer.Option(
            min=0, help="Fixes all that is random: generated images, bootstrap samples, trainings."
        ),
    ] = 1,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes; all cores unless given."),
    ] = None,
) -> None:
    """Compare jet images of networks with those of Pythia: figures, distances, classifiers."""
    import os
    from contextlib import ExitStack

    from calogan.cli.progress import progress_bar
    from calogan.jets.report import JetSettings, compare_jet_files

    settings = JetSettings(
        quick=quick,
        n_seeds=seeds,
        seed=seed,
        workers=workers or len(os.sched_getaffinity(0)),
    )
    with ExitStack() as stack:
        bars: list[Progress] = []
        tasks: dict[str, Any] = {}

        def report(what: str, done: int, total: int) -> None:
            if not bars:  # bad input is said before anything is drawn
                bars.append(stack.enter_context(progress_bar("")))
            if what not in tasks:
                tasks[what] = bars[0].add_task(what, total=total)
            bars[0].update(tasks[what], completed=done)

        metrics = compare_jet_files(
            reference,
            candidates,
            output,
            names=name or (),
            limit=limit,
            training=training,
            settings=settings,
            report=report,
        )
    _show(metrics, Path(output) / "index.html")


def _show(metrics: dict[str, Any], page: Path) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    for note in metrics["notes"]:
        console.print(f"[yellow]Note:[/yellow] {escape(note)}")
    own, *candidates = [sample["name"] for sample in metrics["samples"]]
    table = Table(
        title=escape(f"1-Wasserstein distances to {own}, in its standard deviations"),
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    table.add_column("observable", no_wrap=True)
    table.add_column("jets", no_wrap=True)
    for candidate in candidates:
        table.add_column(escape(candidate), justify="right", no_wrap=True)
    table.add_column("by\nchance", justify="right", no_wrap=True)
    for observable in next(iter(metrics["observables"].values())):
        for of, found in metrics["observables"].items():
            cells = found[observable]["candidates"]
            distances = {n: cells[n]["distances"]["wasserstein"] for n in candidates}
            floors = [one["floor"] for one in distances.values() if one["floor"] is not None]
            table.add_row(
                observable,
                of,
                *(f"[{cells[n]['light']}]{_number(distances[n]['value'])}[/]" for n in candidates),
                _number(max(floors, default=None)),
            )
    console.print(table)
    if metrics["ranking"]["sentences"]:
        console.print(escape(" ".join(metrics["ranking"]["sentences"])))
    console.print(f"Report: [bold]{escape(str(page))}[/bold]", soft_wrap=True)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
