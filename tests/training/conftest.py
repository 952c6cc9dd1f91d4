"""Showers of a tiny calorimeter, on which a network trains in a second."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra train")

from calogan.calorimeter import CALOGAN, Calorimeter
from calogan.files import write_showers
from calogan.incident import Incident, pdg_id
from calogan.showers import Showers
from calogan.training import make_config
from calogan.training.loop import fit
from calogan.training.run import Run, open_run
from tests.conftest import make_showers

TINY: Calorimeter = CALOGAN.model_copy(
    update={
        "name": "tiny",
        "layers": tuple(
            layer.model_copy(update={"n_eta": n_eta, "n_phi": n_phi, "half_width_mm": 80.0})
            for layer, (n_eta, n_phi) in zip(CALOGAN.layers, ((3, 8), (4, 4), (4, 2)), strict=True)
        ),
    }
)

QUIET: dict[str, Any] = {"d_pfx": "", "g_pfx": "", "tensorboard": False, "pictures_every": 0}
SMALL: dict[str, Any] = {"batch_size": 16, "latent_size": 4, "validation_share": 0.2, **QUIET}


def tiny_showers(n: int, seed: int = 0, particle: str = "e+", n_views: int = 0) -> Showers:
    """Showers with a number of their own in each, so that they can be told apart."""
    showers = make_showers(n, seed, TINY)
    pdgid = np.full(n, pdg_id(particle))
    showers = replace(showers, incident=replace(showers.incident, pdgid=pdgid))
    views = []
    for k in range(1, n_views + 1):
        turned = tuple(layer * np.float32(1 + k / 100) for layer in showers.layers)
        views.append(replace(showers, layers=turned))
    return replace(showers, views=tuple(views))


def tilted_showers(n: int, seed: int = 0, particle: str = "e+") -> Showers:
    """Showers of a beam that varies in place and angle."""
    rng = np.random.default_rng(seed)
    showers = tiny_showers(n, seed, particle)
    position = np.column_stack([rng.uniform(-20, 20, (n, 2)), np.full(n, -288.0)])
    direction = np.column_stack([rng.uniform(-0.1, 0.1, (n, 2)), np.ones(n)])
    incident = Incident.create(
        particle, showers.incident.energy_gev, position_mm=position, direction=direction
    )
    return replace(showers, incident=incident)


def log_of(run: Path) -> list[dict[str, float]]:
    lines = (run / "log.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    return [
        {k: float("nan") if v is None else v for k, v in record.items() if k != "seconds"}
        for record in records
    ]


def assert_same_log(one: Path, two: Path) -> None:
    for a, b in zip(log_of(one), log_of(two), strict=True):
        assert a == pytest.approx(b, rel=1e-6, nan_ok=True)


def run_to(path: Path, output: Path, nb_epochs: int, resume: Any = False, **settings: Any) -> Run:
    config = make_config(**{**SMALL, "nb_epochs": nb_epochs, **settings})
    run = open_run({"positron": path}, output, config, resume=resume)
    fit(run)
    return run


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    """Networks this small are slower with more threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tiny") / "eplus.h5"
    write_showers(path, tiny_showers(100), {"geant4": "none, made for a test"})
    return path


@pytest.fixture
def no_onnx(monkeypatch: pytest.MonkeyPatch) -> None:
    """The export takes seconds: leave it out where the network is not looked at."""
    monkeypatch.setattr("calogan.training.export.export_onnx", lambda *_: b"no network")


@pytest.fixture(scope="session")
def three_epochs(tmp_path_factory: pytest.TempPathFactory, tiny_file: Path) -> Path:
    """A run that nothing disturbed; 5 batches an epoch."""
    output = tmp_path_factory.mktemp("undisturbed")
    run_to(tiny_file, output, 3)
    return output
