"""convert, info and datasets as a user types them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from calogan.files import published as published_sets
from calogan.files import read_showers
from calogan.files.published import PUBLISHED, PublishedFile, PublishedSet
from calogan.showers import Showers
from tests.cli.command import Command
from tests.servers import serving

pytest.importorskip("uproot", reason="needs the extra root")


def test_convert_there_and_back(calogan: Command, tmp_path: Path, shower_file: Path) -> None:
    done = calogan("convert", shower_file, tmp_path / "eplus.root")
    assert done.code == 0
    assert "200 showers, paper to root" in done.out
    done = calogan("convert", tmp_path / "eplus.root", tmp_path / "v.hdf5", "--to", "calochallenge")
    assert "root to calochallenge" in done.out
    done = calogan("convert", tmp_path / "v.hdf5", tmp_path / "back.h5")
    assert done.code == 0
    assert "note" not in done.err
    back, before = read_showers(tmp_path / "back.h5"), read_showers(shower_file)
    np.testing.assert_array_equal(back.cells, before.cells)
    np.testing.assert_array_equal(back.incident.energy_gev, before.incident.energy_gev)


def test_convert_a_foreign_file(calogan: Command, tmp_path: Path, showers: Showers) -> None:
    with h5py.File(tmp_path / "foreign.hdf5", "w") as file:
        file["incident_energies"] = showers.incident.energy_gev[:, None] * 1000
        file["showers"] = showers.cells
    done = calogan(
        "convert", tmp_path / "foreign.hdf5", tmp_path / "eplus.h5", "--calorimeter", "calogan"
    )
    assert done.code == 0
    assert "note: " in done.err
    assert "holds no overflow" in done.err
    assert "name it with --particle" in done.err


def test_info(calogan: Command, tmp_path: Path, shower_file: Path) -> None:
    voxels = tmp_path / "voxels.hdf5"
    calogan("convert", shower_file, voxels, "--to", "calochallenge")
    for path, form in ((shower_file, "paper"), (voxels, "calochallenge")):
        done = calogan("info", path)
        assert done.code == 0
        for text in (form, "200", "e+", "GeV", "on the axis at z = -288 mm", "along z", "calogan"):
            assert text in done.out
        assert "504 = 3 x 96 + 12 x 12 + 12 x 6" in done.out
        values = json.loads(calogan("info", path, "--json", "--checksum").out)
        assert values["format"] == form
        assert values["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_info_of_voxels_without_a_calorimeter(calogan: Command, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "dataset_1_photons_1.hdf5", "w") as file:
        file["incident_energies"] = np.full((3, 1), 256.0)
        file["showers"] = np.zeros((3, 368))
    done = calogan("info", tmp_path / "dataset_1_photons_1.hdf5")
    assert done.code == 0
    for text in ("calochallenge", "gamma", "0.256 GeV", "the file does not say", "368"):
        assert text in done.out


BAD = {
    "no such file": (["convert", "none.h5", "out.h5"], "no such file: none.h5"),
    "no format": (["convert", "eplus.h5", "out.dat"], "the ending does not say the format"),
    "unknown format": (["convert", "eplus.h5", "out.h5", "--to", "csv"], "no format 'csv'"),
    "itself": (["convert", "eplus.h5", "eplus.h5"], "into itself"),
    "folder": (["convert", "eplus.h5", "a/b/out.root"], "the folder a/b does not exist"),
    "text": (["convert", "text.h5", "out.root"], "text.h5 is not an HDF5 file"),
    "truncated": (["convert", "half.root", "out.h5"], "half.root is truncated: "),
    "truncated HDF5": (["info", "half.h5"], "half.h5 is not an HDF5 file, or it is truncated"),
    "calorimeter": (
        ["convert", "eplus.h5", "out.h5", "--calorimeter", "none.yaml"],
        "none.yaml",
    ),
    "another calorimeter": (
        ["convert", "eplus.h5", "out.h5", "--calorimeter", "si-w"],
        "says itself that its calorimeter is 'calogan'",
    ),
    "particle": (["convert", "eplus.h5", "out.h5", "--particle", "snark"], "unknown particle"),
    "voxels": (["convert", "voxels.hdf5", "out.h5"], "give its YAML file"),
    "not a number": (["convert", "nan.h5", "out.root"], "layer_2: shower 17"),
    "info of a folder": (["info", "."], ". is a folder"),
    "no set": (["datasets", "download", "mnist"], "no published set 'mnist'"),
    "no network": (
        ["datasets", "download", "lagan", "--url", "http://127.0.0.1:9", "-o", "data"],
        "cannot reach http://127.0.0.1:9",
    ),
    "no such part": (
        ["datasets", "download", "calogan", "--file", "muon.hdf5"],
        "has no file 'muon.hdf5'",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_line(
    calogan: Command,
    tmp_path: Path,
    shower_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.h5").write_text("a text")
    Path("half.h5").write_bytes(shower_file.read_bytes()[:-1000])
    Path("half.root").write_bytes(
        b"root" + (60000).to_bytes(4) + bytes(4) + b"\xff" * 4 + bytes(99)
    )
    Path("nan.h5").write_bytes(shower_file.read_bytes())
    with h5py.File("nan.h5", "a") as file:
        file["layer_2"][17, 0, 0] = np.nan
    with h5py.File("voxels.hdf5", "w") as file:
        file["incident_energies"], file["showers"] = np.ones((2, 1)), np.ones((2, 6480))
    before = set(tmp_path.rglob("*"))
    arguments, message = BAD[name]
    done = calogan(*arguments)
    assert done.code == 2
    line = next(line for line in done.err.splitlines() if line.startswith("calogan: "))
    assert message in line
    assert "Traceback" not in done.err
    assert {path for path in tmp_path.rglob("*") if path.is_file()} <= before


def test_datasets_lists_all_of_them(calogan: Command) -> None:
    done = calogan("datasets")
    assert done.code == 0
    for published in PUBLISHED:
        assert published.name in done.out
        assert published.doi in done.out
    assert "CC BY 4.0" in done.out


def test_download_that_breaks_off(
    calogan: Command, tmp_path: Path, shower_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = shower_file.read_bytes()
    with serving() as site:
        site.files["eplus.h5"] = content
        tiny = PublishedSet(
            "tiny", "tiny", "10.0/0", "CC0", "paper", "small",
            (PublishedFile("eplus.h5", "https://x.invalid", hashlib.md5(content).hexdigest()),),
        )  # fmt: skip
        monkeypatch.setattr(published_sets, "PUBLISHED", (tiny,))
        site.break_after = [1000] * 5
        call = ("datasets", "download", "tiny", "-o", tmp_path / "data", "--url", site.url)
        done = calogan(*call)
        assert done.code == 2
        assert "broke off 5 times; run the command again to go on" in done.err
        done = calogan(*call)
        assert site.ranges[-1] == "bytes=5000-"
    assert done.code == 0
    assert "MD5 as published" in done.out
    assert "https://doi.org/10.0/0" in done.out
    assert (tmp_path / "data" / "eplus.h5").read_bytes() == content
