"""calogan observables as a user types it."""

from __future__ import annotations

import json
import resource
import sys
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from calogan import samples
from calogan.calorimeter import Calorimeter
from calogan.evaluation.table import write_observables
from calogan.files import write_showers
from calogan.incident import Incident
from calogan.observables import observables_of, observables_table
from calogan.showers import Showers
from tests.cli.command import Command

pd = pytest.importorskip("pandas", reason="needs the extra tables")
pytest.importorskip("pyarrow", reason="needs the extra tables")
pytest.importorskip("tables", reason="needs the extra tables")

FORMATS = ["parquet", "h5", "csv"]


@pytest.fixture
def calogan(calogan: Command) -> Command:
    """Run `calogan observables` in this process."""
    return partial(calogan, "observables")


def read(path: Path) -> Any:
    """As a user of pandas would, without any option."""
    match path.suffix:
        case ".parquet":
            return pd.read_parquet(path)
        case ".h5":
            return pd.read_hdf(path)
        case _:
            return pd.read_csv(path)


@pytest.mark.parametrize("ending", FORMATS)
def test_pandas_reads_every_observable(
    calogan: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setattr("calogan.evaluation.table.rows_per_batch", lambda _: 300)
    done = calogan("sample:eplus", "-o", tmp_path / f"shapes.{ending}")
    assert done.code == 0
    assert "1000 showers, 60 columns" in done.out
    frame = read(tmp_path / f"shapes.{ending}")
    showers = samples.read_sample("eplus")
    table = observables_table(showers, with_energy=True)
    assert list(frame) == [
        "energy",
        "pdgid",
        *(o.name for o in observables_of(showers.calorimeter)),
    ]
    assert (frame["pdgid"] == -11).all()
    assert frame["pdgid"].dtype == np.int64
    assert list(frame.index) == list(range(1000))
    for name, values in table.items():
        rel = 1e-8 if ending == "csv" else 1e-12
        assert frame[name].to_numpy(np.float64) == pytest.approx(values, rel=rel, nan_ok=True), name
    assert list(tmp_path.iterdir()) == [tmp_path / f"shapes.{ending}"]


def test_the_table_says_where_it_comes_from(
    calogan: Command, tmp_path: Path, shower_file: Path
) -> None:
    for ending in ("parquet", "h5"):
        assert calogan(shower_file, "-o", tmp_path / f"t.{ending}").code == 0
    with h5py.File(tmp_path / "t.h5") as file:
        told = json.loads(file.attrs["calogan"])
    assert told == pd.read_parquet(tmp_path / "t.parquet").attrs
    assert told["source"] == str(shower_file)
    assert told["made_with"] == {"seed": 7}
    assert told["units"]["energy"] == "GeV"
    assert told["units"]["sigma_eta_cells_0"] == "cells"
    assert told["calogan"]


def test_some_observables_of_some_showers(calogan: Command, tmp_path: Path) -> None:
    path = tmp_path / "some.csv"
    done = calogan("sample:piplus", "-o", path, "--observables", "f_*,s_d", "-n", 7)
    assert done.code == 0
    frame = read(path)
    assert list(frame) == ["energy", "pdgid", "f_0", "f_1", "f_2", "s_d"]
    assert len(frame) == 7
    assert (frame["pdgid"] == 211).all()


def test_a_calorimeter_of_many_layers(calogan: Command, tmp_path: Path) -> None:
    siw = Calorimeter.load("si-w")
    rng = np.random.default_rng(0)
    layers = tuple(rng.random((20, *shape), np.float32) for shape in siw.layer_shapes)
    incident = Incident.create("gamma", np.full(20, 5.0))
    write_showers(
        tmp_path / "siw.h5", Showers(incident, layers, np.zeros((20, 45), np.float32), siw)
    )
    for ending in FORMATS:
        done = calogan(tmp_path / "siw.h5", "-o", tmp_path / f"t.{ending}")
        assert done.code == 0
        assert "warning" not in done.err
        assert read(tmp_path / f"t.{ending}").shape == (20, len(observables_of(siw)) + 2)


def test_list(calogan: Command, tmp_path: Path) -> None:
    done = calogan("sample:eplus", "--list", "--observables", "group:depth,peak_5_0")
    assert done.code == 0
    assert [line.split()[0] for line in done.out.splitlines()[2:]] == [
        *("d", "l_d", "s_d", "sigma_sd", "peak_5_0")
    ]
    assert "deepest layer with energy" in done.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nothing.h5", "-o", "t.csv"), "no such file: nothing.h5"),
        (("sample:nothing", "-o", "t.csv"), "no sample 'nothing'"),
        (("text.csv", "-o", "t.csv"), "text.csv is not an HDF5 file"),
        (("empty.h5", "-o", "t.csv"), "empty.h5 holds no showers"),
        (("sample:eplus", "-o", "t.xlsx"), "t.xlsx: the ending does not say the format"),
        (("sample:eplus", "-o", "no/t.csv"), "the folder no does not exist"),
        (("sample:eplus", "-o", "t.csv", "--observables", "sigma_1"), "no observable 'sigma_1'"),
        (("some.h5", "-o", "some.h5"), "cannot write the table over the showers in some.h5"),
        (("some.h5", "-o", "t.csv", "--calorimeter", "si-w"), "its calorimeter is 'calogan'"),
    ],
)
def test_bad_input_is_one_line_and_no_file(
    calogan: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.csv").write_text("a,b\n")
    sample = samples.read_sample("eplus")
    write_showers("some.h5", sample[:3])
    write_showers("empty.h5", sample[:0])
    before = {path: path.read_bytes() for path in Path().iterdir()}
    done = calogan(*arguments)
    assert done.code == 2
    assert said in done.err
    assert len(done.err.splitlines()) == 1
    assert {path: path.read_bytes() for path in Path().iterdir()} == before


def test_no_table_named(calogan: Command) -> None:
    done = calogan("sample:eplus")
    assert done.code == 2
    assert "--list" in done.err


@pytest.mark.parametrize("size", [5_000, 200_000])
@pytest.mark.parametrize("ending", FORMATS)
def test_a_full_disk(calogan: Command, tmp_path: Path, ending: str, size: int) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        done = calogan("sample:eplus", "-o", tmp_path / f"t.{ending}")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert done.code == 2
    assert f"cannot write {tmp_path}/t.{ending}: " in done.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("ending", "missing"), [("parquet", "pyarrow"), ("h5", "tables")])
def test_a_missing_library(
    calogan: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, missing: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    done = calogan("sample:eplus", "-o", tmp_path / f"t.{ending}")
    assert done.code == 2
    assert "pip install 'calogan[tables]'" in done.err
    assert not list(tmp_path.iterdir())


def test_csv_needs_no_library(
    calogan: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for library in ("pandas", "pyarrow", "tables"):
        monkeypatch.setitem(sys.modules, library, None)
    assert calogan("sample:eplus", "-o", tmp_path / "t.csv", "-n", 2).code == 0


def test_a_shower_that_is_damaged_is_counted_from_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("calogan.evaluation.table.rows_per_batch", lambda _: 4)
    write_showers(tmp_path / "bad.h5", samples.read_sample("eplus")[:10])
    with h5py.File(tmp_path / "bad.h5", "r+") as file:
        file["layer_1"][6, 0, 0] = -1
    from calogan.errors import ShowerFileError

    with pytest.raises(ShowerFileError, match=r"shower 2 .*counted from shower 4"):
        write_observables(tmp_path / "bad.h5", tmp_path / "t.csv")
    assert not (tmp_path / "t.csv").exists()
