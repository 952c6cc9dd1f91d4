from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calogan.calorimeter import CALOGAN, PolarLayer, ReadoutLayer
from calogan.errors import ConfigurationError, ModelError, ShowerFileError
from calogan.files import read_showers, write_showers
from calogan.incident import Incident
from calogan.library import LibrarySimulator
from calogan.production import produce
from calogan.samples import read_sample
from calogan.showers import Showers
from calogan.simulator import Simulator
from tests.conftest import make_showers


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def with_incident(showers: Showers, incident: Incident) -> Showers:
    return Showers(incident, showers.layers, showers.overflow, showers.calorimeter)


def write(path: Path, showers: Showers) -> LibrarySimulator:
    write_showers(path, showers)
    return LibrarySimulator(path)


def test_is_a_simulator(shower_file: Path) -> None:
    library = LibrarySimulator(shower_file)
    assert isinstance(library, Simulator)
    assert library.name == "library:eplus.h5"
    assert library.particle == "e+"


def test_provenance_is_json_without_folders(shower_file: Path) -> None:
    provenance = json.loads(json.dumps(LibrarySimulator(shower_file).provenance))
    assert provenance["library"] == "eplus.h5"
    assert provenance["library_showers"] == 200
    assert provenance["made_of"] == {"seed": 7}
    assert len(provenance["library_sha256"]) == 64


def test_a_stored_energy_gives_the_stored_shower(shower_file: Path) -> None:
    stored = read_showers(shower_file)
    library = LibrarySimulator(shower_file, neighbours=1, reflect=False)
    again = library.simulate(stored.incident, rng())
    np.testing.assert_array_equal(again.cells, stored.cells)
    np.testing.assert_array_equal(again.overflow, stored.overflow)


@cache
def sample() -> Showers:
    return read_sample("eplus")


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(1.2, 95.0), min_size=1, max_size=5), st.integers(1, 12))
def test_shower_is_one_of_the_nearest_scaled(energies: list[float], neighbours: int) -> None:
    stored = sample()
    library = LibrarySimulator("sample:eplus", neighbours=neighbours, reflect=False)
    library.__dict__["_stored"] = [stored]  # read once for all examples
    showers = library.simulate(Incident.create("e+", energies), rng())
    # the shape of a shower, whatever its energy, tells which one it is
    shapes = stored.cells / stored.total_energy[:, None]
    for energy, cells, total in zip(energies, showers.cells, showers.total_energy, strict=True):
        row = int(np.abs(shapes - cells / total).sum(axis=1).argmin())
        distance = np.abs(np.log(stored.incident.energy_gev / energy))
        assert distance[row] <= np.sort(distance)[neighbours - 1] + 1e-12
        scale = energy / stored.incident.energy_gev[row]
        np.testing.assert_allclose(cells, scale * stored.cells[row], rtol=1e-5)


def test_every_neighbour_gets_its_turn(tmp_path: Path) -> None:
    incident = Incident.create("e+", [10.0, 20.0, 21.0, 22.0, 40.0])
    showers = with_incident(make_showers(5), incident)
    write_showers(tmp_path / "five.h5", showers)
    library = LibrarySimulator(tmp_path / "five.h5", neighbours=3, reflect=False)
    made = library.simulate(Incident.create("e+", np.full(300, 21.2)), rng())
    unscaled = made.cells / (21.2 / np.array([20.0, 21.0, 22.0])[:, None, None])
    hits = np.isclose(unscaled, showers.cells[1:4, None], rtol=1e-4, atol=1e-3).all(axis=2)
    assert (hits.sum(axis=0) == 1).all()
    assert (hits.sum(axis=1) > 70).all()


def test_mirrors(shower_file: Path) -> None:
    stored = read_showers(shower_file)[:1]
    library = LibrarySimulator(shower_file, neighbours=1)
    energy = np.full(200, stored.incident.energy_gev[0])
    made = library.simulate(Incident.create("e+", energy), rng())
    mirrored = [
        np.concatenate([layer[0, ::x, ::y].ravel() for layer in stored.layers])
        for x in (1, -1)
        for y in (1, -1)
    ]
    hits = np.stack([(made.cells == one).all(axis=1) for one in mirrored])
    assert (hits.sum(axis=0) == 1).all()
    assert (hits.sum(axis=1) > 25).all()


