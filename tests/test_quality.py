from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calogan.bundle import Bundle, TrainingData, sha256
from calogan.errors import CaloganError, ModelError
from calogan.files import write_showers
from calogan.incident import Incident
from calogan.neural import NeuralSimulator
from tests.conftest import make_showers
from tests.tiny_models import make_bundle

pytest.importorskip("matplotlib", reason="needs the extra evaluate")

from calogan.quality import measure_quality


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "tiny")


@pytest.fixture
def held_out(tmp_path: Path, tiny: Path) -> Path:
    """More showers of the same model."""
    incident = Incident.draw("e+", "1:100", 600, seed=3)
    showers = NeuralSimulator(tiny).simulate(incident, np.random.default_rng(4))
    write_showers(tmp_path / "eplus.h5", showers, {"geant4": "none"})
    return tmp_path / "eplus.h5"


def test_a_model_is_as_good_as_itself(tiny: Path, held_out: Path) -> None:
    before = Bundle(tiny).card
    card = measure_quality(tiny, held_out, seed=5, write=False)
    assert Bundle(tiny).card == before
    assert card.held_out is not None
    assert (card.held_out.n_showers, card.held_out.made_with["geant4"]) == (600, "none")
    assert card.held_out.sha256 == sha256(held_out)
    total, width = card.quality["E_tot"], card.quality["sigma_eta_1"]
    assert total.ratio_of_means == pytest.approx(1, abs=0.2)
    assert width.ratio_of_stds == pytest.approx(1, abs=0.2)
    assert 0 < (width.distance or 0) < 0.2


def test_the_figures_are_those_of_the_showers(tiny: Path, held_out: Path) -> None:
    """Against showers that are twice as bright, of the same noise: half the mean and spread."""
    incident = Incident.draw("e+", "1:100", 50, seed=3)
    showers = NeuralSimulator(tiny).simulate(incident, np.random.default_rng(0))
    showers = replace(showers, layers=tuple(2 * layer for layer in showers.layers))
    write_showers(held_out, showers)
    figures = measure_quality(tiny, held_out, seed=0, write=False).quality["E_tot"]
    assert figures.validation_mean == pytest.approx(showers.total_energy.mean())
    assert figures.ratio_of_means == pytest.approx(0.5, rel=1e-4)
    assert figures.ratio_of_stds == pytest.approx(0.5, rel=1e-4)
    gap = showers.total_energy.mean() / 2
    assert figures.distance == pytest.approx(gap / showers.total_energy.std(), rel=1e-3)


def test_the_card_gets_the_figures(tiny: Path, held_out: Path) -> None:
    card = measure_quality(tiny, held_out, limit=100, write=True)
    bundle = Bundle(tiny)  # verified as before
    assert bundle.card.held_out == card.held_out
    assert bundle.card.quality["f_0"].validation_mean == card.quality["f_0"].validation_mean
    assert {path.name for path in tiny.iterdir()} == {"card.json", "model.onnx"}


def test_showers_of_the_training_are_refused(tmp_path: Path, held_out: Path) -> None:
    seen = TrainingData(
        file="a.h5", sha256=sha256(held_out), n_training=1, n_validation=0, made_with={}
    )
    path = make_bundle(tmp_path / "other", further_data=(seen,))
    with pytest.raises(ModelError, match=r"tiny was trained on .*eplus\.h5: give showers that it"):
        measure_quality(path, held_out, write=False)


def test_other_showers_are_refused(tmp_path: Path, tiny: Path) -> None:
    write_showers(tmp_path / "few.h5", make_showers(1))
    showers = make_showers(5)
    photons = Incident.create("gamma", showers.incident.energy_gev)
    write_showers(tmp_path / "gamma.h5", replace(showers, incident=photons))
    for name, message in (
        ("few.h5", "holds 1 showers: too few"),
        ("gamma.h5", r"simulates e\+ and nothing else"),
        ("nothing.h5", r"nothing\.h5"),
    ):
        with pytest.raises(CaloganError, match=message):
            measure_quality(tiny, tmp_path / name, write=False)
