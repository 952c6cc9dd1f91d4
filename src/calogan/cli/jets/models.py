"""calogan jets models: trained generators of jet images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pathlib import Path

    from calogan.jets.card import JetCard

__all__ = ["EPILOG", "models"]

EPILOG = "Examples: calogan jets models; calogan jets models lagan"


def models(
    name: Annotated[
        str | None, typer.Argument(help="A model (lagan, lagan@2) or the folder of one.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the trained generators of jet images, or say what is on the card of one.

    They are looked for in the folders of CALOGAN_MODELS, in the user's, and in the package.
    """
    from calogan.bundle import read_card_as
    from calogan.cli.cards import print_json
    from calogan.jets.card import JetCard
    from calogan.jets.models import find_jet_model, jet_models

    if name is not None:
        path = find_jet_model(name)
        card = read_card_as(JetCard, path)
        if as_json:
            print_json({"path": str(path), "card": card.model_dump(mode="json")})
        else:
            _print_card(path, card)
        return
    found = jet_models()
    cards = {one.path: one.card for one in found if one.card and not one.hidden_by}
    if as_json:
        print_json(
            [
                {"path": str(path), "name": card.name, "version": card.version}
                | {"kind": card.architecture.kind, "license": card.license}
                for path, card in cards.items()
            ]
        )
        return
    _print_list(cards)
    for problem in (one.problem for one in found if one.problem):
        typer.echo(f"cannot be read: {problem}")


def _print_list(cards: dict[Path, JetCard]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from calogan.cli.cards import open_console, plain
    from calogan.jets.models import BUNDLED

    if not cards:
        typer.echo("no model of jet images: calogan jets train makes one")
        return
    table = Table(box=SIMPLE_HEAD, show_edge=False)
    for column in ("model", "kind", "parameters", "trained on", "where"):
        table.add_column(
            column, no_wrap=True, justify="right" if column == "parameters" else "left"
        )
    for path, card in cards.items():
        table.add_row(
            plain(f"{card.name}@{card.version}"),
            card.architecture.kind,
            f"{card.architecture.parameters:,}",
            f"{card.data.n_training:,} images",
            "package" if path.parent == BUNDLED else plain(path),
        )
    console = open_console()
    # paths stay in one piece, for copying, even if the line is longer than the terminal is wide
    endless = console.options.update(width=10_000)
    console.width = max(console.width, console.measure(table, options=endless).maximum)
    console.print(table)


def _print_card(path: Path, card: JetCard) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from calogan.cli.cards import open_console, plain

    data, network, training = card.data, card.architecture, card.training
    facts = {
        "network": f"{network.kind} (arXiv:1701.05927), {network.parameters:,} parameters",
        "differs": network.differs_from_paper or "not from the published settings",
        "trained on": f"{data.n_training:,} images of {data.file}, {data.n_validation:,} held out",
        "best epoch": f"{training.get('best_epoch', '-')}, {training.get('best_weights', 'averaged')} weights",
        "discriminator": _named(card),
        "threshold": f"{card.threshold_gev:g} GeV",
        "licence": card.license,
        "made with": ", ".join(f"{key} {value}" for key, value in card.made_with.items()),
        "SHA-256": card.sha256,
        "folder": path,
    }
    console = open_console()
    console.print(f"[bold]{plain(card.name)}[/], version {card.version}")
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="cyan")
    grid.add_column(overflow="fold")
    for key, value in facts.items():
        grid.add_row(f"  {key}", plain(value))
    console.print(grid)
    table = Table(box=SIMPLE_HEAD, show_edge=False)
    table.add_column("observable")
    for column in ("Pythia", "model", "distance"):
        table.add_column(column, justify="right")
    for name, figures in card.quality.items():
        table.add_row(
            plain(name),
            _spread(figures.validation_mean, figures.validation_std),
            _spread(figures.generated_mean, figures.generated_std),
            "-" if figures.distance is None else f"{figures.distance:.3f}",
        )
    console.print(table)


def _named(card: JetCard) -> str:
    """How often the discriminator that is not in the bundle names a jet rightly."""
    found = card.auxiliary_classifier
    if found is None:
        return "not known"
    pythia, generated = (
        " and ".join(f"{matrix[k][k]:.1%} of {kind}" for k, kind in ((1, "W"), (0, "QCD")))
        for matrix in (found.pythia, found.generated)
    )
    return f"names {pythia} jets of Pythia rightly, {generated} jets of the model"


def _spread(mean: float | None, spread: float | None) -> str:
    return "-" if mean is None or spread is None else f"{mean:.4g} ± {spread:.2g}"
