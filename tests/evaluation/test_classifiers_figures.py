"""Figures and inputs of the classifier tests, by hand and against formulas."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.conftest import make_showers

pytest.importorskip("torch", reason="needs the extra train")
pytest.importorskip("sklearn", reason="needs the extra evaluate")

import torch

from calogan.evaluation.classifiers.inputs import Scaling, features
from calogan.evaluation.classifiers.network import threads
from calogan.evaluation.classifiers.scores import (
    auc_error,
    calibrate,
    jensen_shannon,
    roc,
    roc_auc,
)
from calogan.evaluation.classifiers.trial import rows_of_parts


def gaussians(n: int, distance: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.repeat([1.0, 0.0], n)
    return labels, rng.normal(size=2 * n) + distance * labels


def test_auc_of_two_gaussians() -> None:
    """For the distance d it is the normal distribution up to d / sqrt(2)."""
    labels, scores = gaussians(20_000, 1.5, 0)
    assert roc_auc(labels, scores) == pytest.approx(0.5 * (1 + math.erf(1.5 / 2)), abs=0.005)
    assert roc_auc(labels, -scores) == pytest.approx(1 - roc_auc(labels, scores))


def test_the_area_under_the_curve_is_the_auc() -> None:
    labels, scores = gaussians(3000, 1, 1)
    fpr, tpr = roc(labels, scores)
    assert len(fpr) <= 201
    assert np.all(np.diff(fpr) >= 0)
    assert np.all(np.diff(tpr) >= 0)
    assert (fpr[0], tpr[0], fpr[-1], tpr[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(tpr, fpr) == pytest.approx(roc_auc(labels, scores), abs=1e-3)


def test_error_of_the_auc_is_its_spread() -> None:
    found = [roc_auc(*gaussians(50, 0, seed)) for seed in range(200)]
    assert np.std(found) == pytest.approx(auc_error(50, 50), rel=0.15)


def test_divergence_by_hand() -> None:
    labels = np.array([1.0, 1.0, 0.0, 0.0])
    assert jensen_shannon(labels, np.full(4, 0.5)) == 0
    assert jensen_shannon(labels, np.array([0.75, 0.75, 0.25, 0.25])) == pytest.approx(
        1 + math.log2(0.75)
    )
    assert jensen_shannon(labels, np.array([0.1, 0.1, 0.9, 0.9])) < 0
    almost = np.array([1, 1, 0, 0]) * (1 - 2e-9) + 1e-9
    assert jensen_shannon(labels, almost) == pytest.approx(1)


def test_divergence_of_two_gaussians() -> None:
    """Calibrated scores give the divergence of the distributions, computed on a grid."""
    x = np.linspace(-8, 10, 20_001)
    p, q = (np.exp(-((x - mean) ** 2) / 2) / math.sqrt(2 * math.pi) for mean in (2, 0))
    middle = (p + q) / 2
    expected = 0.5 * np.trapezoid(p * np.log2(p / middle) + q * np.log2(q / middle), x)
    labels, scores = gaussians(20_000, 2, 2)
    others, other_scores = gaussians(20_000, 2, 3)
    # calibration takes any growing function of the odds
    probability = calibrate(labels, np.exp(scores), np.exp(other_scores))
    assert jensen_shannon(others, probability) == pytest.approx(expected, abs=0.01)


def test_calibration_is_sure_of_nothing() -> None:
    labels = np.repeat([1.0, 0.0], 50)
    probability = calibrate(labels, labels, np.array([-5.0, 5.0]))
    np.testing.assert_allclose(probability, [1 / 102, 101 / 102])


def test_parts_are_disjoint_and_the_same_for_a_seed() -> None:
    rows = rows_of_parts(103, 4)
    assert [len(part) for part in rows] == [62, 20, 21]
    np.testing.assert_array_equal(np.sort(np.concatenate(rows)), np.arange(103))
    for part, again in zip(rows, rows_of_parts(103, 4), strict=True):
        np.testing.assert_array_equal(part, again)
    assert not np.array_equal(rows[0], rows_of_parts(103, 5)[0])


def test_published_scaling() -> None:
    showers = make_showers(7)
    layers = [layer.copy() for layer in showers.layers]
    layers[2][3] = 0  # a shower that left nothing in the last layer
    showers = replace(showers, layers=tuple(layers))
    low, normalised = (features(showers, kind) for kind in ("low", "low-normalised"))
    assert low.shape == normalised.shape == (7, 504 + 1 + 3)
    np.testing.assert_allclose(low[:, :504], showers.cells / 1e5, rtol=1e-6)
    np.testing.assert_allclose(low[:, 504], np.log10(showers.incident.energy_gev / 10), rtol=1e-5)
    energies = showers.layer_energies
    np.testing.assert_allclose(low[:, 505:], np.log10(energies / 1e5 + 1e-8) + 2, rtol=1e-5)
    np.testing.assert_array_equal(low[:, 504:], normalised[:, 504:])
    sums = normalised[:, 504 - 72 : 504].sum(axis=1)
    np.testing.assert_allclose(sums, [1, 1, 1, 0, 1, 1, 1], rtol=1e-5)


def test_strict_inputs_show_faint_cells() -> None:
    showers = make_showers(5)
    strict = features(showers, "strict")
    assert strict.shape == (5, 508)
    cells = showers.cells
    bright = cells > 1e-3
    np.testing.assert_allclose(strict[:, :504][bright], np.log10(cells[bright]), atol=1e-6)
    np.testing.assert_allclose(strict[:, :504][~bright], -3, atol=1e-6)
    assert features(showers, "strict", incident_energy=False).shape == (5, 507)


def test_shower_shapes_without_the_incident_energy() -> None:
    showers = make_showers(5)
    other = replace(showers, incident=make_showers(5, seed=9).incident)
    blind, same = (features(s, "high", incident_energy=False) for s in (showers, other))
    np.testing.assert_array_equal(blind, same)
    told, different = (features(s, "high") for s in (showers, other))
    assert told.shape[1] == blind.shape[1] + 1
    assert not np.array_equal(told, different)


def test_scaling_of_values_that_are_not_defined() -> None:
    values = np.array([[1, 5, np.nan], [3, 5, 2], [np.nan, 5, 4]], dtype=np.float32)
    scaling = Scaling.measure(values)
    found = scaling.apply(values)
    np.testing.assert_allclose(
        found, [[-1, 0, 0, 0, 1], [1, 0, -1, 0, 0], [0, 0, 1, 1, 0]], atol=1e-6
    )
    far = scaling.apply(np.array([[1e6, 5, np.nan]], dtype=np.float32))
    np.testing.assert_allclose(far, [[10, 0, 0, 0, 1]])


def test_threads_are_given_back() -> None:
    before = torch.get_num_threads()
    with threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
    with threads(None):
        assert torch.get_num_threads() == before
