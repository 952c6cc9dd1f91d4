"""What holds for every format: exact round trips, and one clear line for what is no file."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calogan.calorimeter import CALOGAN
from calogan.errors import MissingExtraError, OutputError, ShowerFileError
from calogan.files import create_showers_file, open_showers_file, read_showers
from calogan.files.formats import FORMATS, Format, recognise
from calogan.incident import Incident
from calogan.showers import Showers
from tests.files.conftest import SMALL, assert_equal

pytest.importorskip("uproot", reason="needs the extra root")

ENDINGS = {"paper": ".h5", "root": ".root", "calochallenge": ".hdf5"}


def write(path: Path, showers: Showers, to: Format, pieces: int = 1) -> None:
    with create_showers_file(path, showers.calorimeter, {"seed": 7}, to=to) as file:
        for rows in np.array_split(np.arange(len(showers)), pieces):
            file.append(showers[rows])


@st.composite
def any_showers(draw: st.DrawFn) -> Showers:
    """Any particles at all, and any energies that float32 holds."""
    n = draw(st.integers(0, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    energy = draw(st.lists(st.floats(1e-6, 1e6), min_size=n, max_size=n))
    cell = st.floats(0, 2.0**100, width=32)
    cells = draw(st.lists(cell, min_size=9 * n, max_size=9 * n))
    beam = draw(st.booleans())
    incident = Incident.create(
        np.full(n, draw(st.sampled_from([-11, 22, 0]))) if beam else rng.choice([-11, 22, 0], n),
        np.array(energy, dtype=np.float64),
        **({} if beam else {"position_mm": rng.normal(0, 9, (n, 3))}),
        direction=(0, 0, 1) if beam else rng.normal(0, 1, (n, 3)),
    )
    values = np.array(cells, dtype=np.float32).reshape(n, 9)
    return Showers(incident, SMALL.split_cells(values[:, :7]), values[:, 7:], SMALL)


@settings(max_examples=20, deadline=None)
@given(showers=any_showers(), pieces=st.integers(1, 3))
@pytest.mark.parametrize("to", FORMATS)
def test_round_trip_is_exact(to: Format, showers: Showers, pieces: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"showers{ENDINGS[to]}"
        write(path, showers, to, pieces)
        assert recognise(path) == to
        with open_showers_file(path) as file:
            assert (file.format, len(file)) == (to, len(showers))
            assert file.made_with == {"seed": 7}
            assert_equal(file.read(), showers)
            incident = file.incident(1, 3)
            np.testing.assert_array_equal(incident.energy_gev, showers.incident.energy_gev[1:3])
            chunks = list(file.chunks(2))
            if chunks:
                assert_equal(Showers.concatenate(chunks), showers)


@pytest.mark.parametrize("to", FORMATS)
def test_parts_and_particle(tmp_path: Path, small: Showers, to: Format) -> None:
    path = tmp_path / "showers"
    write(path, small, to, pieces=3)
    assert_equal(read_showers(path, 60, 70), small[60:70])
    with open_showers_file(path) as file:
        assert file.particle == "e+"
        assert [len(chunk) for chunk in file.chunks(90)] == [90, 90, 20]
        assert (file.n_views, file.has_overflow, file.stores_doubles) == (0, True, False)
        if to != "paper":
            with pytest.raises(ShowerFileError, match="holds no views"):
                file.read(view=1)


@pytest.mark.parametrize("to", FORMATS)
def test_content_counts_and_not_the_name(tmp_path: Path, small: Showers, to: Format) -> None:
    path = tmp_path / ("wrong.root" if to != "root" else "wrong.h5")
    write(path, small[:3], to)
    assert_equal(read_showers(path), small[:3])


@pytest.mark.parametrize("to", FORMATS)
def test_names_that_libraries_take_apart(tmp_path: Path, small: Showers, to: Format) -> None:
    path = tmp_path / f"a:b [1]*?{ENDINGS[to]}"
    write(path, small[:3], to)
    assert_equal(read_showers(path), small[:3])


@pytest.mark.parametrize("to", FORMATS)
def test_nothing_is_left_of_a_file_that_failed(tmp_path: Path, small: Showers, to: Format) -> None:
    path = tmp_path / f"out{ENDINGS[to]}"
    path.write_bytes(b"older")

    def interrupted() -> None:
        with create_showers_file(path, SMALL, {}, to=to) as file:
            file.append(small)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("to", FORMATS)
def test_a_full_disk_is_one_clear_line(tmp_path: Path, to: Format) -> None:
    """A limit on the size of files in place of a small disk: the write itself fails."""
    program = f"""
