"""All observables of many showers at once."""

from __future__ import annotations

from collections.abc import Sequence

from calogan.observables.listing import INCIDENT_ENERGY, observables_of
from calogan.observables.observable import Observable, Values
from calogan.observables.sharing import Remembering
from calogan.showers import Showers

__all__ = ["observables_table"]


def observables_table(
    showers: Showers,
    observables: Sequence[Observable] | None = None,
    *,
    with_energy: bool = False,
) -> dict[str, Values]:
    """Compute observables, what they have in common once.

    Args:
        showers: n showers.
        observables: Which ones; all of the calorimeter's unless given.
        with_energy: Put the incident energy [GeV] before them, as `energy`.

    Returns:
        Values `(n,)` by name, in the order of the observables; NaN where one is not defined.
    """
    if observables is None:
        observables = observables_of(showers.calorimeter)
    if with_energy:
        observables = (INCIDENT_ENERGY, *observables)
    remembering = Remembering.of(showers)
    # copies, for some are parts of what is shared and must outlive it or be changed by nobody
    return {one.name: one.compute(remembering).copy() for one in observables}
