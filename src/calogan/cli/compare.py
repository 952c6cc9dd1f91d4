"""`calogan compare`: put showers beside a reference, in numbers and pictures."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["compare"]


def compare(
    reference: Annotated[
        str,
        typer.Argument(help="File of the reference showers, as of Geant4.", metavar="REFERENCE"),
    ],
    candidates: Annotated[
        list[str],
        typer.Argument(help="One or more files to compare with it.", metavar="CANDIDATE..."),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="Folder of the report; an older report is replaced."),
    ] = Path("report"),
    name: Annotated[
        list[str] | None,
        typer.Option(
            "--name", help="Name in the report: once per file, in their order.", metavar="TEXT"
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", "-n", min=1, help="Read at most so many showers of each file."),
    ] = None,
) -> None:
    """Compare showers with a reference: one page of shower shapes, in numbers and pictures.

    Example: calogan compare eplus.h5 fast.h5 -o report/
    """
    from calogan.evaluation import compare_files

    metrics = compare_files(reference, candidates, output, names=name or (), limit=limit)
    _show(metrics, Path(output) / "index.html")


def _show(metrics: dict[str, Any], page: Path) -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console()
    for note in metrics["selection"]["notes"]:
        console.print(f"[yellow]Note:[/yellow] {escape(note)}")
    for sample in metrics["samples"][1:]:
        console.print(_table(metrics, sample["name"]))
    console.print(f"Report: [bold]{escape(str(page))}[/bold]", soft_wrap=True)


def _table(metrics: dict[str, Any], candidate: str) -> Any:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    from calogan.evaluation.distances import grade

    reference = metrics["samples"][0]["name"]
    table = Table(
        title=escape(f"{candidate} against {reference}"), title_justify="left", box=SIMPLE_HEAD
    )
    table.add_column("observable", no_wrap=True)
    for column in (escape(reference), escape(candidate), "ratio of\nmeans", "separation"):
        table.add_column(column, justify="right", no_wrap=True)
    for name in metrics["shown"]:
        found = metrics["observables"][name]
        row = found["candidates"][candidate]
        separation, noise = row["separation_percent"], row["separation_noise_percent"]
        shade = {"large": "red", "above": "yellow", "noise": ""}[grade(separation, noise)]
        table.add_row(
            escape(f"{name} [{found['unit']}]" if found["unit"] else name),
            _spread(found["reference"]),
            _spread(row),
            _number(row["ratio_mean"], "{:.3f}"),
            f"[{shade}]{separation:.2g} %[/]" if shade else f"{separation:.2g} %",
        )
    return table


def _spread(moments: dict[str, float | None]) -> str:
    """Write mean and standard deviation, up to the second digit of the latter."""
    mean, sd = moments["mean"], moments["sd"]
    places = min(max(1 - math.floor(math.log10(sd)), 0), 6) if sd else 3
    return f"{_number(mean, f'{{:z.{places}f}}')} ± {_number(sd, f'{{:z.{places}f}}')}"


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)
