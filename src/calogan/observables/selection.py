"""Observables by name, by pattern and by group."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from calogan.calorimeter import Calorimeter
from calogan.errors import ConfigurationError
from calogan.observables.listing import observables_of
from calogan.observables.observable import GROUPS, Observable

__all__ = ["select_observables"]

_GROUP = "group:"
_PRIMARY = "primary"


def select_observables(
    calorimeter: Calorimeter, wanted: str | Sequence[str] | None = None
) -> tuple[Observable, ...]:
    """Choose observables of a calorimeter.

    Args:
        calorimeter: The calorimeter.
        wanted: Names (`f_1`), patterns (`sigma_*`), groups (`group:widths`), or `primary` for
            those that are looked at by default; one, several, or several in a text with commas
            between them. None, or nothing at all: the primary ones.

    Returns:
        The observables in the order of `observables_of`, each once.

    Raises:
        ConfigurationError: There is none of such a name in this calorimeter.
    """
    known = observables_of(calorimeter)
    texts = [wanted] if isinstance(wanted, str) else list(wanted or ())
    terms = [term.strip() for text in texts for term in text.split(",") if term.strip()]
    names = {name for term in terms or [_PRIMARY] for name in _matching(term, known, calorimeter)}
    return tuple(one for one in known if one.name in names)


def _matching(term: str, known: Sequence[Observable], calorimeter: Calorimeter) -> Sequence[str]:
    if term == _PRIMARY:
        return [one.name for one in known if one.primary]
    if term.startswith(_GROUP):
        group = term.removeprefix(_GROUP)
        if group not in GROUPS:
            msg = f"no group of observables {group!r}: there are {', '.join(GROUPS)}"
            raise ConfigurationError(msg)
        return [one.name for one in known if one.group == group]
    found = [one.name for one in known if fnmatchcase(one.name, term)]
    if not found:
        close = get_close_matches(term.strip("*?"), [one.name for one in known], n=3, cutoff=0.5)
        near = [one.name for one in known if one.name in close]
        hint = f"; near to it: {', '.join(near)}" if near else ""
        msg = (
            f"no observable {term!r} in the calorimeter {calorimeter.name}{hint}"
            " (calogan observables FILE --list names all)"
        )
        raise ConfigurationError(msg)
    return found
