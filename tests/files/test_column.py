"""Columns of numbers from files of several kinds; nothing odd is a traceback."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calogan.errors import ShowerFileError
from calogan.files.column import read_column


@pytest.mark.parametrize(
    ("text", "column", "values"),
    [
        ("1.5\n2.5\n", "", [1.5, 2.5]),
        ("energy\n1.5\n\n# half\n2.5", "", [1.5, 2.5]),
        ("run,energy\n1,1.5\n2,2.5\n", "", [1.5, 2.5]),
        ("run,energy\n1,1.5\n2,2.5\n", ":run", [1, 2]),
        ("run,energy\n1,1.5\n2,2.5\n", ":0", [1, 2]),
        ('"run";"E, GeV"\n1;1.5\n', ":E, GeV", [1.5]),
        ("\ufeffrun\tenergy\r\n1\t1.5\r\n", "", [1.5]),
        ("1 1.5\n2 2.5\n", ":1", [1.5, 2.5]),
    ],
)
def test_text(tmp_path: Path, text: str, column: str, values: list[float]) -> None:
    path = tmp_path / "e.csv"
    path.write_text(text, encoding="utf-8", newline="")
    np.testing.assert_array_equal(read_column(f"{path}{column}"), values)


def test_numpy_and_hdf5(tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", np.array([1.5, 2.5], np.float32))
    np.save(tmp_path / "two.npy", np.array([[1, 3], [2, 4]]))
    np.testing.assert_array_equal(read_column(f"{tmp_path}/one.npy"), [1.5, 2.5])
    np.testing.assert_array_equal(read_column(f"{tmp_path}/two.npy:1"), [3, 4])
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["energy"] = np.array([[1.5], [2.5]])
        file["beam/e"] = np.array([3])
    assert read_column(f"{tmp_path}/a.h5").dtype == np.float64
    np.testing.assert_array_equal(read_column(f"{tmp_path}/a.h5"), [1.5, 2.5])
    np.testing.assert_array_equal(read_column(f"{tmp_path}/a.h5:beam/e"), [3])


def test_the_energies_of_a_file_of_showers(shower_file: Path) -> None:
    with h5py.File(shower_file) as file:
        np.testing.assert_array_equal(read_column(str(shower_file)), file["energy"][:, 0])


def test_a_colon_in_the_name_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "run:7"
    path.write_text("3\n")
    np.testing.assert_array_equal(read_column(str(path)), [3])
    np.testing.assert_array_equal(read_column(f"{path}:0"), [3])


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("", "", "holds no numbers"),
        ("energy\n", "", "holds no numbers"),
        ("1\n2\nthree\n", "", "line 3: 'three' in column 0 is no number"),
        ("a,energy\n1,2\n3\n", "", "line 3: 'nothing' in column 1"),
        ("a,b\n1,2\n", "", "holds no column 'energy', but a, b"),
        ("1,2\n", "", "2 columns without names"),
        ("1,2\n", ":2", "holds no column '2'"),
        ("1,2\n", ":-1", "holds no column '-1'"),
    ],
)
def test_text_that_is_refused(tmp_path: Path, text: str, column: str, message: str) -> None:
    path = tmp_path / "e.csv"
    path.write_text(text)
    with pytest.raises(ShowerFileError, match=message):
        read_column(f"{path}{column}")


def test_binary_files_that_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", energy=np.ones(2))
    np.savez(tmp_path / "b.npz", energy=np.ones(2))
    (tmp_path / "b.npz").rename(tmp_path / "b.npy")
    np.save(tmp_path / "names.npy", np.array(["a", "b"]))
    np.save(tmp_path / "two.npy", np.ones((3, 2)))
    np.save(tmp_path / "objects.npy", np.array([{}]), allow_pickle=True)
    (tmp_path / "cut.npy").write_bytes((tmp_path / "two.npy").read_bytes()[:90])
    (tmp_path / "empty.npy").touch()
    (tmp_path / "no.h5").write_text("no")
    (tmp_path / "e.root").touch()
    with h5py.File(tmp_path / "calochallenge.h5", "w") as file:
        file["incident_energies"] = np.ones((2, 1))
        file["showers"] = np.ones((2, 5))
        file.create_group("more")
    for place, message in {
        "a.npz": "no text file",
        "b.npy": "archive of arrays",
        "names.npy": "no column of numbers",
        "two.npy": "holds 2 columns",
        "two.npy:2": "holds 2 columns",
        "objects.npy": "not a NumPy file",
        "cut.npy": "truncated",
        "empty.npy": "not a NumPy file",
        "no.h5": "not an HDF5 file",
        "e.root": "calogan convert",
        "calochallenge.h5": "no data set 'energy', but incident_energies, showers",
        "calochallenge.h5:incident_energies": "are MeV",
        "calochallenge.h5:showers": "shape",
        "calochallenge.h5:more": "no data set 'more'",
        "nothing.csv": "no such file",
        ".": "no such file",
        "x" * 300: "cannot read|no such file",
    }.items():
        with pytest.raises(ShowerFileError, match=message):
            read_column(f"{tmp_path}/{place}")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=st.binary(max_size=60), ending=st.sampled_from([".csv", ".npy", ".h5", ""]))
def test_whatever_is_in_a_file(tmp_path: Path, content: bytes, ending: str) -> None:
    path = tmp_path / f"f{ending}"
    path.write_bytes(content)
    try:
        assert read_column(str(path)).ndim == 1
    except ShowerFileError as error:
        assert "\n" not in str(error)  # noqa: PT017


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(values=st.lists(st.floats(allow_nan=False), min_size=1, max_size=20))
def test_numbers_come_back_exactly(tmp_path: Path, values: list[float]) -> None:
    path = tmp_path / "e.csv"
    path.write_text("energy,n\n" + "".join(f"{value!r},1\n" for value in values))
    np.testing.assert_array_equal(read_column(str(path)), values)
