from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calogan.jets.simulation.towers import ETA_MAX, N_ETA, N_PHI, Towers, towers_of


def of_particles(*particles: tuple[int, float, float, float], n_events: int = 1) -> Towers:
    """Towers of massless particles (event, pT, eta, phi)."""
    event, pt, eta, phi = (np.array(column) for column in zip(*particles, strict=True))
    momentum = np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)], axis=1)
    return towers_of(event.astype(np.int64), momentum, pt * np.cosh(eta), n_events)


def test_energies_add_up_in_a_tower() -> None:
    towers = of_particles((0, 3.0, 0.02, 0.03), (0, 4.0, 0.08, 0.07), (0, 1.0, 0.12, 0.03))
    assert towers.n_per_event.tolist() == [2]
    np.testing.assert_allclose(towers.eta, [0.05, 0.15], atol=1e-12)
    np.testing.assert_allclose(towers.phi, np.pi / N_PHI)
    np.testing.assert_allclose(
        towers.energy, [3 * np.cosh(0.02) + 4 * np.cosh(0.08), np.cosh(0.12)]
    )
    np.testing.assert_allclose(towers.pt, towers.energy / np.cosh(towers.eta))


def test_events_stay_apart() -> None:
    same = (5.0, 0.5, 1.0)
    towers = of_particles((0, *same), (2, *same), (2, 1.0, -1.0, 1.0), n_events=4)
    assert towers.n_per_event.tolist() == [1, 0, 2, 0]
    np.testing.assert_allclose(towers.eta, [0.55, -0.95, 0.55], atol=1e-12)


def test_what_flies_along_the_beam_is_not_seen() -> None:
    momentum = np.array([[0.0, 0.0, 7.0], [1e-12, 0.0, -7.0], [1.0, 0.0, 100.0]])
    towers = towers_of(np.zeros(3, np.int64), momentum, np.array([7.0, 7.0, 100.0]), 1)
    assert towers.n_per_event.tolist() == [0]
    assert towers.energy.shape == (0,)


@pytest.mark.parametrize("phi", [0.0, -1e-18, 2 * np.pi, np.pi, -np.pi])
def test_azimuth_goes_around(phi: float) -> None:
    towers = of_particles((0, 1.0, 0.0, phi))
    distance = abs(towers.phi - phi % (2 * np.pi))
    assert min(distance[0], 2 * np.pi - distance[0]) <= np.pi / N_PHI + 1e-9


@given(
    st.lists(
        st.tuples(st.just(0), st.floats(0.1, 100), st.floats(-4.99, 4.99), st.floats(0, 2 * np.pi)),
        min_size=1,
        max_size=20,
    )
)
def test_no_energy_is_lost(particles: list[tuple[int, float, float, float]]) -> None:
    towers = of_particles(*particles)
    expected = sum(pt * np.cosh(eta) for _, pt, eta, _ in particles)
    assert towers.energy.sum() == pytest.approx(expected)
    assert (abs(towers.eta) < ETA_MAX).all()
    assert len(np.unique(np.stack([towers.eta, towers.phi]), axis=1).T) == towers.n_per_event[0]
    assert (towers.phi < 2 * np.pi).all()
    assert N_ETA * N_PHI == 6300
