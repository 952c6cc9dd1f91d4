"""Spectra of the energies of single cells: what gives most generators away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from numpy.typing import NDArray

from calogan.errors import CalorimeterError
from calogan.evaluation.pictures.depth import chosen_layers
from calogan.evaluation.pictures.panels import Curve, draw_ratios, draw_steps
from calogan.evaluation.pictures.sheets import (
    REFERENCE_LINE,
    legend_name,
    look,
    new_sheet,
)
from calogan.evaluation.pictures.style import hep_style
from calogan.showers import Showers

__all__ = ["SPECTRUM_EDGES_MEV", "CellSpectra", "cell_spectrum"]

SPECTRUM_EDGES_MEV: NDArray[np.float64] = np.logspace(-6, 6, 73)
"""Bins of the spectra: 6 in each decade from 1 eV to 1 TeV [MeV]."""

_CHUNK = 500


@dataclass(frozen=True, eq=False)
class CellSpectra:
    """How many cells of each layer hold how much energy; those of two parts of a sample add up.

    Args:
        n: Number of showers.
        counts: Cells in each bin of `SPECTRUM_EDGES_MEV`, summed over showers, `(layers, bins)`.
            Energies above 0 and beyond the edges count in the outermost bins.
        squares: Sum over showers of the square of the number of cells, `(layers, bins)`.
        zeros: Cells without energy, summed over showers, `(layers,)`.
        cells: Cells of each layer, `(layers,)`.
    """

    n: int
    counts: NDArray[np.float64]
    squares: NDArray[np.float64]
    zeros: NDArray[np.float64]
    cells: NDArray[np.int64]

    @classmethod
    def of(cls, showers: Showers, layers: Sequence[int] | None = None) -> CellSpectra:
        """Count the cells of showers.

        Args:
            showers: Any number of showers.
            layers: Layers to look at; others stay at 0. All unless given.
        """
        n_layers, bins = len(showers.layers), len(SPECTRUM_EDGES_MEV) - 1
        counts, squares = np.zeros((2, n_layers, bins))
        zeros = np.zeros(n_layers)
        for k in range(n_layers) if layers is None else layers:
            for start in range(0, len(showers), _CHUNK):
                cells = showers.layers[k][start : start + _CHUNK]
                filled = cells > 0
                event = np.nonzero(filled)[0]
                energy = cells[filled].astype(np.float64)
                found = np.searchsorted(SPECTRUM_EDGES_MEV, energy, side="right") - 1
                index = event * bins + found.clip(0, bins - 1)
                per_shower = np.bincount(index, minlength=len(cells) * bins)
                per_shower = per_shower.reshape(len(cells), bins).astype(np.float64)
                counts[k] += per_shower.sum(axis=0)
                squares[k] += (per_shower**2).sum(axis=0)
                zeros[k] += cells.size - len(energy)
        sizes = np.array([layer.n_cells for layer in showers.calorimeter.layers])
        return cls(len(showers), counts, squares, zeros, sizes)

    def __add__(self, other: CellSpectra) -> CellSpectra:
        """Join the counts of two parts of a sample.

        Raises:
            CalorimeterError: They belong to different calorimeters.
        """
        if not np.array_equal(self.cells, other.cells):
            msg = "spectra of the cells of different calorimeters cannot be added"
            raise CalorimeterError(msg)
        return CellSpectra(
            self.n + other.n,
            self.counts + other.counts,
            self.squares + other.squares,
            self.zeros + other.zeros,
            self.cells,
        )

    def zero_share(self, layer: int) -> float:
        """Share of the cells of a layer that hold no energy at all."""
        return float(self.zeros[layer] / max(self.n * self.cells[layer], 1))

    def curve(self, layer: int, name: str) -> Curve:
        """Cells per shower and bin, with errors from the spread between showers.

        The cells of one shower depend on each other: errors of the counts as if they did not
        would be too small.
        """
        n = max(self.n, 1)
        mean = self.counts[layer] / n
        variance = np.maximum(self.squares[layer] / n - mean**2, 0.0)
        return Curve(name, mean, np.sqrt(variance / n))


@hep_style()
def cell_spectrum(
    reference_name: str,
    reference: Showers | CellSpectra,
    candidates: Mapping[str, Showers | CellSpectra],
    *,
    layers: Sequence[int] | None = None,
    note: str = "",
) -> Figure:
    """Draw the spectrum of the energies of single cells, layer by layer, with ratios below.

    Args:
        reference_name: What the reference is called.
        reference: The reference's showers, or their spectra if those are many.
        candidates: The same of the candidates, by name.
        layers: Layers to show. Unless given: all that hold energy, or, of more than 12, those that
            `chosen_layers` picks.
        note: What is shown, for the head of the figure.
    """
    chosen = _chosen(reference) if layers is None else layers
    expected = _spectra(reference, chosen)
    others = {name: _spectra(sample, chosen) for name, sample in candidates.items()}
    names = [legend_name(reference_name, expected.n)]
    names += [legend_name(name, spectra.n) for name, spectra in others.items()]
    sheet = new_sheet(len(chosen), names, note=note)
    for layer, panel in zip(chosen, sheet.panels, strict=True):
        curve = expected.curve(layer, reference_name)
        curves = [spectra.curve(layer, name) for name, spectra in others.items()]
        first, end = _filled_range([curve, *curves])
        edges = SPECTRUM_EDGES_MEV[first : end + 1]
        curve, *curves = (
            Curve(c.name, c.values[first:end], c.errors[first:end]) for c in (curve, *curves)
        )
        panel.main.set_xscale("log")
        panel.main.set_xlim(edges[0], edges[-1])
        panel.main.xaxis.set_major_locator(LogLocator(10, numticks=6))
        panel.main.xaxis.set_minor_formatter(NullFormatter())
        draw_steps(panel.main, edges, curve, curves, log=True)
        low, high = panel.main.get_ylim()
        panel.main.set_ylim(low, high * (high / low) ** (0.13 + 0.1 * (len(curves) // 4)))
        draw_ratios(panel.below, curve, curves, edges=edges)
        panel.main.set_title(f"Layer {layer}", loc="left")
        panel.main.set_ylabel("Cells per shower / bin")
        panel.below.set_xlabel("Energy of a cell [MeV]")
        _say_zeros(
            panel.main, [spectra.zero_share(layer) for spectra in (expected, *others.values())]
        )
    return sheet.figure


def _chosen(reference: Showers | CellSpectra) -> tuple[int, ...]:
    if isinstance(reference, Showers):
        return chosen_layers(reference)
    return tuple(int(k) for k in np.flatnonzero(reference.counts.sum(axis=1)))


def _spectra(sample: Showers | CellSpectra, layers: Sequence[int]) -> CellSpectra:
    return sample if isinstance(sample, CellSpectra) else CellSpectra.of(sample, layers)


def _filled_range(curves: Sequence[Curve]) -> tuple[int, int]:
    """First bin that any sample fills, and the one behind the last; at least a decade."""
    filled = np.flatnonzero(np.sum([curve.values for curve in curves], axis=0))
    if not len(filled):
        return 0, len(SPECTRUM_EDGES_MEV) - 1
    first, end = int(filled[0]), int(filled[-1]) + 1
    return min(first, len(SPECTRUM_EDGES_MEV) - 7), max(end, first + 6)


def _say_zeros(axes: Axes, shares: Sequence[float]) -> None:
    """Write the shares of cells without energy into the top of a panel, in the samples' colours."""
    style: dict[str, Any] = {"transform": axes.transAxes, "fontsize": 10, "va": "top"}
    axes.text(0.03, 0.965, "empty:", **style)
    for k, share in enumerate(shares):
        colour = look(k - 1)[0] if k else REFERENCE_LINE
        column, row = k % 4, k // 4
        words = f"{100 * share:.1f} %"
        axes.text(0.22 + 0.195 * column, 0.965 - 0.085 * row, words, color=colour, **style)
