"""calogan observables: shower shapes of a file as a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.progress import Progress

    from calogan.observables import Observable

__all__ = ["EPILOG", "observables"]

EPILOG = (
    "Examples: "
    "calogan observables eplus.h5 -o shapes.parquet; "
    "calogan observables eplus.h5 -o shapes.csv --observables 'f_*,group:widths' -n 1000; "
    "calogan observables sample:eplus --list"
)


def observables(
    source: Annotated[
        str,
        typer.Argument(
            help="File of showers, of any format; or a sample: sample:eplus.", metavar="FILE"
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Table to write: .parquet, .h5 or .csv.", metavar="TABLE"
        ),
    ] = None,
    chosen: Annotated[
        list[str] | None,
        typer.Option(
            "--observables",
            help="Which ones, with commas between them: names (f_1), patterns (sigma_*), groups"
            " (group:widths), or primary for those of calogan compare; all unless given.",
            metavar="TEXT",
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", min=1, help="Only the first so many showers.")
    ] = None,
    calorimeter: Annotated[
        str | None,
        typer.Option(
            help="YAML file of the calorimeter, or the name of a shipped one (si-w, ...), if FILE"
            " does not say it."
        ),
    ] = None,
    list_only: Annotated[
        bool, typer.Option("--list", help="List the observables of the file; write nothing.")
    ] = False,
) -> None:
    """Write the shower shapes of a file as a table that pandas reads: one row per shower."""
    import time
    from contextlib import ExitStack

    from calogan.calorimeter import Calorimeter
    from calogan.cli.progress import progress_bar
    from calogan.evaluation.table import list_observables, write_observables

    given = None if calorimeter is None else Calorimeter.load(calorimeter)
    if list_only:
        _print(list_observables(source, chosen, given))
        return
    if output is None:
        msg = "give a table to write with --output (-o), or --list"
        raise typer.BadParameter(msg)
    started = time.perf_counter()
    with ExitStack() as stack:
        bars: list[Progress] = []

        def on_progress(done: int, total: int) -> None:
            if not bars:  # not before the file is known to be good
                bars.append(stack.enter_context(progress_bar("showers")))
                bars[0].add_task(f"{Path(source).name} -> {output.name}", total=total)
            bars[0].update(bars[0].task_ids[0], completed=done)

        written = write_observables(
            source,
            output,
            observables=chosen,
            limit=limit,
            calorimeter=given,
            on_progress=on_progress,
        )
    seconds = time.perf_counter() - started
    typer.echo(f"{output}: {written.n} showers, {len(written.columns)} columns, {seconds:.1f} s")


def _print(found: Sequence[Observable]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("name", style="cyan", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("group", no_wrap=True)
    table.add_column("primary", no_wrap=True)
    table.add_column("what it is")
    for one in found:
        primary = "yes" if one.primary else ""
        table.add_row(one.name, one.unit, one.group, primary, one.description)
    Console().print(table)
