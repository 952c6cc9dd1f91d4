"""What several tests share: small showers, and files of them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

# two processes run the tests: each, and what it starts, shall keep to its core
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest

from calogan.calorimeter import CALOGAN, Calorimeter
from calogan.incident import Incident
from calogan.showers import Showers


def make_showers(n: int, seed: int = 0, calorimeter: Calorimeter = CALOGAN) -> Showers:
    """Blobs of energy that look a little like showers."""
    rng = np.random.default_rng(seed)
    incident = Incident.create("e+", rng.uniform(1, 100, n))
    layers = []
    for layer, share in zip(calorimeter.layers, (0.2, 0.79, 0.01), strict=True):
        width = 25.0 * rng.uniform(0.8, 1.2, (n, 1, 1))
        x, y = layer.x_mm, layer.y_mm
        image = np.exp(-(x**2 + y**2) / (2 * width**2)) * rng.exponential(1.0, (n, *layer.shape))
        image[image < 1e-4] = 0
        energy = share * 1e3 * incident.energy_gev * rng.uniform(0.5, 1.5, n)
        image *= energy[:, None, None] / image.sum(axis=(1, 2), keepdims=True)
        layers.append(image.astype(np.float32))
    overflow = rng.exponential(1.0, (n, len(layers))).astype(np.float32)
    return Showers(incident, tuple(layers), overflow, calorimeter)


@pytest.fixture(scope="session")
def showers() -> Showers:
    return make_showers(200)


@pytest.fixture
def shower_file(tmp_path: Path, showers: Showers) -> Path:
    from calogan.files import write_showers

    path = tmp_path / "eplus.h5"
    write_showers(path, showers, {"seed": 7})
    return path


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a short training of a small network: checkpoints, log and bundle."""
    pytest.importorskip("torch", reason="needs the extra train")
    from calogan.files import write_showers
    from calogan.training import make_config, train

    folder = tmp_path_factory.mktemp("training")
    path = folder / "eplus.h5"
    write_showers(path, make_showers(80), {"geant4": "none, made for a test"})
    config = make_config(
        nb_epochs=2,
        batch_size=16,
        latent_size=4,
        validation_share=0.2,
        d_pfx="",
        g_pfx="",
        pictures_every=0,
        tensorboard=False,
    )
    train({"positron": path}, folder / "run", config)
    return folder / "run"


@pytest.fixture
def bundle(trained: Path, tmp_path: Path) -> Path:
    """A copy of a small model, to be damaged at will."""
    return Path(shutil.copytree(trained / "model", tmp_path / "model"))
