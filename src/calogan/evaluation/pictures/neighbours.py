"""Nearest neighbours of generated showers: pairs of pictures, and how near they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import AutoMinorLocator
from numpy.typing import NDArray

from calogan.evaluation.pictures.cells import energy_scale
from calogan.evaluation.pictures.depth import chosen_layers
from calogan.evaluation.pictures.memorisation import NeighbourResult, Neighbours, memorisation
from calogan.evaluation.pictures.panels import Curve, draw_ratios, draw_steps
from calogan.evaluation.pictures.sheets import (
    new_sheet,
    shortened,
)
from calogan.evaluation.pictures.singles import ShowerWall, draw_wall
from calogan.evaluation.pictures.style import hep_style
from calogan.showers import Showers

__all__ = ["NeighbourResult", "nearest_neighbours", "neighbour_distances"]

_BINS = 40
_MOST_LAYERS = 4


@hep_style()
def nearest_neighbours(
    reference_name: str,
    reference: Showers,
    candidates: Mapping[str, Showers],
    *,
    rng: np.random.Generator,
    training: Showers | None = None,
    n_pairs: int = 3,
    layers: Sequence[int] | None = None,
) -> tuple[Figure, NeighbourResult[Showers]]:
    """Draw showers beside their nearest neighbours: first independent ones of the reference.

    The showers are drawn by chance. Their distance, over what is typical for Geant4 at this
    energy, stands above the neighbour: see `memorisation`, which does the search. A memorised
    shower looks like its neighbour, and has a distance near 0.

    Args:
        reference_name: What the reference is called.
        reference: Reference.
        candidates: Candidates by name.
        rng: Draws halves and showers.
        training: Showers that the candidates were made from; without them neighbours are looked
            for in one half of the reference.
        n_pairs: Pairs of each sample.
        layers: Layers to show; unless given those of `chosen_layers`, and at most 4.

    Returns:
        The pairs, and the result of the search with the figures of the memorisation check.

    Raises:
        ShowerFileError: Too few showers.
    """
    result = memorisation(reference, candidates, rng=rng, training=training)
    chosen = _some(chosen_layers(reference)) if layers is None else tuple(layers)
    others = "training" if training is not None else reference_name
    blocks = []
    samples = [(reference_name, reference, result.baseline)]
    samples += [(name, candidates[name], found) for name, found in result.candidates.items()]
    for name, showers, found in samples:
        at = np.sort(rng.choice(len(found.rows), min(n_pairs, len(found.rows)), replace=False))
        blocks += [_pair(name, showers, found, int(k), (others, result.targets)) for k in at]
    wall = ShowerWall(blocks, chosen, per_line=n_pairs)
    norm = energy_scale(
        (one.layers[k] for block in blocks for _, one, _ in block for k in chosen), decades=6
    )
    return draw_wall(wall, norm), result


def _some(layers: tuple[int, ...]) -> tuple[int, ...]:
    picked = np.linspace(0, len(layers) - 1, min(len(layers), _MOST_LAYERS)).round()
    return tuple(layers[int(k)] for k in picked)


def _pair(
    name: str, showers: Showers, found: Neighbours, at: int, targets: tuple[str, Showers]
) -> list[tuple[str, Showers, str]]:
    one = showers[found.rows[at : at + 1]]
    other = targets[1][found.nearest[at : at + 1]]
    energy, nearest = (float(s.incident.energy_gev[0]) for s in (one, other))
    near = f"{nearest:.3g} GeV, $d$ = {found.relative[at]:.2f}"
    return [(name, one, f"{energy:.3g} GeV"), (f"nearest: {targets[0]}", other, near)]


@hep_style()
def neighbour_distances(
    reference_name: str,
    result: NeighbourResult[Any],
    *,
    note: str = "",
    noun: str = "shower",
    typical: str = "typical distance at this energy",
) -> Figure:
    """Draw the distribution of the distances to the nearest neighbour, with ratios.

    Independent showers of the reference are filled; a candidate that repeats showers reaches
    farther to the left.

    Args:
        reference_name: What the reference is called.
        result: Of `nearest_neighbours` or `memorisation`.
        note: What is shown, for the head of the figure.
        noun: What one of the sample is called.
        typical: What the relative distances are relative to.
    """
    relative = {name: found.relative for name, found in result.candidates.items()}
    edges = _edges([result.baseline.relative, *relative.values()])
    curves = [
        _shares(name, values, edges)
        for name, values in {"": result.baseline.relative, **relative}.items()
    ]
    names = [f"{shortened(reference_name)}, independent  (N = {len(result.baseline.rows):,d})"]
    for name, test in result.tests.items():
        names.append(
            f"{shortened(name, 24)}:  median $\\times$ {test.ratio_medians:.3f} $\\pm$ "
            f"{test.ratio_medians_error:.3f},  below the 1 % quantile "
            f"{100 * test.share_closer:.1f} $\\pm$ {100 * test.share_closer_error:.1f} %"
        )
    sheet = new_sheet(1, names, note=note, width=9.5, columns=1)
    panel = sheet.panels[0]
    panel.main.set_xlim(edges[0], edges[-1])
    draw_steps(panel.main, edges, curves[0], curves[1:])
    draw_ratios(panel.below, curves[0], curves[1:], edges=edges)
    low = float(np.quantile(result.baseline.relative, 0.01))
    for ax in (panel.main, panel.below):
        ax.axvline(low, color="black", linestyle=":", linewidth=1.3)
    side = "right" if low - edges[0] > 0.2 * (edges[-1] - edges[0]) else "left"
    top = panel.main.get_xaxis_transform()
    panel.main.text(low, 0.97, " 1 % quantile ", transform=top, ha=side, va="top", fontsize=11.5)
    panel.main.xaxis.set_minor_locator(AutoMinorLocator(2))
    panel.main.set_ylabel(f"Share of {noun}s / bin")
    of = f"training {noun}" if result.against == "training" else f"{noun} of {reference_name}"
    panel.below.set_xlabel(f"Distance to the nearest {shortened(of, 50)} / {typical}")
    return sheet.figure


def _edges(samples: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Bins from 0, or a little below the smallest distance, to beyond nearly all of them."""
    low = min(float(values.min()) for values in samples)
    high = max(float(np.quantile(values, 0.995)) for values in samples)
    high = min(high, 2.5 * float(np.quantile(samples[0], 0.995)))
    if high <= low:
        high = low + 1.0
    low -= 0.02 * (high - low)
    return np.linspace(0 if low < 0.4 * high else low, high, _BINS + 1)


def _shares(name: str, values: NDArray[np.float64], edges: NDArray[np.float64]) -> Curve:
    counts = np.histogram(values, edges)[0].astype(np.float64)
    return Curve(name, counts / len(values), np.sqrt(counts) / len(values))
