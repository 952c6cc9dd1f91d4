"""Finished chunks on disk, one behind another in one file, each with a checksum.

A record is written at once, so that it outlives its process; it is synced to the disk every few
seconds, so that a machine that loses power loses those seconds at most. Whatever was torn or
damaged does not fit its checksum and is passed over: it counts as never written.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import struct
import time
from pathlib import Path
from typing import Self

__all__ = ["Journal"]

_MAGIC = b"\x93CLG"
_HEADER = struct.Struct("<4sQQ16s")
"""Mark, number of the chunk, bytes that follow, checksum of all these."""

_SYNC_SECONDS = 5.0


def _checksum(index: int, data: bytes | memoryview) -> bytes:
    digest = hashlib.blake2b(struct.pack("<QQ", index, len(data)), digest_size=16)
    digest.update(data)
    return digest.digest()


class Journal:
    """Records of finished chunks, by the number of the chunk.

    Args:
        path: The file; made if there is none, continued otherwise.

    Attributes:
        damaged: Bytes that belonged to no record when the file was opened.

    Raises:
        OSError: The file cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self._places: dict[int, tuple[int, int]] = {}
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            self._end, self.damaged = self._scan()
            os.ftruncate(self._file, self._end)
        except BaseException:
            os.close(self._file)
            raise
        self._synced = time.monotonic()

    def _scan(self) -> tuple[int, int]:
        """Find all records; return where the last one ends, and the bytes between them."""
        size = os.fstat(self._file).st_size
        position = end = used = 0
        if size == 0:
            return 0, 0
        with mmap.mmap(self._file, size, access=mmap.ACCESS_READ) as content:
            while (position := content.find(_MAGIC, position)) >= 0:
                start = position + _HEADER.size
                if start > size:
                    break
                _, index, length, checksum = _HEADER.unpack_from(content, position)
                with memoryview(content) as view, view[start : start + length] as data:
                    whole = len(data) == length and _checksum(index, data) == checksum
                if not whole:
                    position += 1
                    continue
                self._places[index] = start, length
                position = end = start + length
                used += _HEADER.size + length
        return end, size - used

    def __contains__(self, index: int) -> bool:
        """Tell whether a chunk is finished."""
        return index in self._places

    def __len__(self) -> int:
        """Number of chunks that are finished."""
        return len(self._places)

    def append(self, index: int, data: bytes) -> None:
        """Keep a finished chunk.

        Raises:
            OSError: The disk is full, for example; the records before are safe.
        """
        record = _HEADER.pack(_MAGIC, index, len(data), _checksum(index, data)) + data
        written = 0
        try:
            while written < len(record):
                written += os.pwrite(self._file, record[written:], self._end + written)
        except OSError:
            os.ftruncate(self._file, self._end)
            raise
        self._places[index] = self._end + _HEADER.size, len(data)
        self._end += len(record)
        if time.monotonic() - self._synced > _SYNC_SECONDS:
            self.sync()

    def read(self, index: int) -> bytes:
        """What was kept of a chunk.

        Raises:
            OSError: The file was damaged after it was opened.
        """
        start, length = self._places[index]
        record = os.pread(self._file, _HEADER.size + length, start - _HEADER.size)
        data = record[_HEADER.size :]
        if (
            len(data) != length
            or _checksum(index, data) != record[_HEADER.size - 16 : _HEADER.size]
        ):
            msg = "damaged while it was in use"
            raise OSError(msg)
        return data

    def sync(self) -> None:
        """Wait until all is on the disk."""
        os.fsync(self._file)
        self._synced = time.monotonic()

    def __enter__(self) -> Self:
        """Return the open journal."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        os.close(self._file)
