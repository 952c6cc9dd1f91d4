"""Beams: what particles, with what energies, start where and fly in which direction.

A beam draws `Incident` particles, in this order: energies, particles, positions, directions. So
the energies of a seed stay the same whatever else of the beam changes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from calogan.errors import IncidentError
from calogan.incident import Incident
from calogan.spectra import InOrder, Spectrum

__all__ = [
    "Along",
    "AngleRange",
    "Beam",
    "Box",
    "Cone",
    "Direction",
    "Particles",
    "Position",
    "unit_vectors",
]

Vector = tuple[float, float, float]

_MAX_WEIGHT = 1e100
_FAR_MM = 1e9
_MIN_COSINE = 1e-6  # flatter than this, no particle ever comes to the front face


class Position(Protocol):
    """Draws positions."""

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return positions, shape `(n, 3)`, or `(1, 3)` if all are the same [mm]."""


class Direction(Protocol):
    """Draws directions of flight."""

    def draw(
        self, n: int, rng: np.random.Generator, position_mm: NDArray[np.float64], /
    ) -> NDArray[np.float64]:
        """Return unit vectors, shape `(n, 3)`, or `(1, 3)` if all are the same.

        Args:
            n: How many.
            rng: Source of randomness.
            position_mm: Where the particles start, shape `(n, 3)` or `(1, 3)` [mm].
        """


@dataclass(frozen=True)
class Particles:
    """One kind of particle, or several that are drawn at random.

    Args:
        pdgids: PDG ids.
        weights: How often each is drawn, in proportion; all the same unless given.
    """

    pdgids: tuple[int, ...]
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuse weights that are no weights."""
        weights = self.weights or (1.0,) * len(self.pdgids)
        good = len(weights) == len(self.pdgids) and all(0 <= w <= _MAX_WEIGHT for w in weights)
        if not (good and sum(weights) > 0):
            shown = ", ".join(f"{weight:g}" for weight in weights)
            msg = f"the weights of particles are {shown}: one for each, 0 or more, not all 0"
            raise IncidentError(msg)

    def draw(self, n: int, rng: np.random.Generator) -> int | NDArray[np.int64]:
        """Return PDG ids, shape `(n,)`, or one if all are the same."""
        if len(self.pdgids) == 1:
            return self.pdgids[0]
        weights = np.array(self.weights or (1.0,) * len(self.pdgids))
        return rng.choice(np.array(self.pdgids, np.int64), n, p=weights / weights.sum())


@dataclass(frozen=True)
class Box:
    """Uniform between two corners [mm]; the same in one coordinate, and it is fixed there."""

    low_mm: Vector = (0.0, 0.0, 0.0)
    high_mm: Vector = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        """Refuse boxes that are inside out."""
        for axis, low, high in zip("xyz", self.low_mm, self.high_mm, strict=True):
            if not -_FAR_MM <= low <= high <= _FAR_MM:
                msg = f"position: {axis} from {low:g} to {high:g} mm: needs low <= high"
                raise IncidentError(msg)

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return positions, shape `(n, 3)`, or `(1, 3)` if all are the same [mm]."""
        if self.low_mm == self.high_mm:
            return np.array([self.low_mm])
        return rng.uniform(self.low_mm, self.high_mm, (n, 3))


