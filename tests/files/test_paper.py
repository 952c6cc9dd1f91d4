from __future__ import annotations

import dataclasses
import errno
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from calogan.errors import OutputError, ShowerFileError
from calogan.files import ShowerFile, ShowerWriter, read_showers, write_showers
from calogan.incident import Incident
from calogan.showers import Showers


def test_round_trip(shower_file: Path, showers: Showers) -> None:
    back = read_showers(shower_file)
    np.testing.assert_array_equal(back.cells, showers.cells)
    np.testing.assert_array_equal(back.overflow, showers.overflow)
    np.testing.assert_allclose(back.incident.energy_gev, showers.incident.energy_gev, rtol=1e-6)
    np.testing.assert_array_equal(back.incident.pdgid, showers.incident.pdgid)
    with ShowerFile(shower_file) as file:
        assert file.made_with == {"seed": 7}
        assert file.particle == "e+"


def test_the_layout_is_the_paper_s(shower_file: Path) -> None:
    with h5py.File(shower_file) as file:
        assert {name: dataset.shape for name, dataset in file.items()} == {
            "energy": (200, 1),
            "layer_0": (200, 3, 96),
            "layer_1": (200, 12, 12),
            "layer_2": (200, 12, 6),
            "overflow": (200, 3),
        }


def test_pieces_make_the_same_bytes_as_the_whole(
    tmp_path: Path, shower_file: Path, showers: Showers
) -> None:
    path = tmp_path / "pieces.h5"
    with ShowerWriter(path, showers.calorimeter, {"seed": 7}) as writer:
        for start in range(0, len(showers), 64):
            writer.append(showers[start : start + 64])
    again = tmp_path / "again.h5"
    with ShowerWriter(again, showers.calorimeter, {"seed": 7}) as writer:
        for start in range(0, len(showers), 64):
            writer.append(showers[start : start + 64])
    assert path.read_bytes() == again.read_bytes()
    np.testing.assert_array_equal(read_showers(path).cells, read_showers(shower_file).cells)


def test_particles_position_and_direction_are_kept(tmp_path: Path, showers: Showers) -> None:
    incident = Incident.create(
        np.array([22, -11] * 5),
        np.arange(1.0, 11.0),
        position_mm=(1, 2, -288),
        direction=(0, 0.6, 0.8),
    )
    path = tmp_path / "mixed.h5"
    write_showers(path, dataclasses.replace(showers[:10], incident=incident))
    back = read_showers(path).incident
    for name in ("pdgid", "energy_gev", "position_mm", "direction"):
        np.testing.assert_allclose(getattr(back, name), getattr(incident, name))


def test_reading_a_part(shower_file: Path, showers: Showers) -> None:
    np.testing.assert_array_equal(read_showers(shower_file, 5, 9).cells, showers[5:9].cells)
    with ShowerFile(shower_file) as file:
        assert [len(chunk) for chunk in file.chunks(90)] == [90, 90, 20]


def test_a_particle_that_the_file_does_not_name(shower_file: Path, tmp_path: Path) -> None:
    path = shower_file.rename(tmp_path / "showers.h5")
    with h5py.File(path, "a") as file:
        del file.attrs["particle"]
    with ShowerFile(path) as unnamed:
        assert unnamed.particle is None
        back = unnamed.read()
    assert (back.incident.pdgid == 0).all()
    write_showers(tmp_path / "again.h5", back)
    assert len(read_showers(tmp_path / "again.h5")) == len(back)


def test_no_showers_at_all(tmp_path: Path, showers: Showers) -> None:
    path = tmp_path / "none.h5"
    write_showers(path, showers[:0])
    assert len(read_showers(path)) == 0


def test_views(shower_file: Path, showers: Showers) -> None:
    with h5py.File(shower_file, "a") as file:
        for k, layer in enumerate(showers.layers):
            file[f"views/layer_{k}"] = np.stack([2 * layer, 3 * layer], axis=1)
    with ShowerFile(shower_file) as views:
        assert views.n_views == 2
        np.testing.assert_array_equal(
            views.read(3, 5, view=2).layers[1], 3 * showers.layers[1][3:5]
        )
        with pytest.raises(ShowerFileError, match="2 views"):
            views.read(view=3)


