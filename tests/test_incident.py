from __future__ import annotations

import numpy as np
import pytest

from calogan.errors import IncidentError
from calogan.incident import (
    Fixed,
    Incident,
    Listed,
    LogUniform,
    Spectrum,
    Uniform,
    parse_spectrum,
    particle_name,
    pdg_id,
)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        *[("e+", -11), ("eplus", -11), ("positron", -11)],
        *[("gamma", 22), ("pi+", 211), ("piplus", 211)],
        *[("p", 2212), ("K+", 321), ("-13", -13), (22, 22)],
        # as Geant4 spells them
        *[("proton", 2212), ("anti_proton", -2212), ("anti_neutron", -2112), ("kaon0L", 130)],
        *[("sigma+", 3222), ("anti_sigma+", -3222), ("J/psi", 443), ("anti_D0", -421)],
        *[("alpha", 1000020040), ("deuteron", 1000010020), ("nu_e", 12), ("He3", 1000020030)],
    ],
)
def test_particles_by_name_stem_and_number(name: str | int, number: int) -> None:
    assert pdg_id(name) == number


@pytest.mark.parametrize("name", ["quark soup", "", "123456789"])
def test_an_unknown_particle_is_refused(name: str) -> None:
    with pytest.raises(IncidentError, match="unknown particle"):
        pdg_id(name)


def test_names_are_those_of_the_particle_package() -> None:
    assert [particle_name(i) for i in (-11, 22, 211, 2212)] == ["e+", "gamma", "pi+", "p"]


@pytest.mark.parametrize(
    ("text", "spectrum"),
    [
        ("50", Fixed(50)),
        ("1:100", Uniform(1, 100)),
        ("log:1:100", LogUniform(1, 100)),
        ("10,20,50", Listed((10, 20, 50))),
    ],
)
def test_spectra_in_short(text: str, spectrum: Spectrum) -> None:
    assert parse_spectrum(text) == spectrum


@pytest.mark.parametrize(
    "text", ["", "a", "1:b", "1:2:3", "100:1", "0:10", "-1", "0", "nan", "inf", "1,-2", "1:inf"]
)
def test_impossible_energies_are_refused(text: str) -> None:
    with pytest.raises(IncidentError):
        parse_spectrum(text)


@pytest.mark.parametrize(
    ("text", "mean"), [("50", 50), ("1:100", 50.5), ("log:1:100", 99 / np.log(100)), ("10,20", 15)]
)
def test_spectra_draw_what_they_say(text: str, mean: float) -> None:
    energy = Incident.draw("e+", text, 20_000, seed=1).energy_gev
    assert energy.mean() == pytest.approx(mean, rel=0.02)
    assert energy.min() >= 1
    assert energy.max() <= 100


def test_the_seed_fixes_the_particles() -> None:
    one, two = (Incident.draw("e+", "1:100", 5, seed=3).energy_gev for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert (one != Incident.draw("e+", "1:100", 5, seed=4).energy_gev).all()


def test_defaults_are_the_paper_s_beam() -> None:
    incident = Incident.create("e+", [1.0, 2.0])
    np.testing.assert_array_equal(incident.position_mm, [[0, 0, -288]] * 2)
    np.testing.assert_array_equal(incident.direction, [[0, 0, 1]] * 2)


def test_directions_become_unit_vectors() -> None:
    incident = Incident.create("e+", 1.0, direction=(0, 3, 4))
    np.testing.assert_allclose(incident.direction, [[0, 0.6, 0.8]])


@pytest.mark.parametrize(
    "values",
    [
        {"energy_gev": [1.0, np.nan]},
        {"energy_gev": [-1.0]},
        {"energy_gev": [1.0, 2.0], "position_mm": np.zeros((3, 3))},
        {"energy_gev": 1.0, "direction": (0, 0, 0)},
        {"energy_gev": 1.0, "position_mm": (0, 0, np.inf)},
        {"energy_gev": [[1.0]]},
    ],
)
def test_impossible_incidents_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(IncidentError):
        Incident.create("e+", **values)  # type: ignore[arg-type]


def test_select_and_join() -> None:
    incident = Incident.create([-11, 22, 211], [1.0, 2.0, 3.0])
    joined = Incident.concatenate([incident[2:], incident[np.array([True, True, False])]])
    np.testing.assert_array_equal(joined.energy_gev, [3, 1, 2])
    np.testing.assert_array_equal(joined.pdgid, [211, -11, 22])
