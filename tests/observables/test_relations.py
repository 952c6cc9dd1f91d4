"""How observables hang together: profiles, correlations, response against energy."""

from __future__ import annotations

import numpy as np
import pytest

from calogan import samples
from calogan.calorimeter import Calorimeter
from calogan.errors import CalorimeterError
from calogan.observables import (
    correlation_matrix,
    lateral_width_cells,
    longitudinal_profile,
    observables_table,
    response,
    response_curve,
)
from calogan.showers import Showers
from tests.observables.toys import make_mixed


@pytest.fixture(scope="module")
def eplus() -> Showers:
    return samples.read_sample("eplus")


def test_formulas_of_the_paper(eplus: Showers) -> None:
    """arXiv:1705.02355, table of shower shape variables, in its own form."""
    table = observables_table(eplus)
    energies = [table[f"E_{k}"] for k in range(3)]
    weighted = energies[1] + 2 * energies[2]
    squares = energies[1] + 4 * energies[2]
    mean = weighted / table["E_tot"]
    assert table["l_d"] == pytest.approx(weighted)
    assert table["s_d"] == pytest.approx(mean)
    assert table["sigma_sd"] == pytest.approx(np.sqrt(squares / table["E_tot"] - mean**2), abs=1e-6)
    image = np.sort(eplus.layers[0].reshape(len(eplus), -1), axis=1).astype(np.float64)
    first, second = image[:, -1], image[:, -2]
    assert table["E_ratio_0"] == pytest.approx((first - second) / (first + second))
    assert table["sigma_eta_cells_0"] == pytest.approx(table["sigma_eta_0"] / 160)
    assert table["sigma_phi_cells_0"] == pytest.approx(table["sigma_phi_0"] / 5)


def test_published_showers(eplus: Showers) -> None:
    """What Geant4's positrons look like in the paper's figures, by eye."""
    table = observables_table(eplus)
    assert np.mean(table["s_d"]) == pytest.approx(0.80, abs=0.02)
    assert np.mean(table["d"] == 2) > 0.95
    assert np.nanmean(table["leakage"]) == pytest.approx(1 - np.mean(table["response"]), abs=2e-3)
    assert 0 < np.mean(table["overflow_share"]) < 0.01


def test_profile_along_the_depth(eplus: Showers) -> None:
    profile = longitudinal_profile(eplus)
    assert profile.shape == (len(eplus), 3)
    assert profile.sum(axis=1) == pytest.approx(1)
    assert profile[:, 1] == pytest.approx(observables_table(eplus)["f_1"])
    assert np.isnan(longitudinal_profile(make_mixed(2, 1, beams=False))[-1]).all()


def test_no_width_in_cells_where_cells_have_no_width() -> None:
    showers = make_mixed(2, 1, beams=False)
    with pytest.raises(CalorimeterError, match="layer 1 has cells in angle and radius"):
        lateral_width_cells(showers, 1, "eta")


def test_correlations_are_those_of_numpy_where_both_are_defined() -> None:
    rng = np.random.default_rng(4)
    base = rng.normal(size=(300, 4)) @ rng.normal(size=(4, 4)) * [1, 1e4, 1e-6, 1] + [0, 5e6, 1, 0]
    base[rng.random(base.shape) < 0.2] = np.nan
    matrix = correlation_matrix({f"o{k}": column for k, column in enumerate(base.T)})
    for a in range(4):
        for b in range(4):
            both = ~np.isnan(base[:, a]) & ~np.isnan(base[:, b])
            wanted = np.corrcoef(base[both, a], base[both, b])[0, 1]
            assert matrix[a, b] == pytest.approx(wanted, abs=1e-9)
    assert np.diag(matrix).tolist() == [1, 1, 1, 1]
    assert np.array_equal(matrix, matrix.T)


