"""Distributions of signal and background side by side, and what classifiers make of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import AutoMinorLocator
from numpy.typing import NDArray

from calogan.evaluation.pictures.binning import Counts
from calogan.evaluation.pictures.panels import Curve, draw_ratios, draw_steps
from calogan.evaluation.pictures.sheets import Sheet, legend_name, new_sheet, shortened
from calogan.evaluation.pictures.style import hep_style, new_figure
from calogan.evaluation.report.comparison import Compared
from calogan.jets.report.intensities import INTENSITY_EDGES_GEV, Spectrum
from calogan.jets.report.samples import TITLES

__all__ = ["confusion_matrices", "intensities", "observable"]


@hep_style()
def observable(reference: str, compared: Mapping[str, Compared], *, log: bool = False) -> Figure:
    """Draw one observable: signal at the left, background at the right, ratios below.

    Args:
        reference: Name of the reference.
        compared: The observable in each class.
        log: On a logarithmic scale.
    """
    first = next(iter(compared.values()))
    n = {
        name: sum(
            int(c.counts.n) for one in compared.values() for c in one.candidates if c.name == name
        )
        for name in [c.name for c in first.candidates]
    }
    own = sum(int(one.reference_counts.n) for one in compared.values())
    sheet = _sheet(reference, own, n)
    for panel, (of, one) in zip(sheet.panels, compared.items(), strict=True):
        edges = one.binning.edges
        panel.main.set_xlim(edges[0], edges[-1])
        curves = [_shares(reference, one.reference_counts)]
        curves += [_shares(c.name, c.counts) for c in one.candidates]
        draw_steps(panel.main, edges, curves[0], curves[1:], log=log)
        draw_ratios(panel.below, curves[0], curves[1:], edges=edges)
        panel.main.set_title(TITLES[of], loc="left")
        panel.main.xaxis.set_minor_locator(AutoMinorLocator(2))
        panel.main.set_ylabel("Share of jets / bin")
        unit = f" [{one.shape.unit}]" if one.shape.unit else ""
        panel.below.set_xlabel(one.shape.label + unit)
    return sheet.figure


@hep_style()
def intensities(
    reference: str, spectra: Mapping[str, tuple[Spectrum, Mapping[str, Spectrum]]]
) -> Figure:
    """Draw how many pixels of an image hold how much energy, of signal and of background.

    Args:
        reference: Name of the reference.
        spectra: By class the spectrum of the reference, and those of the candidates.
    """
    first = next(iter(spectra.values()))
    n = {name: sum(len(others[name].counts) for _, others in spectra.values()) for name in first[1]}
    sheet = _sheet(reference, sum(len(own.counts) for own, _ in spectra.values()), n)
    for panel, (of, (own, others)) in zip(sheet.panels, spectra.items(), strict=True):
        edges = INTENSITY_EDGES_GEV
        panel.main.set_xscale("log")
        panel.main.set_xlim(edges[0], edges[-1])
        curves = [Curve(reference, own.per_image, own.errors)]
        curves += [Curve(name, one.per_image, one.errors) for name, one in others.items()]
        draw_steps(panel.main, edges, curves[0], curves[1:], log=True)
        draw_ratios(panel.below, curves[0], curves[1:], edges=edges)
        panel.main.set_title(TITLES[of], loc="left")
        panel.main.set_ylabel("Pixels per image / bin")
        panel.below.set_xlabel("Energy of a pixel [GeV]")
    return sheet.figure


def _sheet(reference: str, n_reference: int, n: Mapping[str, int]) -> Sheet:
    names = [legend_name(reference, n_reference)]
    names += [legend_name(name, number) for name, number in n.items()]
    return new_sheet(2, names, width=4.6)


def _shares(name: str, counts: Counts) -> Curve:
    n = max(counts.n, 1.0)
    return Curve(name, counts.inside / n, np.sqrt(counts.inside) / n)


@hep_style()
def confusion_matrices(matrices: Sequence[tuple[str, NDArray[np.float64]]]) -> Figure:
    """Draw confusion matrices side by side.

    Args:
        matrices: Names, and shares of true background (first row) and true signal that are called
            background and signal, `(2, 2)`.
    """
    side, gap, left, above, below = 2.0, 0.25, 1.2, 0.4, 0.75
    n = len(matrices)
    width, height = left + n * side + (n - 1) * gap + 0.2, above + side + below
    figure = new_figure(width, height)
    for k, (name, matrix) in enumerate(matrices):
        box = ((left + k * (side + gap)) / width, below / height, side / width, side / height)
        axes = figure.add_axes(box)
        axes.imshow(matrix, cmap="Blues", vmin=0, vmax=1)
        for (row, column), share in np.ndenumerate(matrix):
            colour = "white" if share > 0.6 else "black"
            axes.text(
                column, row, f"{share:.3f}", ha="center", va="center", color=colour, fontsize=14
            )
        axes.set_title(shortened(name, 20), loc="left", fontsize=12.5)
        axes.set_xticks([0, 1], ["QCD", "W"])
        axes.set_yticks([0, 1], ["QCD", "W"] if k == 0 else ["", ""])
        axes.tick_params(length=0)
        axes.minorticks_off()
        axes.set_xlabel("called", loc="center", fontsize=12.5)
        if k == 0:
            axes.set_ylabel("true", loc="center", fontsize=12.5)
    return figure
