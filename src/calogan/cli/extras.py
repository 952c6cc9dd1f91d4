"""Optional parts of the installation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from calogan.errors import MissingExtraError

__all__ = ["needs_extra"]


@contextmanager
def needs_extra(what: str, extra: str) -> Iterator[None]:
    """Turn a failed import of an optional dependency into one line that says what to install.

    Args:
        what: What the user wanted to do.
        extra: The extra of this package that brings the dependency.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name and error.name.split(".")[0] == "calogan":
            raise
        raise MissingExtraError(what, extra) from error
