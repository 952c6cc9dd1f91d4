"""Energy spectra of incident particles, and their short notation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from calogan.errors import IncidentError

__all__ = [
    "MAX_ENERGY_GEV",
    "MIN_ENERGY_GEV",
    "Exponential",
    "Fixed",
    "Gaussian",
    "InOrder",
    "Linear",
    "Listed",
    "LogUniform",
    "PowerLaw",
    "Spectrum",
    "Uniform",
    "check_energies",
    "parse_spectrum",
]

MIN_ENERGY_GEV, MAX_ENERGY_GEV = 1e-6, 1e6
"""Kinetic energies that make sense in a calorimeter: 1 keV to 1 PeV."""

NOTATION = (
    "50, 1:100 (uniform), log:1:100, 10,20,50, pow:INDEX:1:100, exp:E0:1:100, "
    "lin:GRADIENT:INTERCEPT:1:100 or gauss:50:1"
)


class Spectrum(Protocol):
    """Draws incident energies."""

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return `n` energies [GeV]."""


def check_energies(energy_gev: NDArray[np.float64]) -> None:
    """Check kinetic energies.

    Raises:
        IncidentError: One is not finite, or outside what makes sense.
    """
    bad = ~((energy_gev >= MIN_ENERGY_GEV) & (energy_gev <= MAX_ENERGY_GEV))  # NaN is bad too
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        msg = (
            f"energy of incident {first} is {energy_gev[first]:g} GeV: must be finite and above 0,"
            f" {MIN_ENERGY_GEV:g} to {MAX_ENERGY_GEV:g} GeV"
        )
        raise IncidentError(msg)


def _truncated_exponential(
    u: NDArray[np.float64], rate: float, length: float
) -> NDArray[np.float64]:
    """Turn uniform numbers into x in [0, length] with a density proportional to exp(-rate x)."""
    if abs(rate * length) < 1e-12:
        return u * length
    x: NDArray[np.float64] = -np.log1p(u * np.expm1(-abs(rate) * length)) / abs(rate)
    return x if rate > 0 else length - x


@dataclass(frozen=True)
class Fixed:
    """One energy [GeV] for all."""

    energy_gev: float

    def __post_init__(self) -> None:
        check_energies(np.array([self.energy_gev]))

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:  # noqa: ARG002
        """Return the energy `n` times."""
        return np.full(n, self.energy_gev)


