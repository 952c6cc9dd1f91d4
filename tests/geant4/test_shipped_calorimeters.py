"""Geant4 runs in each calorimeter that ships with the package, and the energies make sense."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytest.importorskip("calzone", reason="needs the extra geant4")

_RUN = """
import json, sys
import numpy as np
from calogan.calorimeter import Calorimeter
from calogan.geant4 import Geant4Simulator
from calogan.incident import Incident

name, deposits = sys.argv[1:]
calorimeter = Calorimeter.load(name)
simulator = Geant4Simulator(calorimeter, physics_list="FTFP_BERT_EMV", deposits=deposits)
beam = Incident.create("e+", np.full(4, 1.0), position_mm=(0, 0, calorimeter.gun_z_mm))
showers = simulator.simulate(beam, np.random.default_rng(3))
print(json.dumps({
    "response": (showers.total_energy / 1e3).tolist(),
    "overflow": (showers.overflow.sum(axis=1) / 1e3).tolist(),
    "layers": (showers.layer_energies.mean(axis=0) / 1e3).tolist(),
}))
"""


def run(name: str, deposits: str = "all") -> dict[str, list[float]]:
    """Simulate 4 positrons of 1 GeV in a process of their own, for there is one Geant4 in each."""
    done = subprocess.run(
        [sys.executable, "-c", _RUN, name, deposits],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, list[float]] = json.loads(done.stdout)
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("name", "n_layers"), [("calogan", 3), ("ecal-hcal", 6), ("si-w", 45)])
def test_positrons_leave_their_energy(name: str, n_layers: int) -> None:
    found = run(name)
    for response, overflow in zip(found["response"], found["overflow"], strict=True):
        # no more than its kinetic energy, and the masses of itself and of the electron it meets
        assert 0.93 < response + overflow < 1 + 1.03e-3
        assert overflow < 0.04
    assert len(found["layers"]) == n_layers
    # nearly all of a shower of 1 GeV is in the first 20 radiation lengths
    front = {"calogan": 2, "ecal-hcal": 2, "si-w": 25}[name]
    assert sum(found["layers"][:front]) > 0.95 * sum(found["layers"])


@pytest.mark.slow
def test_silicon_sees_two_to_three_percent() -> None:
    """0.3 mm of silicon behind 1.4 mm of tungsten: dE/dx gives 2.4 to 3 %, and showers less."""
    found = run("si-w", "active")
    assert 0.015 < sum(found["response"]) / 4 < 0.035
