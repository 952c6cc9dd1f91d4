"""Data sets that are compressed here are what the HDF5 library would have made."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from calogan.files import compressed
from calogan.files.compressed import GrowingDataset


def write(path: Path, parts: list[int], shape: tuple[int, ...], dtype: type) -> NDArray[Any]:
    """Write rows in parts of these lengths; return all of them."""
    rows: NDArray[Any] = (
        np.random.default_rng(0).exponential(10, (sum(parts), *shape)).astype(dtype)
    )
    with h5py.File(path, "w") as file:
        dataset = GrowingDataset(file, "rows", shape, dtype)
        start = 0
        for n in parts:
            part = rows[start : start + n].copy()
            dataset.append(part)
            part[...] = 0  # it may be used again
            start += n
        dataset.finish()
    return rows


@settings(max_examples=30, deadline=None)
@given(
    parts=st.lists(st.integers(0, 2600), max_size=5),
    shape=st.sampled_from([(), (3,), (3, 96), (2, 12, 12)]),
    dtype=st.sampled_from([np.float32, np.float64, np.int64]),
)
def test_what_was_written_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    parts: list[int],
    shape: tuple[int, ...],
    dtype: type,
) -> None:
    path = tmp_path_factory.mktemp("compressed") / "rows.h5"
    rows = write(path, parts, shape, dtype)
    with h5py.File(path) as file:
        found = file["rows"]
        assert found.dtype == np.dtype(dtype)
        assert found.compression == "gzip"
        np.testing.assert_array_equal(found[:], rows)


def test_parts_do_not_change_the_file(tmp_path: Path) -> None:
    for name, parts in (("one", [3000]), ("many", [1, 999, 24, 1000, 976]), ("same", [3000])):
        write(tmp_path / name, parts, (3, 96), np.float32)
    one, many, same = ((tmp_path / name).read_bytes() for name in ("one", "many", "same"))
    assert one == same
    with h5py.File(tmp_path / "one") as first, h5py.File(tmp_path / "many") as second:
        for offset in (0, 910, 1820, 2730):
            chunks = [file["rows"].id.read_direct_chunk((offset, 0, 0)) for file in (first, second)]
            assert chunks[0] == chunks[1]
    assert len(one) == len(many)


def test_without_isa_l(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compressed, "_compress", zlib.compress)
    rows = write(tmp_path / "rows.h5", [1500], (12, 6), np.float32)
    with h5py.File(tmp_path / "rows.h5") as file:
        np.testing.assert_array_equal(file["rows"][:], rows)


def test_rows_are_compressed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the parts: a chunk that is compressed again for each of them is slow."""
    inside: Any = vars(compressed)["_compress"]
    calls: list[int] = []

    def counted(data: bytes, level: int) -> bytes:
        calls.append(len(data))
        return bytes(inside(data, level))

    monkeypatch.setattr(compressed, "_compress", counted)
    write(tmp_path / "rows.h5", [100] * 30, (3, 96), np.float32)
    assert len(calls) == 4  # 910 rows of 1152 bytes are 1 MiB
