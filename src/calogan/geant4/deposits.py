"""Energy deposits as arrays: collected from Geant4's volumes, and turned for further views."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calogan.calorimeter import Calorimeter
from calogan.errors import CalorimeterError, IncidentError
from calogan.incident import Incident

__all__ = [
    "CM_TO_MM",
    "Deposits",
    "check_axis",
    "check_turnable",
    "collect_deposits",
    "no_deposits",
    "turn_deposits",
]

CM_TO_MM = 10.0

Deposits = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]
"""Event `(m,)`, position `(m, 3)` [mm] and energy `(m,)` [MeV] of each deposit."""


def no_deposits() -> Deposits:
    """Give the deposits of nothing."""
    return np.empty(0, np.int64), np.empty((0, 3)), np.empty(0)


def collect_deposits(volumes: dict[str, Any], rng: np.random.Generator) -> Deposits:
    """Join the deposits of all volumes, as calzone records them.

    What a charged particle loses along a step is put at a random point of the step. Volumes are
    taken by name: the order in which Geant4 came to them is one of the batch.

    Args:
        volumes: calzone's detailed deposits by volume.
        rng: Chooses the points.
    """
    if not volumes:
        return no_deposits()
    ordered = [volumes[name] for name in sorted(volumes)]
    lines = [volume.line for volume in ordered]
    points = [volume.point for volume in ordered]
    start = np.concatenate([line["start"] for line in lines])
    end = np.concatenate([line["end"] for line in lines])
    start += (end - start) * rng.random((len(start), 1))
    position = np.concatenate([start, *(point["position"] for point in points)])
    position *= CM_TO_MM
    event = np.concatenate([part["event"] for part in (*lines, *points)]).astype(np.int64)
    energy = np.concatenate([part["value"] for part in (*lines, *points)])
    return event, position, energy


def turn_deposits(deposits: Deposits, n_events: int, rng: np.random.Generator) -> Deposits:
    """Turn each event around the z axis by a random angle, and mirror every second one in y."""
    event, position, energy = deposits
    angle = rng.uniform(0.0, 2 * math.pi, n_events)
    mirror = rng.choice((-1.0, 1.0), n_events)
    cos, sin, side = np.cos(angle)[event], np.sin(angle)[event], mirror[event]
    x, y, z = position.T
    turned = np.stack([cos * x - sin * y, side * (sin * x + cos * y), z], axis=1)
    return event, turned, energy


def check_turnable(calorimeter: Calorimeter) -> None:
    """Check that all cells lie within the circle that fits into the slabs.

    Then a turned shower is as good as another one: slabs are uniform, and what lies outside of
    the circle is in no cell.

    Raises:
        CalorimeterError: Some do not.
    """
    reach = max(layer.reach_mm for layer in calorimeter.layers)
    if reach > calorimeter.half_size_mm:
        msg = (
            f"calorimeter {calorimeter.name}: cells reach {reach:g} mm from the axis, the slabs "
            f"only {calorimeter.half_size_mm:g} mm: no exact views, leave --views out"
        )
        raise CalorimeterError(msg)


def check_axis(incident: Incident) -> None:
    """Check that all particles fly along the z axis, so that showers may be turned around it.

    Raises:
        IncidentError: One does not.
    """
    aside = (incident.position_mm[:, :2] != 0) | (incident.direction[:, :2] != 0)
    if aside.any():
        first = int(np.flatnonzero(aside.any(axis=1))[0])
        msg = (
            f"incident {first} does not fly along the axis of the calorimeter: "
            "its shower cannot be turned around it, leave --views out"
        )
        raise IncidentError(msg)
