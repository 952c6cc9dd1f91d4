"""Which elements there are, how heavy they are, and where `xraylib` comes in."""

from __future__ import annotations

from operator import index
from typing import TYPE_CHECKING, Any

from calogan.errors import Geant4DataError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["HEAVIEST_ELEMENT", "atomic_weight", "checked_elements", "evaluated_data"]

HEAVIEST_ELEMENT = 92
"""Materials may be made of anything from hydrogen to uranium."""


def checked_elements(elements: Iterable[int]) -> tuple[int, ...]:
    """Atomic numbers, each once, in ascending order.

    Raises:
        Geant4DataError: One of them is no whole number from 1 to 92, or there are none.
    """
    numbers = set()
    for element in elements:
        try:
            number = index(element)
        except TypeError:
            number = 0
        if not 1 <= number <= HEAVIEST_ELEMENT:
            msg = (
                f"no compact cross sections for atomic number {element!r}: "
                f"give whole numbers from 1 (hydrogen) to {HEAVIEST_ELEMENT} (uranium)"
            )
            raise Geant4DataError(msg)
        numbers.add(number)
    if not numbers:
        msg = "no elements named: compact cross sections need at least one atomic number"
        raise Geant4DataError(msg)
    return tuple(sorted(numbers))


def evaluated_data() -> Any:
    """The `xraylib` module: evaluated photon cross sections and edges of Z = 1 ... 92.

    T. Schoonjans et al., Spectrochim. Acta B 66 (2011) 776.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import xraylib
    except ImportError as error:
        what = "the compact cross-section data set"
        raise MissingExtraError(what, "geant4") from error
    return xraylib


def atomic_weight(element: int) -> float:
    """Standard atomic weight [g/mol] of an element, Z = 1 ... 98."""
    return float(evaluated_data().AtomicWeight(element))
