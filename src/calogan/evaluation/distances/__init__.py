"""How much two samples differ: one observable at a time, and all of them at once."""

from __future__ import annotations

from calogan.evaluation.distances.frechet import frechet_distance
from calogan.evaluation.distances.kernel import kernel_distance
from calogan.evaluation.distances.lights import light
from calogan.evaluation.distances.measures import Measured, difference, measure
from calogan.evaluation.distances.physics import PhysicsDistance, physics_distances

__all__ = [
    "Measured",
    "PhysicsDistance",
    "difference",
    "frechet_distance",
    "kernel_distance",
    "light",
    "measure",
    "physics_distances",
]
