"""What a network is told of an incident particle: its energy, and the beam where that varies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from calogan.calorimeter import Calorimeter
from calogan.errors import IncidentError
from calogan.incident import Incident

__all__ = ["BEAM_CONDITIONS", "CONDITIONS", "ENERGY", "conditions_of", "is_on_axis", "mirror_signs"]

ENERGY = "energy_gev"
BEAM_CONDITIONS = ("x_mm", "y_mm", "slope_x", "slope_y")
CONDITIONS = (ENERGY, *BEAM_CONDITIONS)
"""Kinetic energy [GeV]; where the particle's line meets the front face [mm]; dx/dz and dy/dz."""


def is_on_axis(incident: Incident) -> bool:
    """Whether all particles fly along the axis: then their energy says everything."""
    along = (incident.direction == (0.0, 0.0, 1.0)).all()
    return bool(along and (incident.position_mm[:, :2] == 0).all())


def conditions_of(
    incident: Incident, calorimeter: Calorimeter, names: Sequence[str] = CONDITIONS
) -> NDArray[np.float32]:
    """What a network is told of n particles.

    Args:
        incident: The particles.
        calorimeter: The calorimeter, centred on the origin: its front face lies at half its depth.
        names: Which of `CONDITIONS`, in this order.

    Returns:
        The numbers, shape `(n, len(names))`.

    Raises:
        IncidentError: A particle flies away from the front face, or along it.
    """
    columns = {ENERGY: incident.energy_gev}
    if set(names) - {ENERGY}:
        forward = incident.direction[:, 2]
        if not (forward > 0).all():
            first = int(np.argmin(forward > 0))
            msg = f"particle {first} does not fly towards +z: it has no place on the front face"
            raise IncidentError(msg)
        slopes = incident.direction[:, :2] / forward[:, None]
        distance = -calorimeter.depth_mm / 2 - incident.position_mm[:, 2]
        places = incident.position_mm[:, :2] + slopes * distance[:, None]
        columns |= dict(zip(BEAM_CONDITIONS, (*places.T, *slopes.T), strict=True))
    return np.stack([columns[name] for name in names], axis=1).astype(np.float32)


def mirror_signs(names: Sequence[str], axis: str) -> NDArray[np.float32]:
    """What a mirror in x ("eta") or y ("phi") makes of each condition: 1 or -1."""
    turned = {"eta": ("x_mm", "slope_x"), "phi": ("y_mm", "slope_y")}[axis]
    return np.array([-1.0 if name in turned else 1.0 for name in names], dtype=np.float32)
