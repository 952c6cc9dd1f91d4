"""`RemoteSimulator` gives the showers that the bundle gives here, whatever happens on the way."""

from __future__ import annotations

import os
import random
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from calogan import open_simulator
from calogan.bundle import Condition
from calogan.errors import ModelError, SimulationError
from calogan.geant4.handover import Model
from calogan.incident import Incident
from calogan.neural import NeuralSimulator
from calogan.serving.remote import RemoteSimulator, _requests
from calogan.showers import Showers
from calogan.simulator import Simulator
from tests.serving.processes import ServerProcess, free_port
from tests.tiny_models import make_bundle, make_network


def check_same(showers: Showers, others: Showers) -> None:
    assert len(showers) == len(others)
    for image, other in zip(showers.layers, others.layers, strict=True):
        np.testing.assert_allclose(image, other, rtol=1e-5, atol=1e-4)
    assert not showers.overflow.any()


@pytest.mark.parametrize("scheme", ["grpc", "http"])
def test_same_showers_as_here(server: ServerProcess, tiny: Path, scheme: str) -> None:
    address = getattr(server, scheme)()
    here = NeuralSimulator(tiny, threads=1)
    there = open_simulator(address, threads=2)
    assert isinstance(there, RemoteSimulator)
    with there:
        assert isinstance(there, Simulator)
        assert isinstance(there, Model)
        assert there.name == address
        assert there.particle == "e+"
        assert there.coverage == here.coverage
        assert there.calorimeter == here.calorimeter
        assert there.provenance["model_sha256"] == here.provenance["model_sha256"]
        assert there.provenance["server"].startswith("calogan ")
        for n in (0, 1, 2, 127, 128, 700, 5000):
            incident = Incident.draw("e+", "1:100", n, seed=n)
            rngs = [np.random.default_rng(n) for _ in range(2)]
            check_same(there.simulate(incident, rngs[0]), here.simulate(incident, rngs[1]))
            assert rngs[0].random() == rngs[1].random(), "both leave the stream where it was"


def test_refuses_as_the_simulator_does(server: ServerProcess) -> None:
    with RemoteSimulator(server.grpc()) as there:
        with pytest.raises(ModelError, match="simulates e"):
            there.simulate(Incident.draw("gamma", 10, 3))
        with pytest.raises(ModelError, match="along the axis"):
            there.simulate(Incident.create("e+", [10.0], position_mm=(1, 0, -288)))
        with pytest.warns(UserWarning, match="extrapolates"):
            there.simulate(Incident.draw("e+", 500, 3))


def test_no_such_model_or_server(server: ServerProcess) -> None:
    with pytest.raises(ModelError, match="no model 'muon'"):
        RemoteSimulator(server.grpc("muon"))
    with pytest.raises(ModelError, match="no version '7'"):
        RemoteSimulator(server.http("tiny@7"))
    for scheme in ("grpc", "http"):
        with pytest.raises(SimulationError, match=r"no answer from 127.0.0.1:\d+ for \d+ s"):
            RemoteSimulator(f"{scheme}://127.0.0.1:{free_port()}/tiny", patience_s=0.3)


def test_a_beam_that_varies(tmp_path: Path) -> None:
    conditions = (
        Condition(name="x_mm", low=-20, high=20),
        Condition(name="slope_y", low=0, high=0.1),
    )
    network = make_network(told="condition", n_told=3)
    path = make_bundle(tmp_path / "tiny", network, conditions=conditions)
    incident = Incident.create(
        "e+", np.linspace(2, 50, 40), position_mm=(5, 0, -240), direction=(0, 0.05, 1)
    )
    with (
        ServerProcess(tmp_path / "log", [path]) as process,
        RemoteSimulator(process.grpc()) as there,
    ):
        rngs = [np.random.default_rng(1) for _ in range(2)]
        here = NeuralSimulator(path, threads=1)
        check_same(there.simulate(incident, rngs[0]), here.simulate(incident, rngs[1]))


@pytest.mark.parametrize("n", [1, 127, 128, 2000, 40_000])
@pytest.mark.parametrize("at_once", [1, 4, 8])
def test_requests_hold_each_shower_once(n: int, at_once: int) -> None:
    rows = np.concatenate([np.arange(n)[part] for part in _requests(n, at_once, 2048)])
    assert (rows == np.arange(n)).all()
    assert max(part.stop - part.start for part in _requests(n, at_once, 100)) <= 100


def test_nothing_lost_or_twice_while_servers_are_killed(tiny: Path, tmp_path: Path) -> None:
    """Two servers are killed in turn and come back, over and over, under load.

    `CALOGAN_KILLS=50` kills more often.
    """
    kills = int(os.environ.get("CALOGAN_KILLS", "3"))
    servers = [
        ServerProcess(tmp_path / f"log{k}", [tiny], port=free_port(), http_port=free_port())
        for k in range(2)
    ]
    over = threading.Event()
    trouble: list[BaseException] = []

    def kill_and_restart() -> None:
        try:
            for k in range(kills):
                time.sleep(random.Random(k).uniform(0.1, 0.3))
                servers[k % 2].kill()
                servers[k % 2].start()
        except Exception as error:  # noqa: BLE001 - told to the test
            trouble.append(error)
        finally:
            over.set()

    here = NeuralSimulator(tiny, threads=1)
    places = ",".join(f"127.0.0.1:{one.port}" for one in servers)
    killer = threading.Thread(target=kill_and_restart)
    rounds = 0
    with (
        servers[0],
        servers[1],
        RemoteSimulator(f"grpc://{places}/tiny") as there,
    ):
        killer.start()
        while not over.is_set():
            incident = Incident.draw("e+", "1:100", 3000, seed=rounds)
            rngs = [np.random.default_rng(rounds) for _ in range(2)]
            check_same(there.simulate(incident, rngs[0]), here.simulate(incident, rngs[1]))
            rounds += 1
        killer.join()
    for one in servers:
        assert one.end() == 0
    assert not trouble
    assert rounds >= 2


def test_another_network_in_the_middle_is_noticed(tmp_path: Path) -> None:
    path = make_bundle(tmp_path / "tiny")
    with (
        ServerProcess(tmp_path / "log", [path], ["--reload-every", "0.05"]) as process,
        RemoteSimulator(process.http()) as there,
    ):
        incident = Incident.draw("e+", 10, 5, seed=1)
        there.simulate(incident)
        other = make_network()
        other.producer_name = "another one"
        make_bundle(path, other)
        end = time.monotonic() + 30
        while process.words.count("serving tiny@1") < 2:
            assert time.monotonic() < end
            time.sleep(0.02)
        with pytest.raises(ModelError, match="another network now"):
            there.simulate(incident)
