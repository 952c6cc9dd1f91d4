"""Collisions from Pythia: few, for each takes milliseconds."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("pythia8mc", reason="needs the extra jets")
pytest.importorskip("fastjet", reason="needs the extra jets")

from calogan.errors import SimulationError
from calogan.jets.images import VARIABLES
from calogan.jets.simulation.collisions import BACKGROUND, SIGNAL, Collisions, Process
from calogan.jets.simulation.pythia_jets import (
    MASS_GEV,
    PT_GEV,
    PythiaJets,
    is_selected,
)
from calogan.jets.simulation.trimming import trim
from calogan.jets.simulation.veto import BosonVeto, JetVeto


def test_jets_come_in_the_order_that_is_asked_for() -> None:
    signal = np.array([False, True, True, False, True])
    images = PythiaJets().simulate(signal, np.random.default_rng(4))
    assert images.signal.tolist() == signal.tolist()
    values = images.variables
    assert set(values) == set(VARIABLES)
    assert ((values["jet_pt"] > 250) & (values["jet_pt"] < 300)).all()
    assert ((values["jet_mass"] > 60) & (values["jet_mass"] < 100)).all()
    assert (abs(values["jet_eta"]) < 2).all()
    assert (values["tau_3"] <= values["tau_2"]).all()
    assert (values["tau_2"] <= values["tau_1"]).all()
    np.testing.assert_allclose(values["tau_21"], values["tau_2"] / values["tau_1"], rtol=1e-5)


def test_seeds_fix_the_jets() -> None:
    one, same, other = (
        PythiaJets().simulate(np.array([True, True]), np.random.default_rng(seed))
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one.image, same.image)
    assert not np.array_equal(one.image, other.image)


def test_no_jets() -> None:
    assert len(PythiaJets().simulate(np.array([], bool))) == 0


@pytest.mark.parametrize("process", [SIGNAL, BACKGROUND])
def test_towers_hold_what_is_visible(process: Process) -> None:
    towers = Collisions(process, seed=3).towers(20)
    assert towers.n_per_event.shape == (20,)
    assert (towers.n_per_event > 50).all()
    event = np.repeat(np.arange(20), towers.n_per_event)
    missing = np.hypot(
        np.bincount(event, towers.pt * np.cos(towers.phi)),
        np.bincount(event, towers.pt * np.sin(towers.phi)),
    )
    if process is SIGNAL:  # the Z boson is not seen, and as hard as the W boson
        assert np.median(missing) > 200
    else:
        assert np.median(missing) < 30


def test_the_veto_gives_up_what_is_far_from_the_selection() -> None:
    """After it, most collisions have a jet close to the selection; before it, few have."""
    shares = []
    for veto in (True, False):
        jets = trim(Collisions(BACKGROUND, seed=5, veto=veto).towers(60))
        near = (jets.pt > 200) & (jets.pt < 370) & (jets.mass > 15)
        shares.append(near.mean())
    with_veto, without = shares
    assert with_veto > 0.8
    assert without < 0.5


def test_windows_of_the_veto_hold_the_selection() -> None:
    for window, selection in (
        (JetVeto.PT_GEV, PT_GEV),
        (JetVeto.MASS_GEV, MASS_GEV),
        (BosonVeto.PT_GEV, PT_GEV),
    ):
        assert window[0] <= selection[0] - 20
        assert window[1] >= selection[1] + 40


def test_selection() -> None:
    jets = trim(Collisions(SIGNAL, seed=2).towers(40))
    selected = jets[is_selected(jets)]
    assert 0 < len(selected) < len(jets)
    assert ((selected.pt > 250) & (selected.pt < 300)).all()


def test_impossible_settings_are_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SimulationError, match="does not take the setting 'Beams:nonsense"):
        Collisions(Process("nonsense", ("Beams:nonsense = 1",)), seed=1)
    with pytest.raises(SimulationError, match="does not start with nothing"):
        Collisions(Process("nothing", ()), seed=1)
    capfd.readouterr()
