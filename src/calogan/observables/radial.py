"""How far from the shower's axis the energy is.

The axis is the line of flight of the incident particle, and the distance of a cell is that of its
middle, at half the depth of its layer, from this line. The middle is the centre of a rectangular
cell; that of a cell in angle and radius lies at the mean radius of its area,
2/3 (R^3 - r^3)/(R^2 - r^2). Cells all around the beam, or half around it, tell only the distance
from the axis of the calorimeter, and that is taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calogan.calorimeter import Calorimeter, PolarLayer, ReadoutLayer
from calogan.incident import Incident
from calogan.observables.energies import layer_energy, total_energy
from calogan.observables.observable import Values, ratio
from calogan.observables.sharing import shared
from calogan.showers import Showers

__all__ = [
    "RadialProfile",
    "containment_radius",
    "layer_radius",
    "mean_radius",
    "radial_profile",
    "ring_edges",
]

_NUMBERS_AT_ONCE = 2**22
_SAME_MM = 1e-6


@dataclass(frozen=True, eq=False)
class RadialProfile:
    """How the energy of a layer is spread over rings around the shower's axis.

    Args:
        edges_mm: Edges of the rings, shape `(rings + 1,)` [mm].
        shares: Share of the layer's energy in each ring, shape `(n, rings)`; NaN in an empty layer.
    """

    edges_mm: Values
    shares: Values


def radial_profile(showers: Showers, layer: int, edges_mm: Values | None = None) -> RadialProfile:
    """Share of a layer's energy in rings around the shower's axis.

    The energy of a cell is in the ring that its middle is in. Energy beyond the last edge is in
    none, so the shares add up to 1 where the rings reach far enough.

    Args:
        showers: n showers.
        layer: The layer.
        edges_mm: Edges of the rings, rising [mm]; those of `ring_edges` unless given.
    """
    edges = ring_edges(showers.calorimeter, layer) if edges_mm is None else np.asarray(edges_mm)
    n_rings = len(edges) - 1
    energies = np.empty((len(showers), n_rings))
    for rows, distances in _distances(showers, (layer,)):
        cells = _cells(showers, layer)[rows]
        ring = np.searchsorted(edges, distances, side="right")  # 0 and n + 1 are beside the rings
        place = ring + np.arange(len(cells))[:, None] * (n_rings + 2)
        found = np.bincount(
            place.ravel(), weights=cells.ravel(), minlength=len(cells) * (n_rings + 2)
        )
        energies[rows] = found.reshape(len(cells), n_rings + 2)[:, 1:-1]
    whole = np.broadcast_to(layer_energy(showers, layer)[:, None], energies.shape)
    return RadialProfile(edges, ratio(energies, whole))


def ring_edges(calorimeter: Calorimeter, layer: int) -> Values:
    """Rings around the beam axis that fit the cells of a layer: their edges [mm].

    Those of the cells in radius; for rectangular cells rings as wide as the shorter side of a
    cell, joined where no cell has its centre in one.
    """
    cells = calorimeter.layers[layer]
    if isinstance(cells, PolarLayer):
        return np.array(cells.r_edges_mm)
    centers = np.hypot(cells.x_mm, cells.y_mm).ravel()
    width = min(cells.cell_size_mm)
    edges = np.arange(np.ceil(cells.reach_mm / width) + 1) * width
    filled = np.histogram(centers, edges)[0] > 0
    return np.concatenate([edges[:1], edges[1:][filled]])


@shared
def layer_radius(showers: Showers, layer: int) -> Values:
    r"""Energy-weighted mean distance from the shower's axis in a layer [mm], shape `(n,)`.

    $r_k = \sum_c E_{k,c} r_c / E_k$ over the cells c, with $r_c$ their distance. NaN in an empty
    layer.
    """
    weighted = np.empty(len(showers))
    for rows, distances in _distances(showers, (layer,)):
        weighted[rows] = np.einsum("nc,nc->n", _cells(showers, layer)[rows], distances)
    return ratio(weighted, layer_energy(showers, layer))


def mean_radius(showers: Showers) -> Values:
    r"""Energy-weighted mean distance from the shower's axis [mm], shape `(n,)`.

    $r_{mean} = \sum_k E_k r_k / E_{tot}$ with $r_k$ of `layer_radius`. NaN in an empty shower.
    """
    weighted = np.zeros(len(showers))
    for k in range(len(showers.layers)):
        weighted += np.nan_to_num(layer_radius(showers, k)) * layer_energy(showers, k)
    return ratio(weighted, total_energy(showers))


def containment_radius(showers: Showers, share: float = 0.9) -> Values:
    """Distance from the shower's axis within which a share of its energy is [mm], shape `(n,)`.

    With 90 %, what the Moliere radius is on average for showers of electrons (PDG, Passage of
    Particles Through Matter). The energy within a distance is known at those of the cells; it is
    taken to rise linearly from each to the next, and from 0 on the axis. NaN in an empty shower.

    Args:
        showers: n showers.
        share: The share, above 0 and up to 1.
    """
    radius = np.full(len(showers), np.nan)
    layers = tuple(range(len(showers.layers)))
    order: NDArray[np.intp] | None = None
    for rows, distances in _distances(showers, layers):
        cells = np.concatenate([_cells(showers, k)[rows] for k in layers], axis=1)
        if order is None or len(distances) > 1:
            order = np.argsort(distances, axis=1)
        at = np.take_along_axis(distances, order, axis=1)
        cells = cells[:, order[0]] if len(order) == 1 else np.take_along_axis(cells, order, axis=1)
        within = np.cumsum(cells, axis=1, dtype=np.float64)
        # cells at one distance count together: the last of them has the sum
        last = np.diff(at, axis=1, append=np.inf) > _SAME_MM
        if len(at) == 1:
            at, within = at[:, last[0]], within[:, last[0]]
        else:
            at = np.maximum.accumulate(np.where(last, at, 0), axis=1)
            within = np.maximum.accumulate(np.where(last, within, 0), axis=1)
        radius[rows] = _crossing(at, within, share)
    return radius


def _crossing(at: Values, within: Values, share: float) -> Values:
    """Where the energy within a distance reaches a share of all, `(m,)`; NaN where it is 0.

    Args:
        at: Distances, rising, shape `(m or 1, d)`.
        within: Energy within them, shape `(m, d)`.
        share: The share.
    """
    wanted = share * within[:, -1]
    first = np.argmax(within >= wanted[:, None], axis=1)
    row = np.arange(len(within))
    at = np.broadcast_to(at, within.shape)
    inner = np.where(first > 0, at[row, first - 1], 0.0)
    below = np.where(first > 0, within[row, first - 1], 0.0)
    step = ratio(wanted - below, within[row, first] - below)
    radius: Values = inner + step * (at[row, first] - inner)
    return radius


def _cells(showers: Showers, layer: int) -> NDArray[np.float32]:
    """Cells of a layer in C order, shape `(n, cells)` [MeV]."""
    image = showers.layers[layer]
    return image.reshape(len(image), image.shape[1] * image.shape[2])


def _distances(showers: Showers, layers: tuple[int, ...]) -> Iterator[tuple[slice, Values]]:
    """Distances of the cells of layers from the showers' axes, for some showers after others.

    Yields:
        Which showers, and the distances `(m, cells)` [mm]; `(1, cells)` if all have one axis.
    """
    n, incident = len(showers), showers.incident
    chosen = [showers.calorimeter.layers[k] for k in layers]
    middles = np.concatenate([_middles(layer) for layer in chosen])
    from_center = np.concatenate(
        [np.full(layer.n_cells, not layer.resolves_axes) for layer in chosen]
    )
    step = max(1, _NUMBERS_AT_ONCE // len(middles))
    one = n > 0 and all(
        bool((values == values[0]).all()) for values in (incident.position_mm, incident.direction)
    )
    common = _beside(middles, incident[:1], from_center) if one else None
    for start in range(0, n, step):
        rows = slice(start, min(start + step, n))
        yield rows, _beside(middles, incident[rows], from_center) if common is None else common


def _middles(layer: PolarLayer | ReadoutLayer) -> Values:
    """Middle of each cell in C order, shape `(cells, 3)` [mm]."""
    if isinstance(layer, PolarLayer):
        edges = np.array(layer.r_edges_mm)
        radius = 2 / 3 * np.diff(edges**3) / np.diff(edges**2)
        x, y = (f(layer.alpha_centers)[:, None] * radius for f in (np.cos, np.sin))
    else:
        x, y = layer.x_mm, layer.y_mm
    z = np.full(layer.n_cells, (layer.z_min_mm + layer.z_max_mm) / 2)
    return np.stack([x.ravel(), y.ravel(), z], axis=1)


def _beside(middles: Values, incident: Incident, from_center: NDArray[np.bool_]) -> Values:
    """Distance of points `(cells, 3)` from the lines of flight of m particles, `(m, cells)` [mm].

    Where `from_center` says so, the distance from x = y = 0 instead.
    """
    x, y, z = (middles[:, k] - incident.position_mm[:, k, None] for k in range(3))
    u, v, w = (incident.direction[:, k, None] for k in range(3))
    # length of the cross product with the unit vector of flight
    distance = np.sqrt((y * w - z * v) ** 2 + (z * u - x * w) ** 2 + (x * v - y * u) ** 2)
    return np.where(from_center, np.hypot(middles[:, 0], middles[:, 1]), distance)
