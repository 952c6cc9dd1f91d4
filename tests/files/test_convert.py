"""Conversion between formats, and what each layout is in itself."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from calogan.calorimeter import CALOGAN, Calorimeter
from calogan.errors import IncidentError, OutputError, ShowerFileError
from calogan.files import create_showers_file, read_showers, write_showers
from calogan.files.convert import convert, rows_per_batch
from calogan.files.summary import summarise
from calogan.incident import Incident
from calogan.showers import Showers
from tests.files.conftest import SMALL, assert_equal

uproot = pytest.importorskip("uproot", reason="needs the extra root")

MeV = 1000.0


def contents(path: Path) -> dict[str, Any]:
    """All data sets and attributes of an HDF5 file."""
    found: dict[str, Any] = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: (
                found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
            )
        )
        found |= {f"@{name}": value for name, value in file.attrs.items()}
    return found


def assert_same_contents(a: Path, b: Path) -> None:
    first, second = contents(a), contents(b)
    assert first.keys() == second.keys()
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], err_msg=name, strict=True)


@pytest.fixture
def mixed_file(tmp_path: Path, small: Showers) -> Path:
    """Two particles that come from anywhere."""
    rng = np.random.default_rng(1)
    incident = Incident.create(
        np.array([22, -11] * 100),
        small.incident.energy_gev.astype(np.float32),  # as the paper's layout holds them
        position_mm=rng.normal(0, 20, (200, 3)),
        direction=rng.normal(0, 1, (200, 3)),
    )
    path = tmp_path / "mixed.h5"
    write_showers(path, dataclasses.replace(small, incident=incident), {"seed": 7, "a": [1]})
    return path


def test_round_trips_of_the_paper_s_layout(
    tmp_path: Path, small_file: Path, mixed_file: Path
) -> None:
    for path in (small_file, mixed_file):
        there, further, back = tmp_path / "a.root", tmp_path / "b.hdf5", tmp_path / "c.h5"
        assert convert(path, there).target == "root"
        assert convert(there, further, to="calochallenge").source == "root"
        done = convert(further, back)
        assert (done.n, done.source, done.target, done.notes) == (200, "calochallenge", "paper", ())
        assert_same_contents(path, back)


def test_the_tree_is_the_original_s(tmp_path: Path, shower_file: Path, showers: Showers) -> None:
    path = tmp_path / "eplus.root"
    convert(shower_file, path)
    with uproot.open(path) as file:
        assert file.classnames()["fancy_tree;1"] == "TTree"
        tree = file["fancy_tree"]
        assert tree.keys() == [*(f"cell_{i}" for i in range(507)), "TotalEnergy"]
        assert {branch.typename for branch in tree.branches} == {"double"}
        cells = np.stack([tree[f"cell_{i}"].array(library="np") for i in range(507)], axis=1)
        energy = tree["TotalEnergy"].array(library="np")
    expected = np.concatenate(
        [*(layer.reshape(200, -1) for layer in showers.layers), showers.overflow], axis=1
    )
    np.testing.assert_array_equal(cells, expected)
    np.testing.assert_array_equal(energy, showers.incident.energy_gev.astype(np.float32))


def original_tree(path: Path, cells: np.ndarray[Any, Any], name: str = "fancy_tree") -> None:
    """A file as the original's program makes it, of doubles."""
    with uproot.recreate(path) as file:
        names = [f"cell_{i}" for i in range(cells.shape[1])]
        tree = file.mktree(name, dict.fromkeys([*names, "TotalEnergy"], "f8"), title="Edep")
        columns = {name: cells[:, i] for i, name in enumerate(names)}
        tree.extend({**columns, "TotalEnergy": np.linspace(1, 2, len(cells))})


def test_a_file_of_the_original(tmp_path: Path) -> None:
    cells = np.random.default_rng(0).exponential(1.0, (20, 507))
    path = tmp_path / "plz_work_kthxbai.root"
    original_tree(path, cells, "another_name")
    done = convert(path, tmp_path / "eplus.h5", particle="e+")
    assert len(done.notes) == 1
    assert "rounded to float32" in done.notes[0]
    back = read_showers(tmp_path / "eplus.h5")
    np.testing.assert_array_equal(back.cells, cells[:, :504].astype(np.float32))
    np.testing.assert_array_equal(back.overflow, cells[:, 504:].astype(np.float32))
    np.testing.assert_array_equal(back.incident.energy_gev, np.linspace(1, 2, 20))  # doubles stay
    assert (back.incident.pdgid == -11).all()
    again = convert(path, tmp_path / "unnamed.h5")
    assert "does not say which particle it is: name it with --particle" in again.notes[1]


