"""Parameters of Geant4's commands: words, numbers, vectors, quantities with units."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from calogan.errors import ConfigurationError

__all__ = [
    "ANGLE",
    "ENERGY",
    "LENGTH",
    "Vector",
    "number",
    "only",
    "quantities",
    "three",
    "vector_of",
]

Vector = tuple[float, float, float]

_TOO_MUCH = 1e12

LENGTH = {"um": 1e-3, "micron": 1e-3, "mm": 1.0, "cm": 10.0, "m": 1e3, "km": 1e6}  # to mm
ENERGY = {"eV": 1e-9, "keV": 1e-6, "MeV": 1e-3, "GeV": 1.0, "TeV": 1e3, "PeV": 1e6}  # to GeV
ANGLE = {"rad": 1.0, "mrad": 1e-3, "deg": math.pi / 180}  # to rad


def only(words: Sequence[str]) -> str:
    """The only parameter."""
    if len(words) != 1:
        msg = f"needs one parameter, not {len(words)}"
        raise ConfigurationError(msg)
    return words[0]


def number(word: str) -> float:
    """A finite number."""
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        msg = f"{word!r} is no number"
        raise ConfigurationError(msg)
    return value


def three(values: Iterable[float]) -> Vector:
    """Make a triple."""
    x, y, z = values
    return x, y, z


def vector_of(words: Sequence[str]) -> Vector:
    """Three numbers that are not all zero."""
    if len(words) != 3:
        msg = f"needs three numbers, not {len(words)}"
        raise ConfigurationError(msg)
    vector = three(number(word) for word in words)
    if not 0 < math.hypot(*vector) < math.inf:
        msg = f"the vector {' '.join(words)} points nowhere"
        raise ConfigurationError(msg)
    return vector


def quantities(
    words: Sequence[str], n: int, units: Mapping[str, float], default: str
) -> list[float]:
    """Read n numbers and a unit, which may be left out, and convert them.

    Args:
        words: The parameters.
        n: How many numbers.
        units: What each unit is worth.
        default: The unit that is meant if there is none.

    Raises:
        ConfigurationError: Too many words or too few, no number, or an unknown unit.
    """
    if len(words) not in {n, n + 1}:
        what = "a number and a unit" if n == 1 else f"{n} numbers and a unit"
        msg = f"needs {what}, not {' '.join(words) or 'nothing'!r}"
        raise ConfigurationError(msg)
    unit = words[n] if len(words) > n else default
    if unit not in units:
        msg = f"unknown unit {unit!r}: give one of {', '.join(units)}"
        raise ConfigurationError(msg)
    values = [number(word) * units[unit] for word in words[:n]]
    if max(map(abs, values)) > _TOO_MUCH:
        msg = f"{' '.join(words)} is too much"
        raise ConfigurationError(msg)
    return values
