"""Conversion between the formats of shower files, piece by piece."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from calogan.calorimeter import Calorimeter
from calogan.errors import OutputError, ShowerFileError
from calogan.files.formats import (
    Format,
    ShowerReader,
    create_showers_file,
    open_showers_file,
    target_format,
)
from calogan.incident import pdg_id
from calogan.showers import Showers

__all__ = ["Conversion", "convert", "rows_per_batch"]

_BATCH_BYTES = 2**25


@dataclass(frozen=True)
class Conversion:
    """What a conversion did.

    Args:
        n: Number of showers.
        source: Format that was read.
        target: Format that was written.
        notes: What the new file does not hold, or holds otherwise, in a sentence each.
    """

    n: int
    source: Format
    target: Format
    notes: tuple[str, ...]


def convert(
    source: str | Path,
    target: str | Path,
    *,
    to: str | None = None,
    calorimeter: Calorimeter | None = None,
    particle: str | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Conversion:
    """Write the showers of a file to another one of the same or of another format.

    Memory is bounded, whatever the size of the file; the new file appears when it is complete.

    Args:
        source: A file of showers of any format.
        target: The file to make.
        to: Its format: `paper`, `root` or `calochallenge`; by its ending unless given.
        calorimeter: The calorimeter of a file that does not name it.
        particle: The particle of a file that does not name it.
        on_progress: Called with the number of showers that are done, and of all.

    Raises:
        ShowerFileError: The file is missing, foreign or damaged, or holds impossible energies.
        OutputError: The new file cannot be written, or it is the old one.
        IncidentError: No such particle.
        MissingExtraError: ROOT, and uproot is not installed.
    """
    source, target = Path(source), Path(target)
    wanted = target_format(target, to)
    pdgid = pdg_id(particle) if particle else 0
    if source.exists() and target.exists() and source.samefile(target):
        msg = f"cannot convert {source} into itself: give another name"
        raise OutputError(msg)
    with open_showers_file(source, calorimeter) as reader:
        n_views = reader.n_views if wanted == "paper" else 0
        with create_showers_file(
            target, reader.calorimeter, reader.made_with, to=wanted, n_views=n_views
        ) as sink:
            done, unnamed = 0, False
            for showers in _batches(reader, n_views):
                named = _name_particle(showers, pdgid)
                unnamed |= bool((named.incident.pdgid == 0).any())
                sink.append(named)
                done += len(showers)
                if on_progress is not None:
                    on_progress(done, len(reader))
        notes = tuple(_notes(reader, wanted, unnamed=unnamed))
        return Conversion(done, reader.format, wanted, notes)


def rows_per_batch(calorimeter: Calorimeter, n_views: int = 0) -> int:
    """How many showers are in memory at once: 32 MiB of doubles, or a single shower."""
    numbers = (calorimeter.n_cells + len(calorimeter.layers)) * (1 + n_views)
    return max(1, min(10_000, _BATCH_BYTES // (8 * numbers)))


def _batches(reader: ShowerReader, n_views: int) -> Iterator[Showers]:
    size = rows_per_batch(reader.calorimeter, n_views)
    start = 0
    try:
        for showers in reader.chunks(size):
            views = (reader.read(start, start + size, view=k + 1) for k in range(n_views))
            yield dataclasses.replace(showers, views=tuple(views))
            start += len(showers)
    except ShowerFileError as error:
        if not start:
            raise
        msg = f"{error} (counted from shower {start})"
        raise ShowerFileError(msg) from error


def _name_particle(showers: Showers, pdgid: int) -> Showers:
    incident = showers.incident
    if not pdgid or incident.pdgid.all():
        return showers
    pdgids = np.where(incident.pdgid == 0, pdgid, incident.pdgid)
    return dataclasses.replace(showers, incident=dataclasses.replace(incident, pdgid=pdgids))


def _notes(reader: ShowerReader, target: Format, *, unnamed: bool) -> Iterator[str]:
    if reader.n_views and target != "paper":
        yield (
            f"the {reader.n_views} further views of each shower are left out:"
            " only the paper's layout holds them"
        )
    if not reader.has_overflow:
        yield f"{reader.path} holds no overflow: it is written as 0"
    if reader.stores_doubles:
        yield f"{reader.path} holds doubles: cell energies are rounded to float32 (6e-8)"
    if unnamed:
        yield f"{reader.path} does not say which particle it is: name it with --particle"
