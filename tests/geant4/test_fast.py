"""Fast simulation inside Geant4. Without upstream material Geant4 is configured as in
`test_simulator`, and runs in this process; behind aluminium it runs in a process of its own."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calogan.calorimeter import CALOGAN
from calogan.catalogue import open_simulator
from calogan.errors import CalorimeterError, ConfigurationError, IncidentError, ModelError
from calogan.files import ShowerFile
from calogan.geant4 import fast
from calogan.geant4.fast import FastGeant4Simulator
from calogan.geant4.handover import Entering
from calogan.incident import Incident
from calogan.library import LibrarySimulator
from calogan.samples import sample_path
from calogan.simulator import Simulator
from tests.geant4.models import OneCell
from tests.geant4.test_simulator import digest_of, in_a_fresh_process

pytest.importorskip("calzone", reason="needs the extra geant4")

PHYSICS_LIST = "FTFP_BERT_EMV"
ROOT = Path(__file__).parents[2]
ALUMINIUM = ROOT / "examples" / "upstream" / "aluminium.yaml"


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def make(*models: Any, **options: Any) -> FastGeant4Simulator:
    return FastGeant4Simulator(models, physics_list=PHYSICS_LIST, **options)


@cache
def bare(covers_e: bool = True) -> FastGeant4Simulator:
    return make(OneCell({-11: (1.0, 100.0)} if covers_e else {13: (0, 1)}))


def asked(simulator: FastGeant4Simulator) -> list[Incident]:
    models: list[OneCell] = [model for model in simulator._models if isinstance(model, OneCell)]
    return [incident for model in models for incident in model.asked]


def total(showers: Any) -> Any:
    return showers.total_energy + showers.overflow.sum(axis=1)


def test_is_a_simulator() -> None:
    assert isinstance(bare(), Simulator)
    assert bare().name == "geant4"
    assert bare().calorimeter == CALOGAN


def test_provenance_is_json() -> None:
    provenance = json.loads(json.dumps(bare().provenance))
    assert provenance["simulator"] == "geant4"
    assert provenance["fast"] == [{"name": "one-cell", "cell": [1, 48]}]
    library = make(LibrarySimulator("sample:eplus"), OneCell()).provenance["fast"]
    assert [model["name"] for model in library] == ["library:sample:eplus", "one-cell"]
    assert len(library[0]["library_sha256"]) == 64


def test_covered_particles_go_to_the_model_in_one_call() -> None:
    simulator = make(OneCell({-11: (1.0, 100.0)}))
    incident = Incident.create([-11, 11, -11], [2.0, 50.0, 99.0])
    showers = simulator.simulate(incident, rng())
    np.testing.assert_allclose(showers.layers[0][:, 1, 48], 1e3 * incident.energy_gev, rtol=1e-6)
    np.testing.assert_allclose(total(showers), 1e3 * incident.energy_gev, rtol=1e-6)
    (once,) = asked(simulator)
    assert once.pdgid.tolist() == [-11, -11, -11]
    np.testing.assert_allclose(once.energy_gev, incident.energy_gev)
    np.testing.assert_array_equal(showers.incident.pdgid, incident.pdgid)


def test_others_are_simulated_in_full_and_events_stay_apart() -> None:
    simulator = make(OneCell({-11: (1.0, 100.0)}))
    incident = Incident.create([22, -11, -11, 22, 211], [1.5, 30.0, 0.5, 0.2, 0.3])
    showers = simulator.simulate(incident, rng())
    assert len(asked(simulator)[0]) == 1
    assert total(showers)[1] == pytest.approx(30e3)
    assert np.count_nonzero(showers.cells[1]) == 1
    full = [0, 2, 3]
    np.testing.assert_allclose(total(showers)[full], 1e3 * incident.energy_gev[full], rtol=0.12)
    assert (np.count_nonzero(showers.cells[full], axis=1) > 10).all()


def test_particles_of_one_event_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    simulator = make(OneCell({-11: (1.0, 100.0)}), OneCell({22: (1.0, 100.0)}, cell=(0, 0)))
    face = np.tile([0.0, 0.0, -240.0], (6, 1))
    ahead = np.tile([0.0, 0.0, 1.0], (6, 1))
    together = Entering(
        np.array([0, 0, 2, 2, 2, 2]),
        np.array([-11, 22, -11, 11, 22, 22]),
        np.array([2e3, 3e3, 4e3, 5e3, 6e3, 300.0]),  # the last one in full
        face,
        ahead,
    )
    monkeypatch.setattr(simulator, "_catch", lambda *_: together)
    showers = simulator.simulate(Incident.create("e-", [1.0, 1.0, 1.0]), rng())
    assert showers.layers[0][0, 1, 48] == pytest.approx(2e3)
    assert showers.layers[0][0, 0, 0] == pytest.approx(3e3)
    assert total(showers)[1] == 0
    assert showers.layers[0][2, 0, 0] == pytest.approx(6e3)
    assert total(showers)[2] == pytest.approx(15e3 + 300, abs=40)
    assert showers.layers[0][2, 1, 48] == pytest.approx(9e3, abs=150)


def test_particles_too_soft_for_an_incident(monkeypatch: pytest.MonkeyPatch) -> None:
    cold = Entering(
        np.array([1]), np.array([2112]), np.array([2.5e-8]),
        np.array([[0.0, 0.0, -240.0]]), np.array([[0.0, 0.0, 1.0]]),
    )  # fmt: skip
    monkeypatch.setattr(bare(), "_catch", lambda *_: cold)
    showers = bare().simulate(Incident.create("e-", [1.0, 1.0]), rng())
    assert total(showers)[0] == 0  # whether or not the neutron is captured


def test_the_first_model_that_covers_takes_a_particle() -> None:
    first, second = OneCell({22: (1, 10)}), OneCell({22: (5, 50)}, cell=(0, 0))
    showers = make(first, second).simulate(Incident.create("gamma", [2.0, 6.0, 20.0]), rng())
    assert (showers.layers[0][:, 1, 48] > 0).tolist() == [True, True, False]
    assert (showers.layers[0][:, 0, 0] > 0).tolist() == [False, False, True]


def test_a_particle_that_starts_on_the_face_is_caught_as_well() -> None:
    starts = [(0, 0, -240), (0, 0, -240.0001), (0, 0, -239.9999999), (40, 40, -240)]
    incident = Incident.create("e+", np.full(4, 2.0), position_mm=starts)
    assert total(bare().simulate(incident, rng())) == pytest.approx(2e3)


def test_a_shower_is_put_where_its_particle_enters() -> None:
    there = Incident.create("e+", [2.0], position_mm=(160.0, -60.0, -250.0))
    showers = bare().simulate(there, rng())
    assert showers.layers[0][0, 2, 48 - 12] == pytest.approx(2e3)


@pytest.mark.parametrize(
    ("position_mm", "direction"),
    [((0, 0, -288), (0.1, 0, 1)), ((510, 0, 1), (-1, 0, 0)), ((250, 0, -250), (0, 0, 1))],
    ids=["inclined", "from the side", "beside the cells"],
)
def test_what_models_do_not_cover(position_mm: Any, direction: Any) -> None:
    simulator = make(OneCell({-11: (0, 100.0)}))
    incident = Incident.create("e+", [1.5], position_mm=position_mm, direction=direction)
    showers = simulator.simulate(incident, rng())
    assert asked(simulator) == []
    assert total(showers)[0] > 1000


def test_a_particle_that_misses_leaves_nothing() -> None:
    away = Incident.create("e+", [1.5, 2.0], direction=[(0, 0, -1), (0, 0, 1)])
    assert total(bare().simulate(away, rng())).tolist() == [0, 2000]


def test_no_particles() -> None:
    assert len(bare().simulate(Incident.create("e+", np.empty(0)), rng())) == 0


def test_nothing_covered_is_full_simulation() -> None:
    showers = bare(covers_e=False).simulate(Incident.create("e+", np.full(8, 1.0)), rng())
    response = total(showers) / 1e3
    assert response.mean() == pytest.approx(0.99, abs=0.01)
    assert (showers.layer_energies.mean(axis=0)[:2] > 300).all()


def test_batches_and_runs_lose_no_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast, "_EVENTS", 3)
    monkeypatch.setattr(fast, "_RUN_MEV", 400.0)
    energies = np.array([2.0, 0.3, 3.0, 0.2, 0.25, 4.0, 0.1])
    showers = bare().simulate(Incident.create("e+", energies), rng())
    np.testing.assert_array_equal(showers.incident.energy_gev, energies)
    np.testing.assert_allclose(total(showers), 1e3 * energies, rtol=0.1)


def test_same_seed_same_showers() -> None:
    incident = Incident.create([22, -11, 11], [0.3, 2.0, 0.4])
    one, two, other = (digest_of(bare().simulate(incident, rng(s))) for s in (1, 1, 2))
    assert one == two != other


def test_full_simulation_goes_on_in_the_same_process() -> None:
    full = open_simulator("geant4", physics_list=PHYSICS_LIST)
    incident = Incident.create("gamma", [0.3, 0.4])
    before = digest_of(full.simulate(incident, rng()))
    bare().simulate(incident, rng())
    assert digest_of(full.simulate(incident, rng())) == before


def test_active_deposits(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="one-cell is made of all deposits, and active"):
        make(OneCell(), deposits="active")
    model = OneCell()
    model.provenance = {"trained_on": {"deposits": "active"}}
    simulator = make(model, deposits="active")
    roles = {simulator._simulation.geometry[f"World.Section0Repeat3Slab{k}"].role for k in (0, 1)}
    assert roles == {"catch_ingoing", ("record_deposits", "catch_ingoing")}


def test_models_that_do_not_fit() -> None:
    with pytest.raises(ModelError, match="needs a model at least"):
        make()
    with pytest.raises(ModelError, match="geant4 cannot take showers over"):
        make(bare())
    other = CALOGAN.model_copy(update={"name": "other"})
    with pytest.raises(CalorimeterError, match="one-cell makes showers in the calorimeter calogan"):
        make(OneCell(), calorimeter=other)
    with pytest.raises(ConfigurationError, match="no further views"):
        make(OneCell(), views=2)


def test_bad_start() -> None:
    with pytest.raises(IncidentError, match="inside the calorimeter"):
        bare().simulate(Incident.create("e+", [1.0], position_mm=(0, 0, 0)))


_BEHIND_ALUMINIUM = """
import json
import sys
import numpy as np
from calogan.catalogue import open_simulator
from calogan.geant4.fast import FastGeant4Simulator
from calogan.geant4.upstream import Upstream
from calogan.incident import Incident
from tests.geant4.models import OneCell
from tests.geant4.test_fast import total
from tests.geant4.test_simulator import digest_of

