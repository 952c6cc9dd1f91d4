"""How models and their cards look on a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from calogan.bundle import Card, Figures, Found, TrainingData

__all__ = [
    "entry_of",
    "measured_on",
    "models_table",
    "open_console",
    "plain",
    "print_card",
    "print_json",
    "quality_table",
]


def open_console() -> Console:
    """Open a console that colours nothing by itself."""
    from rich.console import Console

    return Console(highlight=False)


def plain(value: object) -> str:
    """Text of a card as text: no markup, nothing that a terminal obeys."""
    from rich.markup import escape

    return escape("".join(c if c.isprintable() else " " for c in str(value)))


def print_json(value: object) -> None:
    """Print a value as JSON."""
    import json

    typer.echo(json.dumps(value, indent=2))


def entry_of(found: Found[Card]) -> dict[str, Any]:
    """What the list says of a bundle, for programs."""
    about: dict[str, Any] = {
        "path": str(found.path),
        "bundled": found.bundled,
        "hidden_by": None if found.hidden_by is None else str(found.hidden_by),
        "problem": found.problem,
    }
    if found.card is not None:
        card = found.card
        about |= {
            "name": card.name,
            "version": card.version,
            "particle": card.particle,
            "energy_range_gev": card.energy_range_gev,
            "conditions": card.condition_names,
            "calorimeter": card.calorimeter.name,
            "architecture": card.architecture.model_dump(mode="json"),
            "size_bytes": found.size_bytes,
            "license": card.license,
        }
    return about


def models_table(found: list[Found[Card]]) -> Table:
    """Models, one in a line."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=0)
    columns = ("model", "particle", r"E \[GeV]", "calorimeter", "kind, latent")
    for column in columns:
        table.add_column(column, no_wrap=True)
    table.add_column("MB", justify="right")
    table.add_column("where", no_wrap=True)
    for one in found:
        card = one.card
        if card is None:
            continue
        table.add_row(
            plain(f"{card.name}@{card.version}"),
            plain(card.particle),
            _range(card),
            plain(card.calorimeter.name),
            f"{card.architecture.kind}, {card.architecture.latent_size}",
            _megabytes(one.size_bytes),
            "package" if one.bundled else plain(one.path),
        )
    return table


def _range(card: Card) -> str:
    low, high = card.energy_range_gev
    return f"{low:g} to {high:g}"


def _megabytes(size: int | None) -> str:
    return "-" if size is None else f"{size / 1e6:.1f}"


def print_card(console: Console, card: Card, path: Path, size: int, *, verified: bool) -> None:
    """Print all of a card.

    Args:
        console: Where to.
        card: The card.
        path: Folder of the bundle.
        size: Bytes of the network.
        verified: Whether the network is the one of the card.
    """
    console.print(f"[bold]{plain(card.name)}[/], version {card.version}")
    console.print(_facts(_what(card, path, size, verified=verified)))
    console.print("\n[bold]Architecture[/]")
    console.print(_facts(_architecture(card)))
    console.print("\n[bold]Training data[/]")
    for data in (card.data, *card.further_data):
        console.print(_facts(_data(data)))
    console.print("\n[bold]Training[/]")
    console.print(_facts([(key, _value(value)) for key, value in card.training.items()]))
    console.print("\n[bold]Quality[/]")
    console.print(measured_on(card), soft_wrap=True)
    console.print(quality_table(card))


def _facts(pairs: list[tuple[str, str]]) -> Table:
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_column(style="cyan", min_width=13)
    table.add_column(overflow="fold")
    for key, value in pairs:
        table.add_row(f"  {plain(key)}", plain(value))
    return table


def _what(card: Card, path: Path, size: int, *, verified: bool) -> list[tuple[str, str]]:
    shapes = ", ".join(f"{rows} x {columns}" for rows, columns in card.calorimeter.layer_shapes)
    beam = ", ".join(f"{c.name} {c.low:g} to {c.high:g}" for c in card.conditions)
    size_shown = f"{_megabytes(size)} MB, checksum verified" if verified else "NOT VERIFIED"
    return [
        ("particle", card.particle),
        ("energy", f"{_range(card)} GeV"),
        ("beam", beam or "along the axis"),
        ("calorimeter", f"{card.calorimeter.name}: cells {shapes}"),
        ("licence", card.license),
        ("made with", ", ".join(f"{k} {v}" for k, v in card.made_with.items())),
        ("network", size_shown),
        ("SHA-256", card.sha256),
        ("folder", str(path)),
    ]


def _architecture(card: Card) -> list[tuple[str, str]]:
    network = card.architecture
    facts = [
        ("kind", f"{network.kind} (arXiv:1705.02355)"),
        ("parameters", f"{network.parameters:,}"),
        ("latent size", str(network.latent_size)),
        ("attention", "yes" if network.attention else "no"),
    ]
    differences = [part.strip() for part in network.differs_from_paper.split(";") if part.strip()]
    return facts + [("" if k else "differs", part) for k, part in enumerate(differences)]


def _data(data: TrainingData) -> list[tuple[str, str]]:
    size = "" if data.size_bytes is None else f", {_megabytes(data.size_bytes)} MB"
    particle = "" if data.particle is None else f" ({data.particle})"
    return [
        ("file", f"{data.file}{particle}{size}"),
        ("showers", f"{data.n_training:,} for updates, {data.n_validation:,} for validation"),
        *((key, _value(value)) for key, value in data.made_with.items()),
        ("SHA-256", data.sha256),
    ]


def _value(value: object) -> str:
    """A value of a free field on one line, and not without end."""
    import json

    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 400 else f"{text[:397]}..."


def measured_on(card: Card) -> str:
    """What the figures of a card were measured with."""
    if card.held_out is None:
        n, file = card.data.n_validation, card.data.file
        return f"  against the {n:,} validation showers of {plain(file)}: mean ± standard deviation"
    n, file = card.held_out.n_showers, card.held_out.file
    return f"  against {n:,} showers of {plain(file)}, held out: mean ± standard deviation"


def quality_table(card: Card) -> Table:
    """Observables of a card: Geant4, model, and how they compare."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from calogan.observables import observables_of

    units = {one.name: one.unit for one in observables_of(card.calorimeter)}
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=0)
    table.add_column("observable", no_wrap=True)
    for column in ("Geant4", "model", "ratio of\nmeans", "ratio of\nst. dev.", "distance"):
        table.add_column(column, justify="right", no_wrap=True)
    for name, figures in card.quality.items():
        unit = units.get(name, "")
        table.add_row(
            plain(f"{name} [{unit}]" if unit else name),
            _spread(figures.validation_mean, figures.validation_std),
            _spread(figures.generated_mean, figures.generated_std),
            *_ratios(figures),
            _number(figures.distance, 3),
        )
    return table


def _ratios(figures: Figures) -> tuple[str, str]:
    return _number(figures.ratio_of_means, 3), _number(figures.ratio_of_stds, 2)


def _number(value: float | None, places: int) -> str:
    return "-" if value is None else f"{value:.{places}f}"


def _spread(mean: float | None, spread: float | None) -> str:
    """Mean and standard deviation, up to the second digit of the latter."""
    import math

    if mean is None or spread is None:
        return "-"
    places = min(max(1 - math.floor(math.log10(spread)), 0), 6) if spread > 0 else 3
    return f"{mean:z.{places}f} ± {spread:.{places}f}"
