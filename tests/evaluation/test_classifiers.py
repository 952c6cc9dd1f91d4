"""Classifier tests: toy showers that differ or do not, controls, the table of two particles."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from calogan.calorimeter import CALOGAN, Calorimeter
from calogan.errors import CalorimeterError, ConfigurationError, MissingExtraError
from calogan.incident import Incident
from calogan.samples import read_sample
from calogan.showers import Showers
from tests.conftest import make_showers

pytest.importorskip("torch", reason="needs the extra train")
pytest.importorskip("sklearn", reason="needs the extra evaluate")

from calogan.evaluation.classifiers import (
    INPUTS,
    ClassifierSettings,
    classify,
    match_sizes,
    measure_controls,
    physics_table,
    real_or_generated,
    shuffle_cells,
)

QUICK = ClassifierSettings(hidden=(32, 32), learning_rate=3e-3, patience=5, threads=1)
BLIND = replace(QUICK, learning_rate=1e-9, max_epochs=3, patience=2)


@pytest.fixture(scope="module")
def reference() -> Showers:
    return make_showers(400, seed=1)


@pytest.fixture(scope="module")
def same() -> Showers:
    return make_showers(400, seed=2)


@pytest.fixture(scope="module")
def geant4() -> Showers:
    return read_sample("eplus")


@pytest.fixture(scope="module")
def wide() -> Showers:
    """Showers that leave half of the energy of their middle layer in the last."""
    showers = make_showers(400, seed=3)
    first, second, third = showers.layers
    moved = 0.5 * second.sum(axis=(1, 2), keepdims=True) / third.sum(axis=(1, 2), keepdims=True)
    layers = (first, 0.5 * second, third * (1 + moved))
    return replace(showers, layers=tuple(layer.astype(np.float32) for layer in layers))


@pytest.mark.parametrize("inputs", INPUTS)
def test_a_bad_candidate_is_told_apart(reference: Showers, wide: Showers, inputs: str) -> None:
    found = real_or_generated(reference, wide, inputs=inputs, seeds=(0,), settings=QUICK)
    assert found.auc > 0.95
    assert found.jsd > 0.5
    assert abs(found.floor.auc - 0.5) < 0.2
    assert found.conclusive, found.reason
    assert (found.n_showers, found.floor.n_showers, found.ceiling.n_showers) == (400, 200, 400)


def test_equal_showers_are_not_told_apart(geant4: Showers) -> None:
    found = real_or_generated(
        geant4[:400], geant4[400:800], inputs="high", seeds=(0, 1), settings=QUICK
    )
    assert abs(found.auc - 0.5) < 0.12
    assert abs(found.jsd) < 0.1
    assert found.auc_spread < 0.1
    assert found.ceiling.auc > 0.9
    assert found.conclusive, found.reason


def test_a_blind_training_is_not_conclusive(reference: Showers, same: Showers) -> None:
    found = real_or_generated(reference, same, inputs="low", seeds=(0,), settings=BLIND)
    assert found.seeds[0].converged
    assert not found.conclusive
    assert "shuffled cells reached an AUC of only 0." in found.reason


def test_a_training_that_goes_on_is_not_conclusive(reference: Showers, wide: Showers) -> None:
    hasty = replace(QUICK, max_epochs=1)
    found = real_or_generated(reference, wide, inputs="high", seeds=(0,), settings=hasty)
    assert not found.conclusive
    assert "3 of 3 trainings had not converged in 1 epochs" in found.reason


def test_a_foreign_floor_is_not_conclusive(
    reference: Showers, same: Showers, wide: Showers
) -> None:
    found = real_or_generated(
        reference, same, inputs="high", seeds=(0,), settings=QUICK, floor=wide
    )
    assert "reference and floor sample are told apart with an AUC of 1.00" in found.reason
    assert found.floor.n_showers == 400
    assert not found.controls.from_halves


def test_other_energies_are_named(reference: Showers, same: Showers) -> None:
    low = same.incident.energy_gev < 50
    found = real_or_generated(reference, same[low], inputs="high", seeds=(0,), settings=QUICK)
    assert "the incident energies of the samples differ (KS distance 0." in found.reason
    assert found.n_showers == low.sum()


def test_one_seed_gives_one_result(reference: Showers, same: Showers) -> None:
    short = replace(QUICK, max_epochs=3)
    controls = measure_controls(reference, inputs="strict", seeds=(5,), settings=short)
    first, again, other = (
        real_or_generated(
            reference, same, inputs="strict", seeds=(seed,), settings=short, controls=controls
        )
        for seed in (5, 5, 6)
    )
    assert first.as_dict() == again.as_dict()
    assert first.auc != other.auc


def test_the_result_is_json(reference: Showers, same: Showers) -> None:
    short = replace(QUICK, max_epochs=2)
    found = real_or_generated(reference, same, inputs="high", seeds=(3,), settings=short)
    numbers = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert numbers["auc"] == found.auc
    assert numbers["auc_spread"] is None
    assert numbers["floor"]["from_halves"]
    assert numbers["settings"]["max_epochs"] == 2
    curve = numbers["seeds"][0]["roc"]
    assert (curve["fpr"][0], curve["tpr"][0]) == (0, 0)
    assert (curve["fpr"][-1], curve["tpr"][-1]) == (1, 1)


def test_shuffled_cells_keep_their_distributions(reference: Showers) -> None:
    found = shuffle_cells(reference, np.random.default_rng(0), like=30)
    order = np.argsort(reference.incident.energy_gev)
    before, after = (s.cells[order][:390].reshape(13, 30, -1) for s in (reference, found))
    np.testing.assert_array_equal(np.sort(before, axis=1), np.sort(after, axis=1))
    np.testing.assert_array_equal(
        np.sort(reference.cells[order][390:], axis=0), np.sort(found.cells[order][390:], axis=0)
    )
    np.testing.assert_array_equal(found.incident.energy_gev, reference.incident.energy_gev)


def test_shuffled_cells_lose_their_correlations(geant4: Showers) -> None:
    """What one layer lacks the others have, so that all energy is measured: no longer."""
    found = shuffle_cells(geant4, np.random.default_rng(0))
    high = geant4.incident.energy_gev > 30  # below, neighbours in energy differ much
    before, after = ((s.total_energy / s.incident.energy_gev)[high].std() for s in (geant4, found))
    assert after > 5 * before
    assert (found.cells != geant4.cells).mean() > 0.5


def test_few_showers_are_shuffled_too(reference: Showers) -> None:
    few = reference[:7]
    found = shuffle_cells(few, np.random.default_rng(0))
    np.testing.assert_array_equal(np.sort(found.cells, axis=0), np.sort(few.cells, axis=0))
    assert not np.array_equal(found.cells, few.cells)


def test_sizes_are_matched(reference: Showers) -> None:
    ours, theirs = match_sizes(reference, reference[:100], 0)
    np.testing.assert_array_equal(ours.incident.energy_gev, theirs.incident.energy_gev)
    fewer, more = match_sizes(reference[200:300], reference, 0)
    assert len(fewer) == len(more) == 100
    # not the first ones, which need not be like the rest
    assert not np.array_equal(more.incident.energy_gev, reference.incident.energy_gev[:100])


def test_controls_are_shared(reference: Showers, same: Showers, wide: Showers) -> None:
    said: list[str] = []
    short = replace(QUICK, max_epochs=2)
    found = classify(
        reference,
        {"same": same, "wide": wide, "few": same[:200]},
        inputs=["high"],
        seeds=(0,),
        settings=short,
        progress=said.append,
    )
    assert found["same"]["high"].controls is found["wide"]["high"].controls
    assert found["few"]["high"].ceiling.n_showers == 200
    assert sum("ceiling" in text for text in said) == 2
    assert "wide: high: candidate, seed 0" in said


def test_two_particles() -> None:
    """Generated particles that differ in another way than the simulated ones."""

    def made(width: float, seed: int) -> Showers:
        return _blobs(width, 250, seed)

    table = physics_table(
        {"a": made(20, 0), "b": made(60, 1)},
        {"a": made(20, 2), "b": made(20, 3)},
        signal="a",
        background="b",
        seeds=(0, 1),
        settings=QUICK,
    )
    assert table.entry("reference", "reference").accuracy > 0.9
    assert table.entry("reference", "reference").auc > 0.95
    assert abs(table.entry("reference", "generated").accuracy - 0.5) < 0.15
    assert abs(table.entry("generated", "generated").auc - 0.5) < 0.2
    assert table.conclusive
    numbers = json.loads(json.dumps(table.as_dict(), allow_nan=False))
    assert len(numbers["entries"]) == 4
    assert all(len(entry["accuracies"]) == 2 for entry in numbers["entries"])


def test_particles_are_not_told_by_their_incident_energy() -> None:
    """Two particles that leave the same, of energies that an experiment does not know."""
    one, other = _blobs(30, 300, 0), _blobs(30, 300, 1)
    doubled = replace(other, incident=Incident.create("gamma", 2 * other.incident.energy_gev))
    for inputs in ("high", "low"):
        table = physics_table(
            {"e+": one, "gamma": doubled},
            {"e+": one, "gamma": doubled},
            signal="e+",
            background="gamma",
            inputs=inputs,
            seeds=(0,),
            settings=QUICK,
        )
        assert abs(table.entries[0].auc - 0.5) < 0.2


def _blobs(width_mm: float, n: int, seed: int) -> Showers:
    rng = np.random.default_rng(seed)
    incident = Incident.create("e+", rng.uniform(10, 100, n))
    layers = []
    for layer in CALOGAN.layers:
        image = np.exp(-(layer.x_mm**2 + layer.y_mm**2) / (2 * width_mm**2)) + np.zeros((n, 1, 1))
        image = image * rng.exponential(1, image.shape)
        image *= 300 * incident.energy_gev[:, None, None] / image.sum(axis=(1, 2), keepdims=True)
        layers.append(image.astype(np.float32))
    return Showers(incident, tuple(layers), np.zeros((n, 3), np.float32), CALOGAN)


def test_what_cannot_be_tested_is_refused(reference: Showers) -> None:
    with pytest.raises(ConfigurationError, match="no classifier inputs 'pixels': give one of low"):
        real_or_generated(reference, reference, inputs="pixels")
    with pytest.raises(ConfigurationError, match="a sample has 20 showers: give 50 or more"):
        real_or_generated(reference, reference[:20], inputs="high")
    with pytest.raises(ConfigurationError, match="no seeds"):
        real_or_generated(reference, reference, inputs="high", seeds=())
    with pytest.raises(ConfigurationError, match="no generated showers of b"):
        physics_table(
            {"a": reference, "b": reference}, {"a": reference}, signal="a", background="b"
        )
    renamed = Calorimeter.model_validate(CALOGAN.model_dump() | {"name": "another"})
    with pytest.raises(CalorimeterError, match="different calorimeters"):
        classify(reference, {"other": replace(reference, calorimeter=renamed)})


@pytest.mark.parametrize(
    ("name", "value"),
    [("patience", 0), ("hidden", (0,)), ("learning_rate", 0.0), ("required_auc", 0.5)],
)
def test_settings_that_make_no_sense(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"classifier: {name} of "):
        replace(QUICK, **{name: value})


@pytest.mark.parametrize(("library", "extra"), [("torch", "train"), ("sklearn", "evaluate")])
def test_what_is_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, library: str, extra: str
) -> None:
    package = "calogan.evaluation.classifiers"
    for name in [name for name in sys.modules if name.startswith(package)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("calogan.evaluation.classifiers")  # put back with the rest
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtraError, match=rf"calogan\[{extra}\]"):
        import_module(package)
