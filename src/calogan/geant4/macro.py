"""Macros of Geant4 with a general particle source, such as the published CaloGAN's `run2.mac`.

A macro is read, not run: it says which particles are shot, and from where. Commands are taken as
Geant4 11 takes them, `#` begins a comment, a single `\\` or `_` at the end goes on in the next
line, `{name}` is an alias. Commands that change no shower are ignored, and noted; every other
one that is not understood is refused, by file, line and name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from calogan.beam import Beam
from calogan.errors import CaloganError, ConfigurationError
from calogan.geant4.particle_source import ParticleSource
from calogan.incident import Incident

__all__ = ["Macro", "Run", "read_macro"]

_MAX_DEPTH = 20
_MAX_MACROS = 1000
_MAX_SHOWERS = 10**9

_HARMLESS = (
    *("/run/initialize", "/run/verbose", "/run/printProgress", "/run/dumpRegion"),
    *("/run/numberOfThreads", "/run/numberOfWorkers", "/run/useMaximumLogicalCores"),
    *("/control/verbose", "/control/saveHistory", "/control/stopSavingHistory"),
    *("/control/suppressAbortion", "/control/cout/", "/control/echo"),
    *("/vis/", "/tracking/", "/event/verbose", "/gps/verbose", "/gps/List", "/gps/time"),
    *("/process/verbose", "/process/em/verbose", "/process/had/verbose", "/process/list"),
    *("/particle/list", "/particle/verbose", "/material/verbose", "/units/list", "/analysis/"),
    "/random/",
)
_REMEDIES = {
    "/gun/": "the source is the general particle source: write /gps/ instead of /gun/",
    "/gps/source/": "there is one source: write one macro for each, or several /run/beamOn",
    "/gps/hist/": "spectra are Mono, Lin, Pow, Exp and Gauss",
    "/run/setCut": "give --range-cut",
    "/physics": "give --physics-list",
    "/control/loop": "write the commands out, once for each value",
    "/control/foreach": "write the commands out, once for each value",
    "/control/": "only /control/execute and /control/alias steer a macro",
}


@dataclass(frozen=True)
class Run:
    """One `/run/beamOn`.

    Args:
        beam: What the source was set to.
        n: Number of events, each of one particle.
        place: File and line, for messages.
    """

    beam: Beam
    n: int
    place: str


@dataclass(frozen=True)
class Macro:
    """What a macro shoots.

    Args:
        runs: Its runs, in their order.
        texts: Names and texts of the files that it was read from.
        notes: Commands that were ignored, with their lines.
    """

    runs: tuple[Run, ...]
    texts: dict[str, str]
    notes: tuple[str, ...]

    def __len__(self) -> int:
        """Number of particles."""
        return sum(run.n for run in self.runs)

    def draw(self, rng: np.random.Generator) -> Incident:
        """Draw the particles of all runs, one run after another.

        Raises:
            IncidentError: Particles that cannot be.
        """
        parts = [run.beam.draw(run.n, rng) for run in self.runs]
        return parts[0] if len(parts) == 1 else Incident.concatenate(parts)


def read_macro(path: str | Path, n: int | None = None) -> Macro:
    """Read a macro.

    Args:
        path: The file. Macros that it executes lie relative to it.
        n: Number of particles, instead of that of its only `/run/beamOn` or in place of a missing
            one.

    Raises:
        ConfigurationError: A file that cannot be read, or a command that is not supported.
    """
    reader = _Reader()
    reader.read(Path(path), ())
    runs = reader.runs
    if n is not None and len(runs) > 1:
        msg = f"{path} has {len(runs)} runs: leave -n out, or change its /run/beamOn"
        raise ConfigurationError(msg)
    if n is not None and runs:
        runs = [replace(runs[0], n=n)]
    elif n is not None:
        try:
            runs = [reader.run(n, str(path))]
        except CaloganError as error:
            msg = f"{path}: {error}"
            raise ConfigurationError(msg) from error
    if not runs:
        msg = f"{path} shoots nothing: add /run/beamOn to it, or give a number of showers with -n"
        raise ConfigurationError(msg)
    if sum(run.n for run in runs) > _MAX_SHOWERS:
        msg = f"{path} shoots more than {_MAX_SHOWERS:g} particles"
        raise ConfigurationError(msg)
    return Macro(tuple(runs), reader.texts, tuple(reader.notes))


@dataclass
class _Reader:
    """The state of Geant4 while it executes macros."""

    source: ParticleSource = field(default_factory=ParticleSource)
    aliases: dict[str, str] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    n_macros: int = 0

    def read(self, path: Path, above: tuple[Path, ...]) -> None:
        """Execute a macro; `above` are those that are being executed."""
        self.n_macros += 1
        if len(above) >= _MAX_DEPTH or self.n_macros > _MAX_MACROS:
            msg = f"{path}: macros execute each other without an end"
            raise ConfigurationError(msg)
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError, ValueError) as error:
            why = getattr(error, "strerror", None) or "it is no text"
            msg = f"cannot read the macro {path}: {why}"
            raise ConfigurationError(msg) from error
        start = above[0].parent if above else path.parent
        self.texts[os.path.relpath(path, start)] = text
        for line, words in _commands(text):
            place = f"{path}, line {line}"
            if words == ["exit"]:
                break
            try:
                self._execute(self._without_aliases(words), path, (*above, path), place)
            except _NestedError:
                raise
            except CaloganError as error:
                msg = f"{place}: {words[0]}: {error}"
                raise _NestedError(msg) from error

    def _without_aliases(self, words: list[str]) -> list[str]:
        def value(match: re.Match[str]) -> str:
            if match[1] not in self.aliases:
                msg = f"there is no alias {match[1]!r}"
                raise ConfigurationError(msg)
            return self.aliases[match[1]]

        parts = [part for word in words for part in re.sub(r"\{(\w+)\}", value, word).split()]
        if not parts:
            msg = "nothing is left of the line"
            raise ConfigurationError(msg)
        return parts

    def _execute(self, words: list[str], path: Path, above: tuple[Path, ...], place: str) -> None:
        command, parameters = words[0], words[1:]
        if command == "/run/beamOn":
            n = _count(parameters)
            if n > 0:  # Geant4 makes tables at /run/beamOn 0
                self.runs.append(self.run(n, place))
        elif command == "/control/execute":
            if len(parameters) != 1:
                msg = "needs the name of one macro"
                raise ConfigurationError(msg)
            self.read(path.parent / parameters[0], above)
        elif command == "/control/alias":
            if len(parameters) < 2:
                msg = "needs a name and a value"
                raise ConfigurationError(msg)
            self.aliases[parameters[0]] = " ".join(parameters[1:]).strip("\"'")
        elif any(
            command == name or (name[-1] == "/" and command.startswith(name)) for name in _HARMLESS
        ):
            seed = ": --seed fixes the showers" if command.startswith("/random/") else ""
            self.notes.append(f"{command} ({place}{seed})")
        else:
            remedy = next((r for start, r in _REMEDIES.items() if command.startswith(start)), None)
            if remedy is not None or not command.startswith("/gps/"):
                msg = f"not supported: {remedy or 'remove it, or start it with # as a comment'}"
                raise ConfigurationError(msg)
            self.source.apply(command.removeprefix("/gps/"), parameters)

    def run(self, n: int, place: str) -> Run:
        """Shoot n particles with the source as it is."""
        return Run(self.source.beam(), n, place)


class _NestedError(ConfigurationError):
    """An error that says its line already."""


def _count(parameters: list[str]) -> int:
    if len(parameters) != 1 or not re.fullmatch(r"\d{1,10}", parameters[0]):
        msg = f"needs a number of events, not {' '.join(parameters) or 'nothing'!r}"
        raise ConfigurationError(msg)
    return int(parameters[0])


def _commands(text: str) -> Iterator[tuple[int, list[str]]]:
    """Words of each command, with the number of its first line."""
    words: list[str] = []
    first = 0
    for number, line in enumerate(text.split("\n"), start=1):
        first = first if words else number
        goes_on = False
        for word in line.split():
            if word.startswith("#"):
                break
            if word in {"\\", "_"}:
                goes_on = True
                break
            words.append(word)
        if words and not goes_on:
            yield first, words
            words = []
    if words:
        yield first, words