import resource, signal
import numpy as np
from calogan.calorimeter import Calorimeter
from calogan.errors import OutputError
from calogan.files import create_showers_file
from calogan.incident import Incident
from calogan.showers import Showers
from tests.files.conftest import SMALL, assert_equal

small = Calorimeter.from_dict({SMALL.model_dump(mode="json")!r})
cells = np.random.default_rng(0).random((30000, 9), dtype=np.float32)
showers = Showers(
    Incident.create("e+", np.ones(30000)), small.split_cells(cells[:, :7]), cells[:, 7:], small
)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    with create_showers_file({str(tmp_path / "out")!r}, small, {{}}, to={to!r}) as file:
        file.append(showers)
except OutputError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "cannot write" in done.stdout
    assert "File too large" in done.stdout
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("to", FORMATS)
def test_truncated_anywhere(tmp_path: Path, small: Showers, to: Format) -> None:
    path = tmp_path / f"whole{ENDINGS[to]}"
    write(path, small[:40], to)
    content = path.read_bytes()
    cuts = np.unique(np.r_[0, 1, 4, 8, 100, np.linspace(20, len(content) - 1, 12).astype(int)])
    for cut in cuts:
        path.write_bytes(content[:cut])
        with pytest.raises(ShowerFileError) as caught:
            read_showers(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("to", ["root", "calochallenge"])
def test_wrong_bytes_are_a_clear_line_or_harmless(
    to: Format, whole: Callable[[Format], bytes], data: st.DataObject
) -> None:
    content = bytearray(whole(to))
    for _ in range(3):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"wrong{ENDINGS[to]}"
        path.write_bytes(content)
        with contextlib.suppress(ShowerFileError):  # anything else is a bug
            read_showers(path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, small: Showers) -> Callable[[Format], bytes]:
    folder = tmp_path_factory.mktemp("whole")
    for to in FORMATS:
        write(folder / to, small, to)
    return lambda to: (folder / to).read_bytes()


def test_what_is_no_file_of_showers(tmp_path: Path) -> None:
    for path, content, message in [
        (tmp_path / "empty.root", b"", "not a ROOT file, or it is truncated"),
        (tmp_path / "text.root", b"no ROOT file at all, but a text", "not a ROOT file"),
        (tmp_path / "text.h5", b"text", "not an HDF5 file, or it is truncated"),
        (tmp_path / "root.dat", b"root" + bytes(100), "holds no TTree fancy_tree"),
    ]:
        path.write_bytes(content)
        with pytest.raises(ShowerFileError, match=message):
            read_showers(path)
    with pytest.raises(ShowerFileError, match="no such file"):
        read_showers(tmp_path / "none.h5")
    with pytest.raises(ShowerFileError, match="is a folder"):
        read_showers(tmp_path)
    with h5py.File(tmp_path / "jets.hdf5", "w") as file:
        file["image"], file["jet_pt"] = [0.0], [250.0]
    with pytest.raises(ShowerFileError, match="no file of showers: it holds image, jet_pt"):
        read_showers(tmp_path / "jets.hdf5")


def test_the_calorimeter_that_a_file_states_is_not_overruled(
    tmp_path: Path, small: Showers
) -> None:
    for to in FORMATS:
        write(tmp_path / to, small[:2], to)
        assert len(read_showers(tmp_path / to, calorimeter=SMALL)) == 2
        with pytest.raises(
            ShowerFileError, match=r"says itself .* 'small, ünicode'|but the calorimeter"
        ):
            read_showers(tmp_path / to, calorimeter=CALOGAN)


def test_no_such_format(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no format 'csv'; give one with --to: paper, root"):
        create_showers_file(tmp_path / "out.csv", CALOGAN, {}, to="csv")
    with pytest.raises(OutputError, match=r"out.csv: the ending does not say the format"):
        create_showers_file(tmp_path / "out.csv", CALOGAN, {})


def test_without_uproot(tmp_path: Path, small: Showers, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a.root", small[:2], "root")
    for name in ("root", "root_writer"):
        monkeypatch.delitem(sys.modules, f"calogan.files.{name}")
    monkeypatch.setitem(sys.modules, "uproot", None)
    with pytest.raises(MissingExtraError, match=r"reading a ROOT file .*calogan\[root\]"):
        read_showers(tmp_path / "a.root")
    with pytest.raises(MissingExtraError, match=r"writing a ROOT file"):
        create_showers_file(tmp_path / "b.root", CALOGAN, {})