@dataclass(frozen=True)
class _Range:
    """Two limits of the energy [GeV]."""

    low_gev: float
    high_gev: float

    def __post_init__(self) -> None:
        if not MIN_ENERGY_GEV <= self.low_gev < self.high_gev <= MAX_ENERGY_GEV:
            msg = (
                f"energy range {self.low_gev:g}:{self.high_gev:g} GeV: needs low < high, both from"
                f" {MIN_ENERGY_GEV:g} to {MAX_ENERGY_GEV:g} GeV"
            )
            raise IncidentError(msg)

    def _inside(self, energy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Undo what rounding moved across a limit."""
        return np.clip(energy, self.low_gev, self.high_gev)


@dataclass(frozen=True)
class Uniform(_Range):
    """Uniform in energy between two limits [GeV]."""

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        return rng.uniform(self.low_gev, self.high_gev, n)


@dataclass(frozen=True)
class LogUniform(_Range):
    """Uniform in the logarithm of the energy between two limits [GeV]."""

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        return np.exp(rng.uniform(np.log(self.low_gev), np.log(self.high_gev), n))


@dataclass(frozen=True)
class PowerLaw(_Range):
    """Density proportional to E^index between two limits [GeV]; Geant4's GPS calls it `Pow`."""

    index: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if not math.isfinite(self.index):
            msg = f"power-law energy spectrum: the index is {self.index:g}, must be finite"
            raise IncidentError(msg)

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        # ln(E / low) has a density proportional to exp((index + 1) ln(E / low))
        length = math.log(self.high_gev / self.low_gev)
        logarithm = _truncated_exponential(rng.random(n), -(self.index + 1), length)
        return self._inside(self.low_gev * np.exp(logarithm))


@dataclass(frozen=True)
class Exponential(_Range):
    """Density proportional to exp(-E / scale) between two limits [GeV]; GPS calls it `Exp`."""

    scale_gev: float

    def __post_init__(self) -> None:
        """Refuse impossible ranges and scales."""
        super().__post_init__()
        if not MIN_ENERGY_GEV <= self.scale_gev < math.inf:
            msg = f"exponential energy spectrum: E0 is {self.scale_gev:g} GeV, must be above 0"
            raise IncidentError(msg)

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        length = self.high_gev - self.low_gev
        above = _truncated_exponential(rng.random(n), 1 / self.scale_gev, length)
        return self._inside(self.low_gev + above)


@dataclass(frozen=True)
class Linear(_Range):
    """Density proportional to intercept + gradient E, E in GeV; GPS calls it `Lin`."""

    gradient: float
    intercept: float

    def __post_init__(self) -> None:
        """Refuse impossible ranges and densities."""
        super().__post_init__()
        low, high = self._density
        if not (low >= 0 and high >= 0 and low + high > 0):
            msg = (
                f"linear energy spectrum: {self.intercept:g} + {self.gradient:g} E is not positive"
                f" from {self.low_gev:g} to {self.high_gev:g} GeV"
            )
            raise IncidentError(msg)

    @property
    def _density(self) -> tuple[float, float]:
        """Density at both limits, relative to the higher one, so that no square overflows."""
        low, high = (self.intercept + self.gradient * e for e in (self.low_gev, self.high_gev))
        scale = max(abs(low), abs(high))
        return (low / scale, high / scale) if 0 < scale < math.inf else (-1.0, -1.0)

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        low, high = self._density
        u = rng.random(n)
        # the positive root of the cumulated density, in the form that does not cancel
        root = low + np.sqrt(low**2 + u * (high**2 - low**2))
        share = u * (low + high) / np.where(root > 0, root, 1)
        return self._inside(self.low_gev + share * (self.high_gev - self.low_gev))


@dataclass(frozen=True)
class Gaussian:
    """Normal distribution [GeV], cut off where energies make no sense; GPS calls it `Gauss`."""

    mean_gev: float
    sigma_gev: float

    def __post_init__(self) -> None:
        """Refuse impossible energies, and a width that would cut off half of them."""
        check_energies(np.array([self.mean_gev]))
        if not 0 <= self.sigma_gev <= self.mean_gev:
            msg = (
                f"Gaussian energy spectrum: sigma is {self.sigma_gev:g} GeV, must be from 0 to the"
                f" mean, {self.mean_gev:g} GeV"
            )
            raise IncidentError(msg)

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return `n` energies [GeV]; what makes no sense is drawn again."""
        energy = rng.normal(self.mean_gev, self.sigma_gev, n)
        while (again := (energy < MIN_ENERGY_GEV) | (energy > MAX_ENERGY_GEV)).any():
            energy[again] = rng.normal(self.mean_gev, self.sigma_gev, int(again.sum()))
        return energy


@dataclass(frozen=True)
class Listed:
    """Each energy of a list [GeV] with equal probability."""

    energies_gev: tuple[float, ...]

    def __post_init__(self) -> None:
        check_energies(np.array(self.energies_gev))

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        return rng.choice(np.array(self.energies_gev), n)


@dataclass(frozen=True, eq=False)
class InOrder:
    """Given energies [GeV], one after another, such as a column of a file.

    Args:
        energies_gev: The energies, shape `(m,)`.
        source: Where they come from, for messages.
    """

    energies_gev: NDArray[np.float64]
    source: str = "the list"

    def __post_init__(self) -> None:
        try:
            check_energies(self.energies_gev)
        except IncidentError as error:
            msg = f"{self.source}: {error}"
            raise IncidentError(msg) from None

    def __len__(self) -> int:
        """How many there are."""
        return len(self.energies_gev)

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:  # noqa: ARG002
        """Return the first `n` energies [GeV].

        Raises:
            IncidentError: There are not as many.
        """
        if n > len(self):
            msg = f"{self.source} holds {len(self)} energies, not {n}: ask for fewer showers"
            raise IncidentError(msg)
        return self.energies_gev[:n]


def parse_spectrum(text: str) -> Spectrum:
    """Read the short notation of a spectrum; all energies in GeV.

    `50`; `1:100` uniform; `log:1:100` log-uniform; `10,20,50` one of a list, at random;
    `pow:-2:1:100` power law; `exp:20:1:100` exponential with E0 = 20 GeV; `lin:0.5:1:1:100`
    density proportional to 1 + 0.5 E; `gauss:50:1` mean and standard deviation.

    Raises:
        IncidentError: The text is none of these.
    """
    kind, *rest = text.strip().split(":")
    try:
        numbers = [float(part) for part in rest]
        match kind, numbers:
            case "log", [low, high]:
                return LogUniform(low, high)
            case "pow", [index, low, high]:
                return PowerLaw(low, high, index)
            case "exp", [scale, low, high]:
                return Exponential(low, high, scale)
            case "lin", [gradient, intercept, low, high]:
                return Linear(low, high, gradient, intercept)
            case "gauss", [mean, sigma]:
                return Gaussian(mean, sigma)
            case low, [high]:
                return Uniform(float(low), high)
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        msg = f"energy {text!r}: give {NOTATION} (GeV)"
        raise IncidentError(msg) from None
    return Fixed(values[0]) if len(values) == 1 else Listed(values)
