"""Data sets that grow by rows, compressed here and not by the HDF5 library.

What is stored is what the library's own filter would store: every reader decompresses it. ISA-L
makes it ten times as fast as zlib and as small. Where there is no ISA-L, zlib makes it.
"""

from __future__ import annotations

import math
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

try:
    from isal.isal_zlib import compress as _compress

    _LEVEL = 1  # 2 is no smaller
except ImportError:  # a processor for which there is none
    from zlib import compress as _compress

    _LEVEL = 4

__all__ = ["GrowingDataset"]

_CHUNK_BYTES = 2**20
_CHUNK_ROWS = 1024


class GrowingDataset:
    """A compressed data set that grows by rows.

    Rows wait until they fill a chunk, so that each chunk is compressed once. Bytes are not
    shuffled before: half of the cells are empty, and showers are smaller without.

    Args:
        file: The open file.
        name: Name of the data set.
        shape: Shape of a row.
        dtype: Type of its numbers.
    """

    def __init__(self, file: h5py.File, name: str, shape: tuple[int, ...], dtype: type) -> None:
        self._dtype = np.dtype(dtype)
        row_bytes = self._dtype.itemsize * math.prod(shape)
        self._chunk = max(1, min(_CHUNK_ROWS, _CHUNK_BYTES // row_bytes))
        self._dataset = file.create_dataset(
            name,
            shape=(0, *shape),
            maxshape=(None, *shape),
            chunks=(self._chunk, *shape),
            dtype=self._dtype,
            compression="gzip",
            compression_opts=_LEVEL,
        )
        self._waiting: list[NDArray[Any]] = []
        self._n_waiting = 0
        self._n_written = 0

    def append(self, rows: NDArray[Any]) -> None:
        """Add rows at the end; they are copied or written before this returns."""
        start = 0
        while self._n_waiting + len(rows) - start >= self._chunk:
            stop = start + self._chunk - self._n_waiting
            self._write([*self._waiting, rows[start:stop]])
            self._waiting, self._n_waiting, start = [], 0, stop
        if start < len(rows):
            self._waiting.append(np.array(rows[start:], dtype=self._dtype))
            self._n_waiting += len(rows) - start

    def finish(self) -> None:
        """Write the rows that wait."""
        if self._n_waiting:
            self._write(self._waiting)
            self._waiting, self._n_waiting = [], 0

    def _write(self, parts: list[NDArray[Any]]) -> None:
        """Write a chunk; the last one of a file is filled up with zeros, which no reader sees."""
        n = sum(map(len, parts))
        chunk = np.zeros(self._dataset.chunks, dtype=self._dtype) if n < self._chunk else None
        if chunk is not None:
            np.concatenate(parts, out=chunk[:n], casting="same_kind")
        else:
            joined = parts[0] if len(parts) == 1 else np.concatenate(parts)
            chunk = np.ascontiguousarray(joined, dtype=self._dtype)
        self._dataset.resize(self._n_written + n, axis=0)
        offset = (self._n_written, *(0 for _ in self._dataset.shape[1:]))
        self._dataset.id.write_direct_chunk(
            offset, _compress(chunk.reshape(-1).view(np.uint8), _LEVEL)
        )
        self._n_written += n
