"""The compact cross-section data set: its formats, and what its formulas are worth."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from calogan.errors import CaloganError, Geant4DataError, MissingExtraError
from calogan.geant4.compact import COMPACT_VERSION, ELEMENTS, write_compact_data
from calogan.geant4.compact.bremsstrahlung import (
    KINETIC_ENERGIES_MEV,
    PHOTON_FRACTIONS,
    radiative_loss,
    scaled_cross_section,
)
from calogan.geant4.compact.elements import atomic_weight, checked_elements, evaluated_data
from calogan.geant4.compact.hadronic import charged_inelastic, neutron_capture, photonuclear
from calogan.geant4.compact.photoelectric import atomic_shells, photoelectric_cross_section
from calogan.geant4.compact.rayleigh import rayleigh_cross_section
from calogan.geant4.compact.tables import log_grid, read_spectra, read_vector

pytest.importorskip("xraylib", reason="comes with the extra geant4")

CHOSEN = (1, 18, 82)
BREMSSTRAHLUNG = Path("G4EMLOW8.8", "brem_SB")
PHOTOELECTRIC = Path("G4EMLOW8.8", "epics2017", "phot")
RAYLEIGH = Path("G4EMLOW8.8", "epics2017", "rayl")
HADRONIC = Path("G4PARTICLEXS4.2")
REPOSITORY = Path(__file__).parents[2]
SHARED = Path(os.environ.get("CALOGAN_SHARED", str(REPOSITORY.parent / "shared"))) / "geant4-data"

# Radiative stopping powers [MeV cm2/g] at 1, 10, 100 and 1000 MeV: the tables of S. M. Seltzer and
# M. J. Berger, At. Data Nucl. Data Tables 35 (1986) 345, on which ESTAR rests, integrated over k.
RADIATIVE_LOSSES = {
    6: (0.01053, 0.1518, 2.051, 22.72),
    13: (0.02115, 0.2843, 3.708, 40.49),
    18: (0.02741, 0.3569, 4.601, 50.12),
    26: (0.0415, 0.5178, 6.560, 71.18),
    29: (0.0457, 0.5607, 7.052, 76.31),
    74: (0.1155, 1.128, 13.55, 145.2),
    82: (0.1285, 1.203, 14.38, 153.9),
    92: (0.1447, 1.279, 15.29, 163.3),
}
# Radiation lengths [g/cm2]: Particle Data Group, Review of Particle Physics, atomic properties.
RADIATION_LENGTHS = {6: 42.70, 13: 24.01, 18: 19.55, 26: 13.84, 29: 12.86, 74: 6.76, 82: 6.37}


@pytest.fixture(scope="module")
def compact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compact")
    write_compact_data(folder, CHOSEN)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_names_what_it_is() -> None:
    assert COMPACT_VERSION
    assert {1, 6, 7, 8, 13, 14, 18, 26, 29, 74, 82, 92} <= set(ELEMENTS)


def test_folder_holds_what_geant4_asks_for(compact: Path) -> None:
    expected = {
        *("G4ABLA3.3", "G4CHANNELING2.0", "G4EMLOW8.8", "G4ENSDFSTATE3.0", "G4INCL1.3"),
        *("G4NDL4.7.1", "G4PARTICLEXS4.2", "G4PII1.3", "G4SAIDDATA2.0", "PhotonEvaporation6.1.2"),
        *("RadioactiveDecay6.1.2", "RealSurface2.2"),
    }
    assert {path.name for path in compact.iterdir() if path.is_dir()} == expected
    assert (compact / "G4ENSDFSTATE3.0" / "ENSDFSTATE.dat").read_bytes() == b""
    for z in range(1, 96):
        for name in ("neutron/inel", "neutron/el", "neutron/cap", "gamma/inel", "alpha/inel"):
            assert (compact / HADRONIC / f"{name}{z}").is_file()


def test_same_bytes_each_time_and_in_any_order(compact: Path, tmp_path: Path) -> None:
    write_compact_data(tmp_path, (82, 1, 18, 82))
    assert contents(tmp_path) == contents(compact)


@pytest.mark.parametrize("element", [0, -1, 93, 13.0, "Pb", None])
def test_rejects_what_is_no_element(element: object, tmp_path: Path) -> None:
    with pytest.raises(Geant4DataError, match=r"from 1 .* to 92") as caught:
        write_compact_data(tmp_path, [18, element])  # type: ignore[list-item]
    assert isinstance(caught.value, CaloganError)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_rejects_no_elements_at_all() -> None:
    with pytest.raises(Geant4DataError, match="no elements"):
        checked_elements(())


def test_says_which_extra_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xraylib", None)
    with pytest.raises(MissingExtraError, match="geant4"):
        evaluated_data()


def test_bremsstrahlung_table_has_geant4s_form(compact: Path) -> None:
    x, log_energies, values = read_spectra(compact / BREMSSTRAHLUNG / "br82")
    np.testing.assert_allclose(x, PHOTON_FRACTIONS)
    np.testing.assert_allclose(np.exp(log_energies), KINETIC_ENERGIES_MEV, rtol=1e-5)
    assert values.shape == (57, 32)
    assert np.all(np.diff(x) > 0)
    assert np.all(np.diff(log_energies) > 0)


@pytest.mark.parametrize("element", range(1, 93))
def test_bremsstrahlung_is_positive_and_finite(element: int) -> None:
    values = scaled_cross_section(element, KINETIC_ENERGIES_MEV[:, None], PHOTON_FRACTIONS)
    assert np.all(np.isfinite(values))
    assert values.min() > 0
    assert values[KINETIC_ENERGIES_MEV >= 1].max() < 70


@pytest.mark.parametrize("element", RADIATIVE_LOSSES)
def test_radiative_loss_agrees_with_published_tables(element: int) -> None:
    found = radiative_loss(element, [1.0, 10.0, 100.0, 1000.0], atomic_weight(element))
    np.testing.assert_allclose(found, RADIATIVE_LOSSES[element], rtol=0.015)


@pytest.mark.parametrize("element", RADIATION_LENGTHS)
def test_fast_electrons_lose_their_energy_per_radiation_length(element: int) -> None:
    # The tabulated losses differ by up to 2 % from the definition of the radiation length.
    loss = float(radiative_loss(element, 1e4, atomic_weight(element))[0])
    assert loss / 1e4 * RADIATION_LENGTHS[element] == pytest.approx(1.0, abs=0.025)


def test_neighbours_in_the_periodic_table_radiate_alike() -> None:
    z = np.arange(3, 93)
    values = np.array([scaled_cross_section(int(i), [1.0, 100.0], 0.3) for i in z])
    assert np.abs(np.diff(np.log(values), axis=0)).max() < 0.12
    assert np.abs(np.diff(np.log(values[10:]), n=2, axis=0)).max() < 0.005


@pytest.mark.parametrize(("element", "edge_kev"), [(18, 3.206), (29, 8.979), (82, 88.005)])
def test_photoelectric_tables_meet_at_the_k_edge(
    tmp_path: Path, element: int, edge_kev: float
) -> None:
    write_compact_data(tmp_path, (element,))
    low, below = read_vector(tmp_path / PHOTOELECTRIC / f"pe-le-cs-{element}.dat")
    high, above = read_vector(tmp_path / PHOTOELECTRIC / f"pe-cs-{element}.dat")
    assert low[-1] == high[0] == pytest.approx(edge_kev * 1e-3, rel=2e-4)
    assert high[-1] == 1e5
    assert 4 < above[0] / below[-1] < 10
    for energies, values in ((low, below), (high, above)):
        assert np.all(np.diff(energies) > 0)
        assert values.min() > 0


def test_l_edges_of_lead_are_where_they_belong(compact: Path) -> None:
    energies, values = read_vector(compact / PHOTOELECTRIC / "pe-le-cs-82.dat")
    jumps = np.exp(np.diff(np.log(values))) > 1.1
    assert {13.04, 15.20, 15.86} <= set(np.round(energies[1:][jumps] * 1e3, 2).tolist())


@pytest.mark.parametrize("element", CHOSEN)
def test_shells_are_listed_with_falling_binding_energies(compact: Path, element: int) -> None:
    for part in ("high", "low"):
        path = compact / PHOTOELECTRIC / f"pe-{part}-{element}.dat"
        sizes, *shells = path.read_text().splitlines()
        n = len(atomic_shells(element))
        assert sizes.split() == [str(n), str(n), "1.0e+06"]
        energies = [float(line.split()[0]) for line in shells]
        assert len(energies) == n
        assert energies == sorted(energies, reverse=True)


@pytest.mark.parametrize("element", [18, 82])
def test_shells_add_up_to_the_atom(compact: Path, element: int) -> None:
    lines = (compact / PHOTOELECTRIC / f"pe-ss-cs-{element}.dat").read_text().splitlines()
    energies = np.array([2e-3, 2e-2, 0.12, 0.5, 5.0])
    total = np.zeros_like(energies)
    shells = 0
    while lines:
        first, _, n, number = lines[0].split()
        assert int(number) == shells
        table = np.array([line.split() for line in lines[1 : int(n) + 1]], dtype=float)
        assert np.all(np.diff(table[:, 0]) > 0)
        inside = energies >= float(first)
        total[inside] += np.interp(energies[inside], table[:, 0], table[:, 1])
        lines = lines[int(n) + 1 :]
        shells += 1
    assert shells == len(atomic_shells(element))
    atom = photoelectric_cross_section(element, energies) * energies**3
    np.testing.assert_allclose(total, atom, rtol=0.02)


@pytest.mark.parametrize("element", [1, 2, 3, 6, 26, 55, 86, 92])
def test_photon_cross_sections_fall_smoothly_beyond_the_evaluation(element: int) -> None:
    energies = log_grid(0.5, 1e5, 50)
    for function in (photoelectric_cross_section, rayleigh_cross_section):
        slopes = np.diff(np.log(function(element, energies))) / np.diff(np.log(energies))
        assert np.all(slopes < -0.9)
        assert np.all(slopes > -3.2)
        assert np.abs(np.diff(slopes)).max() < 0.35


def test_hadronic_cross_sections_know_thresholds() -> None:
    energies = np.array([1.0, 5.0, 15.0, 50.0])
    assert np.all(np.diff(charged_inelastic(82, 1, energies)) >= 0)
    assert charged_inelastic(82, 2, np.array([15.0]))[0] < 1e-11
    assert charged_inelastic(82, 1, np.array([100.0]))[0] == pytest.approx(1.98, rel=0.1)
    assert neutron_capture(1, np.array([2.53e-8]))[0] == pytest.approx(0.3326)
    lead = photonuclear(82, np.linspace(1.0, 130.0, 1291))
    assert np.linspace(1.0, 130.0, 1291)[lead.argmax()] == pytest.approx(13.6, abs=0.6)
    assert np.all(photonuclear(1, energies) == 0)


def test_comparison_of_a_folder_with_itself_finds_nothing(compact: Path) -> None:
    script = REPOSITORY / "scripts" / "compare_cross_sections.py"
    command = [sys.executable, str(script), str(compact), str(compact)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    header, _, *lines = done.stdout.splitlines()
    assert header.startswith("| table | Z |")
    assert {line.split("|")[2].strip() for line in lines} == {"1", "18", "82"}
    assert all(line.count("+0.00 % |") + line.count("-0.00 % |") == 2 for line in lines)


@pytest.mark.skipif(
    not (SHARED / BREMSSTRAHLUNG / "br82").is_file(),
    reason="no evaluated Geant4 data: name their folder's parent in CALOGAN_SHARED",
)
class TestAgainstEvaluatedData:
    """Table by table, against a data set made from NIST's and EPDL97's tables."""

    @pytest.mark.parametrize("element", CHOSEN)
    def test_spectra(self, compact: Path, element: int) -> None:
        name = BREMSSTRAHLUNG / f"br{element}"
        x, log_energies, expected = read_spectra(SHARED / name)
        _, _, found = read_spectra(compact / name)
        fast = log_energies > -1e-6  # from 1 MeV on
        losses = (np.trapezoid(table[fast], x, axis=1) for table in (found, expected))
        assert np.abs(next(losses) / next(losses) - 1).max() < (0.045 if element == 1 else 0.01)
        deviation = (found / expected - 1)[np.ix_(fast, (x > 0.02) & (x < 0.975))]
        assert np.sqrt(np.mean(deviation**2)) < (0.07 if element == 1 else 0.015)

    @pytest.mark.parametrize("element", [18, 82])
    @pytest.mark.parametrize("part", ["cs", "le-cs"])
    def test_photoelectric(self, compact: Path, element: int, part: str) -> None:
        name = PHOTOELECTRIC / f"pe-{part}-{element}.dat"
        energies, expected = read_vector(SHARED / name)
        found = np.interp(energies, *read_vector(compact / name))
        edges = np.array([shell.edge_mev for shell in atomic_shells(element)])
        away = np.abs(np.log(energies[:, None] / edges)).min(axis=1) > 0.01
        inside = (energies > 1e-3) & away
        deviation = found[inside] / expected[inside] - 1
        assert np.sqrt(np.mean(deviation**2)) < 0.02

    @pytest.mark.parametrize("element", CHOSEN)
    def test_rayleigh(self, compact: Path, element: int) -> None:
        name = RAYLEIGH / f"re-cs-{element}.dat"
        energies, expected = read_vector(SHARED / name)
        found = np.interp(energies, *read_vector(compact / name))
        inside = (energies > 0.1) & (energies < 100)
        assert np.abs(found[inside] / expected[inside] - 1).max() < 0.1

    @pytest.mark.parametrize("element", CHOSEN)
    @pytest.mark.parametrize("table", ["neutron/el", "neutron/cap", "proton/inel"])
    def test_hadronic(self, compact: Path, element: int, table: str) -> None:
        name = HADRONIC / f"{table}{element}"
        energies, expected = read_vector(SHARED / name)
        found = np.interp(energies, *read_vector(compact / name))
        large = expected > 0.05 * expected.max()
        assert np.abs(found[large] / expected[large] - 1).max() < 0.04
