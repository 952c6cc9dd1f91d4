from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("fastjet", reason="needs the extra jets")

from calogan.jets.simulation.towers import Towers
from calogan.jets.simulation.trimming import TrimmedJets, n_subjettiness, trim


def towers(*events: list[tuple[float, float, float]]) -> Towers:
    """Towers (pT, eta, phi) of events."""
    flat = np.array([tower for event in events for tower in event]).reshape(-1, 3)
    pt, eta, phi = flat.T
    counts = np.array([len(event) for event in events])
    return Towers(counts, eta, phi % (2 * np.pi), pt * np.cosh(eta))


PRONGS = [(200.0, 0.55, 1.05), (80.0, 0.55, 1.65)]
SOFT = (3.0, 0.05, 1.05)
"""A tower of 1 % of the jet's pT, far from both prongs: below f_cut."""


def mass_of(prongs: list[tuple[float, float, float]]) -> float:
    pt, eta, phi = np.array(prongs).T
    vector = [pt * np.cosh(eta), pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)]
    energy, x, y, z = (axis.sum() for axis in vector)
    return float(np.sqrt(energy**2 - x**2 - y**2 - z**2))


def test_two_prongs() -> None:
    jets = trim(towers([*PRONGS, SOFT]))
    assert jets.event.tolist() == [0]
    assert jets.mass[0] == pytest.approx(mass_of(PRONGS))  # without the soft one
    pt = np.hypot(*(sum(p * f(phi) for p, _, phi in PRONGS) for f in (np.cos, np.sin)))
    assert jets.pt[0] == pytest.approx(pt)
    np.testing.assert_allclose(jets.leading, [[0.55, 1.05]])
    np.testing.assert_allclose(jets.second, [[0.55, 1.65]])
    assert jets.delta_r[0] == pytest.approx(0.6)
    assert sorted(jets.towers.pt[0].tolist()) == pytest.approx([80.0, 200.0])


def test_soft_subjets_go_and_others_stay() -> None:
    """Of a jet of 200 + 12 GeV: 5 % are 10.6 GeV, so that 12 GeV stay and 10 GeV would not."""
    hard = (200.0, 0.0, 1.0)
    kept, cut = (trim(towers([hard, (pt, 0.6, 1.0)])) for pt in (12.0, 10.0))
    assert len(kept.towers.pt[0]) == 2
    assert len(cut.towers.pt[0]) == 1
    assert cut.pt[0] == pytest.approx(200.0)
    assert cut.delta_r[0] == 0
    assert np.isnan(cut.second).all()
    assert cut.mass[0] == pytest.approx(0.0, abs=1e-4)


def test_towers_near_a_hard_one_are_of_its_subjet() -> None:
    """However soft: within R = 0.3 they belong to it."""
    jets = trim(towers([(200.0, 0.0, 1.0), (1.0, 0.2, 1.0)]))
    assert sorted(jets.towers.pt[0].tolist()) == pytest.approx([1.0, 200.0])


def test_the_hardest_jet_is_taken_across_the_seam() -> None:
    """Two prongs on both sides of phi = 0, a softer jet, an empty event, and a soft one."""
    seam = [(150.0, 0.0, -0.2), (100.0, 0.0, 0.3), (120.0, 0.0, 3.0)]
    jets = trim(towers([], seam, [(10.0, 0.0, 1.0)], PRONGS))
    assert jets.event.tolist() == [1, 3]
    assert jets.delta_r[0] == pytest.approx(0.5)
    assert jets.phi[0] == pytest.approx(2 * np.pi - 0.001, abs=0.01)
    assert jets.pt[0] == pytest.approx(243, abs=1)


def test_no_jets_at_all() -> None:
    jets = trim(towers([], [(10.0, 0.0, 1.0)]))
    assert len(jets) == 0
    assert jets.leading.shape == (0, 2)
    assert n_subjettiness(jets)["tau_21"].shape == (0,)


def test_jets_are_selected() -> None:
    jets = trim(towers(PRONGS, [(90.0, 0.0, 1.0)]))
    hard: TrimmedJets = jets[jets.pt > 100]
    assert hard.event.tolist() == [0]
    assert len(hard.towers) == 1


def tau(prongs: list[tuple[float, float, float]]) -> dict[str, NDArray[np.float64]]:
    return n_subjettiness(trim(towers(prongs)))


def test_n_subjettiness_of_one_prong() -> None:
    """No tower is away from its axis; ratios to nothing are -10."""
    values = {name: float(array[0]) for name, array in tau([(200.0, 0.0, 1.0)]).items()}
    assert values["tau_1"] == pytest.approx(0, abs=1e-6)
    assert values["tau_21"] == values["tau_32"] == -10


def test_n_subjettiness_of_two_prongs() -> None:
    """The axis is the harder prong, so that the other one's share times its distance is left."""
    values = {name: float(array[0]) for name, array in tau(PRONGS).items()}
    assert values["tau_1"] == pytest.approx(80 / 280 * 0.6, rel=1e-3)
    assert values["tau_2"] == pytest.approx(0, abs=1e-6)
    assert values["tau_21"] == pytest.approx(0, abs=1e-5)
    assert values["tau_32"] == -10


def test_n_subjettiness_of_three_prongs() -> None:
    prongs = [(150.0, 0.0, 1.0), (80.0, 0.5, 1.0), (50.0, 0.0, 1.4)]
    values = {name: float(array[0]) for name, array in tau(prongs).items()}
    assert values["tau_1"] == pytest.approx((80 * 0.5 + 50 * 0.4) / 280, rel=1e-3)
    assert values["tau_2"] == pytest.approx(50 * 0.4 / 280, rel=1e-3)
    assert values["tau_3"] == pytest.approx(0, abs=1e-6)
    assert values["tau_21"] == pytest.approx(20 / 60, rel=1e-3)


def test_fastjet_is_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    trim(towers(PRONGS))
    assert capfd.readouterr().out == ""
