"""Showers for energies beyond those that a generator was trained with."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from calogan.errors import CaloganError
from calogan.evaluation.samples.sources import SimulatorSource, Source
from calogan.incident import Incident
from calogan.showers import Showers

__all__ = ["simulate_beyond"]

_STEPS = 14
_EACH = 100
_BEYOND = 2.5


def simulate_beyond(sources: Sequence[Source], seed: int) -> dict[str, Showers]:
    """Ask the simulators among sources for energies from below to above their training range.

    At each of 14 energies, from 0.4 times the lowest to 2.5 times the highest one of the training,
    100 showers along the beam axis. Simulators without a training range, and those that refuse
    such energies or such a beam, are left out.

    Args:
        sources: Any.
        seed: Fixes the showers.

    Returns:
        Showers by the names of their sources.
    """
    found = {}
    for k, source in enumerate(sources):
        if not isinstance(source, SimulatorSource) or source.origin.trained_gev is None:
            continue
        low, high = source.origin.trained_gev
        energies = np.geomspace(low / _BEYOND, high * _BEYOND, _STEPS)
        incident = Incident.create(int(source.incident.pdgid[0]), np.repeat(energies, _EACH))
        try:
            with warnings.catch_warnings():  # that it extrapolates is what is asked for
                warnings.simplefilter("ignore", UserWarning)
                rng = np.random.default_rng([seed, 4, k])
                found[source.name] = source.simulator.simulate(incident, rng)
        except CaloganError:
            continue
    return found
