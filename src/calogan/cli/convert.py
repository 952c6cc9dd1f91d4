"""calogan convert: showers from one file format to another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = ["EPILOG", "convert"]

EPILOG = (
    "Examples: "
    "calogan convert eplus.h5 eplus.root; "
    "calogan convert plz_work_kthxbai.root eplus.h5 --particle e+; "
    "calogan convert eplus.h5 voxels.hdf5 --to calochallenge"
)


def convert(
    source: Annotated[
        Path, typer.Argument(help="File to read, of any of the formats.", metavar="IN")
    ],
    target: Annotated[Path, typer.Argument(help="File to write.", metavar="OUT")],
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            help="Format to write: paper, root or calochallenge; by the ending of OUT unless"
            " given (.h5 and .hdf5: paper).",
            metavar="FORMAT",
        ),
    ] = None,
    calorimeter: Annotated[
        str | None,
        typer.Option(
            help="YAML file of the calorimeter, or the name of a shipped one (si-w, ...), if IN"
            " does not say it."
        ),
    ] = None,
    particle: Annotated[
        str | None, typer.Option(help="The particle (e+, gamma, ...), if IN does not say it.")
    ] = None,
) -> None:
    """Convert showers: the paper's HDF5, the original's ROOT tree, the CaloChallenge's HDF5."""
    import time
    from contextlib import ExitStack

    from calogan.calorimeter import Calorimeter
    from calogan.cli.progress import progress_bar
    from calogan.files.convert import convert as convert_file

    given = None if calorimeter is None else Calorimeter.load(calorimeter)
    started = time.perf_counter()
    with ExitStack() as stack:
        bars: list[Progress] = []

        def on_progress(done: int, total: int) -> None:
            if not bars:  # not before the files are known to be good
                bars.append(stack.enter_context(progress_bar("showers")))
                bars[0].add_task(f"{source.name} -> {target.name}", total=total)
            bars[0].update(bars[0].task_ids[0], completed=done)

        done = convert_file(
            source,
            target,
            to=to,
            calorimeter=given,
            particle=particle,
            on_progress=on_progress,
        )
    seconds = time.perf_counter() - started
    typer.echo(f"{target}: {done.n} showers, {done.source} to {done.target}, {seconds:.1f} s")
    for note in done.notes:
        typer.secho(f"note: {note}", fg="yellow", err=True)
