"""calogan info: what is in a file of showers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from calogan.files.summary import Range, Summary

__all__ = ["info"]


def info(
    path: Annotated[Path, typer.Argument(help="File of showers, of any format.", metavar="FILE")],
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    checksum: Annotated[
        bool, typer.Option("--checksum", help="SHA-256 of the file as well: reads all of it.")
    ] = False,
    calorimeter: Annotated[
        str | None,
        typer.Option(
            help="YAML file of the calorimeter, or the name of a shipped one, if FILE does not say."
        ),
    ] = None,
) -> None:
    """Say what is in a file: format, particles, energies, calorimeter, and what made it.

    Example: calogan info eplus.h5
    """
    from calogan.calorimeter import Calorimeter
    from calogan.files.summary import summarise

    given = None if calorimeter is None else Calorimeter.load(calorimeter)
    summary = summarise(path, given, checksum=checksum)
    if json:
        import dataclasses
        from json import dumps

        typer.echo(dumps(dataclasses.asdict(summary), indent=2))
        return
    _print(summary)


def _print(summary: Summary) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=summary.path, title_style="bold", show_header=False)
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _rows(summary):
        table.add_row(name, escape(value))
    if summary.made_with:
        table.add_section()
        for name, value in summary.made_with.items():
            table.add_row(name, escape(_text(value)))
    Console().print(table)


def _rows(summary: Summary) -> list[tuple[str, str]]:
    rows = [
        ("format", _FORMATS[summary.format]),
        ("size", _size(summary.size_bytes)),
        ("showers", f"{summary.n_showers:,}"),
        ("particle", ", ".join(summary.particles) or "the file does not say"),
    ]
    if summary.energy_gev and summary.position_mm and summary.angle_deg:
        rows += [
            ("energy", f"{_range(summary.energy_gev)} GeV"),
            ("start", _start(summary.position_mm)),
            ("direction", _direction(summary.angle_deg)),
        ]
    shapes = " + ".join(" x ".join(map(str, shape)) for shape in _short(summary.layers))
    more = len(summary.layers) - 6
    shapes += f" ... ({len(summary.layers)} layers)" if more > 0 else ""
    rows += [
        ("calorimeter", summary.calorimeter or "the file does not say"),
        ("cells", f"{summary.n_cells:,}" + (f" = {shapes}" if shapes else "")),
        ("overflow", "yes" if summary.overflow else "no"),
        ("views", str(summary.n_views) if summary.n_views else "none"),
    ]
    if summary.sha256:
        rows.append(("SHA-256", summary.sha256))
    return rows


_FORMATS = {
    "paper": "paper (HDF5 of the CaloGAN paper)",
    "root": "root (TTree fancy_tree of the original)",
    "calochallenge": "calochallenge (HDF5 of the CaloChallenge)",
}


def _short(layers: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
    return layers if len(layers) <= 6 else layers[:3]


def _range(limits: Range) -> str:
    low, high = limits
    return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"


def _start(position_mm: tuple[Range, Range, Range]) -> str:
    x, y, z = position_mm
    if x == y == (0.0, 0.0):
        return f"on the axis at z = {_range(z)} mm"
    return f"x = {_range(x)}, y = {_range(y)}, z = {_range(z)} mm"


def _direction(angle_deg: Range) -> str:
    low, high = angle_deg
    return "along z" if high == 0 else f"{_range((low, high))} degrees to the z axis"


def _size(n_bytes: int) -> str:
    size, unit = float(n_bytes), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{size:.4g} {unit}"


def _text(value: Any) -> str:
    from json import dumps

    return value if isinstance(value, str) else dumps(value)