def test_trees_that_do_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "a.root"
    original_tree(path, np.zeros((2, 9)))
    with pytest.raises(ShowerFileError, match=r"9 branches .* 'calogan' has 504 cells and 3 over"):
        read_showers(path)
    assert len(read_showers(path, calorimeter=SMALL)) == 2
    with uproot.recreate(path) as file:
        file.mktree("hits", {"x": "f8"})
        file["fancy_tree"] = "a text"
    with pytest.raises(ShowerFileError, match=r"no TTree fancy_tree.* hits \(TTree\), fancy_tree"):
        read_showers(path)
    with uproot.recreate(path) as file:
        names = [*(f"cell_{i}" for i in range(9)), "TotalEnergy"]
        file.mktree("fancy_tree", dict.fromkeys(names, "var * float64"))
    with pytest.raises(ShowerFileError, match="branch cell_0 holds no single numbers"):
        read_showers(path, calorimeter=SMALL)
    with uproot.recreate(path) as file:
        file.mkrntuple("fancy_tree", {"cell_0": np.zeros(2)})
    with pytest.raises(ShowerFileError, match="RNTuple"):
        read_showers(path)


def test_the_voxels_are_the_calochallenge_s(
    tmp_path: Path, shower_file: Path, showers: Showers
) -> None:
    path = tmp_path / "voxels.hdf5"
    convert(shower_file, path, to="calochallenge")
    with h5py.File(path) as file:
        energies = file["incident_energies"][()]
        assert energies.shape == (200, 1)
        gev = showers.incident.energy_gev.astype(np.float32).astype(np.float64)
        np.testing.assert_array_equal(energies[:, 0], gev * MeV)
        np.testing.assert_array_equal(file["showers"], showers.cells)


def foreign_voxels(path: Path, n_voxels: int, n: int = 4) -> None:
    with h5py.File(path, "w") as file:
        file["incident_energies"] = 256.0 * 2.0 ** np.arange(n)[:, None]
        file["showers"] = np.random.default_rng(0).random((n, n_voxels))


@pytest.mark.parametrize(
    ("name", "n_voxels", "particle", "set_"),
    [
        ("dataset_1_photons_1.hdf5", 368, "gamma", "data set 1, photons"),
        ("dataset_1_pions_1.hdf5", 533, "pi+", "data set 1, pions"),
        ("dataset_2_1.hdf5", 6480, None, "data set 2, 45 x 16 x 9"),
        ("dataset_3_1.hdf5", 40500, None, "data set 3, 45 x 50 x 18"),
    ],
)
def test_published_voxels(
    tmp_path: Path, name: str, n_voxels: int, particle: str | None, set_: str
) -> None:
    path = tmp_path / name
    foreign_voxels(path, n_voxels)
    with pytest.raises(ShowerFileError, match=rf"{n_voxels} voxels \(as in CaloChallenge's {set_}"):
        convert(path, tmp_path / "out.h5")
    assert not (tmp_path / "out.h5").exists()
    summary = summarise(path)
    assert (summary.n_cells, summary.calorimeter, summary.layers) == (n_voxels, None, ())
    assert summary.particles == ((particle,) if particle else ())
    assert summary.energy_gev == (0.256, 2.048)
    assert not summary.overflow


def test_voxels_of_a_calorimeter_that_is_given(tmp_path: Path) -> None:
    path = tmp_path / "dataset_2_1.hdf5"
    foreign_voxels(path, 7)
    done = convert(path, tmp_path / "out.h5", calorimeter=SMALL, particle="e-")
    assert [note.split("dataset_2_1.hdf5 ")[1][:13] for note in done.notes] == [
        "holds no over",
        "holds doubles",
    ]
    back = read_showers(tmp_path / "out.h5")
    with h5py.File(path) as file:
        np.testing.assert_array_equal(back.cells, file["showers"][()].astype(np.float32))
    assert (back.incident.pdgid == 11).all()
    assert not back.overflow.any()
    with pytest.raises(ShowerFileError, match=r"7 voxels, but the calorimeter 'calogan' has 504"):
        convert(path, tmp_path / "out.h5", calorimeter=CALOGAN)


def test_contradicting_energies(tmp_path: Path, small_file: Path) -> None:
    path = tmp_path / "voxels.hdf5"
    convert(small_file, path, to="calochallenge")
    with h5py.File(path, "a") as file:
        file["incident_energies"][3] = 1.0
    with pytest.raises(ShowerFileError, match="energy_gev and incident_energies contradict"):
        read_showers(path)


def test_voxels_of_the_wrong_shape(tmp_path: Path) -> None:
    path = tmp_path / "voxels.hdf5"
    foreign_voxels(path, 504)
    assert len(read_showers(path)) == 4  # as many as the paper's calorimeter has
    with h5py.File(path, "a") as file:
        del file["incident_energies"]
    with pytest.raises(ShowerFileError, match="no data set incident_energies of numbers"):
        read_showers(path)
    with h5py.File(path, "a") as file:
        file["incident_energies"] = np.ones((5, 1))
    with pytest.raises(ShowerFileError, match=r"has the shape \(5, 1\), expected \(4, 1\)"):
        read_showers(path)


