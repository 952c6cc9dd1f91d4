"""The one place that knows every kind of simulator; each is loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calogan.bundle import find_bundle, list_bundles
from calogan.calorimeter import Calorimeter
from calogan.errors import ModelError
from calogan.simulator import Simulator

if TYPE_CHECKING:
    from calogan.geant4.upstream import Upstream

__all__ = ["open_simulator"]


def open_simulator(name: str, **options: Any) -> Simulator:
    """Open a simulator by name.

    Args:
        name: `geant4`; the name of a model (`eplus`); the folder of a bundle; or `library:FILE`,
            frozen showers of a file (`library:sample:eplus`: those that ship with the package);
            or `grpc://host:8001/eplus`, a model that is served elsewhere (`http`, `grpcs`, `https`).
        options: For `geant4` those of `Geant4Simulator` (`calorimeter` and `upstream` may be YAML
            files), and `fast`: names of simulators that take showers over from Geant4, see
            `FastGeant4Simulator`; for a model `threads`; for a library those of
            `LibrarySimulator`; for an address those of `RemoteSimulator`.

    Raises:
        ModelError: No such simulator.
        MissingExtraError: It needs an optional part that is not installed.
    """
    if name == "geant4":
        return _open_geant4(**options)
    if name.startswith("library:"):
        from calogan.library import LibrarySimulator

        options.pop("threads", None)  # of a network: copying showers needs one
        return LibrarySimulator(name.removeprefix("library:"), **options)
    if "://" in name:
        from calogan.serving.remote import RemoteSimulator

        options.pop("threads", None)  # of a network on this machine
        return RemoteSimulator(name, **options)
    path = find_bundle(name)
    if path is None:
        known = ", ".join(["geant4", *list_bundles(), "library:FILE"])
        msg = f"no simulator {name!r}: give one of {known}, or the folder of a model bundle"
        if _makes_jets(name):
            msg = f"{name} makes jet images, no showers: calogan jets simulate --with {name}"
        raise ModelError(msg)
    from calogan.neural import NeuralSimulator

    return NeuralSimulator(path, **options)


def _makes_jets(name: str) -> bool:
    from calogan.jets.models import find_jet_model

    try:
        find_jet_model(name)
    except ModelError:
        return False
    return True


def _open_geant4(
    fast: Sequence[str] = (),
    upstream: Upstream | str | Path | None = None,
    calorimeter: Calorimeter | str | Path | None = None,
    **options: Any,
) -> Simulator:
    if isinstance(calorimeter, str | Path):
        calorimeter = Calorimeter.load(calorimeter)
    if calorimeter is not None:
        options["calorimeter"] = calorimeter
    if isinstance(upstream, str | Path):
        from calogan.geant4.upstream import Upstream

        upstream = Upstream.from_yaml(upstream)
    if upstream is not None:
        options["upstream"] = upstream
    if fast:
        from calogan.geant4.fast import FastGeant4Simulator

        if "geant4" in fast:
            msg = "geant4 cannot take showers over from itself: give models, or library:FILE"
            raise ModelError(msg)
        # one thread each: a production runs one process per core
        models = [open_simulator(name, threads=1) for name in fast]
        return FastGeant4Simulator(models, **options)
    from calogan.geant4 import Geant4Simulator

    return Geant4Simulator(**options)