def test_a_beam_beside_the_axis_is_mirrored_only_where_that_is_exact(tmp_path: Path) -> None:
    aside = Incident.create("e+", [10.0], position_mm=(30.0, 0.0, -288.0))
    stored = with_incident(make_showers(1), aside)
    library = write(tmp_path / "aside.h5", stored)
    many = Incident.create("e+", np.full(50, 10.0), position_mm=(30.0, 0.0, -250.0))
    sums = library.simulate(many, rng()).layers[1].sum(axis=2)
    np.testing.assert_allclose(sums, np.repeat(stored.layers[1].sum(axis=2), 50, 0), rtol=1e-5)
    with pytest.raises(ModelError, match=r"beam through \(30, 0, -288\) mm, no other"):
        library.simulate(Incident.create("e+", [10.0]), rng())


LAYERS = {
    "rectangular": ReadoutLayer(z_min_mm=-240, z_max_mm=240, n_eta=5, n_phi=4, half_width_mm=200),
    "polar": PolarLayer(z_min_mm=-240, z_max_mm=240, n_alpha=6, r_edges_mm=(0, 20, 60, 200)),
    "halves": PolarLayer(z_min_mm=-240, z_max_mm=240, n_alpha=2, r_edges_mm=(0, 20, 60)),
    "rings": PolarLayer(z_min_mm=-240, z_max_mm=240, n_alpha=1, r_edges_mm=(0, 20, 60)),
    "thirds": PolarLayer(z_min_mm=-240, z_max_mm=240, n_alpha=3, r_edges_mm=(0, 20, 60)),
}


@pytest.mark.parametrize("kind", LAYERS)
def test_a_mirrored_image_is_the_image_of_the_mirrored_shower(tmp_path: Path, kind: str) -> None:
    layer = LAYERS[kind]
    calorimeter = CALOGAN.model_copy(update={"name": kind, "layers": (layer,)})
    points = rng(3).normal(0, 50, (400, 3))
    energy, event = rng(4).exponential(1.0, 400), np.zeros(400, dtype=np.int64)
    images = {
        (x, y): calorimeter.bin_deposits(event, points * [x, y, 1], energy, 1)[0][0]
        for x in (1, -1)
        for y in (1, -1)
    }
    incident = Incident.create("e+", [10.0])
    stored = Showers(incident, (images[1, 1],), np.zeros((1, 1), np.float32), calorimeter)
    library = write(tmp_path / "one.h5", stored)
    made = library.simulate(Incident.create("e+", np.full(60, 10.0)), rng()).layers[0]
    # a third of a ring is not mirrored in x into another one: it is left as it is
    possible = [image for (x, _), image in images.items() if kind != "thirds" or x == 1]
    same = np.stack([np.isclose(made, image, rtol=1e-4).all(axis=(1, 2)) for image in possible])
    assert same.any(axis=0).all()
    assert same.any(axis=1).all()


def test_views_are_used(tmp_path: Path) -> None:
    stored = make_showers(3)
    views = tuple(with_incident(make_showers(3, seed=k), stored.incident) for k in (1, 2))
    showers = Showers(stored.incident, stored.layers, stored.overflow, stored.calorimeter, views)
    write_showers(tmp_path / "views.h5", showers)
    library = LibrarySimulator(tmp_path / "views.h5", neighbours=1, reflect=False)
    energy = read_showers(tmp_path / "views.h5").incident.energy_gev[1]
    made = library.simulate(Incident.create("e+", np.full(60, energy)), rng())
    for reading in (stored, *views):
        same = (made.cells == reading.cells[1]).all(axis=1)
        assert same.sum() > 8
        np.testing.assert_array_equal(made.overflow[same][0], reading.overflow[1])
    assert library.provenance["library_views"] == 2


def test_several_particles(tmp_path: Path) -> None:
    pdgid = np.array([22, -11] * 10)
    energy = np.linspace(1, 20, 20)
    library = write(
        tmp_path / "mixed.h5", with_incident(make_showers(20), Incident.create(pdgid, energy))
    )
    assert library.particle is None
    assert library.coverage == {-11: (2.0, 20.0), 22: (1.0, 19.0)}
    made = library.simulate(Incident.create([22, -11, 22], [5.0, 5.0, 12.0]), rng())
    assert made.incident.pdgid.tolist() == [22, -11, 22]
    with pytest.raises(ModelError, match=r"holds showers of e\+, gamma, none of pi\+"):
        library.simulate(Incident.create("pi+", [5.0]), rng())


