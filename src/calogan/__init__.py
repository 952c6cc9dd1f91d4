"""calogan: fast simulation of calorimeter showers.

Names are loaded when they are used, so `import calogan` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str
    from calogan import samples
    from calogan.calorimeter import CALOGAN, Calorimeter, ReadoutLayer
    from calogan.catalogue import open_simulator
    from calogan.errors import CaloganError
    from calogan.files import read_showers, write_showers
    from calogan.incident import Incident
    from calogan.showers import Showers
    from calogan.simulator import Simulator

__all__ = [
    "CALOGAN",
    "CaloganError",
    "Calorimeter",
    "Incident",
    "ReadoutLayer",
    "Showers",
    "Simulator",
    "__version__",
    "open_simulator",
    "read_showers",
    "samples",
    "write_showers",
]

_HOMES = {
    "CALOGAN": "calorimeter",
    "Calorimeter": "calorimeter",
    "CaloganError": "errors",
    "Incident": "incident",
    "ReadoutLayer": "calorimeter",
    "Showers": "showers",
    "Simulator": "simulator",
    "open_simulator": "catalogue",
    "read_showers": "files",
    "write_showers": "files",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version  # a tenth of a second

        return version("calogan")
    if name == "samples":
        return import_module("calogan.samples")
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(f"calogan.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
