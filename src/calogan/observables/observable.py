"""What an observable is: a name, a symbol, a unit, and how to compute it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from calogan.showers import Showers

__all__ = ["GROUPS", "Group", "Observable", "Values", "ratio"]

Values = NDArray[np.float64]

Group = Literal["energies", "fractions", "depth", "widths", "hits", "centroids", "peaks"]

GROUPS: tuple[Group, ...] = get_args(Group)
"""Kinds of observables, in the order in which they are listed."""


@dataclass(frozen=True)
class Observable:
    r"""Something that is computed from each shower.

    Args:
        name: Short and plain, as in tables and files: `sigma_eta_1`.
        label: The symbol as mathtext: `$\sigma_{\eta,1}$`.
        unit: `MeV`, `mm`, `GeV`, `cells`, `layers`, or empty for a ratio.
        description: A few words.
        group: What kind of observable it is.
        compute: From n showers to the values, shape `(n,)`; NaN where it is not defined.
        quantum: Distance of the values that are possible, for one that counts something.
        layer: The readout layer that it is about, if it is about one.
        primary: Whether it is looked at unless somebody asks for others. What is not primary
            follows from others (a width in cells), adds little to them, or needs the overflow,
            which no network makes.
    """

    name: str
    label: str
    unit: str
    description: str
    group: Group
    compute: Callable[[Showers], Values]
    quantum: float | None = None
    layer: int | None = None
    primary: bool = True


def ratio(above: Values, below: Values) -> Values:
    """Divide; NaN where there is nothing to divide by."""
    found = np.full(above.shape, np.nan)
    np.divide(above, below, out=found, where=below > 0)
    return found
