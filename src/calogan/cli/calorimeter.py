"""calogan calorimeter: the calorimeters that there are, in tables and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from calogan.calorimeter import Calorimeter

__all__ = ["app"]

app = typer.Typer(
    help="Calorimeters: those that ship with the package, and your own in YAML files.",
    no_args_is_help=True,
)


@app.command("list", epilog="Example: calogan calorimeter list")
def list_() -> None:
    """List the calorimeters that ship with the package."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from calogan.calorimeter import Calorimeter, shipped_calorimeters
    from calogan.calorimeter.summary import depth_between

    table = Table(box=_lines())
    table.add_column("name", style="bold", no_wrap=True)
    for column in ("layers", "cells", "depth\n[mm]", "X0", "lambda"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("what it is")
    for name, title in shipped_calorimeters().items():
        calorimeter = Calorimeter.load(name)
        depth = depth_between(calorimeter)
        table.add_row(
            name,
            str(len(calorimeter.layers)),
            str(calorimeter.n_cells),
            f"{depth.mm:g}",
            f"{depth.radiation_lengths:.1f}",
            f"{depth.interaction_lengths:.2f}",
            escape(title),
        )
    Console().print(table)


@app.command(
    epilog="Examples: calogan calorimeter show calogan -o calogan.png; "
    "calogan calorimeter show calogan --yaml > my.yaml"
)
def show(
    source: Annotated[
        str,
        typer.Argument(
            help="Name of one that ships with the package, or a YAML file.",
            metavar="NAME_OR_FILE",
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Draw it: PNG file to write.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    as_yaml: Annotated[
        bool, typer.Option("--yaml", help="Print YAML instead of tables: a start for your own.")
    ] = False,
) -> None:
    """Check a calorimeter, show it in tables, and draw it."""
    from calogan.calorimeter import Calorimeter
    from calogan.errors import ConfigurationError

    if as_json and as_yaml:
        msg = "--json or --yaml, not both"
        raise ConfigurationError(msg)
    if output is not None:
        from calogan.files.output import check_writable

        check_writable(output)
    calorimeter = Calorimeter.load(source)
    if output is not None:
        _draw(calorimeter, output)
    if as_yaml:
        typer.echo(calorimeter.to_yaml(), nl=False)
    elif as_json:
        typer.echo(calorimeter.model_dump_json(indent=2))
    else:
        _print(calorimeter)
        if output is not None:
            typer.echo(f"drawn: {output}")


def _draw(calorimeter: Calorimeter, output: Path) -> None:
    from calogan.cli.extras import needs_extra
    from calogan.files.output import whole_file

    with needs_extra("drawing a calorimeter", "evaluate"):
        from calogan.evaluation.pictures.drawing import draw_calorimeter
        from calogan.evaluation.pictures.style import hep_style, save
    with whole_file(output) as part, hep_style():
        save(draw_calorimeter(calorimeter), part)


def _lines() -> Any:
    from rich.box import SIMPLE_HEAD

    return SIMPLE_HEAD


def _print(calorimeter: Calorimeter) -> None:
    from rich.console import Console
    from rich.markup import escape

    from calogan.calorimeter.summary import depth_between

    console = Console()
    depth = depth_between(calorimeter)
    size = 2 * calorimeter.half_size_mm
    console.print(f"[bold]{escape(calorimeter.name)}[/bold]", highlight=False)
    console.print(
        f"{size:g} x {size:g} x {depth.mm:g} mm, {depth.radiation_lengths:.1f} radiation lengths, "
        f"{depth.interaction_lengths:.2f} interaction lengths, {calorimeter.n_cells} cells",
        highlight=False,
    )
    console.print(_sections(calorimeter))
    console.print(_layers(calorimeter))
    console.print(_materials(calorimeter))


def _table(title: str, left: tuple[str, ...], right: tuple[str, ...]) -> Any:
    """Make a table with columns of words at the left and columns of numbers at the right."""
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=_lines())
    for column in left:
        table.add_column(column, overflow="fold")
    for column in right:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _sections(calorimeter: Calorimeter) -> Any:
    from rich.markup import escape

    from calogan.calorimeter.summary import section_rows

    table = _table(
        "Sections",
        ("sub-layers",),
        ("repeat", "z from\n[mm]", "z to\n[mm]", "depth\n[mm]", "X0", "lambda", "active"),
    )
    for row in section_rows(calorimeter):
        table.add_row(
            escape("\n".join(row.sublayers)),
            str(row.repeat),
            f"{row.z_min_mm:g}",
            f"{row.z_max_mm:g}",
            f"{row.depth.mm:g}",
            f"{row.depth.radiation_lengths:.1f}",
            f"{row.depth.interaction_lengths:.2f}",
            f"{100 * row.active_share:.0f} %",
        )
    return table


def _layers(calorimeter: Calorimeter) -> Any:
    from calogan.calorimeter.summary import layer_rows

    table = _table(
        "Readout layers",
        ("layer", "cells"),
        ("z from\n[mm]", "z to\n[mm]", "sub-layers\nin each", "X0", "lambda"),
    )
    for row in layer_rows(calorimeter):
        cut = f" + {row.cut_slabs} cut" if row.cut_slabs else ""
        table.add_row(
            row.name,
            f"{row.cells}\n{row.size}",
            f"{row.z_min_mm:g}",
            f"{row.z_max_mm:g}",
            f"{row.whole_slabs}{cut}",
            f"{row.depth.radiation_lengths:.2f}",
            f"{row.depth.interaction_lengths:.3f}",
        )
    return table


def _materials(calorimeter: Calorimeter) -> Any:
    from rich.markup import escape

    from calogan.calorimeter import interaction_length_mm, radiation_length_mm

    table = _table(
        "Materials",
        ("material", "mass fractions"),
        ("state", "density\n[g/cm3]", "X0\n[mm]", "lambda\n[mm]"),
    )
    used = dict.fromkeys(slab.material for slab in calorimeter.slabs)
    for name in used:
        material = calorimeter.material(name)
        table.add_row(
            escape(name),
            ", ".join(f"{part} {share:.3g}" for part, share in material.composition.items()),
            material.state,
            f"{material.density:.4g}",
            f"{radiation_length_mm(material):.3g}",
            f"{interaction_length_mm(material):.3g}",
        )
    return table
