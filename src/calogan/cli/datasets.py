"""calogan datasets: published sets of showers, and their download."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from calogan.cli.progress import download_bar

if TYPE_CHECKING:
    from rich.progress import Progress

    from calogan.files.published import PublishedFile

__all__ = ["app"]

app = typer.Typer(
    help="Published sets of showers and jet images: what there is, and their download.",
    invoke_without_command=True,
)


@app.callback()
def datasets(context: typer.Context) -> None:
    """List the published sets, with DOI, size, licence and layout."""
    if context.invoked_subcommand is None:
        list_sets()


@app.command("list")
def list_sets() -> None:
    """List the published sets, with DOI, size, licence and layout."""
    from rich.console import Console
    from rich.table import Table

    from calogan.files.published import PUBLISHED

    table = Table(title="Published sets", title_style="bold", show_header=False, show_lines=True)
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for published in PUBLISHED:
        facts = f"{published.layout}, {published.size}, licence: {published.licence}"
        files = ", ".join(part.name for part in published.files)
        doi = f"https://doi.org/{published.doi}"
        table.add_row(published.name, f"{published.title}\n{doi}\n{facts}\n{files}")
    console = Console()
    console.print(table, highlight=False)
    console.print("Download one: calogan datasets download NAME -o FOLDER", highlight=False)


@app.command(epilog="Example: calogan datasets download calogan --file eplus.hdf5 -o data/")
def download(
    name: Annotated[str, typer.Argument(help="Name of the set: see calogan datasets.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder; made if it is not there.")
    ] = Path(),
    file: Annotated[
        list[str] | None,
        typer.Option("--file", help="Only this file of the set; may be given several times."),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(help="Folder of a mirror that holds the files; the publisher unless given."),
    ] = None,
) -> None:
    """Download a published set: checked, and resumed where it broke off."""
    from calogan.files.published import download_set, find_set

    published = find_set(name)
    with ExitStack() as stack:
        bars: list[Progress] = []
        tasks = {}

        def on_bytes(part: PublishedFile, done: int, total: int | None) -> None:
            if not bars:  # not before something comes
                bars.append(stack.enter_context(download_bar()))
            if part not in tasks:
                tasks[part] = bars[0].add_task(part.name, total=total)
            bars[0].update(tasks[part], completed=done, total=total)

        paths = download_set(published, output, names=file or (), base_url=url, on_bytes=on_bytes)
    checked = {part.name for part in published.files if part.md5}
    for path in paths:
        how = "MD5 as published" if path.name in checked else "no published checksum to compare"
        typer.echo(f"{path}: {path.stat().st_size / 1e6:,.1f} MB, {how}")
    typer.echo(f"please cite: https://doi.org/{published.doi}")
