"""Observables of a file of showers as a table: one row per shower, for pandas and others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calogan import __version__
from calogan.calorimeter import Calorimeter
from calogan.errors import OutputError, ShowerFileError
from calogan.evaluation.table_formats import create_table, table_format
from calogan.files import open_showers_file
from calogan.files.convert import rows_per_batch
from calogan.files.formats import ShowerReader
from calogan.observables import (
    INCIDENT_ENERGY,
    Observable,
    observables_of,
    observables_table,
    select_observables,
)
from calogan.samples import sample_path
from calogan.showers import Showers

__all__ = ["WrittenTable", "list_observables", "write_observables"]

_PDGID = "pdgid"


@dataclass(frozen=True)
class WrittenTable:
    """What a table holds.

    Args:
        path: The file.
        n: Number of rows, one per shower.
        columns: Names of the columns.
    """

    path: Path
    n: int
    columns: tuple[str, ...]


def write_observables(
    source: str | Path,
    output: str | Path,
    *,
    observables: str | Sequence[str] | None = None,
    limit: int | None = None,
    calorimeter: Calorimeter | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> WrittenTable:
    """Compute the observables of all showers of a file and write them as a table.

    The columns are `energy`, the incident energy [GeV], `pdgid`, 0 where the file does not say
    the particle, and the observables. Memory is bounded, whatever the size of the file; the table
    appears when it is complete. Parquet and HDF5 say which file it was made of, and the units.

    Args:
        source: A file of showers of any format, or `sample:NAME`.
        output: The table to make: `.parquet`, `.h5` or `.csv`.
        observables: Which ones, as for `select_observables`; all unless given.
        limit: Read only the first so many showers.
        calorimeter: The calorimeter of a file that does not name it.
        on_progress: Called with the number of showers that are done, and of all.

    Raises:
        ShowerFileError: The file is missing, foreign, damaged or empty.
        ConfigurationError: No such observable.
        OutputError: The table cannot be written; no partial file stays behind.
        MissingExtraError: The library of the format is not installed.
    """
    path, output = _path(source), Path(output)
    table_format(output)
    if path.exists() and output.exists() and path.samefile(output):
        msg = f"cannot write the table over the showers in {path}: give another name"
        raise OutputError(msg)
    with open_showers_file(path, calorimeter) as reader:
        n = len(reader) if limit is None else min(limit, len(reader))
        if n == 0:
            msg = f"{source} holds no showers"
            raise ShowerFileError(msg)
        chosen = _chosen(reader.calorimeter, observables)
        columns: dict[str, type] = {INCIDENT_ENERGY.name: float, _PDGID: int}
        columns |= {one.name: float for one in chosen}
        with create_table(output, columns, _metadata(str(source), reader, chosen)) as append:
            done = 0
            for showers in _pieces(reader, n):
                table = observables_table(showers, chosen, with_energy=True)
                append({**table, _PDGID: showers.incident.pdgid})
                done += len(showers)
                if on_progress is not None:
                    on_progress(done, n)
    return WrittenTable(output, n, tuple(columns))


def list_observables(
    source: str | Path,
    observables: str | Sequence[str] | None = None,
    calorimeter: Calorimeter | None = None,
) -> tuple[Observable, ...]:
    """Observables that `write_observables` would write of a file.

    Raises:
        ShowerFileError: The file is missing, foreign or damaged.
        ConfigurationError: No such observable.
    """
    with open_showers_file(_path(source), calorimeter) as reader:
        return _chosen(reader.calorimeter, observables)


def _path(source: str | Path) -> Path:
    kind, _, name = str(source).partition(":")
    return sample_path(name) if kind == "sample" else Path(source)


def _chosen(calorimeter: Calorimeter, wanted: str | Sequence[str] | None) -> tuple[Observable, ...]:
    return select_observables(calorimeter, wanted) if wanted else observables_of(calorimeter)


def _pieces(reader: ShowerReader, n: int) -> Iterator[Showers]:
    """Read the first n showers, some at a time."""
    size, start = rows_per_batch(reader.calorimeter), 0
    try:
        for start in range(0, n, size):
            yield reader.read(start, min(start + size, n))
    except ShowerFileError as error:
        if not start:
            raise
        msg = f"{error} (counted from shower {start})"
        raise ShowerFileError(msg) from error


def _metadata(
    source: str, reader: ShowerReader, observables: Sequence[Observable]
) -> Mapping[str, Any]:
    every = (INCIDENT_ENERGY, *observables)
    return {
        "calogan": __version__,
        "source": source,
        "made_with": reader.made_with,
        "calorimeter": reader.calorimeter.name,
        "units": {one.name: one.unit for one in every if one.unit},
    }
