"""calogan geant4-data: the cross sections that Geant4 reads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from calogan.cli.progress import download_bar

if TYPE_CHECKING:
    from calogan.geant4.datasets import Dataset

__all__ = ["app"]

app = typer.Typer(
    help="Cross sections for Geant4: what is there, and the official ones from CERN.",
    no_args_is_help=True,
)


@app.command(epilog="Example: calogan geant4-data install")
def install(
    destination: Annotated[
        Path | None,
        typer.Argument(
            help="Folder; GEANT4_DATA_DIR, or ~/.local/share/calzone/data unless given."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Install again what is there.")] = False,
    url: Annotated[
        str | None, typer.Option(help="Where the archives are; CERN's server unless given.")
    ] = None,
) -> None:
    """Download Geant4's official data: checked, and resumed where it broke off."""
    from calogan.geant4.data import official_folder
    from calogan.geant4.datasets import BASE_URL
    from calogan.geant4.download import install as install_data

    with download_bar() as progress:
        tasks = {}

        def on_bytes(dataset: Dataset, done: int, total: int | None) -> None:
            if dataset not in tasks:
                tasks[dataset] = progress.add_task(dataset.archive, total=total)
            progress.update(tasks[dataset], completed=done, total=total)

        folder = install_data(destination, force=force, base_url=url or BASE_URL, on_bytes=on_bytes)
    typer.echo(f"Geant4 data -> {folder}")
    if folder != official_folder():
        typer.echo(f"to use them: export GEANT4_DATA_DIR={folder}")


@app.command(epilog="Example: export GEANT4_DATA_DIR=$(calogan geant4-data path)")
def path() -> None:
    """Print the folder of the data that would be used; compact ones are made if there are none."""
    from calogan.geant4.data import find_geant4_data

    typer.echo(find_geant4_data().path)


@app.command(epilog="Example: calogan geant4-data info")
def info() -> None:
    """Say which data would be used; compact ones are made if there are none."""
    from calogan.geant4.data import find_geant4_data

    data = find_geant4_data()
    typer.echo(f"{data.label}\nfolder: {data.path}")
    if data.digest is not None:
        typer.echo(f"digest: {data.digest}")
    if data.kind != "official":
        typer.echo("official data: calogan geant4-data install")
