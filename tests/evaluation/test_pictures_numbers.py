"""The numbers behind the pictures, each against an obvious calculation."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("matplotlib", reason="needs the extra evaluate")

from calogan.calorimeter import CALOGAN, Calorimeter
from calogan.errors import CaloganError
from calogan.evaluation.pictures.binned import bin_by_energy, energy_edges, fit_resolution
from calogan.evaluation.pictures.cells import energy_scale, nearest_energy
from calogan.evaluation.pictures.correlations import correlation_difference
from calogan.evaluation.pictures.memorisation import ShowerSpace, find_nearest, memorisation
from calogan.evaluation.pictures.pairs import pair_density
from calogan.evaluation.pictures.profiles import longitudinal_density
from calogan.evaluation.pictures.rings import density_rings, radial_density
from calogan.evaluation.pictures.roc import roc_band
from calogan.evaluation.pictures.singles import matched_showers
from calogan.evaluation.pictures.spectrum import SPECTRUM_EDGES_MEV, CellSpectra
from calogan.incident import Incident
from calogan.samples import read_sample
from calogan.showers import Showers


@pytest.fixture(scope="module")
def eplus() -> Showers:
    return read_sample("eplus")


def with_cells(showers: Showers, change: Any) -> Showers:
    """Change the cell energies of showers."""
    layers = tuple(change(layer).astype(np.float32) for layer in showers.layers)
    return Showers(showers.incident, layers, showers.overflow, showers.calorimeter)


def empty(n: int, calorimeter: Calorimeter = CALOGAN, energy: float = 10.0) -> Showers:
    layers = tuple(np.zeros((n, *shape), np.float32) for shape in calorimeter.layer_shapes)
    overflow = np.zeros((n, len(layers)), np.float32)
    return Showers(Incident.create("e+", np.full(n, energy)), layers, overflow, calorimeter)


# nearest neighbours


def test_nearest_are_those_of_a_slow_loop(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("calogan.evaluation.pictures.memorisation._CHUNK_VALUES", 300)
    targets = rng.normal(5, 1, (41, 7)).astype(np.float32)
    queries = rng.normal(5, 1, (60, 7)).astype(np.float32)
    queries[17] = targets[3]
    index, distance = find_nearest(queries, targets)
    for k, query in enumerate(queries):
        every = [float(np.sqrt(((query.astype(float) - t) ** 2).sum())) for t in targets]
        assert index[k] == int(np.argmin(every))
        assert distance[k] == pytest.approx(min(every), rel=1e-6, abs=1e-12)
    assert (index[17], distance[17]) == (3, 0)


def test_all_layers_count_alike(eplus: Showers) -> None:
    vectors = ShowerSpace(eplus).vectors(eplus).astype(np.float64)
    ends = np.cumsum([0, *(layer.n_cells for layer in eplus.calorimeter.layers)])
    for start, end in pairwise(ends):
        assert vectors[:, start:end].var(axis=0).sum() == pytest.approx(1, rel=1e-4)
    assert vectors.shape[1] == ends[-1] + 1
    assert vectors[:, -1].var() == pytest.approx(3, rel=1e-4)
    energy = eplus.incident.energy_gev
    index, _ = find_nearest(vectors[:500].astype(np.float32), vectors[500:].astype(np.float32))
    assert np.std(np.log(energy[500:][index] / energy[:500])) < 0.1


def test_copies_are_found(eplus: Showers, rng: np.random.Generator) -> None:
    training, independent = eplus[:500], eplus[500:]
    noisy = with_cells(training[:200], lambda x: x * rng.uniform(0.95, 1.05, x.shape))
    mixed = Showers.concatenate([training[:20], independent[:180]])
    result = memorisation(
        independent,
        {"noisy": noisy, "mixed": mixed, "none": independent[::2]},
        rng=rng,
        training=training,
    )
    noisy_test, mixed_test, none = (result.tests[name] for name in ("noisy", "mixed", "none"))
    assert result.against == "training"
    assert noisy_test.ratio_medians < 0.2
    assert noisy_test.share_closer == 1
    assert noisy_test.copies == 0
    assert mixed_test.copies == 20
    assert mixed_test.share_closer == pytest.approx(0.11, abs=0.02)
    assert none.ratio_medians == pytest.approx(1, abs=0.05)
    assert none.share_closer < 0.03
    assert result.baseline_copies == 0
    assert result.as_dict()["candidates"]["mixed"]["copies"] == 20


def test_half_of_the_reference_looks_like_the_other(eplus: Showers) -> None:
    """Showers of the same distribution: 1 in 100 is closer than the 1 % quantile."""
    result = memorisation(
        eplus[:700], {"Geant4": eplus[700:]}, rng=np.random.default_rng(1), training=None
    )
    test = result.tests["Geant4"]
    assert len(result.targets) == len(result.baseline.rows) == 350
    assert abs(test.ratio_medians - 1) < 4 * test.ratio_medians_error
    assert abs(test.share_closer - 0.01) < 4 * test.share_closer_error
    assert 0 < test.ratio_medians_error < 0.05
    # at all energies alike: that is what the relative distance is for
    energy = eplus.incident.energy_gev[result.baseline.rows]
    assert np.abs(np.corrcoef(energy, result.baseline.distance)[0, 1]) > 0.7
    assert np.abs(np.corrcoef(energy, result.baseline.relative)[0, 1]) < 0.3


def test_a_copy_of_the_reference_shower_by_shower_is_asked_with_independent_ones(
    eplus: Showers, rng: np.random.Generator
) -> None:
    """A simulator has the energies of the reference: its twin of a target must not be asked."""
    result = memorisation(eplus[:200], {"twin": eplus[:200]}, rng=rng)
    assert result.tests["twin"].copies == 0
    np.testing.assert_array_equal(result.candidates["twin"].rows, result.baseline.rows)


def test_a_reference_within_the_training_is_told(eplus: Showers, rng: np.random.Generator) -> None:
    result = memorisation(eplus[:50], {"other": eplus[500:]}, rng=rng, training=eplus[:100])
    assert result.baseline_copies == 50


def test_neighbours_of_one_energy_and_of_empty_showers(rng: np.random.Generator) -> None:
    result = memorisation(empty(40), {"empty": empty(30)}, rng=rng)
    assert result.tests["empty"].copies == 30
    assert np.isfinite(result.baseline.relative).all()


def test_too_few_showers_for_neighbours(eplus: Showers, rng: np.random.Generator) -> None:
    with pytest.raises(CaloganError, match=r"few: 19 showers.*at least 20"):
        memorisation(eplus, {"few": eplus[:19]}, rng=rng)
    with pytest.raises(CaloganError, match="training: no showers"):
        memorisation(eplus, {"all": eplus}, rng=rng, training=eplus[:0])


# spectra of cells


def test_spectrum_counts_every_cell_once(eplus: Showers) -> None:
    spectra = CellSpectra.of(eplus[:300])
    for k, layer in enumerate(eplus.layers):
        cells = layer[:300]
        energy = np.maximum(cells[cells > 0].astype(float), SPECTRUM_EDGES_MEV[0])
        expected, _ = np.histogram(energy, SPECTRUM_EDGES_MEV)
        np.testing.assert_array_equal(spectra.counts[k], expected)
        assert spectra.zero_share(k) == pytest.approx((cells == 0).mean())
        assert spectra.counts[k].sum() + spectra.zeros[k] == cells.size


def test_spectra_of_parts_add_up(eplus: Showers) -> None:
    whole = CellSpectra.of(eplus)
    parts = CellSpectra.of(eplus[:123]) + CellSpectra.of(eplus[123:])
    for name in ("n", "counts", "squares", "zeros"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name))
    other = CellSpectra.of(empty(3, Calorimeter.load("ecal-hcal")))
    with pytest.raises(CaloganError, match="different calorimeters"):
        whole + other


def test_errors_of_a_spectrum_are_those_between_showers(eplus: Showers) -> None:
    """Of a hundred samples, the spread of their spectra is the error of each."""
    curves = [CellSpectra.of(eplus[k::50], [1]).curve(1, "") for k in range(50)]
    middle = int(np.argmax(curves[0].values))
    spread = np.std([curve.values[middle] for curve in curves])
    error = np.mean([curve.errors[middle] for curve in curves])
    assert error == pytest.approx(spread, rel=0.3)


def test_energies_beyond_the_edges_count_at_the_ends() -> None:
    showers = empty(2)
    showers.layers[1][0, 3, 3] = 1e-9
    showers.layers[1][1, 3, 3] = 1e7
    counts = CellSpectra.of(showers).counts[1]
    assert (counts[0], counts[-1], counts.sum()) == (1, 1, 2)


# profiles


@pytest.mark.parametrize("name", ["calogan", "si-w"])
def test_uniform_energy_has_a_flat_density(name: str) -> None:
    calorimeter = Calorimeter.load(name)
    for k in range(min(3, len(calorimeter.layers))):
        layer = calorimeter.layers[k]
        corners = density_rings(layer)
        # 1 MeV/mm2 everywhere: cells get what their area is
        area = np.full(layer.shape, (2 * layer.half_extent_mm) ** 2 / layer.n_cells)
        if name == "si-w":
            area = np.broadcast_to(np.pi * np.diff(corners**2) / layer.shape[0], layer.shape)
        showers = empty(4, calorimeter)
        showers.layers[k][:] = area
        density = radial_density(showers, k)
        np.testing.assert_allclose(density.mean, 1, rtol=1e-5)
        np.testing.assert_allclose(density.error, 0, atol=1e-5)


def test_density_follows_the_axis_of_each_shower(rng: np.random.Generator) -> None:
    """A blob at the axis is at distance 0, wherever the axis is; and both ways to count agree."""
    base = empty(60)
    x, y = CALOGAN.layers[1].x_mm, CALOGAN.layers[1].y_mm
    place = rng.choice([-100.0, -20.0, 60.0], (60, 2))
    incident = Incident.create(
        "e+", np.full(60, 5.0), position_mm=np.column_stack([place, np.full(60, -288.0)])
    )
    blob = np.exp(-((x - place[:, :1, None]) ** 2 + (y - place[:, 1:, None]) ** 2) / 800)
    layers = (base.layers[0], blob.astype(np.float32), base.layers[2])
    moved = Showers(incident, layers, base.overflow, CALOGAN)
    edges = np.linspace(0, 120, 7)
    together = radial_density(moved, 1, edges)
    assert (np.diff(together.mean) < 0).all()
    one = moved[(place == place[0]).all(axis=1)]
    beside = Showers.concatenate([one, moved[(place != place[0]).any(axis=1)][:1]])
    alone = radial_density(one, 1, edges)
    n = len(one)
    last = radial_density(beside[np.array([n])], 1, edges)
    both = radial_density(beside, 1, edges)
    np.testing.assert_allclose(both.mean, (n * alone.mean + last.mean) / (n + 1), rtol=1e-5)


def test_density_holds_the_energy(eplus: Showers) -> None:
    """Over rings that reach the corners, density times area is the energy of the layer."""
    layer = eplus.calorimeter.layers[1]
    edges = np.linspace(0, 10 * np.ceil(layer.reach_mm / 10), 35)
    density = radial_density(eplus[:50], 1, edges)
    flat = empty(1)
    flat.layers[1][:] = 1.0
    fine = np.stack(np.meshgrid(*2 * [np.arange(-240, 240, 0.5) + 0.25]))
    area = np.histogram(np.hypot(*fine), edges)[0] * 0.25
    energy = float((density.mean[area > 0] * area[area > 0]).sum())
    assert energy == pytest.approx(eplus[:50].layer_energies[:, 1].mean(), rel=0.02)


def test_no_showers_have_no_profile() -> None:
    nothing = empty(1)[:0]
    assert np.isnan(radial_density(nothing, 1).mean).all()
    assert np.isnan(longitudinal_density(nothing, "").values).all()


def test_longitudinal_density_is_energy_over_depth(eplus: Showers) -> None:
    curve = longitudinal_density(eplus, "")
    energy = [float(layer.sum(dtype=float)) / len(eplus) for layer in eplus.layers]
    np.testing.assert_allclose(curve.values * [90, 347, 43], energy)
    expected = eplus.layer_energies[:, 1].std() / 347 / np.sqrt(len(eplus))
    assert curve.errors[1] == pytest.approx(expected)


# dependence on the energy


def test_bins_of_the_energy_hold_moments(rng: np.random.Generator) -> None:
    energy = rng.uniform(1, 100, 3000)
    values = rng.gamma(3, energy)
    values[::10] = np.nan
    edges = np.array([1, 20, 50, 99.0])
    binned = bin_by_energy(energy, values, edges)
    for k in range(3):
        own = (energy >= edges[k]) & (energy < edges[k + 1]) & ~np.isnan(values)
        assert binned.n[k] == own.sum()
        assert binned.energy_gev[k] == pytest.approx(energy[own].mean())
        assert binned.mean[k] == pytest.approx(values[own].mean())
        assert binned.sd[k] == pytest.approx(values[own].std(ddof=1))
        assert binned.mean_error[k] == pytest.approx(values[own].std(ddof=1) / own.sum() ** 0.5)
        again = [np.std(rng.choice(values[own], own.sum()), ddof=1) for _ in range(300)]
        assert binned.sd_error[k] == pytest.approx(np.std(again), rel=0.2)


def test_bins_of_few_showers_say_nothing() -> None:
    binned = bin_by_energy(np.full(4, 2.0), np.arange(4.0), np.array([1, 3, 5.0]))
    assert list(binned.n) == [4, 0]
    assert np.isnan([*binned.mean, *binned.sd, *binned.sd_error, *binned.energy_gev]).all()


def test_edges_of_energy_bins(rng: np.random.Generator) -> None:
    listed = energy_edges([np.repeat([1.0, 10, 100, 150], 5)])
    np.testing.assert_array_equal(np.histogram([1, 10, 100, 150], listed)[0], 1)
    spread = rng.uniform(1, 100, 1000)
    edges = energy_edges([spread, spread[:300]])
    counts = np.histogram(np.concatenate([spread, spread[:300]]), edges)[0]
    assert counts.sum() == 1300
    assert len(counts) == 5
    assert counts.min() > 0.9 * counts.max()
    assert len(energy_edges([np.full(100, 50.0)])) == 2
    assert len(energy_edges([np.empty(0)])) == 2


@pytest.mark.parametrize("terms", [(0.1, 0.2, 0.01), (0.1, 0.0, 0.01), (0.0, 0.3, 0.02)])
def test_resolution_fit_finds_the_terms(
    terms: tuple[float, float, float], rng: np.random.Generator
) -> None:
    a, b, c = terms
    energy = np.geomspace(1, 100, 15)
    truth = np.sqrt(a**2 / energy + b**2 / energy**2 + c**2)
    error = 0.01 * truth
    fit = fit_resolution(energy, truth + error * rng.normal(size=15), error)
    assert fit is not None
    for found, expected, sigma in zip(
        (fit.stochastic, fit.noise, fit.constant), terms, fit.errors, strict=True
    ):
        if expected:
            assert abs(found - expected) < 4 * sigma
            assert sigma < 0.3 * expected
    assert fit.chi2 < 3 * fit.ndf
    np.testing.assert_allclose(fit(energy), truth, rtol=0.02)
    exact = fit_resolution(energy, truth, error)
    assert exact is not None
    np.testing.assert_allclose([exact.stochastic, exact.noise, exact.constant], terms, atol=1e-6)


def test_resolution_fit_needs_points() -> None:
    three = np.array([1.0, 2, 3])
    assert fit_resolution(three, three, three) is None
    many = np.arange(1.0, 9)
    assert fit_resolution(many, np.full(8, np.nan), many) is None


# correlations, pairs, ROC


def test_largest_difference_of_correlations_is_found(rng: np.random.Generator) -> None:
    x, y, z = rng.normal(size=(3, 2000))
    reference = {"x": x, "y": x + y, "z": z}
    candidate = {"x": y, "y": y + z, "z": x + 3 * z}
    found = correlation_difference(reference, candidate)
    expected = np.corrcoef(list(candidate.values())) - np.corrcoef(list(reference.values()))
    assert found.pair == ("y", "z")
    assert found.largest == pytest.approx(expected[1, 2])
    upper = expected[np.triu_indices(3, 1)]
    assert found.rms == pytest.approx(np.sqrt((upper**2).mean()))


def test_error_of_a_difference_of_correlations(rng: np.random.Generator) -> None:
    def sample(n: int) -> dict[str, NDArray[np.float64]]:
        x, y = rng.normal(size=(2, n))
        return {"x": x, "y": 0.6 * x + 0.8 * y}

    results = [correlation_difference(sample(200), sample(300)) for _ in range(200)]
    spread = np.std([result.largest for result in results])
    error = np.mean([result.largest_error for result in results])
    assert error == pytest.approx(spread, rel=0.2)
    assert np.mean([result.rms_noise for result in results]) == pytest.approx(error)


def test_correlations_that_are_not_defined() -> None:
    nothing = correlation_difference(
        {"x": np.ones(9), "y": np.arange(9.0)}, {"x": np.ones(5), "y": np.arange(5.0)}
    )
    assert nothing.pair == ()
    assert np.isnan(nothing.largest)


def test_contours_enclose_their_share(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(2, 20_000))
    density = pair_density(x, y, ((-4, 4), (-4, 4)))
    assert density.share.sum() == pytest.approx(1, abs=0.01)
    levels = density.levels((0.95, 0.5))
    assert levels[0] < levels[1]
    column = np.searchsorted(density.x + 4 / 48, x).clip(0, 47)
    row = np.searchsorted(density.y + 4 / 48, y).clip(0, 47)
    at = density.share[column, row]
    assert np.mean(at >= levels[0]) == pytest.approx(0.95, abs=0.02)
    assert np.mean(at >= levels[1]) == pytest.approx(0.5, abs=0.05)


def test_roc_band_of_known_curves() -> None:
    grid = np.linspace(0, 1, 1001)
    band = roc_band([(grid, grid ** (1 / 3)), (grid, grid ** (1 / 4))])
    assert band.auc == pytest.approx((3 / 4 + 4 / 5) / 2, abs=1e-3)
    assert band.auc_spread == pytest.approx(0.05 / np.sqrt(2), rel=0.01)
    at = np.searchsorted(band.efficiency, 0.5)
    # the background kept at 50 % is 1/8 and 1/16
    assert band.rejection[at] == pytest.approx(np.sqrt(8 * 16), rel=0.01)
    assert band.rejection_low[at] < band.rejection[at] < band.rejection_high[at]
    single = roc_band([(np.array([0, 0, 1.0]), np.array([0, 1.0, 1.0]))])
    assert (single.auc, single.auc_spread) == (1, 0)
    assert np.isinf(single.rejection[:-1]).all()


# single showers


def test_showers_of_like_energy_are_drawn(eplus: Showers, rng: np.random.Generator) -> None:
    other = eplus[::-1][:700]
    found = matched_showers(eplus, [other], [5, 50, 95], rng)
    own = eplus.incident.energy_gev[found[0]]
    theirs = other.incident.energy_gev[found[1]]
    np.testing.assert_allclose(own, [5, 50, 95], rtol=0.02)
    np.testing.assert_allclose(theirs, own, rtol=0.02)


def test_each_close_shower_may_be_drawn(rng: np.random.Generator) -> None:
    energy = np.array([10.0, 49.8, 50.0, 50.2, 90.0])
    assert {nearest_energy(energy, 50, rng) for _ in range(60)} == {1, 2, 3}
    assert nearest_energy(energy, 75, rng) == 4


def test_scale_of_colours() -> None:
    image = np.array([0, 1e-7, 1e-2, 10.0], dtype=np.float32)
    norm = energy_scale([image, image / 2], decades=4)
    assert norm.vmin == pytest.approx(1e-3)
    assert norm.vmax == 10
    dark = energy_scale([np.zeros(3, np.float32)])
    assert (dark.vmin, dark.vmax) == (0.1, 1)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)
