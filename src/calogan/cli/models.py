"""calogan models: trained models, here and in the package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from calogan.cli.cards import (
    entry_of,
    measured_on,
    models_table,
    open_console,
    plain,
    print_card,
    print_json,
    quality_table,
)

__all__ = ["app"]

app = typer.Typer(
    help="Trained models: what there is, what is in them, installing more.",
    epilog="Example: calogan models show eplus",
    invoke_without_command=True,
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[
    str, typer.Argument(help="A model (eplus, eplus@2, calogan-eplus) or the folder of a bundle.")
]


@app.callback()
def models(context: typer.Context, as_json: Json = False) -> None:
    """Trained models: what there is, what is in them, installing more."""
    if context.invoked_subcommand is None:
        list_(as_json)


@app.command("list", epilog="Example: CALOGAN_MODELS=runs/first calogan models list")
def list_(as_json: Json = False) -> None:
    """List the models that can be opened by name.

    They are looked for in the folders of CALOGAN_MODELS, in the user's, and in the package.
    """
    from calogan.bundle import DEFAULT_MODELS, installed

    found = installed()
    if as_json:
        print_json([entry_of(one) for one in found])
        return
    console = open_console()
    table = models_table(found)
    # paths stay in one piece, for copying, even if the line is longer than the terminal is wide
    endless = console.options.update(width=10_000)
    console.width = max(console.width, console.measure(table, options=endless).maximum)
    console.print(table)
    for one in found:
        if one.problem:
            console.print(f"[yellow]cannot be read:[/] {plain(one.problem)}", soft_wrap=True)
        elif one.hidden_by:
            console.print(
                f"[yellow]hidden:[/] {plain(one.path)} has the name and version of"
                f" {plain(one.hidden_by)}, which comes first",
                soft_wrap=True,
            )
    names = {one.card.name for one in found if one.card}
    missing = [name for name in DEFAULT_MODELS if name not in names]
    if missing:
        console.print(f"not installed: {', '.join(missing)}")
    console.print("more about one: calogan models show NAME", style="dim")


@app.command(epilog="Example: calogan models show eplus")
def show(name: Name, as_json: Json = False) -> None:
    """Print the card of a model: what it simulates, what it learnt from, how good it is."""
    from calogan.bundle import Bundle, read_card
    from calogan.errors import ModelError

    path = _find(name)
    card = read_card(path)
    problem: ModelError | None = None
    size = 0
    try:
        bundle = Bundle(path)
        size = len(bundle.read_model())
    except ModelError as error:
        problem = error
    if as_json:
        about = {"path": str(path), "size_bytes": size, "verified": problem is None}
        print_json({**about, "card": card.model_dump(mode="json")})
    else:
        print_card(open_console(), card, path, size, verified=problem is None)
    if problem is not None:
        raise problem


@app.command(epilog="Example: calogan models measure run/model held-out.h5 --write")
def measure(
    name: Name,
    file: Annotated[str, typer.Argument(help="Showers of Geant4 that no training saw.")],
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", min=2, help="Compare with the first so many.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Fixes the showers of the model.")] = 0,
    write: Annotated[
        bool, typer.Option("--write", help="Put the figures on the card of the model.")
    ] = False,
) -> None:
    """Compare a model with held-out showers, as its card does."""
    from calogan.cli.extras import needs_extra

    with needs_extra("measuring a model", "evaluate"):
        from calogan.quality import measure_quality

    path = _find(name)
    card = measure_quality(path, file, seed=seed, limit=limit, write=write)
    console = open_console()
    console.print(measured_on(card), soft_wrap=True)
    console.print(quality_table(card))
    if write:
        typer.echo(f"written to {path / 'card.json'}")


@app.command(epilog="Example: calogan models install run/model")
def install(
    source: Annotated[
        str,
        typer.Argument(help="Folder of a bundle, an archive (.zip, .tar.gz, ...), or its URL."),
    ],
    to: Annotated[
        Path | None,
        typer.Option(help="Folder for it; the first of CALOGAN_MODELS or the user's unless given."),
    ] = None,
) -> None:
    """Put a model where it is found by name, after its verification."""
    from calogan.bundle.archive import install_bundle
    from calogan.cli.progress import download_bar

    with download_bar() as progress:
        tasks: list[Any] = []

        def on_bytes(done: int, total: int | None) -> None:
            if not tasks:
                tasks.append(progress.add_task("download", total=total))
            progress.update(tasks[0], completed=done, total=total)

        bundle = install_bundle(source, to, on_bytes=on_bytes)
    name = f"{bundle.card.name}@{bundle.card.version}"
    typer.echo(f"{name} -> {bundle.path}")
    if not _opens(name, bundle.path):
        typer.echo(f"to open it by name: export CALOGAN_MODELS={bundle.path.parent}")


@app.command(epilog="Example: calogan models export eplus -o calogan-eplus.zip")
def export(
    name: Name,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to write: .zip, .tar, .tar.gz or .tgz.")
    ],
) -> None:
    """Write a model as one file, to give away: calogan models install reads it."""
    from calogan.bundle.archive import pack_bundle

    path = _find(name)
    pack_bundle(path, output)
    typer.echo(f"{output}: {output.stat().st_size / 1e6:.1f} MB")


@app.command(epilog="Example: calogan models schema")
def schema() -> None:
    """Print the JSON schema of card.json."""
    from calogan.bundle.card import card_schema

    print_json(card_schema())


def _find(name: str) -> Path:
    """Folder of a model, or one line that says which there are."""
    from calogan.bundle import find_bundle, list_bundles
    from calogan.errors import ModelError

    path = find_bundle(name)
    if path is None:
        msg = (
            f"no model {name!r}: give one of {', '.join(list_bundles())}, or the folder of a bundle"
        )
        raise ModelError(msg)
    return path


def _opens(name: str, path: Path) -> bool:
    """Whether a name opens the bundle in this folder."""
    from calogan.bundle import find_bundle
    from calogan.errors import ModelError

    try:
        found = find_bundle(name)
    except ModelError:
        return False
    return found is not None and found.samefile(path)
