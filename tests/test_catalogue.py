from __future__ import annotations

from pathlib import Path

import pytest

from calogan.catalogue import open_simulator
from calogan.errors import ConfigurationError, ModelError, ShowerFileError
from calogan.geant4.fast import FastGeant4Simulator
from calogan.geant4.simulator import Geant4Simulator
from calogan.library import LibrarySimulator
from calogan.neural import NeuralSimulator

EXAMPLES = Path(__file__).parents[1] / "examples" / "upstream"


def test_models_by_name() -> None:
    for name in ("eplus", "calogan-eplus"):
        simulator = open_simulator(name, threads=1)
        assert isinstance(simulator, NeuralSimulator)
        assert simulator.name == name
        assert simulator.coverage == {-11: (1.0, 100.0)}


def test_library(shower_file: Path) -> None:
    simulator = open_simulator(f"library:{shower_file}", threads=2, neighbours=3)
    assert isinstance(simulator, LibrarySimulator)
    assert simulator.particle == "e+"
    sample = open_simulator("library:sample:gamma")
    assert sample.name == "library:sample:gamma"


@pytest.mark.parametrize("name", ["", "muon", "library", "Geant4"])
def test_no_such_simulator(name: str) -> None:
    with pytest.raises(ModelError, match=r"no simulator .* geant4, eplus, .* library:FILE"):
        open_simulator(name)


def test_models_of_jets_are_made_by_another_command() -> None:
    with pytest.raises(ModelError, match="no showers: calogan jets simulate --with lagan"):
        open_simulator("lagan")


def test_no_such_library(tmp_path: Path) -> None:
    with pytest.raises(ShowerFileError, match="no such file"):
        open_simulator(f"library:{tmp_path}/none.h5")
    with pytest.raises(ModelError, match="name the file"):
        open_simulator("library:")


def test_geant4() -> None:
    pytest.importorskip("calzone", reason="needs the extra geant4")
    full = open_simulator("geant4", upstream=str(EXAMPLES / "aluminium.yaml"))
    assert type(full) is Geant4Simulator
    assert full.provenance["upstream"]["name"] == "1 X0 of aluminium"
    assert type(open_simulator("geant4")) is Geant4Simulator


def test_geant4_with_models() -> None:
    pytest.importorskip("calzone", reason="needs the extra geant4")
    simulator = open_simulator("geant4", fast=["eplus", "library:sample:gamma"])
    assert isinstance(simulator, FastGeant4Simulator)
    names = [model["name"] for model in simulator.provenance["fast"]]
    assert names == ["eplus", "library:sample:gamma"]
    with pytest.raises(ModelError, match="geant4 cannot take showers over from itself"):
        open_simulator("geant4", fast=["eplus", "geant4"])
    with pytest.raises(ModelError, match="no simulator 'muon'"):
        open_simulator("geant4", fast=["muon"])
    with pytest.raises(ConfigurationError, match="cannot read the upstream"):
        open_simulator("geant4", fast=["eplus"], upstream="none.yaml")