def test_views_stay_in_the_paper_s_layout(tmp_path: Path, small: Showers) -> None:
    path = tmp_path / "eplus.h5"
    views = (small[::-1], small[np.roll(np.arange(200), 1)])
    write_showers(path, dataclasses.replace(small, views=views), {})
    assert convert(path, tmp_path / "copy.h5").notes == ()
    assert_same_contents(path, tmp_path / "copy.h5")
    done = convert(path, tmp_path / "voxels.h5", to="calochallenge")
    assert "the 2 further views of each shower are left out" in done.notes[0]


def test_memory_is_bounded(tmp_path: Path) -> None:
    assert 1 <= rows_per_batch(CALOGAN) * 8 * 507 <= 2**25
    assert rows_per_batch(CALOGAN, n_views=9) == rows_per_batch(CALOGAN) // 10
    assert rows_per_batch(SMALL) == 10_000
    fine = [{**layer, "n_phi": 10**4} for layer in CALOGAN.model_dump(mode="json")["layers"]]
    huge = Calorimeter.from_dict({**CALOGAN.model_dump(mode="json"), "layers": fine})
    assert rows_per_batch(huge) == 2**25 // (8 * 270_003)
    with pytest.raises(OutputError, match="a branch for each of 270000 cells is not practical"):
        create_showers_file(tmp_path / "huge.root", huge, {})


def test_pieces(
    tmp_path: Path, small_file: Path, small: Showers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In many batches; and an error says from where on its number is counted."""
    monkeypatch.setattr("calogan.files.convert._BATCH_BYTES", 8 * 9 * 30)
    seen: list[tuple[int, int]] = []
    convert(small_file, tmp_path / "a.root", on_progress=lambda *n: seen.append(n))
    assert seen == [*((n, 200) for n in range(30, 200, 30)), (200, 200)]
    rounded = small.incident.energy_gev.astype(np.float32).astype(np.float64)
    incident = dataclasses.replace(small.incident, energy_gev=rounded)
    assert_equal(read_showers(tmp_path / "a.root"), dataclasses.replace(small, incident=incident))
    with h5py.File(small_file, "a") as file:
        file["layer_1"][100, 1, 1] = np.nan
    with pytest.raises(ShowerFileError, match=r"layer_1: shower 10 .*\(counted from shower 90\)"):
        convert(small_file, tmp_path / "b.root")
    assert not (tmp_path / "b.root").exists()


def test_energies_that_float32_cannot_hold(tmp_path: Path) -> None:
    path = tmp_path / "voxels.hdf5"
    foreign_voxels(path, 504)
    with h5py.File(path, "a") as file:
        file["showers"][2, 5] = 1e300
    with pytest.raises(ShowerFileError, match=r"shower 2 holds an energy that is .* not finite"):
        read_showers(path)


def test_what_cannot_be_converted(tmp_path: Path, shower_file: Path) -> None:
    (tmp_path / "link.h5").symlink_to(shower_file)
    for target in (shower_file, tmp_path / "link.h5"):
        with pytest.raises(OutputError, match="into itself"):
            convert(shower_file, target, to="calochallenge")
    with pytest.raises(OutputError, match="does not exist"):
        convert(shower_file, tmp_path / "nowhere" / "out.h5")
    with pytest.raises(IncidentError, match="unknown particle 'snark'"):
        convert(shower_file, tmp_path / "out.h5", particle="snark")
    with pytest.raises(ShowerFileError, match="no such file"):
        convert(tmp_path / "none.h5", tmp_path / "out.h5")
    assert len(read_showers(shower_file)) == 200
    assert not (tmp_path / "out.h5").exists()


def test_summary(tmp_path: Path, shower_file: Path, mixed_file: Path) -> None:
    plain = summarise(shower_file, checksum=True)
    assert (plain.format, plain.n_showers, plain.particles) == ("paper", 200, ("e+",))
    assert plain.layers == ((3, 96), (12, 12), (12, 6))
    assert plain.position_mm == ((0.0, 0.0), (0.0, 0.0), (-288.0, -288.0))
    assert plain.angle_deg == (0.0, 0.0)
    assert plain.made_with == {"seed": 7}
    assert plain.sha256 is not None
    assert len(plain.sha256) == 64
    convert(mixed_file, tmp_path / "mixed.root")
    mixed = summarise(tmp_path / "mixed.root")
    assert mixed.particles == ("e+", "gamma")
    assert mixed.angle_deg is not None
    assert mixed.angle_deg[1] > 90
    as_paper = summarise(mixed_file)
    same = ("particles", "energy_gev", "position_mm", "angle_deg", "layers", "made_with")
    assert all(getattr(mixed, name) == getattr(as_paper, name) for name in same)


def test_summary_of_no_showers(tmp_path: Path, small: Showers) -> None:
    write_showers(tmp_path / "none.h5", small[:0])
    convert(tmp_path / "none.h5", tmp_path / "none.root")
    for name in ("none.h5", "none.root"):
        summary = summarise(tmp_path / name)
        assert (summary.n_showers, summary.energy_gev, summary.particles) == (0, None, ())
