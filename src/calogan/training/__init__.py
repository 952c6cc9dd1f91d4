"""Training of the networks: configuration, data, loop, checkpoints, export of a bundle.

Names are loaded when they are used: the settings can be looked at without PyTorch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from calogan.training.configuration import TrainingConfig, make_config
    from calogan.training.loop import train
    from calogan.training.recipe import Recipe, read_recipe

__all__ = ["Recipe", "TrainingConfig", "make_config", "read_recipe", "train"]

_HOMES = {
    "Recipe": "recipe",
    "TrainingConfig": "configuration",
    "make_config": "configuration",
    "read_recipe": "recipe",
    "train": "loop",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(f"calogan.training.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