options = {"upstream": Upstream.from_yaml(sys.argv[1]), "physics_list": "FTFP_BERT_EMV"}
incident = Incident.create("e-", np.full(10, 1.5))
everything = {-11: (0, 100), 22: (0, 100)}
sides = {
    "model": FastGeant4Simulator([OneCell(everything)], **options),
    "nothing": FastGeant4Simulator([OneCell({})], **options),
    "library": open_simulator("geant4", fast=["library:sample:eplus"], **options),
    "full": open_simulator("geant4", **options),
}
if len(sys.argv) > 2:
    sides = {name: sides[name] for name in sys.argv[2:]}
found = {}
for name, side in sides.items():
    showers = side.simulate(incident, np.random.default_rng(1))
    found[name] = {
        "total": total(showers).tolist(),
        "share": showers.layer_energies.mean(axis=0).tolist(),
        "first": showers.layers[0][:, 1, 48].tolist(),
        "digest": digest_of(showers),
        "provenance": side.provenance,
        "asked": [len(call) for model in getattr(side, "_models", []) if hasattr(model, "asked")
                  for call in model.asked],
    }
print(json.dumps(found))
"""


@cache
def behind_aluminium(*sides: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        in_a_fresh_process(_BEHIND_ALUMINIUM, str(ALUMINIUM), *sides)
    )
    return found


@pytest.mark.slow
def test_upstream_material_takes_energy_and_starts_the_shower() -> None:
    full = behind_aluminium()["full"]
    response = np.mean(full["total"]) / 1500
    assert 0.9 < response < 0.97  # 24 MeV for a minimum ionising particle, and more for a shower
    without = bare(covers_e=False).simulate(Incident.create("e-", np.full(10, 1.5)), rng())
    first, *_ = np.array(full["share"]) / np.sum(full["share"])
    assert first > 1.1 * without.layer_energies[:, 0].sum() / without.total_energy.sum()


@pytest.mark.slow
def test_all_that_enters_goes_to_a_model_of_everything() -> None:
    model, full = behind_aluminium()["model"], behind_aluminium()["full"]
    # a few leave the axis by more than half a cell of 5 mm, or fly at large angles
    assert np.mean(model["first"]) > 0.6 * np.mean(model["total"])
    assert np.mean(model["total"]) == pytest.approx(np.mean(full["total"]), rel=0.04)
    assert np.all(np.array(model["total"]) < 1502)
    (calls,) = model["asked"]  # one, for many particles of ten events
    assert calls > 30


@pytest.mark.slow
def test_with_nothing_covered_it_is_full_simulation_behind_material_too() -> None:
    nothing, full = behind_aluminium()["nothing"], behind_aluminium()["full"]
    assert np.mean(nothing["total"]) == pytest.approx(np.mean(full["total"]), rel=0.03)
    np.testing.assert_allclose(nothing["share"][:2], full["share"][:2], rtol=0.3)
    assert nothing["asked"] == []


@pytest.mark.slow
def test_provenance_names_models_and_material() -> None:
    library, full = (behind_aluminium()[side]["provenance"] for side in ("library", "full"))
    assert library["upstream"]["slabs"][0]["material"] == "G4_Al"
    assert library["fast"][0]["name"] == "library:sample:eplus"
    assert full["upstream"] == library["upstream"]
    assert "fast" not in full


@pytest.mark.slow
def test_same_showers_in_another_process_whatever_came_before() -> None:
    alone = behind_aluminium("library")
    assert alone["library"]["digest"] == behind_aluminium()["library"]["digest"]


def commands() -> list[list[str]]:
    """Commands of the docs, with fewer showers."""
    text = (ROOT / "docs" / "fast_simulation.md").read_text(encoding="utf-8").replace("\\\n", "")
    found = re.findall(r"^    (calogan .*)$", text, flags=re.MULTILINE)
    fewer = {"10000": "50", "1000": "3", "5000": "4", "1:100": "15:20"}
    return [[fewer.get(word, word) for word in shlex.split(line)][1:] for line in found]


_COMMANDS = """
import json
import sys
from calogan.cli import app
for command in json.loads(sys.argv[1]):
    app(command, standalone_mode=False)
"""


@pytest.mark.slow
def test_the_commands_of_the_docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "eplus.h5").symlink_to(sample_path("eplus"))
    monkeypatch.chdir(tmp_path)
    all_of_them = commands()
    assert len(all_of_them) == 6
    behind = [command for command in all_of_them if "--upstream" in command]
    others = [command for command in all_of_them if "--upstream" not in command]
    said = ""
    for together in (behind, others):  # there is one detector in a process
        done = subprocess.run(
            [sys.executable, "-c", _COMMANDS, json.dumps(together)],
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
        )
        said += done.stdout
    assert "fast.h5: simulator geant4" in said
    assert "behind 1 X0 of aluminium, fast with eplus and library:sample:gamma" in said
    with ShowerFile("fast.h5") as file:
        assert file.made_with["upstream"]["name"] == "1 X0 of aluminium"
        assert len(file.made_with["fast"]) == 2
        energy = file.read().incident.energy_gev
        assert file.read().total_energy == pytest.approx(980 * energy, rel=0.2)
    with ShowerFile("soft_gamma.h5") as file:
        assert file.read().incident.energy_gev.max() < 1
    with ShowerFile("frozen.h5") as file:
        assert file.made_with["library"] == "sample:eplus"