def test_one_shower_is_a_library(tmp_path: Path) -> None:
    library = write(tmp_path / "one.h5", with_incident(make_showers(1), Incident.create(22, [10])))
    made = library.simulate(Incident.create("gamma", [10.0, 10.5]), rng())
    assert made.total_energy[1] == pytest.approx(1.05 * made.total_energy[0], rel=1e-5)


def test_no_particles(shower_file: Path) -> None:
    made = LibrarySimulator(shower_file).simulate(Incident.create("e+", np.empty(0)), rng())
    assert len(made) == 0


def test_same_seed_same_showers(shower_file: Path, tmp_path: Path) -> None:
    incident = Incident.draw("e+", "2:90", 50, seed=1)
    one, two, other = (
        LibrarySimulator(shower_file).simulate(incident, rng(seed)).cells for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, two)
    assert (one != other).any()


def test_production(shower_file: Path, tmp_path: Path) -> None:
    incident = Incident.draw("e+", "2:90", 30, seed=1)
    path = tmp_path / "made.h5"
    produce(lambda: LibrarySimulator(shower_file), incident, path, seed=1, made_with={})
    assert len(read_showers(path)) == 30


def test_shapes_are_those_of_the_stored_showers() -> None:
    stored = sample()
    made = LibrarySimulator("sample:eplus").simulate(
        Incident.draw("e+", "2:100", 4000, seed=1), rng()
    )
    response = made.total_energy / (1e3 * made.incident.energy_gev)
    assert response.mean() == pytest.approx(0.9936, abs=0.001)
    share = made.layer_energies / made.total_energy[:, None]
    kept = stored[stored.incident.energy_gev > 2]
    expected = kept.layer_energies / kept.total_energy[:, None]
    np.testing.assert_allclose(share.mean(axis=0), expected.mean(axis=0), rtol=0.05)


@pytest.mark.parametrize("energy", [0.5, 150.0])
def test_energy_that_is_not_stored(shower_file: Path, energy: float) -> None:
    with pytest.raises(ModelError, match=f"one of {energy:g} GeV is too far"):
        LibrarySimulator(shower_file).simulate(Incident.create("e+", [10.0, energy]), rng())


def test_tolerance(shower_file: Path) -> None:
    low, high = LibrarySimulator(shower_file).coverage[-11]
    edges = Incident.create("e+", [0.92 * low, 1.08 * high])
    assert len(LibrarySimulator(shower_file).simulate(edges, rng())) == 2
    with pytest.raises(ModelError, match="too far"):
        LibrarySimulator(shower_file, tolerance=0.0).simulate(edges, rng())


def test_another_beam(shower_file: Path) -> None:
    library = LibrarySimulator(shower_file)
    with pytest.raises(ModelError, match="no other"):
        library.simulate(Incident.create("e+", [10.0], direction=(0.1, 0, 1)), rng())
    nearer = Incident.create("e+", [10.0], position_mm=(0, 0, -250))
    assert len(library.simulate(nearer, rng())) == 1  # the same line of flight


def test_a_file_that_is_no_library(tmp_path: Path) -> None:
    with pytest.raises(ShowerFileError, match="no such file"):
        LibrarySimulator(tmp_path / "nothing.h5")
    with pytest.raises(ShowerFileError, match="no sample 'muon'"):
        LibrarySimulator("sample:muon")
    with pytest.raises(ModelError, match="name the file"):
        LibrarySimulator("")
    with pytest.raises(ModelError, match="holds no showers"):
        write(tmp_path / "empty.h5", make_showers(0))
    unknown = with_incident(make_showers(2), Incident.create([0, 0], [1, 2]))
    with pytest.raises(ModelError, match="does not say which particle"):
        write(tmp_path / "unknown.h5", unknown).simulate(Incident.create("e+", [1.5]))
    places = Incident.create("e+", [1, 2], position_mm=[(0, 0, -288), (1, 0, -288)])
    with pytest.raises(ModelError, match="several positions"):
        write(tmp_path / "places.h5", with_incident(make_showers(2), places)).simulate(places)


def test_bad_options(shower_file: Path) -> None:
    with pytest.raises(ConfigurationError, match="0 neighbours"):
        LibrarySimulator(shower_file, neighbours=0)
    for tolerance in (-0.1, 1.0, float("nan")):
        with pytest.raises(ConfigurationError, match="tolerance"):
            LibrarySimulator(shower_file, tolerance=tolerance)
