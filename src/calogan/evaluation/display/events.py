"""Which showers of a file are displayed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calogan.errors import ConfigurationError
from calogan.incident import Incident

__all__ = ["MAX_EVENTS", "Choice", "check_events", "parse_events"]

MAX_EVENTS = 100
"""Most showers in one page: a reader steps through them by hand."""


@dataclass(frozen=True)
class Choice:
    """Which showers to display.

    Args:
        events: Their numbers, counted from 0. Without any, `random` and `min_energy_gev` choose.
        random: So many at random; the first one unless given.
        min_energy_gev: Only showers of incident particles with at least this energy [GeV].
    """

    events: tuple[int, ...] = ()
    random: int | None = None
    min_energy_gev: float | None = None

    def __post_init__(self) -> None:
        """Check that the parts go together."""
        if self.events and (self.random is not None or self.min_energy_gev is not None):
            msg = (
                "showers are chosen by their numbers, or by --random and --min-energy: not by both"
            )
            raise ConfigurationError(msg)
        wanted = 1 if self.random is None else self.random
        if wanted < 1:
            msg = f"{wanted} showers at random: must be at least 1"
            raise ConfigurationError(msg)
        if max(wanted, len(self.events)) > MAX_EVENTS:
            n = max(wanted, len(self.events))
            msg = f"{n} showers are too many for one page: at most {MAX_EVENTS}"
            raise ConfigurationError(msg)

    def choose(self, incident: Incident, source: str, rng: np.random.Generator) -> tuple[int, ...]:
        """Numbers of the chosen showers, in rising order where chance chose them.

        Args:
            incident: All particles of the source.
            source: What the source is called, for errors.
            rng: Chooses.

        Raises:
            ConfigurationError: There are no such showers.
        """
        if self.events:
            check_events(self.events, len(incident), source)
            return self.events
        energy = incident.energy_gev
        rows = np.flatnonzero(energy >= (self.min_energy_gev or 0.0))
        if not len(rows):
            highest = f": the highest is {energy.max():.4g} GeV" if len(energy) else ""
            least = f" of at least {self.min_energy_gev:g} GeV" if self.min_energy_gev else "s"
            msg = f"{source} holds no shower{least}{highest}"
            raise ConfigurationError(msg)
        if self.random is None:
            return (int(rows[0]),)
        if self.random > len(rows):
            msg = f"{source} holds {len(rows)} such showers, fewer than {self.random}"
            raise ConfigurationError(msg)
        return tuple(sorted(int(row) for row in rng.choice(rows, self.random, replace=False)))


def parse_events(texts: Sequence[str]) -> tuple[int, ...]:
    """Read numbers of showers: `3`, `3,7-9`; each once, in their order.

    Raises:
        ConfigurationError: Something that is no number or range.
    """
    events: dict[int, None] = {}
    for text in texts:
        for part in text.split(","):
            found = re.fullmatch(r"\s*(\d{1,15})(?:\s*-\s*(\d{1,15}))?\s*", part)
            if not found:
                msg = f"event {part.strip()!r}: give numbers from 0, as in 3 or 3,7-9"
                raise ConfigurationError(msg)
            first = int(found[1])
            last = first if found[2] is None else int(found[2])
            if last < first:
                msg = f"event {part.strip()!r}: the range ends before it starts"
                raise ConfigurationError(msg)
            if last - first >= MAX_EVENTS:
                msg = f"event {part.strip()!r}: at most {MAX_EVENTS} showers are shown in one page"
                raise ConfigurationError(msg)
            events.update(dict.fromkeys(range(first, last + 1)))
    return tuple(events)


def check_events(events: Sequence[int], n: int, source: str) -> None:
    """Check that a source of n showers has these.

    Raises:
        ConfigurationError: It has not.
    """
    for event in events:
        if not 0 <= event < n:
            there = f"{n} showers, 0 to {n - 1}" if n else "no showers"
            msg = f"no event {event}: {source} holds {there}"
            raise ConfigurationError(msg)
