"""Where displayed showers come from: files, and simulators that are given the same particles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from calogan.calorimeter import Calorimeter
from calogan.catalogue import open_simulator
from calogan.errors import CalorimeterError, ConfigurationError, ModelError, OutputError
from calogan.evaluation.display.events import Choice, check_events
from calogan.evaluation.display.page import Displayed, render
from calogan.files import open_showers_file
from calogan.files.output import check_writable, whole_file
from calogan.incident import Incident
from calogan.samples import sample_path
from calogan.showers import Showers
from calogan.simulator import Simulator

__all__ = ["show"]

_SUFFIXES = {".h5", ".hdf5", ".root"}
"""Endings by which a name is meant as that of a file, even if there is none."""


def show(
    sources: Sequence[str],
    output: str | Path,
    choice: Choice | None = None,
    *,
    names: Sequence[str] = (),
    calorimeter: Calorimeter | None = None,
    threshold_mev: float = 0.0,
    same_numbers: bool = False,
    seed: int = 0,
) -> list[tuple[int, ...]]:
    """Write the page of an event display.

    The first file chooses the showers. A simulator makes showers of the same particles. Of another
    file, those are taken that are nearest in energy (by their ratio), of the same particle if it
    has any.

    Args:
        sources: One or two: files of showers, `sample:NAME`, or simulators as `open_simulator`
            takes them; a file at least.
        output: The page, HTML.
        choice: Which showers; the first one unless given.
        names: What the sources are called in the page, in their order.
        calorimeter: The calorimeter of files that do not name it.
        threshold_mev: Cells below are hidden at first [MeV].
        same_numbers: Take the showers of the same numbers from both files instead.
        seed: Fixes what is drawn at random and what a simulator makes.

    Returns:
        For each source the numbers of its showers; empty for a simulator.

    Raises:
        ConfigurationError: No such showers, or options that make no sense.
        CalorimeterError: The sources are of different calorimeters.
        ShowerFileError: A file is missing, foreign or damaged.
        ModelError: No such simulator, or it cannot make showers of these particles.
        OutputError: The page cannot be written.
    """
    output = check_writable(output)
    if not 1 <= len(sources) <= 2:
        msg = f"{len(sources)} sources: the event display shows one, or two side by side"
        raise ConfigurationError(msg)
    if names and len(names) != len(sources):
        msg = f"{len(names)} names for {len(sources)} sources: give one for each"
        raise ConfigurationError(msg)
    opened = [_open(source, calorimeter) for source in sources]
    files = [source for source in opened if isinstance(source, _File)]
    if not files:
        msg = (
            f"{sources[0]} is a simulator, and needs incident particles: give a file of showers"
            " as well, or write one with calogan simulate"
        )
        raise ConfigurationError(msg)
    for source in opened:
        _check_calorimeter(files[0], source)
    for source in files:
        if output.exists() and output.samefile(source.path):
            msg = f"cannot write the page {output}: {source.source} is one of the sources"
            raise OutputError(msg)
    leading = files[0]
    random, *others = np.random.default_rng(seed).spawn(1 + len(opened))
    rows = (choice or Choice()).choose(leading.incident, leading.source, random)
    wanted = leading.incident[np.array(rows, dtype=np.intp)]
    displayed = []
    for source, rng in zip(opened, others, strict=True):
        if isinstance(source, _Made):
            showers = source.simulator.simulate(wanted, rng)
            displayed.append(Displayed(source.name, showers))
        else:
            mine = rows if source is leading else source.matching(wanted, rows, same=same_numbers)
            displayed.append(Displayed(source.name, source.read(mine), mine, len(source.incident)))
    if names:
        displayed = [
            Displayed(name, d.showers, d.numbers, d.n_source)
            for name, d in zip(names, displayed, strict=True)
        ]
    page = render(displayed, threshold_mev)
    with whole_file(output) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return [d.numbers for d in displayed]


@dataclass(frozen=True, eq=False)
class _File:
    """A file: what the user called it, all its particles, and the calorimeter it was opened with."""

    source: str
    name: str
    path: Path
    incident: Incident
    calorimeter: Calorimeter
    given: Calorimeter | None

    def matching(self, wanted: Incident, rows: Sequence[int], *, same: bool) -> tuple[int, ...]:
        """Numbers of the showers that are put beside others.

        Args:
            wanted: The m particles of the others.
            rows: The others' numbers in their file.
            same: Whether to take the same numbers, not the nearest energies.
        """
        if same:
            check_events(rows, len(self.incident), self.source)
            return tuple(rows)
        if not len(self.incident):
            msg = f"{self.source} holds no showers"
            raise ConfigurationError(msg)
        particles = zip(wanted.pdgid.tolist(), wanted.energy_gev.tolist(), rows, strict=True)
        return tuple(_nearest(self.incident, *particle) for particle in particles)

    def read(self, rows: Sequence[int]) -> Showers:
        """Read some showers, in this order."""
        with open_showers_file(self.path, self.given) as file:
            return Showers.concatenate([file.read(row, row + 1) for row in rows])


@dataclass(frozen=True, eq=False)
class _Made:
    """A simulator."""

    name: str
    simulator: Simulator

    @property
    def calorimeter(self) -> Calorimeter:
        return self.simulator.calorimeter


def _open(source: str, given: Calorimeter | None) -> _File | _Made:
    label, _, sample = source.partition(":")
    path = sample_path(sample) if label == "sample" else Path(source)
    if label != "sample" and not path.is_file() and path.suffix.lower() not in _SUFFIXES:
        try:
            simulator = open_simulator(source)
        except ModelError as error:
            if source == "geant4" or path.is_dir() or not str(error).startswith("no simulator"):
                raise
            msg = f"no file and {error}"
            raise ModelError(msg) from error
        return _Made(simulator.name, simulator)
    with open_showers_file(path, given) as file:
        name = source if label == "sample" else path.stem
        return _File(source, name, path, file.incident(), file.calorimeter, given)


def _check_calorimeter(first: _File, other: _File | _Made) -> None:
    if other.calorimeter == first.calorimeter:
        return
    mine, its = (_in_words(source.calorimeter) for source in (first, other))
    msg = (
        f"{first.name} and {other.name} are of different calorimeters ({mine}; {its}):"
        " show them one by one"
    )
    raise CalorimeterError(msg)


def _in_words(calorimeter: Calorimeter) -> str:
    return f"{calorimeter.name}, {len(calorimeter.layers)} layers, {calorimeter.n_cells} cells"


def _nearest(incident: Incident, pdgid: int, energy_gev: float, number: int) -> int:
    """Find the shower whose energy is nearest, and among equal ones the nearest number."""
    alike = incident.pdgid == pdgid
    away = np.abs(np.log(incident.energy_gev / energy_gev))
    if pdgid != 0 and alike.any():
        away[~alike] = np.inf
    best = np.flatnonzero(away == away.min())
    return int(best[np.argmin(np.abs(best - number))])
