"""Geant4 itself: a few showers of low energy. Geant4 lives once in a process, so whatever asks
for another configuration runs in a process of its own."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calogan.calorimeter import CALOGAN, Calorimeter, Material, ReadoutLayer, Section, SubLayer
from calogan.errors import (
    ConfigurationError,
    IncidentError,
    MissingExtraError,
    SimulationError,
)
from calogan.geant4 import detector
from calogan.geant4.data import Geant4Data, find_geant4_data
from calogan.geant4.physics import parse_physics_list
from calogan.geant4.simulator import Geant4Simulator
from calogan.incident import Incident
from calogan.production import incident_rng, produce
from calogan.showers import Showers
from calogan.simulator import Simulator

pytest.importorskip("calzone", reason="needs the extra geant4")

PHYSICS_LIST = "FTFP_BERT_EMV"


@cache
def geant4() -> Geant4Simulator:
    return Geant4Simulator(physics_list=PHYSICS_LIST)


def digest_of(showers: Showers) -> str:
    images = [*showers.layers, showers.overflow]
    return hashlib.sha256(b"".join(image.tobytes() for image in images)).hexdigest()


CHUNKS = {"e+": 3.0, "gamma": 3.0, "pi+": 8.0, "n": 2.0}


def simulate_chunk(simulator: Geant4Simulator, particle: str) -> Showers:
    energies = CHUNKS[particle] * np.array([0.5, 1.0, 1.5])
    return simulator.simulate(Incident.create(particle, energies), np.random.default_rng(11))


def in_a_fresh_process(script: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


_FRESH = """
import sys
from tests.geant4.test_simulator import digest_of, geant4, simulate_chunk
print(*(digest_of(simulate_chunk(geant4(), particle)) for particle in sys.argv[1:]))
"""


def test_is_a_simulator() -> None:
    assert isinstance(geant4(), Simulator)
    assert geant4().name == "geant4"
    assert geant4().calorimeter == CALOGAN


def test_provenance_is_json() -> None:
    provenance = json.loads(json.dumps(geant4().provenance))
    assert provenance["geant4"].startswith("11.4")
    assert provenance["physics_list"] == PHYSICS_LIST
    assert provenance["data"] == geant4().data.label
    assert str(geant4().data.path) not in str(provenance)


def test_positron_showers() -> None:
    incident = Incident.create("e+", [1.0, 5.0, 5.0])
    showers = geant4().simulate(incident, np.random.default_rng(1))
    assert len(showers) == 3
    inside = showers.total_energy + showers.overflow.sum(axis=1)
    # all of it but what leaves, and the annihilation of the positron on top
    assert (inside < 1e3 * incident.energy_gev + 2 * 0.511).all()
    assert (inside > 0.95e3 * incident.energy_gev).all()
    first, middle, last = showers.layer_energies[1:].mean(axis=0)
    assert middle > first > last


def test_photon_that_is_not_stopped_leaves_nothing() -> None:
    away = Incident.create("gamma", 1.0, direction=(0, 0, -1))
    showers = geant4().simulate(away, np.random.default_rng(1))
    assert showers.total_energy.tolist() == [0.0]


def test_shower_beside_the_cells_is_overflow() -> None:
    aside = Incident.create("e+", 2.0, position_mm=(400.0, 0.0, -250.0))
    showers = geant4().simulate(aside, np.random.default_rng(1))
    assert showers.overflow.sum() > 10 * showers.total_energy.sum()


def test_shower_is_where_the_particle_hits() -> None:
    there = Incident.create("e+", 2.0, position_mm=(100.0, -60.0, -250.0))
    image = geant4().simulate(there, np.random.default_rng(1)).layers[1][0]
    x, y = CALOGAN.layers[1].x_mm[:, 0], CALOGAN.layers[1].y_mm[0]
    assert image.sum(axis=1) @ x / image.sum() == pytest.approx(100, abs=20)
    assert image.sum(axis=0) @ y / image.sum() == pytest.approx(-60, abs=20)


def test_no_particles() -> None:
    nobody = Incident.create("e+", np.empty(0))
    assert len(geant4().simulate(nobody, np.random.default_rng(1))) == 0


def test_batches_do_not_lose_showers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calogan.geant4.simulator._BATCH_GEV", 2.0)
    incident = Incident.create("e+", [3.0, 0.5, 0.5, 1.5, 0.2])
    showers = geant4().simulate(incident, np.random.default_rng(1))
    np.testing.assert_array_equal(showers.incident.energy_gev, incident.energy_gev)
    np.testing.assert_allclose(showers.total_energy, 1e3 * incident.energy_gev, rtol=0.1)


class Stumbling:
    """Geant4 that breaks off the first events."""

    def __init__(self, geant4: Any, falls: int) -> None:
        self._geant4 = geant4
        self._falls = falls
        self.random = geant4.random

    def run(self, particles: Any) -> Any:
        import calzone

        if self._falls:
            self._falls -= 1
            msg = "a track is stuck"
            raise calzone.Geant4Exception(msg)
        return self._geant4.run(particles)


def test_event_that_breaks_off_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    incident = Incident.create("e+", [1.0])
    before = geant4().simulate(incident, np.random.default_rng(1))
    real = geant4()._simulation
    monkeypatch.setattr(geant4(), "_simulation", Stumbling(real, 2))
    again = geant4().simulate(incident, np.random.default_rng(1))
    assert again.total_energy > 0
    assert digest_of(again) != digest_of(before)
    monkeypatch.setattr(geant4(), "_simulation", Stumbling(real, 3))
    with pytest.raises(SimulationError, match="gave up 3 times: a track is stuck"):
        geant4().simulate(incident, np.random.default_rng(1))


@pytest.mark.parametrize("particle", CHUNKS)
def test_same_seed_same_showers(particle: str) -> None:
    first = digest_of(simulate_chunk(geant4(), particle))
    for other in CHUNKS:
        simulate_chunk(geant4(), other)
    assert digest_of(simulate_chunk(geant4(), particle)) == first


@pytest.mark.slow
@pytest.mark.parametrize("order", [("e+", "gamma", "pi+", "n"), ("n", "pi+", "gamma", "e+")])
def test_showers_do_not_depend_on_what_came_before(order: tuple[str, ...]) -> None:
    expected = [digest_of(simulate_chunk(geant4(), particle)) for particle in order]
    assert in_a_fresh_process(_FRESH, *order).split() == expected


@pytest.mark.slow
def test_showers_do_not_depend_on_being_first() -> None:
    for particle in CHUNKS:
        expected = digest_of(simulate_chunk(geant4(), particle))
        assert in_a_fresh_process(_FRESH, particle).strip() == expected


@pytest.mark.slow
def test_production_is_the_same_for_any_number_of_workers(tmp_path: Path) -> None:
    incident = Incident.draw("pi+", "1:8", 12, seed=incident_rng(4))
    for workers in (1, 2):
        produce(
            partial(Geant4Simulator, physics_list=PHYSICS_LIST),
            incident,
            tmp_path / f"{workers}.h5",
            seed=4,
            workers=workers,
            chunk_size=3,
            made_with={},
        )
    assert (tmp_path / "1.h5").read_bytes() == (tmp_path / "2.h5").read_bytes()


def test_another_seed_gives_other_showers() -> None:
    incident = Incident.create("e+", [1.0])
    one, two = (geant4().simulate(incident, np.random.default_rng(seed)) for seed in (1, 2))
    assert digest_of(one) != digest_of(two)


def test_another_configuration_is_refused_in_this_process() -> None:
    geant4().simulate(Incident.create("e+", [0.1]))
    other = Geant4Simulator(physics_list="QGSP_BERT_EMV")
    with pytest.raises(SimulationError, match="already runs with another"):
        other.simulate(Incident.create("e+", [0.1]))
    same = Geant4Simulator(physics_list=PHYSICS_LIST)
    assert digest_of(simulate_chunk(same, "e+")) == digest_of(simulate_chunk(geant4(), "e+"))


@pytest.mark.parametrize(
    ("position_mm", "text"),
    [((0, 0, 0), "inside the calorimeter"), ((0, 0, -1000), "outside of the world")],
)
def test_impossible_start(position_mm: tuple[float, float, float], text: str) -> None:
    incident = Incident.create("e+", [1.0], position_mm=position_mm)
    with pytest.raises(IncidentError, match=text):
        geant4().simulate(incident)


def test_particle_that_geant4_does_not_know() -> None:
    excited = Incident.create(445, [1.0])
    with pytest.raises(SimulationError, match="Geant4 does not know the particle: bad pid"):
        geant4().simulate(excited)
    with pytest.raises(IncidentError, match=r"cannot shoot W\+"):
        geant4().simulate(Incident.create(24, [1.0]))
    simulate_chunk(geant4(), "e+")  # and it goes on


def test_bad_options() -> None:
    with pytest.raises(ConfigurationError, match="unknown physics list 'QBBC'"):
        Geant4Simulator(physics_list="QBBC")
    for cut in (0.0, -1.0, float("nan")):
        with pytest.raises(ConfigurationError, match="range cut"):
            Geant4Simulator(range_cut_mm=cut)


@pytest.mark.parametrize("name", ["FTFP_BERT_EMZ", "QGSP_BIC_HP"])
def test_physics_that_needs_the_official_data(name: str) -> None:
    data = find_geant4_data()
    data = Geant4Data(data.path, "compact", data.label)
    with pytest.raises(ConfigurationError, match="needs the official data"):
        Geant4Simulator(physics_list=name, data=data)


def test_physics_list_names() -> None:
    physics = parse_physics_list("qgsp_bert_hp_emz")
    assert physics.name == "QGSP_BERT_HP_EMZ"
    assert (physics.hadronic, physics.electromagnetic) == ("QGSP_BERT_HP", "option4")
    assert parse_physics_list("FTFP_BERT").electromagnetic == "standard"


def test_calzone_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "calzone", None)
    with pytest.raises(MissingExtraError, match=r"calogan\[geant4\]"):
        Geant4Simulator()


def slabs(*materials: str, **known: Material) -> Calorimeter:
    return Calorimeter(
        name="slabs",
        sections=(
            Section(
                sublayers=tuple(SubLayer(material=m, thickness_mm=10) for m in materials), repeat=2
            ),
        ),
        layers=(ReadoutLayer(z_min_mm=-5, z_max_mm=5, n_eta=1, n_phi=1),),
        materials=known,
    )


def test_slabs_lie_one_behind_another() -> None:
    world = detector.describe_world(CALOGAN)["World"]
    np.testing.assert_allclose(world["box"], [120, 120, 57.6])
    boxes = [(v["position"][2], v["box"][2]) for k, v in world.items() if k.startswith("Section")]
    assert len(boxes) == 160
    centers, thickness = np.array(boxes).T
    np.testing.assert_allclose(centers[0] - thickness[0] / 2, -24)
    np.testing.assert_allclose(
        centers[1:] - thickness[1:] / 2, centers[:-1] + thickness[:-1] / 2, atol=1e-12
    )


def test_elements() -> None:
    assert detector.elements_of(CALOGAN) == {1, 18, 82}
    glass = Material(density=2.2, composition={"G4_SILICON_DIOXIDE": 0.9, "G4_Na": 0.1})
    assert detector.elements_of(slabs("G4_STAINLESS-STEEL", "Glass", Glass=glass)) == {
        *(1, 24, 26, 28),
        *(8, 11, 14),
    }


_OTHER_DETECTOR = """
from tests.geant4.test_simulator import slabs
from calogan.geant4 import Geant4Simulator
from calogan.incident import Incident
from calogan.calorimeter import Material
brick = Material(density=2.0, composition={"G4_SILICON_DIOXIDE": 0.6, "G4_W": 0.4})
simulator = Geant4Simulator(slabs("G4_Fe", "Brick", Brick=brick))
incident = Incident.create("pi+", [5.0, 5.0], position_mm=(0, 0, -20))
print(*(simulator.simulate(incident).total_energy > 0))
"""


@pytest.mark.slow
def test_other_materials() -> None:
    assert in_a_fresh_process(_OTHER_DETECTOR).split() == ["True", "True"]