def unit_vectors(cos_theta: NDArray[np.float64], phi: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit vectors, shape `(n, 3)`, by their polar angle to +z and their azimuth [rad]."""
    sin_theta = np.sqrt(np.clip(1 - cos_theta**2, 0, None))
    return np.stack([sin_theta * np.cos(phi), sin_theta * np.sin(phi), cos_theta], axis=1)


@dataclass(frozen=True)
class Along:
    """All along one vector, of any length."""

    vector: Vector = (0.0, 0.0, 1.0)

    def __post_init__(self) -> None:
        """Refuse vectors that point nowhere."""
        if not 0 < math.hypot(*self.vector) < math.inf:
            msg = f"direction {self.vector}: must be finite and not zero"
            raise IncidentError(msg)

    def draw(self, *_: object) -> NDArray[np.float64]:
        """Return the vector, of length 1, shape `(1, 3)`."""
        return np.array([self.vector]) / math.hypot(*self.vector)


def _check_angles(name: str, low_deg: float, high_deg: float, limits: tuple[int, int]) -> None:
    if not limits[0] <= low_deg <= high_deg <= limits[1]:
        msg = (
            f"direction: {name} from {low_deg:g} to {high_deg:g} degrees: needs low <= high,"
            f" from {limits[0]} to {limits[1]}"
        )
        raise IncidentError(msg)


@dataclass(frozen=True)
class Cone:
    """Uniform in solid angle around +z, between two half opening angles [degrees]."""

    low_deg: float
    high_deg: float

    def __post_init__(self) -> None:
        """Refuse impossible angles."""
        _check_angles("theta", self.low_deg, self.high_deg, (0, 180))

    def draw(self, n: int, rng: np.random.Generator, *_: object) -> NDArray[np.float64]:
        """Return unit vectors, shape `(n, 3)`."""
        low, high = math.cos(math.radians(self.high_deg)), math.cos(math.radians(self.low_deg))
        return unit_vectors(rng.uniform(low, high, n), rng.uniform(0, 2 * np.pi, n))


@dataclass(frozen=True)
class AngleRange:
    """Uniform in the polar angle theta to +z and in the azimuth phi [degrees].

    Uniform in the angle, not in its cosine: every angle is as frequent as every other, which is
    what a network that learns to depend on the angle wants. A `Cone` is uniform in solid angle.
    """

    theta_deg: tuple[float, float]
    phi_deg: tuple[float, float] = (0.0, 360.0)

    def __post_init__(self) -> None:
        """Refuse impossible angles."""
        _check_angles("theta", *self.theta_deg, (0, 180))
        _check_angles("phi", *self.phi_deg, (-360, 360))

    def draw(self, n: int, rng: np.random.Generator, *_: object) -> NDArray[np.float64]:
        """Return unit vectors, shape `(n, 3)`."""
        theta = np.radians(rng.uniform(*self.theta_deg, n))
        phi = np.radians(rng.uniform(*self.phi_deg, n))
        return unit_vectors(np.cos(theta), phi)


@dataclass(frozen=True)
class Beam:
    """A source of incident particles.

    Args:
        particles: What they are.
        energy: Their kinetic energies.
        position: Where they start; or, with `start_z_mm`, the points that they fly through.
        direction: Where they fly to; +z unless given.
        start_z_mm: They start at this z, moved there from `position` against the direction of
            flight; without it, at `position` itself [mm].
    """

    particles: Particles
    energy: Spectrum
    position: Position = field(default_factory=Box)
    direction: Direction = field(default_factory=Along)
    start_z_mm: float | None = None

    @property
    def size(self) -> int | None:
        """How many particles there are, where a file gives them; None for as many as wanted."""
        return len(self.energy) if isinstance(self.energy, InOrder) else None

    def draw(self, n: int, rng: np.random.Generator) -> Incident:
        """Draw n particles.

        Args:
            n: How many.
            rng: Source of randomness; its state fixes the particles.

        Raises:
            IncidentError: There are not as many, or they fly away from where they should enter.
        """
        energy = self.energy.draw(n, rng)
        pdgid = self.particles.draw(n, rng)
        position = self.position.draw(n, rng)
        direction = self.direction.draw(n, rng, position)
        if self.start_z_mm is not None:
            position = _moved_back(position, direction, self.start_z_mm)
        return Incident.create(pdgid, energy, position_mm=position, direction=direction)


def _moved_back(
    position_mm: NDArray[np.float64], direction: NDArray[np.float64], z_mm: float
) -> NDArray[np.float64]:
    """Follow straight lines back to z; shapes `(n, 3)` or `(1, 3)`."""
    forward = direction[:, 2] > _MIN_COSINE
    if not forward.all():
        first = int(np.flatnonzero(~forward)[0])
        x, y, z = direction[min(first, len(direction) - 1)]
        msg = (
            f"incident {first} flies along ({x:.3g}, {y:.3g}, {z:.3g}) and never enters the front"
            " face: z must be above 0, theta below 90 degrees"
        )
        raise IncidentError(msg)
    slope = direction / direction[:, 2:]
    start = position_mm - slope * (position_mm[:, 2:] - z_mm)
    start[:, 2] = z_mm
    return start
