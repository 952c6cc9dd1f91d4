"""Tables of numbers in files that pandas reads: Parquet, HDF5 and CSV, written piece by piece."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from calogan.errors import MissingExtraError, OutputError
from calogan.files.output import whole_file

__all__ = ["Columns", "TableFormat", "create_table", "table_format"]

Columns = Mapping[str, NDArray[np.float64] | NDArray[np.int64]]
"""Some rows of a table: values `(n,)` by name of the column."""

TableFormat = Literal["parquet", "hdf5", "csv"]

_ENDINGS: dict[str, TableFormat] = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".h5": "hdf5",
    ".hdf5": "hdf5",
    ".hdf": "hdf5",
    ".csv": "csv",
}
_KEY = "showers"
_METADATA = "calogan"


def table_format(path: Path) -> TableFormat:
    """Format of a table that is to be written, by the ending of the name.

    Raises:
        OutputError: An ending that stands for none.
    """
    try:
        return _ENDINGS[path.suffix.lower()]
    except KeyError:
        msg = f"{path}: the ending does not say the format; give .parquet, .h5 or .csv"
        raise OutputError(msg) from None


@contextmanager
def create_table(
    path: Path, columns: Mapping[str, type], metadata: Mapping[str, Any]
) -> Iterator[Callable[[Columns], None]]:
    """Make a file that appears when all rows are in it; give what appends rows to it.

    Args:
        path: The file to make; its ending says the format.
        columns: Type of each column, `float` or `int`, in their order.
        metadata: What the table says of itself, JSON-like; CSV has no place for it.

    Raises:
        OutputError: The file cannot be written; no partial file stays behind.
        MissingExtraError: The library of the format is not installed.
    """
    write = {"parquet": _parquet, "hdf5": _hdf5, "csv": _csv}[table_format(path)]
    try:
        with (
            whole_file(path) as temporary,
            write(temporary, columns, dict(metadata)) as append,
        ):
            yield append
    except ModuleNotFoundError as error:
        if error.name not in {"pandas", "pyarrow", "tables"}:
            raise
        what = f"writing a table as {path.suffix}"
        raise MissingExtraError(what, "tables") from error


@contextmanager
def _parquet(
    path: Path, columns: Mapping[str, type], metadata: dict[str, Any]
) -> Iterator[Callable[[Columns], None]]:
    import pyarrow as pa
    from pyarrow import parquet

    units = metadata.get("units", {})
    schema = pa.schema(
        [
            pa.field(
                name,
                pa.int64() if kind is int else pa.float64(),
                metadata={"unit": units.get(name, "")},
            )
            for name, kind in columns.items()
        ],
        # what pandas reads into DataFrame.attrs
        metadata={"PANDAS_ATTRS": json.dumps(metadata)},
    )
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        yield lambda rows: writer.write_table(
            pa.table([rows[name] for name in columns], schema=schema)
        )


@contextmanager
def _hdf5(
    path: Path, columns: Mapping[str, type], metadata: dict[str, Any]
) -> Iterator[Callable[[Columns], None]]:
    import tables  # before pandas, which says otherwise that it is missing
    from pandas import DataFrame, HDFStore, RangeIndex

    sizes: list[int] = []
    checksum = 0

    def append(rows: Columns) -> None:
        nonlocal checksum
        done, n = sum(sizes), len(next(iter(rows.values())))
        index = RangeIndex(done, done + n)  # the number of the shower in its file
        frame = DataFrame({name: rows[name] for name in columns}, index=index)
        store.append(_KEY, frame, index=False)
        sizes.append(n)
        checksum = _checksum(frame, checksum)

    try:
        with HDFStore(path, mode="w") as store:
            yield append
            store.root._v_attrs[_METADATA] = json.dumps(metadata)
        # the library closes a file on a full disk without a word: only reading tells
        with HDFStore(path, mode="r") as store:
            found, done = 0, 0
            for size in sizes:
                found = _checksum(store.select(_KEY, start=done, stop=done + size), found)
                done += size
        if found != checksum:
            msg = "the file does not hold what was written"
            raise OSError(msg)
    except tables.HDF5ExtError as error:
        msg = "the HDF5 library failed, as with a full disk"
        raise OSError(msg) from error  # as of an ordinary file: `whole_file` says which one


def _checksum(frame: Any, before: int) -> int:
    """Checksum of a data frame, column by column, that goes on from that of earlier rows."""
    for name in frame:
        before = zlib.crc32(frame[name].to_numpy().tobytes(), before)
    return before


@contextmanager
def _csv(
    path: Path, columns: Mapping[str, type], metadata: dict[str, Any]
) -> Iterator[Callable[[Columns], None]]:
    del metadata  # a comment line would be a first row for whoever does not expect it
    formats = ["%d" if kind is int else "%.9g" for kind in columns.values()]
    with path.open("w", encoding="ascii", newline="") as file:
        file.write(",".join(columns) + "\n")
        yield lambda rows: np.savetxt(
            file, np.stack([rows[name] for name in columns], axis=1), formats, delimiter=","
        )
