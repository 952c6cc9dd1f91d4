from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calogan.calorimeter import CALOGAN
from calogan.production.journal import Journal
from calogan.production.showers import pack, unpack
from tests.production.dice import Dice, incident_of


@pytest.mark.parametrize("n_views", [0, 2])
@pytest.mark.parametrize("n", [0, 3])
def test_showers_come_back(n: int, n_views: int) -> None:
    showers = Dice(n_views=n_views).simulate(incident_of(n), np.random.default_rng(1))
    back = unpack(pack(showers), CALOGAN)
    assert len(back.views) == n_views
    for one, other in zip((showers, *showers.views), (back, *back.views), strict=True):
        for name in ("pdgid", "energy_gev", "position_mm", "direction"):
            np.testing.assert_array_equal(
                getattr(one.incident, name), getattr(other.incident, name)
            )
        for a, b in zip((*one.layers, one.overflow), (*other.layers, other.overflow), strict=True):
            np.testing.assert_array_equal(a, b)
            assert a.dtype == b.dtype


def test_a_journal_continues(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with Journal(path) as journal:
        journal.append(7, b"seven")
        journal.append(3, b"three")
        assert 7 in journal
        assert 4 not in journal
        assert journal.read(3) == b"three"
    with Journal(path) as journal:
        assert len(journal) == 2
        assert journal.damaged == 0
        journal.append(4, b"four")
    with Journal(path) as journal:
        assert [journal.read(k) for k in (3, 4, 7)] == [b"three", b"four", b"seven"]


RECORDS = {k: bytes([65 + k]) * (20 + 7 * k) for k in range(6)}


def journal_of(path: Path) -> bytes:
    path.unlink(missing_ok=True)
    with Journal(path) as journal:
        for index, data in RECORDS.items():
            journal.append(index, data)
    return path.read_bytes()


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damage_costs_what_it_hits(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    """Cut the file, overwrite bytes, or put foreign ones in: whole records stay, others vanish."""
    path = tmp_path_factory.getbasetemp() / "journal"
    content = journal_of(path)
    place = data.draw(st.integers(0, len(content) - 1))
    foreign = data.draw(st.binary(min_size=1, max_size=80))
    match data.draw(st.sampled_from(["cut", "overwrite", "insert"])):
        case "cut":
            damaged, hit = content[:place], None
        case "overwrite":
            damaged, hit = content[:place] + foreign + content[place + len(foreign) :], foreign
        case _:
            damaged, hit = content[:place] + foreign + content[place:], b""
    path.write_bytes(damaged)
    with Journal(path) as journal:
        for index, expected in RECORDS.items():
            if index in journal:
                assert journal.read(index) == expected
        if hit is None:  # all before the cut are there
            assert len(journal) >= sum(content[:place].count(d) for d in RECORDS.values())
        elif len(hit) <= 20:  # a short damage hits two records at most
            assert len(journal) >= len(RECORDS) - 2
        journal.append(9, b"new")
        assert journal.read(9) == b"new"
    with Journal(path) as journal:
        assert 9 in journal


def test_full_disk_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal"
    with Journal(path) as journal:
        journal.append(1, b"one")
        real = os.pwrite

        def full(descriptor: int, data: bytes, place: int) -> int:
            if len(data) > 20:
                return real(descriptor, data[:20], place)  # what still fits
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as patch:
            patch.setattr("calogan.production.journal.os.pwrite", full)
            with pytest.raises(OSError, match="No space left"):
                journal.append(2, b"two")
        assert 2 not in journal
        journal.append(3, b"three")
    with Journal(path) as journal:
        assert journal.damaged == 0
        assert journal.read(1) == b"one"
        assert journal.read(3) == b"three"


def test_damage_while_in_use(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with Journal(path) as journal:
        journal.append(1, b"one")
        path.write_bytes(path.read_bytes().replace(b"one", b"two"))
        with pytest.raises(OSError, match="damaged"):
            journal.read(1)
