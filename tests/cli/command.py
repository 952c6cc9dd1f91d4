"""The command line, run in this process as a user would type it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

__all__ = ["Command", "Result"]


class Result(NamedTuple):
    """What a command leaves behind: exit status, output, errors with warnings before them."""

    code: int
    out: str
    err: str


Command = Callable[..., Result]
