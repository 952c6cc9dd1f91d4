"""Pictures are drawn, without warnings, of whatever showers there are."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("matplotlib", reason="needs the extra evaluate")

from matplotlib.figure import Figure

from calogan.calorimeter import CALOGAN, Calorimeter
from calogan.evaluation.pictures.correlations import correlation_matrices
from calogan.evaluation.pictures.dependence import (
    energy_dependence,
    extrapolation,
    response_and_resolution,
)
from calogan.evaluation.pictures.neighbours import nearest_neighbours, neighbour_distances
from calogan.evaluation.pictures.pairs import pair_plots
from calogan.evaluation.pictures.profiles import lateral_profiles, longitudinal_profile
from calogan.evaluation.pictures.roc import roc_curves
from calogan.evaluation.pictures.singles import single_showers
from calogan.evaluation.pictures.spectrum import CellSpectra, cell_spectrum
from calogan.incident import Incident
from calogan.observables import observables_of, observables_table
from calogan.samples import read_sample
from calogan.showers import Showers

Samples = tuple[str, Showers, Mapping[str, Showers]]

FEW_LAYERS = Calorimeter.load("si-w").model_copy(
    update={"layers": Calorimeter.load("si-w").layers[:14:7]}
)


def made(n: int, energy: str, seed: int, calorimeter: Calorimeter = CALOGAN) -> Showers:
    """Draw showers whose last layer is empty, and the first one also."""
    rng = np.random.default_rng(seed)
    incident = Incident.draw("e+", energy, n, seed=seed)
    layers = [np.zeros((n, *shape), np.float32) for shape in calorimeter.layer_shapes]
    scale = rng.normal(1, 0.1, n) * incident.energy_gev
    layers[-1 if len(layers) < 3 else 1][:] = (
        rng.gamma(0.3, 1.0, (n, *layers[-1 if len(layers) < 3 else 1].shape[1:]))
        * scale[:, None, None]
    )
    overflow = np.zeros((n, len(layers)), np.float32)
    return Showers(incident, tuple(layers), overflow, calorimeter)


def one() -> Samples:
    eplus = read_sample("eplus")
    return "Geant4", eplus[:300], {"gamma": read_sample("gamma")[:300]}


def four() -> Samples:
    piplus = read_sample("piplus")
    others = {
        "_$strange$ & <long> name of a file of showers v2": piplus[200:400],
        "other": piplus[400:500],
        "fixed": made(100, "50", 3),
        "few": made(25, "1:200", 4),
    }
    return "Geant4", piplus[:200], others


def few_of_one_energy() -> Samples:
    return "a", made(22, "50", 1), {"b": made(20, "50", 2)}


def nothing_measured() -> Samples:
    empty = made(40, "1:100", 1)
    showers = Showers(
        empty.incident, tuple(np.zeros_like(x) for x in empty.layers), empty.overflow, CALOGAN
    )
    return "a", showers, {"b": showers, "c": made(40, "1:100", 2)}


def polar() -> Samples:
    return "a", made(60, "1:100", 1, FEW_LAYERS), {"b": made(60, "1:100", 2, FEW_LAYERS)}


CASES = [one, four, few_of_one_energy, nothing_measured, polar]


@pytest.fixture(scope="module", params=CASES, ids=[case.__name__ for case in CASES])
def samples(request: pytest.FixtureRequest) -> Samples:
    made_by: Callable[[], Samples] = request.param
    return made_by()


def table(showers: Showers) -> dict[str, NDArray[np.float64]]:
    return {**observables_table(showers), "energy": showers.incident.energy_gev}


def tables(samples: Samples) -> tuple[str, dict[str, Any], dict[str, dict[str, Any]]]:
    name, reference, candidates = samples
    return name, table(reference), {other: table(s) for other, s in candidates.items()}


def draws(figure: Figure) -> None:
    """The figure becomes a picture, at least as wide as high is readable."""
    with io.BytesIO() as file:
        figure.savefig(file, format="png", dpi=30)
        assert file.getvalue().startswith(b"\x89PNG")
    assert figure.axes
    assert figure.get_figwidth() < 12.01


def test_single_showers(samples: Samples) -> None:
    figure = single_showers(*samples, rng=np.random.default_rng(1), n_energies=2)
    draws(figure)
    images = 2 * (1 + len(samples[2])) * len(samples[1].layers)
    assert len(figure.axes) == images + 1  # and the bar of colours


def test_single_showers_are_the_same_for_the_same_seed() -> None:
    name, reference, candidates = one()
    figures = [
        single_showers(name, reference, candidates, rng=np.random.default_rng(seed), layers=[1])
        for seed in (1, 1, 2)
    ]
    images = [
        np.concatenate([np.ravel(ax.images[0].get_array()) for ax in figure.axes[:-1]])  # type: ignore[arg-type]
        for figure in figures
    ]
    np.testing.assert_array_equal(images[0], images[1])
    assert not np.array_equal(images[0], images[2])


def test_nearest_neighbours(samples: Samples) -> None:
    figure, result = nearest_neighbours(*samples, rng=np.random.default_rng(1), n_pairs=2)
    draws(figure)
    assert list(result.tests) == list(samples[2])
    assert len(figure.axes) == 4 * (1 + len(samples[2])) * len(samples[1].layers) + 1
    distances = neighbour_distances(samples[0], result)
    draws(distances)
    assert len(distances.legends[0].get_texts()) == 1 + len(samples[2])


def test_cell_spectrum(samples: Samples) -> None:
    name, reference, candidates = samples
    figure = cell_spectrum(name, reference, candidates, note="all")
    draws(figure)
    assert len(figure.axes) == 2 * len(reference.layers)
    spectra = {other: CellSpectra.of(showers) for other, showers in candidates.items()}
    again = cell_spectrum(
        name, CellSpectra.of(reference), spectra, layers=range(len(reference.layers))
    )
    assert [ax.get_ylim() for ax in again.axes] == [ax.get_ylim() for ax in figure.axes]
    assert [ax.get_xlim() for ax in again.axes] == [ax.get_xlim() for ax in figure.axes]


def test_profiles(samples: Samples) -> None:
    draws(lateral_profiles(*samples))
    draws(longitudinal_profile(*samples))


def test_correlation_matrices(samples: Samples) -> None:
    labels = {o.name: o.label for o in observables_of(samples[1].calorimeter)[:12]}
    figure = correlation_matrices(labels, *tables(samples))
    draws(figure)
    assert len(figure.axes) == 4 * len(samples[2])


def test_pair_plots(samples: Samples) -> None:
    by_name = {o.name: o for o in observables_of(samples[1].calorimeter)}
    pairs = [(by_name["E_0"], by_name["E_1"]), (by_name["f_1"], by_name["response"])]
    figure = pair_plots(pairs, *tables(samples))
    draws(figure)
    assert len(figure.axes) == 2 * len(samples[2])


def test_energy_dependence(samples: Samples) -> None:
    observables = [o for o in observables_of(samples[1].calorimeter) if o.name in ("f_0", "s_d")]
    figure = energy_dependence(observables, *tables(samples), training_range_gev=(10, 80))
    draws(figure)
    assert len(figure.axes) == 8


def test_response_and_resolution(samples: Samples) -> None:
    figure, fits = response_and_resolution(*tables(samples))
    draws(figure)
    assert list(fits) == [samples[0], *samples[2]]


def test_extrapolation() -> None:
    name, reference, _ = one()
    energies = np.repeat([1.0, 10, 50, 100, 200, 300], 12)
    showers = made(len(energies), "50", 1)
    asked = Showers(
        Incident.create("e+", energies), showers.layers, showers.overflow, showers.calorimeter
    )
    for known in (reference, None):
        figure = extrapolation(name, known, {"a": asked, "b": asked}, training_range_gev=(1, 100))
        draws(figure)
        shaded = [patch.get_x() for patch in figure.axes[0].patches]  # type: ignore[attr-defined]
        assert shaded[-1] == pytest.approx(100)
        words = " ".join(text.get_text() for ax in figure.axes for text in ax.texts)
        assert ("no showers of Geant4" in words) == (known is None)


def test_nothing_is_shaded_within_the_training() -> None:
    observables = observables_of(CALOGAN)[:1]
    shaded = energy_dependence(observables, *tables(one()), training_range_gev=(5, 50))
    none = energy_dependence(observables, *tables(one()), training_range_gev=(1, 100))
    assert len(shaded.axes[0].patches) == 2
    assert not none.axes[0].patches


def test_roc_curves() -> None:
    grid = np.linspace(0, 1, 50)
    curves = {
        "two seeds": [(grid, grid**0.3), (grid, grid**0.35)],
        "one": [(grid, grid)],
        "perfect": [(np.array([0, 0, 1.0]), np.array([0, 1.0, 1.0]))],
        "none": [],
    }
    figure = roc_curves(curves, signal="e+", background="gamma", note="cells")
    draws(figure)
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names[0].startswith("two seeds: AUC 0.75")
    assert names[1:] == ["one: AUC 0.500", "perfect: AUC 1.000"]


def test_styles_are_left_as_they_were() -> None:
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    name, reference, candidates = few_of_one_energy()
    longitudinal_profile(name, reference, candidates)
    assert dict(mpl.rcParams) == before
