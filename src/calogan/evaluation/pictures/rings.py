"""The mean energy density around the axis of the shower."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calogan.calorimeter import AnyLayer, PolarLayer
from calogan.showers import Showers

__all__ = ["RadialDensity", "density_rings", "radial_density"]

Values = NDArray[np.float64]

_RINGS = 24
_POINTS_AT_ONCE = 4_000_000
_TURN_PARTS = 32
_SAME_MM = 1e-6


@dataclass(frozen=True, eq=False)
class RadialDensity:
    """Mean energy density around the axis of the shower.

    Args:
        edges: Edges of the rings, `(rings + 1,)` [mm].
        mean: Mean over showers of the energy in each ring over its area that cells cover,
            `(rings,)` [MeV/mm2]; NaN in rings without cells.
        error: Statistical error of it.
    """

    edges: Values
    mean: Values
    error: Values


@dataclass(frozen=True, eq=False)
class _Points:
    """Points that fill the cells of a layer evenly.

    Args:
        x: Along eta, `(n_cells, points)` [mm].
        y: Along phi, `(n_cells, points)` [mm].
        area: Area that each stands for, `(n_cells, 1)` [mm2].
    """

    x: Values
    y: Values
    area: Values


def density_rings(layer: AnyLayer) -> Values:
    """Rings for the density around the axis of a layer: their edges [mm].

    Those of its cells where they are rings; else 24 out to the farthest edge along x and y, but
    none narrower than half of the shorter side of a cell.
    """
    if isinstance(layer, PolarLayer):
        return np.array(layer.r_edges_mm)
    rings = min(_RINGS, int(2 * layer.half_width_mm / min(layer.cell_size_mm)))
    return np.linspace(0, layer.half_width_mm, max(rings, 1) + 1)


def radial_density(showers: Showers, layer: int, edges: Values | None = None) -> RadialDensity:
    """Mean energy density in rings around the axis of the shower.

    The axis is the line of flight of the incident particle, at the middle of the layer. The
    energy of a cell is spread evenly over points in it, closer to each other than half of the
    narrowest ring, and each point counts in the ring that it lies in. So the density falls
    smoothly where cells are larger than rings; in `calogan.observables.radial_profile`, which is
    exact in what it counts, it jumps with the number of cells that have their middle in a ring.

    Args:
        showers: Showers; none make a density of NaN.
        layer: The readout layer.
        edges: Edges of the rings, `(rings + 1,)` [mm]; those of `density_rings` unless given.
    """
    readout = showers.calorimeter.layers[layer]
    edges = density_rings(readout) if edges is None else edges
    n = len(showers)
    points = _points(readout, float(np.diff(edges).min()) / 2)
    axes = _axis_at(showers, (readout.z_min_mm + readout.z_max_mm) / 2)
    cells = showers.layers[layer].reshape(n, readout.n_cells)
    if n and np.ptp(axes, axis=0).max() < _SAME_MM:
        density = _around_one(cells, points, axes[0], edges)
    else:
        step = max(1, _POINTS_AT_ONCE // points.x.size)
        parts = [
            _around_each(cells[start : start + step], points, axes[start : start + step], edges)
            for start in range(0, n, step)
        ]
        density = np.concatenate([np.empty((0, len(edges) - 1)), *parts])
    known = ~np.isnan(density)
    count = known.sum(axis=0)
    with np.errstate(invalid="ignore"):
        mean = np.where(known, density, 0).sum(axis=0) / np.where(count > 0, count, np.nan)
        variance = np.where(known, (density - mean) ** 2, 0).sum(axis=0) / count.clip(1)
        error = np.where(count > 0, np.sqrt(variance / count.clip(1)), np.nan)
    return RadialDensity(edges, mean, error)


def _points(layer: AnyLayer, step: float) -> _Points:
    if isinstance(layer, PolarLayer):
        r_edges = np.array(layer.r_edges_mm)
        parts = max(1, int(np.ceil(np.diff(r_edges).max() / step)))
        inner, outer = r_edges[:-1, None], r_edges[1:, None]
        r = np.sqrt(inner**2 + (outer**2 - inner**2) * (np.arange(parts) + 0.5) / parts)
        turns = -(-_TURN_PARTS // layer.n_alpha)
        alpha = 2 * np.pi * (np.arange(layer.n_alpha * turns) + 0.5) / (layer.n_alpha * turns)
        alpha = (alpha - np.pi).reshape(layer.n_alpha, 1, turns, 1)
        x = (r[None, :, None, :] * np.cos(alpha)).reshape(layer.n_cells, -1)
        y = (r[None, :, None, :] * np.sin(alpha)).reshape(layer.n_cells, -1)
        areas = np.tile(np.pi * np.diff(r_edges**2) / layer.n_alpha, layer.n_alpha)
    else:
        sides = layer.cell_size_mm
        parts_x, parts_y = (max(1, int(np.ceil(side / step))) for side in sides)
        offset_x = sides[0] * ((np.arange(parts_x) + 0.5) / parts_x - 0.5)
        offset_y = sides[1] * ((np.arange(parts_y) + 0.5) / parts_y - 0.5)
        shape = (layer.n_cells, parts_x, parts_y)
        x = np.broadcast_to(layer.x_mm.reshape(-1, 1, 1) + offset_x[:, None], shape)
        y = np.broadcast_to(layer.y_mm.reshape(-1, 1, 1) + offset_y, shape)
        x, y = x.reshape(layer.n_cells, -1), y.reshape(layer.n_cells, -1)
        areas = np.full(layer.n_cells, sides[0] * sides[1])
    return _Points(x, y, areas[:, None] / x.shape[1])


def _axis_at(showers: Showers, z_mm: float) -> Values:
    """Where the particles would cross a plane, `(n, 2)` [mm]; those along it stay where they are."""
    place, flight = showers.incident.position_mm, showers.incident.direction
    along = flight[:, 2:]
    slope = np.divide(flight[:, :2], along, out=np.zeros((len(place), 2)), where=along != 0)
    crossing: Values = place[:, :2] + (z_mm - place[:, 2:]) * slope
    return crossing


def _around_one(cells: NDArray[np.float32], points: _Points, axis: Values, edges: Values) -> Values:
    """Density in rings around an axis that all showers have, `(n, rings)`; NaN without cells."""
    n_cells, rings = cells.shape[1], len(edges) - 1
    ring, inside = _ring_of(points.x - axis[0], points.y - axis[1], edges)
    index = (np.arange(n_cells)[:, None] * rings + ring)[inside]
    shares = np.bincount(index, minlength=n_cells * rings).reshape(n_cells, rings)
    area = points.area.T @ shares
    with np.errstate(invalid="ignore"):
        density: Values = cells @ (shares / points.x.shape[1]) / np.where(area > 0, area, np.nan)
    return density


def _around_each(
    cells: NDArray[np.float32], points: _Points, axes: Values, edges: Values
) -> Values:
    """Density in rings around each shower's own axis, `(n, rings)`; NaN without cells."""
    n, rings = len(cells), len(edges) - 1
    ring, inside = _ring_of(points.x - axes[:, :1, None], points.y - axes[:, 1:, None], edges)
    index = (np.arange(n)[:, None, None] * rings + ring)[inside]
    energy = np.broadcast_to(cells[:, :, None] / points.x.shape[1], ring.shape)[inside]
    found = np.bincount(index, energy, minlength=n * rings)
    area = np.bincount(index, np.broadcast_to(points.area, ring.shape)[inside], n * rings)
    density = np.full(n * rings, np.nan)
    np.divide(found, area, out=density, where=area > 0)
    return density.reshape(n, rings)


def _ring_of(x: Values, y: Values, edges: Values) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    ring = np.searchsorted(edges, np.sqrt(x**2 + y**2), side="right") - 1
    return ring, (ring >= 0) & (ring < len(edges) - 1)
