"""The one place that knows every kind of simulator; each is loaded when it is asked for."""

from __future__ import annotations

from typing import Any

from calogan.bundle import DEFAULT_MODELS, find_bundle, list_bundles
from calogan.errors import ModelError
from calogan.simulator import Simulator

__all__ = ["open_simulator"]


def open_simulator(name: str, **options: Any) -> Simulator:
    """Open a simulator by name.

    Args:
        name: `geant4`; the name of a model (`eplus`); or the folder of a bundle.
        options: For `geant4` `calorimeter`, `physics_list`, `range_cut_mm`; for a model `threads`.

    Raises:
        ModelError: No such simulator.
        MissingExtraError: It needs an optional part that is not installed.
    """
    if name == "geant4":
        from calogan.geant4 import Geant4Simulator

        return Geant4Simulator(**options)
    path = find_bundle(name)
    if path is None:
        known = ", ".join(["geant4", *DEFAULT_MODELS, *list_bundles()])
        msg = f"no simulator {name!r}: give one of {known}, or the folder of a model bundle"
        raise ModelError(msg)
    from calogan.neural import NeuralSimulator

    return NeuralSimulator(path, **options)
