"""One column of numbers from a file: CSV or text, NumPy, HDF5."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calogan.errors import ShowerFileError

__all__ = ["read_column"]

_HDF5 = {".h5", ".hdf5", ".hdf", ".he5"}
_DEFAULT = "energy"
_IN_MEV = "incident_energies"


def read_column(place: str) -> NDArray[np.float64]:
    """Read a column of numbers.

    Args:
        place: `PATH` or `PATH:COLUMN`. The column is a name in the first line of a text file, or
            its number, counted from 0; the number of a column of a `.npy` file; or a data set of
            an HDF5 file. Without it: the only column, or the one that is called `energy`.

    Returns:
        The numbers, shape `(n,)`.

    Raises:
        ShowerFileError: No such file or column, or something in it that is no number.
    """
    path = Path(place)
    try:
        path, column = _split(place)
        if path.suffix.lower() in _HDF5:
            values = _from_hdf5(path, column)
        elif path.suffix.lower() == ".npy":
            values = _from_numpy(path, column)
        elif path.suffix.lower() == ".root":
            msg = f"{path}: make it an HDF5 file first, with 'calogan convert'"
            raise ShowerFileError(msg)
        else:
            values = _from_text(path, column)
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror or error}"
        raise ShowerFileError(msg) from error
    if not len(values):
        msg = f"{path} holds no numbers"
        raise ShowerFileError(msg)
    return values


def _split(place: str) -> tuple[Path, str | None]:
    """Cut `PATH:COLUMN` at its last colon, unless there is a file of the whole name."""
    path, colon, column = place.rpartition(":")
    if Path(place).is_file() or not colon:
        path, column = place, ""
    if not Path(path).is_file():
        msg = f"no such file: {path}"
        raise ShowerFileError(msg)
    return Path(path), column or None


def _one_column(values: NDArray[Any], path: Path, column: str | None) -> NDArray[np.float64]:
    """Make shape `(n,)` of numbers of shape `(n,)`, `(n, 1)`, or `(n, m)` and a column's number."""
    if values.dtype.kind not in "fiu" or values.ndim not in {1, 2}:
        msg = f"{path} holds {values.dtype} {values.shape}, no column of numbers"
        raise ShowerFileError(msg)
    if values.ndim == 1:
        values = values[:, None]
    if column is None and values.shape[1] == 1:
        column = "0"
    if column is None or not column.isdecimal() or int(column) >= values.shape[1]:
        msg = (
            f"{path} holds {values.shape[1]} columns: name one by its number,"
            f" {path}:0 to {path}:{values.shape[1] - 1}"
        )
        raise ShowerFileError(msg)
    return values[:, int(column)].astype(np.float64)


def _from_numpy(path: Path, column: str | None) -> NDArray[np.float64]:
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        msg = f"{path} is not a NumPy file of numbers, or it is truncated"
        raise ShowerFileError(msg) from error
    if not isinstance(values, np.ndarray):  # np.load opens archives of arrays as well
        msg = f"{path} is an archive of arrays (.npz): save the one array as .npy"
        raise ShowerFileError(msg)
    return _one_column(values, path, column)


def _from_hdf5(path: Path, column: str | None) -> NDArray[np.float64]:
    import h5py

    name = column or _DEFAULT
    if name.split("/")[-1] == _IN_MEV:
        msg = f"{path}: {name} are MeV (CaloChallenge): convert the file with 'calogan convert'"
        raise ShowerFileError(msg)
    try:
        file = h5py.File(path, "r")
    except PermissionError:
        raise
    except OSError as error:
        msg = f"{path} is not an HDF5 file, or it is truncated"
        raise ShowerFileError(msg) from error
    with file:
        dataset = file.get(name)
        if not isinstance(dataset, h5py.Dataset):
            there = [key for key, item in file.items() if isinstance(item, h5py.Dataset)]
            msg = f"{path} holds no data set {name!r}, but {', '.join(there) or 'none'}"
            raise ShowerFileError(msg)
        if dataset.ndim not in {1, 2} or (dataset.ndim == 2 and dataset.shape[1] != 1):
            msg = f"{path}: {name} has the shape {dataset.shape}, not that of one column"
            raise ShowerFileError(msg)
        return _one_column(dataset[()], path, None)


def _from_text(path: Path, column: str | None) -> NDArray[np.float64]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = _rows(file)
            first = next(rows, None)
            if first is None:
                return np.empty(0)
            number, cells = first
            index = _column_index(cells, column, path)
            values = [] if _number(cells[index]) is None else [float(cells[index])]
            for number, cells in rows:
                value = _number(cells[index]) if index < len(cells) else None
                if value is None:
                    what = cells[index] if index < len(cells) else "nothing"
                    msg = f"{path}, line {number}: {what!r} in column {index} is no number"
                    raise ShowerFileError(msg)
                values.append(value)
    except UnicodeDecodeError as error:
        msg = f"{path} is no text file, and none with a known ending (.npy, .h5)"
        raise ShowerFileError(msg) from error
    except csv.Error as error:
        msg = f"{path}: {error}"
        raise ShowerFileError(msg) from error
    return np.array(values)


def _rows(lines: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
    """Cells of each line that is not empty and no comment, with its number from 1."""
    separator = None
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if separator is None:
            separator = next((mark for mark in ";\t," if mark in line), " ")
        if separator == " ":
            yield number, line.split()
        else:
            yield number, [cell.strip() for cell in next(csv.reader([line], delimiter=separator))]


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _column_index(cells: list[str], column: str | None, path: Path) -> int:
    """Find a column in the first line, which may be a header."""
    header = all(_number(cell) is None for cell in cells)
    if column is None and len(cells) == 1:
        return 0
    name = column or _DEFAULT
    if header and name in cells:
        return cells.index(name)
    if name.isdecimal() and int(name) < len(cells):
        return int(name)
    there = ", ".join(cells) if header else f"{len(cells)} columns without names, from 0"
    msg = f"{path} holds no column {name!r}, but {there}: name one of them, {path}:COLUMN"
    raise ShowerFileError(msg)
