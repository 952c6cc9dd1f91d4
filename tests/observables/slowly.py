"""Every observable of one shower, cell by cell: slow, and plain to see."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from calogan.calorimeter import PolarLayer, ReadoutLayer
from calogan.showers import Showers

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Cell:
    """One cell: its energy, the centre of its area, its numbers, and its distance."""

    energy: float
    x: float
    y: float
    i: int
    j: int
    distance: float


def observables_slowly(showers: Showers, row: int) -> dict[str, float]:
    """All observables of one shower, by name; NaN where one is not defined."""
    layers = [_cells(showers, row, k) for k in range(len(showers.layers))]
    energies = [math.fsum(cell.energy for cell in cells) for cells in layers]
    total = math.fsum(energies)
    incident = 1000 * float(showers.incident.energy_gev[row])
    overflow = math.fsum(map(float, showers.overflow[row]))
    found = {
        "E_tot": total,
        "response": total / incident,
        "leakage": 1 - (total + overflow) / incident,
        "overflow_share": _over(overflow, total + overflow),
        "l_d": sum(k * energy for k, energy in enumerate(energies)),
        "d": max([k for k, energy in enumerate(energies) if energy > 0], default=math.nan),
        "s_d": _over(sum(k * energy for k, energy in enumerate(energies)), total),
        "r_mean": _over(sum(c.energy * c.distance for cells in layers for c in cells), total),
        "r_90": _containing([c for cells in layers for c in cells], 0.9 * total),
    }
    squares = sum(energy * (k - found["s_d"]) ** 2 for k, energy in enumerate(energies))
    found["sigma_sd"] = math.sqrt(_over(squares, total))
    for k, cells in enumerate(layers):
        layer = showers.calorimeter.layers[k]
        energy = energies[k]
        found[f"E_{k}"] = energy
        found[f"f_{k}"] = _over(energy, total)
        found[f"r_{k}"] = _over(sum(c.energy * c.distance for c in cells), energy)
        found[f"hits_{k}"] = sum(c.energy > 0 for c in cells) / len(cells)
        if layer.resolves_axes:
            for axis, at in (("eta", [c.x for c in cells]), ("phi", [c.y for c in cells])):
                found[f"c_{axis}_{k}"], found[f"sigma_{axis}_{k}"] = _spread(cells, at)
        if isinstance(layer, ReadoutLayer):
            for axis, number in (("eta", [c.i for c in cells]), ("phi", [c.j for c in cells])):
                found[f"sigma_{axis}_cells_{k}"] = _spread(cells, [float(n) for n in number])[1]
        falling = sorted((c.energy for c in cells), reverse=True)
        if len(cells) > 1:
            found[f"E_ratio_{k}"] = _over(falling[0] - falling[1], falling[0] + falling[1])
            for m, one in enumerate(falling[:5], start=1):
                found[f"peak_{m}_{k}"] = _over(one, energy)
    return found


def _over(above: float, below: float) -> float:
    return above / below if below > 0 else math.nan


def _spread(cells: list[Cell], at: list[float]) -> tuple[float, float]:
    energy = sum(c.energy for c in cells)
    mean = _over(sum(c.energy * x for c, x in zip(cells, at, strict=True)), energy)
    squares = sum(c.energy * (x - mean) ** 2 for c, x in zip(cells, at, strict=True))
    return mean, math.sqrt(_over(squares, energy))


def _containing(cells: list[Cell], wanted: float) -> float:
    """Distance that holds an energy, rising in a straight line from distance to distance."""
    at, within = 0.0, 0.0
    for distance in sorted({round(c.distance, 5) for c in cells}):
        here = sum(c.energy for c in cells if round(c.distance, 5) == distance)
        if here > 0 and within + here >= wanted * (1 - 1e-12):
            return at + (distance - at) * (wanted - within) / here
        at, within = distance, within + here
    return math.nan


def _cells(showers: Showers, row: int, k: int) -> list[Cell]:
    layer = showers.calorimeter.layers[k]
    start = [float(v) for v in showers.incident.position_mm[row]]
    flight = [float(v) for v in showers.incident.direction[row]]
    z = (layer.z_min_mm + layer.z_max_mm) / 2
    cells = []
    for i in range(layer.shape[0]):
        for j in range(layer.shape[1]):
            x, y = float(layer.x_mm[i, j]), float(layer.y_mm[i, j])
            middle = (x, y, z)
            if isinstance(layer, PolarLayer):
                radius = _mean_radius(*layer.r_edges_mm[j : j + 2])
                angle = 2 * math.pi * (i + 0.5) / layer.n_alpha - math.pi
                middle = (radius * math.cos(angle), radius * math.sin(angle), z)
            if layer.resolves_axes:
                away = [m - s for m, s in zip(middle, start, strict=True)]
                along = sum(a * f for a, f in zip(away, flight, strict=True))
                distance = math.dist(away, [along * f for f in flight])
            else:
                distance = math.hypot(middle[0], middle[1])
            energy = float(showers.layers[k][row, i, j])
            cells.append(Cell(energy, x, y, i, j, distance))
    return cells


def _mean_radius(inner: float, outer: float) -> float:
    """Mean of r over the area of a ring, by narrow rings."""
    edges = np.linspace(inner, outer, 2001)
    middle = (edges[1:] + edges[:-1]) / 2
    return float((middle * middle).sum() / middle.sum())