def test_correlations_that_are_not_defined() -> None:
    nan = np.nan
    matrix = correlation_matrix(
        {
            "varies": np.array([1.0, 2.0, 3.0, 4.0]),
            "constant": np.full(4, 0.1),
            "never": np.full(4, nan),
            "apart": np.array([nan, nan, nan, 1.0]),
            "where_it_varies_the_other_does_not": np.array([5.0, 5.0, nan, 7.0]),
        }
    )
    assert matrix[0, 0] == 1
    assert np.isnan(matrix[1:4]).all()
    assert matrix[0, 4] == pytest.approx(np.corrcoef([1, 2, 4], [5, 5, 7])[0, 1])
    assert correlation_matrix({}).shape == (0, 0)


def test_correlations_of_showers(eplus: Showers) -> None:
    table = observables_table(eplus, with_energy=True)
    matrix = correlation_matrix(table)
    names = list(table)
    assert matrix.shape == (len(names), len(names))
    assert matrix[names.index("energy"), names.index("E_tot")] > 0.999
    assert matrix[names.index("f_0"), names.index("s_d")] < -0.9
    # where layer 2 has a shape, it is the deepest one with energy: always the same number
    undefined = {names[b] for a, b in np.argwhere(np.isnan(matrix)) if names[a] == "d"}
    assert undefined == {name for name in names if np.isnan(table[name]).any()}
    assert np.isfinite(np.delete(np.delete(matrix, names.index("d"), 0), names.index("d"), 1)).all()


def test_response_and_resolution_bin_by_bin(eplus: Showers) -> None:
    energy, found = eplus.incident.energy_gev, response(eplus)
    edges = np.array([0.0, 20.0, 50.0, 100.0, 200.0])
    curve = response_curve(energy, found, edges)
    for k in range(3):
        inside = (energy >= edges[k]) & (energy < edges[k + 1])
        values = found[inside]
        assert curve.n[k] == inside.sum() > 100
        assert curve.energy_gev[k] == pytest.approx(energy[inside].mean())
        assert curve.mean[k] == pytest.approx(values.mean())
        assert curve.mean_error[k] == pytest.approx(values.std(ddof=1) / np.sqrt(len(values)))
        assert curve.resolution[k] == pytest.approx(values.std(ddof=1) / values.mean())
    assert curve.n[3] == 0
    assert np.isnan([curve.mean[3], curve.energy_gev[3], curve.resolution[3]]).all()


def test_error_of_the_resolution_is_how_far_it_scatters() -> None:
    rng = np.random.default_rng(9)
    curves = [
        response_curve(np.full(400, 50.0), rng.normal(1, 0.05, 400), np.array([49.0, 51.0]))
        for _ in range(200)
    ]
    scatter = np.std([curve.resolution[0] for curve in curves])
    assert np.mean([curve.resolution_error[0] for curve in curves]) == pytest.approx(
        scatter, rel=0.15
    )


def test_bins_chosen_by_their_number() -> None:
    curve = response_curve(np.array([1.0, 2.0, 3.0, 5.0]), np.array([1.0, 1.0, np.nan, 1.0]), 2)
    assert curve.edges_gev.tolist() == [1, 3, 5]
    assert curve.n.tolist() == [2, 1]  # the last edge is inside, an undefined response nowhere
    assert response_curve(np.array([50.0, 50.0]), np.ones(2)).n.tolist() == [2]
    assert response_curve(np.empty(0), np.empty(0)).n.tolist() == [0]


def test_tables_of_any_calorimeter() -> None:
    siw = Calorimeter.load("si-w")
    rng = np.random.default_rng(2)
    layers = tuple(rng.random((5, *shape), np.float32) for shape in siw.layer_shapes)
    incident = make_mixed(5, 0, beams=False).incident
    table = observables_table(Showers(incident, layers, np.zeros((5, 45), np.float32), siw))
    assert len(table) > 600
    assert all(values.shape == (5,) for values in table.values())
    assert all(np.isfinite(v).all() for name, v in table.items())
