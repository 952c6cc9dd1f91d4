"""Sums over cells that several observables need, computed once.

An observable takes showers, and computes what it needs from their cells. Given `Remembering`
showers instead, it finds there what another one has computed before, and leaves what it computes
itself; the values are the same to the last bit, for the same code computed them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from inspect import signature
from typing import Any, Concatenate, ParamSpec, cast

from calogan.observables.observable import Values
from calogan.showers import Showers

__all__ = ["Remembering", "shared"]

P = ParamSpec("P")


@dataclass(frozen=True, eq=False)
class Remembering(Showers):
    """Showers that remember what was computed from them.

    Args:
        known: Results, by function and arguments.
    """

    known: dict[tuple[Any, ...], Values] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, showers: Showers) -> Remembering:
        """The same showers, which share the memory of the cells."""
        return cls(showers.incident, showers.layers, showers.overflow, showers.calorimeter)


def shared(
    function: Callable[Concatenate[Showers, P], Values],
) -> Callable[Concatenate[Showers, P], Values]:
    """Let a function of showers look its result up where the showers remember it.

    For results of the size of the showers, `(n,)` or a few numbers each: not for whole images.
    """
    parameters = signature(function)

    @wraps(function)
    def looked_up(showers: Showers, *args: P.args, **kwargs: P.kwargs) -> Values:
        if not isinstance(showers, Remembering):
            return function(showers, *args, **kwargs)
        bound = parameters.bind(showers, *args, **kwargs)
        bound.apply_defaults()
        key = (function, *list(bound.arguments.values())[1:])
        if key not in showers.known:
            result = function(showers, *args, **kwargs)
            result.flags.writeable = False  # others will find the same array
            showers.known[key] = result
        return showers.known[key]

    return cast("Callable[Concatenate[Showers, P], Values]", looked_up)
