"""Drawing of a calorimeter: slabs and readout layers from the side, cells as the beam sees them."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Patch, Rectangle
from matplotlib.ticker import MaxNLocator

from calogan.calorimeter import Calorimeter, PolarLayer
from calogan.calorimeter.summary import LayerRow, depth_between, layer_rows, section_rows
from calogan.evaluation.pictures.style import new_figure, plain

__all__ = ["draw_calorimeter"]

_COLOURS = ("#5F6B76", "#A9D3EA", "#B9703A", "#F4D77E", "#9CC79A", "#D3A9CB", "#D9D9D9", "#E79A72")
"""Colours of the materials, in the order in which the beam meets them."""

_READOUT = "#E3132C"
_CELLS = "#44525F"
_MOST_CELLS = 5
_PERIODS_CLOSE = 6

_WIDTH, _LEFT, _RIGHT = 12.5, 0.95, 0.3
_SIDE, _HEAD, _BELOW, _ABOVE = 3.0, 1.55, 0.65, 0.6
_PANEL = {4: 2.15, 3: 2.6, 2: 2.6}
"""Sizes [inch]: the page, the side view, and the square panels below it, by their number."""


def draw_calorimeter(calorimeter: Calorimeter) -> Figure:
    """Draw a calorimeter.

    Above, the side view: slabs coloured by material, readout layers framed, the beam from the
    left. Below, a close view of the first slabs, and the cells of the readout layers as the beam
    sees them, each kind of cells once, at most five.

    Args:
        calorimeter: Any.
    """
    rows = layer_rows(calorimeter)
    kinds = _kinds_of_cells(rows)
    shown = kinds[:_MOST_CELLS]
    n_panels = 1 + len(shown)
    per_line = n_panels if n_panels <= 4 else 3
    size = _PANEL[per_line]
    line = size + _BELOW + _ABOVE
    height = _HEAD + _SIDE + _BELOW + -(-n_panels // per_line) * line
    figure = new_figure(_WIDTH, height)

    def box(left: float, top: float, width: float, tall: float) -> Axes:
        return figure.add_axes(
            (left / _WIDTH, 1 - (top + tall) / height, width / _WIDTH, tall / height)
        )

    colours = _colours(calorimeter)
    _draw_head(figure, calorimeter, colours)
    _draw_side(box(_LEFT, _HEAD, _WIDTH - _LEFT - _RIGHT, _SIDE), calorimeter, rows, colours)
    pitch = (_WIDTH - _LEFT - _RIGHT - size) / 3 if per_line == 4 else size + 1.1
    left = (_WIDTH + _LEFT - _RIGHT - (per_line - 1) * pitch - size) / 2
    top = _HEAD + _SIDE + _BELOW + _ABOVE
    panels = [
        box(left + k % per_line * pitch, top + k // per_line * line, size, size)
        for k in range(n_panels)
    ]
    _draw_close(panels[0], calorimeter, colours)
    for axes, members in zip(panels[1:], shown, strict=True):
        _draw_cells(axes, members, calorimeter)
    if len(kinds) > len(shown):
        more = len(kinds) - len(shown)
        figure.text(0.985, 0.01, f"and {more} more kinds of cells", ha="right", fontsize=11)
    return figure


def _colours(calorimeter: Calorimeter) -> dict[str, str]:
    names = dict.fromkeys(
        sub.material for section in calorimeter.sections for sub in section.sublayers
    )
    return {name: _COLOURS[k % len(_COLOURS)] for k, name in enumerate(names)}


def _kinds_of_cells(rows: Sequence[LayerRow]) -> list[list[LayerRow]]:
    """Rows of layers, those with the same cells together."""
    kinds: dict[object, list[LayerRow]] = {}
    for row in rows:
        cells = row.layer.model_copy(update={"z_min_mm": 0.0, "z_max_mm": 1.0})
        kinds.setdefault(cells, []).append(row)
    return list(kinds.values())


def _draw_head(figure: Figure, calorimeter: Calorimeter, colours: dict[str, str]) -> None:
    height = figure.get_figheight()
    depth = depth_between(calorimeter)
    facts = (
        f"{depth.mm:g} mm, {depth.radiation_lengths:.1f} radiation lengths, "
        f"{depth.interaction_lengths:.2f} interaction lengths; "
        f"{calorimeter.n_cells} cells in {len(calorimeter.layers)} "
        f"{'layer' if len(calorimeter.layers) == 1 else 'layers'}"
    )
    left = _LEFT / _WIDTH
    top = 1 - 0.36 / height
    name = plain(textwrap.shorten(calorimeter.name, 60, placeholder="…"))
    figure.text(left, top, name, fontsize=17, fontweight="bold")
    figure.text(left, top - 0.29 / height, facts, fontsize=12)
    active = {slab.material for slab in calorimeter.slabs if slab.active}
    handles = [
        Patch(
            facecolor=colour,
            edgecolor="0.3",
            linewidth=0.6,
            label=plain(textwrap.shorten(name, 30, placeholder="…"))
            + (" (active)" if name in active else ""),
        )
        for name, colour in colours.items()
    ]
    handles.append(Patch(facecolor="none", edgecolor=_READOUT, linewidth=1.4, label="readout"))
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(left - 0.007, top - 0.36 / height),
        ncols=min(len(handles), 5),
        frameon=False,
        fontsize=11,
        handlelength=1.2,
        columnspacing=1.4,
    )


def _draw_slabs(
    axes: Axes, calorimeter: Calorimeter, colours: dict[str, str], z_max_mm: float
) -> None:
    half = calorimeter.half_size_mm
    for material, colour in colours.items():
        boxes = [
            Rectangle((slab.z_min_mm, -half), slab.z_max_mm - slab.z_min_mm, 2 * half)
            for slab in calorimeter.slabs
            if slab.material == material and slab.z_min_mm < z_max_mm
        ]
        axes.add_collection(PatchCollection(boxes, facecolor=colour, linewidth=0), autolim=False)


def _draw_side(
    axes: Axes, calorimeter: Calorimeter, rows: Sequence[LayerRow], colours: dict[str, str]
) -> None:
    half, z_half = calorimeter.half_size_mm, calorimeter.depth_mm / 2
    margin = 0.06 * calorimeter.depth_mm
    axes.set(xlim=(-z_half - margin, z_half + margin / 3), ylim=(-1.06 * half, 1.06 * half))
    _draw_slabs(axes, calorimeter, colours, np.inf)
    outline = Rectangle((-z_half, -half), 2 * z_half, 2 * half, fill=False, linewidth=0.8)
    axes.add_patch(outline)
    many = len(calorimeter.layers) > 12
    for layer in calorimeter.layers:
        reach = layer.half_extent_mm
        frame = Rectangle((layer.z_min_mm, -reach), layer.z_max_mm - layer.z_min_mm, 2 * reach)
        frame.set(fill=False, edgecolor=_READOUT, linewidth=1.0 if many else 1.6)
        axes.add_patch(frame)
    last_end = -np.inf
    for row in rows:
        middle = (row.z_min_mm + row.z_max_mm) / 2
        if middle - last_end > 0.025 * calorimeter.depth_mm:  # else the numbers would touch
            axes.text(
                middle,
                1.09 * half,
                ("layers " if row.last > row.first else "layer ") + row.name
                if row.z_max_mm - row.z_min_mm > 0.1 * calorimeter.depth_mm
                else row.name,
                color=_READOUT,
                ha="center",
                fontsize=11,
            )
            last_end = middle
    for section in section_rows(calorimeter):
        share = (section.z_max_mm - section.z_min_mm) / (2 * z_half)
        words = f"{section.repeat} x ({' + '.join(section.sublayers)})".replace(", active", "")
        words = words.replace(" mm ", "\N{NO-BREAK SPACE}mm\N{NO-BREAK SPACE}")
        axes.text(
            (section.z_min_mm + section.z_max_mm) / 2,
            0.93 * half,
            plain(textwrap.fill(words, max(12, int(115 * share)))),
            ha="center",
            va="top",
            fontsize=10.5,
            bbox={"facecolor": "white", "alpha": 0.85, "linewidth": 0, "pad": 2.5},
        )
    axes.annotate(
        "",
        xy=(-z_half, 0),
        xytext=(-z_half - 0.9 * margin, 0),
        arrowprops={"arrowstyle": "-|>", "linewidth": 1.8, "color": "black"},
    )
    axes.text(-z_half - 0.5 * margin, 0.06 * half, "beam", ha="center", fontsize=11)
    _label(axes, r"$z$ [mm]", r"$x$ ($\eta$) [mm]")


def _draw_close(axes: Axes, calorimeter: Calorimeter, colours: dict[str, str]) -> None:
    """Draw the first slabs and the ends of readout layers among them."""
    section = calorimeter.sections[0]
    periods = min(_PERIODS_CLOSE, section.repeat)
    start = -calorimeter.depth_mm / 2
    end = start + periods * section.depth_mm / section.repeat
    _draw_slabs(axes, calorimeter, colours, end)
    for layer in calorimeter.layers:
        for z in (layer.z_min_mm, layer.z_max_mm):
            if start <= z <= end:
                axes.axvline(z, color=_READOUT, linewidth=1.8)
    half = calorimeter.half_size_mm
    axes.set(xlim=(start - 0.02 * (end - start), end), ylim=(-half, half))
    axes.set_title("the first sub-layers", loc="left", fontsize=11.5)
    _label(axes, r"$z$ [mm]", "")
    axes.set_yticks([])


def _draw_cells(axes: Axes, rows: Sequence[LayerRow], calorimeter: Calorimeter) -> None:
    layer = rows[0].layer
    half = layer.half_extent_mm
    if isinstance(layer, PolarLayer):
        inner, outer = layer.r_edges_mm[0], layer.r_edges_mm[-1]
        n_spokes = layer.n_alpha if layer.n_alpha > 1 else 0
        alpha = 2 * np.pi * np.arange(n_spokes) / layer.n_alpha - np.pi
        spokes = np.stack([np.cos(alpha), np.sin(alpha)], axis=1)
        lines = np.stack([inner * spokes, outer * spokes], axis=1)
        for edge in layer.r_edges_mm:
            axes.add_patch(Circle((0, 0), edge, fill=False, edgecolor=_CELLS, linewidth=0.8))
    else:
        x, y = (np.linspace(-half, half, n + 1) for n in layer.shape)
        along_y = np.stack([np.stack([x, x], 1), np.full((len(x), 2), (-half, half))], axis=2)
        along_x = np.stack([np.full((len(y), 2), (-half, half)), np.stack([y, y], 1)], axis=2)
        lines = np.concatenate([along_y, along_x])
    width = 0.8 if len(lines) < 60 else 0.5
    axes.add_collection(LineCollection(list(lines), colors=_CELLS, linewidths=width))
    size = calorimeter.half_size_mm
    outline = Rectangle((-size, -size), 2 * size, 2 * size, fill=False, edgecolor="0.6")
    axes.add_patch(outline)
    axes.set(xlim=(-1.06 * half, 1.06 * half), ylim=(-1.06 * half, 1.06 * half), aspect="equal")
    names = ", ".join(row.name for row in rows)
    one = len(rows) == 1 and rows[0].first == rows[0].last
    cells = rows[0].cells.replace("eta", r"$\eta$").replace("phi", r"$\phi$")
    title = f"layer{'' if one else 's'} {textwrap.shorten(names, 14, placeholder='…')}: {cells}"
    axes.set_title(title.replace("alpha", r"$\alpha$"), loc="left", fontsize=11.5, color=_READOUT)
    _label(axes, r"$x$ ($\eta$) [mm]", r"$y$ ($\phi$) [mm]")
    axes.yaxis.labelpad = -2


def _label(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x, loc="center", fontsize=12)
    axes.set_ylabel(y, loc="center", fontsize=12)
    axes.tick_params(direction="out", top=False, right=False, labelsize=10.5, length=5)
    axes.minorticks_off()
    if axes.get_aspect() == 1:
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.yaxis.set_major_locator(MaxNLocator(5))
