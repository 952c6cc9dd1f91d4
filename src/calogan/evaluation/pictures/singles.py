"""Single showers side by side: what averages do not show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from calogan.evaluation.pictures.cells import draw_cells, energy_scale, nearest_energy
from calogan.evaluation.pictures.depth import chosen_layers
from calogan.evaluation.pictures.sheets import (
    shortened,
)
from calogan.evaluation.pictures.style import hep_style, new_figure
from calogan.showers import Showers

__all__ = ["ShowerWall", "draw_wall", "matched_showers", "single_showers"]

_WIDTH = 12.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.6, 0.95, 0.15, 0.35
_HEAD, _GAP, _BLOCK_GAP = 0.58, 0.08, 0.24
_LARGEST, _SMALLEST = 2.3, 1.15


def matched_showers(
    reference: Showers,
    candidates: Sequence[Showers],
    energies_gev: Sequence[float],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Draw showers of like incident energies from several samples.

    Args:
        reference: Reference, at least one shower.
        candidates: Candidates, each at least one shower.
        energies_gev: Wanted energies [GeV].
        rng: Draws among the showers that are close enough.

    Returns:
        Indices `(samples, energies)`, the reference first. The candidates' showers match the
        energy of the reference's shower, and not the wanted one.
    """
    found = np.empty((1 + len(candidates), len(energies_gev)), dtype=np.int64)
    for column, wanted in enumerate(energies_gev):
        found[0, column] = nearest_energy(reference.incident.energy_gev, wanted, rng)
        energy = float(reference.incident.energy_gev[found[0, column]])
        for row, candidate in enumerate(candidates):
            found[row + 1, column] = nearest_energy(candidate.incident.energy_gev, energy, rng)
    return found


class ShowerWall:
    """Blocks of showers, one column each, with a row for each layer.

    Args:
        blocks: In each block the showers that stand side by side: a name, one shower, and what is
            said of it in a second line.
        layers: The layers that are shown.
        per_line: Most blocks beside each other; as many as there is room for unless given.
    """

    def __init__(
        self,
        blocks: Sequence[Sequence[tuple[str, Showers, str]]],
        layers: Sequence[int],
        per_line: int | None = None,
    ) -> None:
        self.blocks, self.layers = blocks, layers
        widest = max(len(block) for block in blocks)
        room = _WIDTH - _LEFT - _RIGHT
        fits = int((room + _BLOCK_GAP) / (widest * (_SMALLEST + _GAP) + _BLOCK_GAP))
        self.per_line = max(1, min(len(blocks), per_line or fits))
        columns = self.per_line * widest
        gaps = (self.per_line - 1) * _BLOCK_GAP + (columns - self.per_line) * _GAP
        self.side = min(_LARGEST, (room - gaps) / columns)
        self.block_width = widest * (self.side + _GAP) - _GAP + _BLOCK_GAP
        self.width = _LEFT + _RIGHT + columns * self.side + gaps
        self.line = _HEAD + len(layers) * (self.side + _GAP)
        self.lines = -(-len(blocks) // self.per_line)
        self.height = _TOP + _BOTTOM + self.lines * self.line

    def place(self, block: int, column: int, row: int) -> tuple[float, float, float, float]:
        """Box of an image, in parts of the figure."""
        left = _LEFT + block % self.per_line * self.block_width + column * (self.side + _GAP)
        top = _TOP + block // self.per_line * self.line + _HEAD + row * (self.side + _GAP)
        bottom = self.height - top - self.side
        return (
            left / self.width,
            bottom / self.height,
            self.side / self.width,
            self.side / self.height,
        )


def draw_wall(wall: ShowerWall, norm: LogNorm) -> Figure:
    """Draw blocks of showers, all in one scale of colours.

    Args:
        wall: The showers.
        norm: Scale of the colours.
    """
    figure = new_figure(wall.width, wall.height)
    letters = max(8, int(wall.side / 0.098))
    mappable: ScalarMappable = ScalarMappable(norm)
    for k, block in enumerate(wall.blocks):
        for column, (name, showers, words) in enumerate(block):
            for row, layer in enumerate(wall.layers):
                axes = figure.add_axes(wall.place(k, column, row))
                readout = showers.calorimeter.layers[layer]
                mappable = draw_cells(axes, showers.layers[layer][0], readout, norm)
                if row == 0:
                    title = f"{shortened(name, letters)}\n{words}"
                    axes.set_title(title, loc="left", fontsize=11, pad=4, linespacing=1.15)
                if k % wall.per_line == column == 0:
                    axes.set_ylabel(f"Layer {layer}", loc="center", fontsize=12, labelpad=4)
                if k == 0 and column == 0 and row == len(wall.layers) - 1:
                    _say_size(axes, 2 * readout.half_extent_mm, wall.side)
    _draw_bar(figure, wall, mappable)
    return figure


def _say_size(axes: Axes, size_mm: float, side: float) -> None:
    words = rf"$x$ ($\eta$) to the right, $y$ ($\phi$) upwards; each {size_mm:.4g} mm wide"
    axes.text(
        0.0, -0.06 / side, words, transform=axes.transAxes, fontsize=10.5, va="top", ha="left"
    )


def _draw_bar(figure: Figure, wall: ShowerWall, mappable: ScalarMappable) -> None:
    tall = min(wall.line - _HEAD - _GAP, 5.0)
    top = _TOP + _HEAD
    box = (
        (wall.width - _RIGHT + 0.1) / wall.width,
        (wall.height - top - tall) / wall.height,
        0.16 / wall.width,
        tall / wall.height,
    )
    bar = figure.colorbar(mappable, cax=figure.add_axes(box))
    bar.set_label("Energy of a cell [MeV]", loc="center", fontsize=12)
    bar.ax.tick_params(labelsize=11)


@hep_style()
def single_showers(
    reference_name: str,
    reference: Showers,
    candidates: Mapping[str, Showers],
    *,
    rng: np.random.Generator,
    n_energies: int = 3,
    layers: Sequence[int] | None = None,
) -> Figure:
    """Draw single showers of all samples side by side, at like incident energies.

    A column is a shower, a row a layer. The energies are those at even steps of the reference's
    spectrum, and the showers of such an energy are drawn by chance.

    Args:
        reference_name: What the reference is called.
        reference: Reference.
        candidates: Candidates by name; those without showers are left out.
        rng: Draws the showers.
        n_energies: How many energies; fewer if the reference has fewer showers.
        layers: Layers to show; those of `chosen_layers` unless given.
    """
    others = {name: showers for name, showers in candidates.items() if len(showers)}
    chosen = chosen_layers(reference) if layers is None else tuple(layers)
    steps = (np.arange(n_energies) + 0.5) / n_energies
    energies = np.quantile(reference.incident.energy_gev, steps)
    picked = matched_showers(reference, list(others.values()), [float(e) for e in energies], rng)
    samples = {reference_name: reference, **others}
    blocks = [
        [
            _one(name, showers, picked[row, column])
            for row, (name, showers) in enumerate(samples.items())
        ]
        for column in range(n_energies)
    ]
    wall = ShowerWall(blocks, chosen)
    norm = energy_scale(
        (one.layers[k] for block in blocks for _, one, _ in block for k in chosen), decades=6
    )
    return draw_wall(wall, norm)


def _one(name: str, showers: Showers, index: np.int64) -> tuple[str, Showers, str]:
    one = showers[np.array([index])]
    return name, one, f"{float(one.incident.energy_gev[0]):.3g} GeV"
