"""Incident particles, and the spectra that draw their energies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from calogan.errors import IncidentError

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

MIN_ENERGY_GEV, MAX_ENERGY_GEV = 1e-6, 1e6
"""Kinetic energies that make sense in a calorimeter: 1 keV to 1 PeV."""

_COMMON = {"e+": -11, "e-": 11, "gamma": 22, "pi+": 211, "pi-": -211, "mu-": 13, "mu+": -13}
_ALIASES = {
    "eplus": "e+",
    "positron": "e+",
    "eminus": "e-",
    "electron": "e-",
    "photon": "gamma",
    "piplus": "pi+",
    "pion": "pi+",
    "piminus": "pi-",
    "proton": "p",
    "neutron": "n",
    "muon": "mu-",
}


FILE_STEMS = frozenset({*_COMMON, *_ALIASES})
"""Names of files, without their ending, that say which particle is in them: `eplus`, `gamma`."""


def pdg_id(particle: str | int) -> int:
    """PDG id of a particle given by name (`e+`, `gamma`, `pi+`), file stem (`eplus`) or id.

    Raises:
        IncidentError: No such particle.
    """
    text = str(particle).strip()
    text = _ALIASES.get(text, text)
    if text in _COMMON:
        return _COMMON[text]
    from particle import InvalidParticle, Particle, ParticleNotFound

    try:
        if text.lstrip("+-").isdigit():
            return int(Particle.from_pdgid(int(text)).pdgid)
        return int(Particle.from_name(text).pdgid)
    except (ParticleNotFound, InvalidParticle, ValueError):
        msg = f"unknown particle {particle!r}: give a name such as e+, gamma, pi+, or a PDG id"
        raise IncidentError(msg) from None


def particle_name(pdgid: int) -> str:
    """Name of a particle by its PDG id, as the `particle` package spells it; the id if it has none."""
    for name, number in _COMMON.items():
        if number == pdgid:
            return name
    from particle import InvalidParticle, Particle, ParticleNotFound

    try:
        return str(Particle.from_pdgid(pdgid).name)
    except (ParticleNotFound, InvalidParticle):
        return str(pdgid)


class Spectrum(Protocol):
    """Draws incident energies."""

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return `n` energies [GeV]."""


def _check_range(low_gev: float, high_gev: float) -> None:
    if not MIN_ENERGY_GEV <= low_gev < high_gev <= MAX_ENERGY_GEV:
        msg = (
            f"energy range {low_gev:g}:{high_gev:g} GeV: needs low < high, both from"
            f" {MIN_ENERGY_GEV:g} to {MAX_ENERGY_GEV:g} GeV"
        )
        raise IncidentError(msg)


@dataclass(frozen=True)
class Fixed:
    """One energy [GeV] for all."""

    energy_gev: float

    def __post_init__(self) -> None:
        """Refuse impossible energies."""
        _check_energies(np.array([self.energy_gev]))

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:  # noqa: ARG002
        """Return the energy `n` times."""
        return np.full(n, self.energy_gev)


@dataclass(frozen=True)
class Uniform:
    """Uniform in energy between two limits [GeV]."""

    low_gev: float
    high_gev: float

    def __post_init__(self) -> None:
        """Refuse impossible ranges."""
        _check_range(self.low_gev, self.high_gev)

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return `n` energies [GeV]."""
        return rng.uniform(self.low_gev, self.high_gev, n)


@dataclass(frozen=True)
class LogUniform:
    """Uniform in the logarithm of the energy between two limits [GeV]."""

    low_gev: float
    high_gev: float

    def __post_init__(self) -> None:
        """Refuse impossible ranges."""
        _check_range(self.low_gev, self.high_gev)

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return `n` energies [GeV]."""
        return np.exp(rng.uniform(np.log(self.low_gev), np.log(self.high_gev), n))


@dataclass(frozen=True)
class Listed:
    """Each energy of a list [GeV] with equal probability."""

    energies_gev: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse impossible energies."""
        _check_energies(np.array(self.energies_gev))

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return `n` energies [GeV]."""
        return rng.choice(np.array(self.energies_gev), n)


def parse_spectrum(text: str) -> Spectrum:
    """Read `50`, `1:100` (uniform), `log:1:100` (log-uniform) or `10,20,50` (list), in GeV.

    Raises:
        IncidentError: The text is none of these.
    """
    parts = text.strip().split(":")
    try:
        if parts[0] == "log" and len(parts) == 3:
            return LogUniform(float(parts[1]), float(parts[2]))
        if len(parts) == 2:
            return Uniform(float(parts[0]), float(parts[1]))
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        msg = f"energy {text!r}: give 50, 1:100, log:1:100 or 10,20,50 (GeV)"
        raise IncidentError(msg) from None
    return Fixed(values[0]) if len(values) == 1 else Listed(values)


def _check_energies(energy_gev: NDArray[np.float64]) -> None:
    bad = ~((energy_gev >= MIN_ENERGY_GEV) & (energy_gev <= MAX_ENERGY_GEV))  # NaN is bad too
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        msg = (
            f"energy of incident {first} is {energy_gev[first]:g} GeV: must be finite and above 0,"
            f" {MIN_ENERGY_GEV:g} to {MAX_ENERGY_GEV:g} GeV"
        )
        raise IncidentError(msg)


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
        _check_energies(self.energy_gev)
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
                direction=np.broadcast_to(vector / length, (n, 3)),
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
