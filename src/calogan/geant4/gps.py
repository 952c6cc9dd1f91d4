"""Where particles of Geant4's general particle source start, and where they fly to.

The distributions are those of Geant4 11 (Book For Application Developers, "General Particle
Source"). Its angles are those that particles come from, as seen from where they arrive: theta = 0
flies along -z. Only `/gps/direction` is where a particle flies to.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calogan.beam import unit_vectors
from calogan.errors import IncidentError
from calogan.geant4.parameters import Vector

__all__ = ["Axes", "GpsDirection", "GpsPosition"]

Axes = tuple[Vector, Vector, Vector]


@dataclass(frozen=True)
class GpsPosition:
    """Positions of a `Point`, `Beam`, `Plane` or `Volume` source; lengths in mm.

    Args:
        kind: `/gps/pos/type`.
        shape: `/gps/pos/shape`.
        centre: Its middle.
        half: Half lengths along its own x, y and z.
        radius: Radius of a round one.
        inner_radius: Inner radius of an annulus.
        sigma: Widths of a beam, a Gaussian in its own x and y.
        axes: Its own x, y and z.
    """

    kind: str
    shape: str
    centre: Vector
    half: Vector
    radius: float
    inner_radius: float
    sigma: tuple[float, float]
    axes: Axes

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return positions, shape `(n, 3)`, or `(1, 3)` if all are the same [mm]."""
        pencil = self.kind == "Beam" and not any((*self.half, self.radius, *self.sigma))
        if self.kind == "Point" or pencil:
            return np.array([self.centre])
        local = np.zeros((n, 3))
        if self.kind == "Volume":
            local[:] = self._in_volume(n, rng)
        else:
            local[:, :2] = self._in_plane(n, rng)
        if self.kind == "Beam":
            local[:, :2] += rng.normal(0, self.sigma, (n, 2))
        return np.asarray(local @ np.array(self.axes) + self.centre)

    def _in_plane(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        if self.shape == "Circle":
            return self.radius * _disc(n, rng)
        if self.shape == "Annulus":
            return self.radius * _disc(n, rng, (self.inner_radius / self.radius) ** 2)
        if self.shape == "Ellipse":
            return _disc(n, rng) * self.half[:2]
        return rng.uniform(-1, 1, (n, 2)) * self.half[:2]

    def _in_volume(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        if self.shape in {"Sphere", "Ellipsoid"}:
            ball = unit_vectors(rng.uniform(-1, 1, n), rng.uniform(0, 2 * np.pi, n))
            ball *= np.cbrt(rng.random((n, 1)))
            return ball * (self.radius if self.shape == "Sphere" else self.half)
        z = rng.uniform(-1, 1, (n, 1))
        if self.shape == "Cylinder":
            return np.hstack([self.radius * _disc(n, rng), self.half[2] * z])
        return np.hstack([rng.uniform(-1, 1, (n, 2)), z]) * self.half


def _disc(n: int, rng: np.random.Generator, inner: float = 0.0) -> NDArray[np.float64]:
    """Points in the unit disc, shape `(n, 2)`, further out than the square root of `inner`."""
    radius = np.sqrt(rng.uniform(inner, 1, n))
    phi = rng.uniform(0, 2 * np.pi, n)
    return np.stack([radius * np.cos(phi), radius * np.sin(phi)], axis=1)


@dataclass(frozen=True)
class GpsDirection:
    """Directions of a `planar`, `iso`, `cos`, `beam1d`, `beam2d` or `focused` source; angles in rad.

    Args:
        kind: `/gps/ang/type`.
        vector: Where a planar one flies to.
        theta: Limits of the polar angle of `iso` and `cos`.
        phi: Limits of their azimuth.
        sigma: Widths of a beam: of theta for `beam1d`, then in x and y for `beam2d`.
        focus: The point that `focused` particles fly to [mm].
        axes: The axes that the angles are measured in.
    """

    kind: str
    vector: Vector
    theta: tuple[float, float]
    phi: tuple[float, float]
    sigma: Vector
    focus: Vector
    axes: Axes

    def draw(
        self, n: int, rng: np.random.Generator, position_mm: NDArray[np.float64], /
    ) -> NDArray[np.float64]:
        """Return unit vectors, shape `(n, 3)`, or `(1, 3)` if all are the same."""
        if self.kind == "planar":
            local = np.array([self.vector])
        elif self.kind == "focused":
            local = self.focus - position_mm
        else:
            # Geant4 turns angles by these axes as they are, and makes a unit vector at the end
            local = -unit_vectors(*self._angles(n, rng)) @ np.array(self.axes)
        length = np.linalg.norm(local, axis=1, keepdims=True)
        if not (length > 0).all():
            msg = "a particle starts at the point that all are focused on"
            raise IncidentError(msg)
        return np.asarray(local / length)

    def _angles(
        self, n: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Cosine of the polar angle, and azimuth, of where particles come from, shape `(n,)`."""
        if self.kind == "beam2d":
            x, y = rng.normal(0, self.sigma[1:], (n, 2)).T
            return np.cos(np.hypot(x, y)), np.arctan2(y, x)
        if self.kind == "beam1d":
            return np.cos(rng.normal(0, self.sigma[0], n)), rng.uniform(0, 2 * np.pi, n)
        low, high = self.theta
        if self.kind == "cos":
            sin_squared = rng.uniform(math.sin(low) ** 2, math.sin(high) ** 2, n)
            return np.sqrt(1 - sin_squared), rng.uniform(*self.phi, n)
        return rng.uniform(math.cos(high), math.cos(low), n), rng.uniform(*self.phi, n)
