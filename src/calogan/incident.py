"""Incident particles: what flies into the calorimeter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from calogan.errors import IncidentError
from calogan.particles import FILE_STEMS, particle_name, pdg_id
from calogan.spectra import (
    Fixed,
    Listed,
    LogUniform,
    Spectrum,
    Uniform,
    check_energies,
    parse_spectrum,
)

__all__ = [
    "FILE_STEMS",
    "GUN_POSITION_MM",
    "Fixed",
    "Incident",
    "Listed",
    "LogUniform",
    "Spectrum",
    "Uniform",
    "parse_spectrum",
    "particle_name",
    "pdg_id",
]

GUN_POSITION_MM = (0.0, 0.0, -288.0)
"""Where the paper's beam starts: on the axis, at the edge of the world (arXiv:1705.02355)."""


@dataclass(frozen=True, eq=False)
class Incident:
    """n incident particles.

    Args:
        pdgid: PDG ids, shape `(n,)`.
        energy_gev: Kinetic energies, shape `(n,)` [GeV].
        position_mm: Where the particles start, shape `(n, 3)` [mm].
        direction: Unit vectors of flight, shape `(n, 3)`.

    Raises:
        IncidentError: Energies that are not finite and positive, or shapes that do not fit.
    """

    pdgid: NDArray[np.int64]
    energy_gev: NDArray[np.float64]
    position_mm: NDArray[np.float64]
    direction: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Check shapes and values."""
        n = len(self.energy_gev)
        if self.energy_gev.shape != (n,) or self.pdgid.shape != (n,):
            msg = (
                f"incident: energies {self.energy_gev.shape} and PDG ids {self.pdgid.shape} differ"
            )
            raise IncidentError(msg)
        if self.position_mm.shape != (n, 3) or self.direction.shape != (n, 3):
            msg = f"incident: position and direction must have the shape ({n}, 3)"
            raise IncidentError(msg)
        check_energies(self.energy_gev)
        if not np.isfinite(self.position_mm).all():
            msg = "incident: positions must be finite"
            raise IncidentError(msg)
        if not np.allclose(np.linalg.norm(self.direction, axis=1), 1.0, atol=1e-6):
            msg = "incident: directions must be unit vectors"
            raise IncidentError(msg)

    @classmethod
    def create(
        cls,
        particle: str | int | ArrayLike,
        energy_gev: ArrayLike,
        *,
        position_mm: ArrayLike = GUN_POSITION_MM,
        direction: ArrayLike = (0.0, 0.0, 1.0),
    ) -> Incident:
        """Make an incident from whatever broadcasts to n particles.

        Args:
            particle: A name (`e+`), a PDG id, or PDG ids of shape `(n,)`.
            energy_gev: Kinetic energies, shape `(n,)` or one [GeV].
            position_mm: Start, shape `(n, 3)` or `(3,)` [mm]; the paper's gun unless given.
            direction: Direction of any length, shape `(n, 3)` or `(3,)`; +z unless given.
        """
        energy = np.atleast_1d(np.asarray(energy_gev, dtype=np.float64))
        n = len(energy)
        number = pdg_id(particle) if isinstance(particle, str | int) else particle
        vector = np.asarray(direction, dtype=np.float64)
        length = np.linalg.norm(vector, axis=-1, keepdims=True)
        if not (np.isfinite(length) & (length > 0)).all():
            msg = "incident: a direction must be finite and not zero"
            raise IncidentError(msg)
        try:
            return cls(
                pdgid=np.broadcast_to(np.asarray(number, dtype=np.int64), (n,)),
                energy_gev=energy,
                position_mm=np.broadcast_to(np.asarray(position_mm, dtype=np.float64), (n, 3)),
                # a unit vector stays as it is to the last bit, so that files give it back
                direction=np.broadcast_to(
                    np.where(abs(length - 1) < 1e-12, vector, vector / length), (n, 3)
                ),
            )
        except ValueError as error:
            msg = f"incident: {error}"
            raise IncidentError(msg) from error

    @classmethod
    def draw(
        cls, particle: str | int, energy: Spectrum | str | float, n: int, *, seed: Any = None
    ) -> Incident:
        """Draw n particles along the beam axis.

        Args:
            particle: Name or PDG id.
            energy: A spectrum, or its short form in GeV: `50`, `"1:100"`, `"log:1:100"`.
            n: How many.
            seed: Anything that `numpy.random.default_rng` takes.
        """
        spectrum = parse_spectrum(str(energy)) if isinstance(energy, str | float | int) else energy
        return cls.create(particle, spectrum.draw(n, np.random.default_rng(seed)))

    def __len__(self) -> int:
        """Number of particles."""
        return len(self.energy_gev)

    def __getitem__(self, index: slice | NDArray[Any]) -> Incident:
        """Select particles by a slice, a mask or indices."""
        return Incident(
            self.pdgid[index],
            self.energy_gev[index],
            self.position_mm[index],
            self.direction[index],
        )

    @classmethod
    def concatenate(cls, parts: Sequence[Incident]) -> Incident:
        """Join incidents one after another."""
        return cls(
            np.concatenate([part.pdgid for part in parts]),
            np.concatenate([part.energy_gev for part in parts]),
            np.concatenate([part.position_mm for part in parts]),
            np.concatenate([part.direction for part in parts]),
        )
