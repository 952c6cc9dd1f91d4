"""A small calorimeter, for what takes time with each cell, and what several tests share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calogan.calorimeter import CALOGAN, Calorimeter
from calogan.files import write_showers
from calogan.incident import Incident
from calogan.showers import Showers

__all__ = ["SMALL", "assert_equal"]

SMALL = Calorimeter.from_dict(
    {
        **CALOGAN.model_dump(mode="json"),
        "name": "small, ünicode",
        "layers": [
            {"z_min_mm": -240, "z_max_mm": -150, "n_eta": 1, "n_phi": 3},
            {"z_min_mm": -150, "z_max_mm": 197, "n_eta": 2, "n_phi": 2},
        ],
    }
)


def assert_equal(a: Showers, b: Showers) -> None:
    """Equal to the last bit, the particles and the order of the cells too."""
    assert a.calorimeter == b.calorimeter
    for name in ("pdgid", "energy_gev", "position_mm", "direction"):
        np.testing.assert_array_equal(
            getattr(a.incident, name), getattr(b.incident, name), strict=True
        )
    np.testing.assert_array_equal(a.cells, b.cells, strict=True)
    np.testing.assert_array_equal(a.overflow, b.overflow, strict=True)


@pytest.fixture(scope="session")
def small() -> Showers:
    rng = np.random.default_rng(0)
    cells = rng.random((200, 9), dtype=np.float32)
    incident = Incident.create("e+", rng.uniform(1, 100, 200))
    return Showers(incident, SMALL.split_cells(cells[:, :7]), cells[:, 7:].copy(), SMALL)


@pytest.fixture
def small_file(tmp_path: Path, small: Showers) -> Path:
    path = tmp_path / "eplus.h5"
    write_showers(path, small, {"seed": 7})
    return path