def remove_layer(path: Path) -> None:
    with h5py.File(path, "a") as file:
        del file["layer_1"]


def change_shape(path: Path) -> None:
    with h5py.File(path, "a") as file:
        del file["layer_1"]
        file["layer_1"] = np.zeros((200, 12, 13))


def not_a_number(path: Path) -> None:
    with h5py.File(path, "a") as file:
        file["layer_2"][17, 0, 0] = np.nan


def negative_energy(path: Path) -> None:
    with h5py.File(path, "a") as file:
        file["energy"][4] = -1


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:3000])


def foreign(path: Path) -> None:
    path.write_text("not HDF5")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (Path.unlink, "no such file"),
        (remove_layer, "no data set layer_1"),
        (change_shape, r"layer_1 is float64 \(200, 12, 13\), expected .*\(200, 12, 12\)"),
        (not_a_number, "layer_2: shower 17 holds an energy that is negative or not finite"),
        (negative_energy, "energy of incident 4 is -1 GeV"),
        (truncate, "not an HDF5 file, or it is truncated"),
        (foreign, "not an HDF5 file, or it is truncated"),
    ],
)
def test_bad_files_get_one_clear_line(
    shower_file: Path, damage: Callable[[Path], None], message: str
) -> None:
    damage(shower_file)
    with pytest.raises(ShowerFileError, match=message) as caught:
        read_showers(shower_file)
    assert str(shower_file) in str(caught.value)
    assert "\n" not in str(caught.value)


def broken_views(path: Path) -> None:
    with h5py.File(path, "a") as file:
        file["views/layer_0"] = np.zeros((200, 4, 3, 96))


def text_direction(path: Path) -> None:
    with h5py.File(path, "a") as file:
        file["direction"] = [b"up"] * 200


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (broken_views, "views/layer_1 is no data set"),
        (text_direction, "direction is .* expected numbers of shape"),
    ],
)
def test_what_is_optional_is_checked_too(
    shower_file: Path, damage: Callable[[Path], None], message: str
) -> None:
    damage(shower_file)
    with pytest.raises(ShowerFileError, match=message):
        ShowerFile(shower_file)


def test_attributes_of_another_program_do_no_harm(shower_file: Path) -> None:
    with h5py.File(shower_file, "a") as file:
        file.attrs["made_with"] = "our own generator"
        file.attrs["particle"] = [1, 2]
    with ShowerFile(shower_file) as foreign:
        assert foreign.made_with == {}
        assert foreign.particle == "e+"  # by the name of the file


def test_a_link_stays_a_link(tmp_path: Path, showers: Showers) -> None:
    target, link = tmp_path / "disk.h5", tmp_path / "link.h5"
    target.write_bytes(b"older")
    link.symlink_to(target)
    write_showers(link, showers[:3])
    assert link.is_symlink()
    assert len(read_showers(target)) == 3


def test_an_interrupted_file_does_not_appear(tmp_path: Path, showers: Showers) -> None:
    path = tmp_path / "out.h5"
    path.write_bytes(b"older")

    def interrupted() -> None:
        with ShowerWriter(path, showers.calorimeter, {}) as writer:
            writer.append(showers)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [path]


def test_no_folder_is_one_clear_line(tmp_path: Path, showers: Showers) -> None:
    with pytest.raises(OutputError, match="does not exist"):
        write_showers(tmp_path / "nowhere" / "out.h5", showers)


def test_a_full_disk_is_one_clear_line_and_leaves_nothing(
    tmp_path: Path, showers: Showers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("calogan.files.output.os.fsync", full)
    with pytest.raises(OutputError, match="No space left on device"):
        write_showers(tmp_path / "out.h5", showers)
    assert list(tmp_path.iterdir()) == []
