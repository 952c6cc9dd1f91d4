"""Energy deposits into the cells of readout layers: the hot path behind every Geant4 shower."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calogan.calorimeter.layer import Layer
from calogan.calorimeter.polar import count_edges_below

__all__ = ["bin_deposits"]


def bin_deposits(
    layers: Sequence[Layer],
    event: NDArray[np.int64],
    position_mm: NDArray[np.float64],
    energy_mev: NDArray[np.float64],
    n_events: int,
) -> tuple[tuple[NDArray[np.float32], ...], NDArray[np.float32]]:
    """Add energy deposits up in readout cells: see `Calorimeter.bin_deposits`.

    Layers whose cells are alike are filled together, so the time grows with the number of
    different grids and not with that of layers. Energies are added in the order they come in.
    """
    layer_of = _layer_of(layers, position_mm[:, 2])
    images: list[NDArray[np.float32]] = [np.empty(0, np.float32)] * len(layers)
    overflow = np.zeros((n_events, len(layers)), dtype=np.float32)
    for members in _alike(layers):
        layer, n = layers[members[0]], len(members)
        here: NDArray[np.int64] | slice = slice(None)
        if n == 1:
            here = np.flatnonzero(layer_of == members[0])
        elif n < len(layers) or layer_of.max(initial=0) == len(layers):
            here = np.flatnonzero(np.isin(layer_of, members))
        row, energy = event[here], energy_mev[here]
        if n > 1:
            place_of = np.zeros(len(layers), dtype=np.int64)
            place_of[members] = np.arange(n)
            row = row * n + place_of[layer_of[here]]
        cell = layer.cell_index(position_mm[here, 0], position_mm[here, 1])
        beside = cell < 0
        if beside.any():
            lost = np.bincount(row[beside], energy[beside], minlength=n_events * n)
            overflow[:, members] = lost.reshape(n_events, n)
            inside = ~beside
            row, energy, cell = row[inside], energy[inside], cell[inside]
        cells = row * layer.n_cells + cell
        sums = np.bincount(cells, energy, minlength=n_events * n * layer.n_cells)
        found = sums.astype(np.float32).reshape(n_events, n, *layer.shape)
        for place, k in enumerate(members):
            images[k] = np.ascontiguousarray(found[:, place])
    return tuple(images), overflow


def _alike(layers: Sequence[Layer]) -> list[list[int]]:
    """Numbers of the layers, those with the same cells together."""
    groups: dict[Layer, list[int]] = {}
    for k, layer in enumerate(layers):
        cells = layer.model_copy(update={"z_min_mm": 0.0, "z_max_mm": 1.0})
        groups.setdefault(cells, []).append(k)
    return list(groups.values())


def _layer_of(layers: Sequence[Layer], z_mm: NDArray[np.float64]) -> NDArray[np.integer[Any]]:
    """Layer that each deposit belongs to; the number of layers, in a gap between two of them."""
    starts = np.array([layer.z_min_mm for layer in layers[1:]], dtype=np.float64)
    ends = np.array([layer.z_max_mm for layer in layers], dtype=np.float64)
    ends[-1] = np.inf
    layer_of = count_edges_below(starts, z_mm)
    if (ends[:-1] < starts).any():
        layer_of[z_mm >= ends[layer_of]] = len(layers)
    return layer_of
