from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from calogan.errors import CaloganError, JetError, OutputError
from calogan.jets import open_jet_images, read_jet_images, write_jet_images
from calogan.jets.files import JetImageWriter
from calogan.jets.images import VARIABLES
from calogan.jets.samples import jet_sample_path
from tests.jets.toys import make_jet_images


@pytest.mark.parametrize("variables", [True, False])
def test_images_come_back(tmp_path: Path, *, variables: bool) -> None:
    images = make_jet_images(12, variables=variables)
    path = tmp_path / "jets.h5"
    write_jet_images(path, images, {"seed": 7})
    with open_jet_images(path) as file:
        assert len(file) == 12
        assert file.made_with == {"seed": 7}
        assert file.variables == (VARIABLES if variables else ())
        part = file.read(3, 8)
        assert [len(chunk) for chunk in file.chunks(5)] == [5, 5, 2]
    np.testing.assert_array_equal(part.image, images.image[3:8])
    np.testing.assert_array_equal(part.signal, images.signal[3:8])
    back = read_jet_images(path)
    assert back.image.dtype == np.float32
    assert len(read_jet_images(path, 10)) == 2
    for name, values in images.variables.items():
        np.testing.assert_array_equal(back.variables[name], values)


def test_layout_is_that_of_the_published_data_set(tmp_path: Path) -> None:
    path = tmp_path / "jets.h5"
    images = make_jet_images(3)
    write_jet_images(path, images)
    with h5py.File(path) as file:
        assert set(file) == {"image", "signal", *VARIABLES}
        assert file["image"].shape == (3, 25, 25)
        assert file["signal"][:].tolist() == images.signal.astype(float).tolist()


def test_a_published_file_loads(tmp_path: Path) -> None:
    """Doubles, without attributes, and with what an interpolation leaves below zero."""
    path = tmp_path / "jet-images_Mass60-100_pT250-300_R1.25_Pix25.hdf5"
    image = np.zeros((2, 25, 25))
    image[0, 12, 12], image[0, 0, 0] = 200.5, -1e-9
    with h5py.File(path, "w") as file:
        file["image"] = image
        file["signal"] = np.array([1.0, 0.0])
        for k, name in enumerate(VARIABLES):
            file[name] = np.full(2, float(k))
    images = read_jet_images(path)
    assert images.signal.tolist() == [True, False]
    assert images.image[0, 12, 12] == 200.5
    assert images.image.min() == 0
    assert images.variables["tau_32"].tolist() == [9, 9]
    with open_jet_images(path) as file:
        assert file.made_with == {}


def test_pieces_are_joined(tmp_path: Path) -> None:
    images = make_jet_images(1500)
    with JetImageWriter(tmp_path / "jets.h5", {"seed": 1}) as writer:
        for start in range(0, 1500, 400):
            writer.append(images[start : start + 400])
    back = read_jet_images(tmp_path / "jets.h5")
    np.testing.assert_array_equal(back.image, images.image)
    np.testing.assert_array_equal(back.variables["tau_21"], images.variables["tau_21"])


def mixed(path: Path) -> None:
    with JetImageWriter(path, {}) as writer:
        writer.append(make_jet_images(2))
        writer.append(make_jet_images(2, variables=False))


def test_no_partial_file_stays_behind(tmp_path: Path) -> None:
    path = tmp_path / "jets.h5"
    with pytest.raises(JetError, match="without jet_pt"):
        mixed(path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OutputError, match="does not exist"):
        write_jet_images(tmp_path / "no" / "jets.h5", make_jet_images(1))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({}, "no data set 'image'"),
        ({"image": np.zeros((2, 25, 25))}, "no data set 'signal'"),
        ({"image": np.zeros((2, 12, 12)), "signal": np.zeros(2)}, r"expected numbers of shape"),
        ({"image": np.zeros((2, 25, 25)), "signal": np.zeros(3)}, "signal is float64"),
        (
            {"image": np.zeros((1, 25, 25)), "signal": np.zeros(1), "tau_1": np.zeros(2)},
            "tau_1 is",
        ),
        ({"image": np.full((1, 25, 25), np.nan), "signal": np.zeros(1)}, "finite"),
        ({"image": np.float64(1)}, "no data set 'image'"),
    ],
)
def test_foreign_files_are_one_line(tmp_path: Path, content: dict[str, object], text: str) -> None:
    path = tmp_path / "foreign.h5"
    with h5py.File(path, "w") as file:
        for name, values in content.items():
            file[name] = values
    with pytest.raises(CaloganError, match=text) as caught:
        read_jet_images(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_file_at_all(tmp_path: Path) -> None:
    with pytest.raises(CaloganError, match="no such file"):
        read_jet_images(tmp_path / "no.h5")
    (tmp_path / "text.h5").write_text("jets")
    with pytest.raises(CaloganError, match="not an HDF5 file"):
        read_jet_images(tmp_path / "text.h5")


def test_the_sample_says_what_made_it() -> None:
    """Its seed is not that of the recipes' images: no model that ships has seen it."""
    with open_jet_images(jet_sample_path()) as file:
        made_with = file.made_with
        assert len(file) == 2000
    assert made_with["simulator"] == "pythia"
    assert made_with["pythia"]
    assert made_with["seed"] == 2
