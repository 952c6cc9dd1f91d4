"""Macros with a general particle source: read as Geant4 takes them, or refused by line."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calogan.beam_notation import parse_beam
from calogan.calorimeter import CALOGAN
from calogan.errors import CaloganError, ConfigurationError, IncidentError
from calogan.geant4.macro import Macro, read_macro
from calogan.geant4.primaries import check_primaries
from calogan.incident import Incident
from calogan.spectra import Exponential, Fixed, Gaussian, Linear, PowerLaw, Spectrum, Uniform
from tests.test_beam import between, follows

# the commands of the published CaloGAN's generation/cfg/run2.mac, in its way of writing
RUN2 = """
# no graphics
/run/initialize
/run/printProgress 1
/run/verbose 2
#/gun/particle e-
/gps/particle e+
/gps/pos/type Beam
/gps/pos/centre 0.0 0.0 -28.8
/gps/direction 0 0 1
/gps/ene/type Lin
/gps/ene/min 1 GeV\t
/gps/ene/max 100 GeV\t
/gps/ene/gradient 0. #uniform
/gps/ene/intercept 1\t
/gps/number 1\x20
/run/beamOn 10"""

PENCIL = "/gps/particle e+\n/gps/energy 5 GeV\n/gps/position 0 0 -28.8\n/gps/direction 0 0 1\n"
N = 20_000


def macro_of(folder: Path, text: str, n: int | None = None) -> Macro:
    path = folder / "t.mac"
    path.write_text(text, encoding="utf-8")
    return read_macro(path, n)


def shoot(folder: Path, *lines: str, n: int = N) -> Incident:
    text = PENCIL + "\n".join(lines)
    return macro_of(folder, text, n).draw(np.random.default_rng(1))


def test_the_original_macro_is_the_paper_s_beam(tmp_path: Path) -> None:
    macro = macro_of(tmp_path, RUN2)
    assert len(macro) == 10
    assert macro.texts == {"t.mac": RUN2}
    assert [note.split()[0] for note in macro.notes] == [
        *["/run/initialize", "/run/printProgress", "/run/verbose"]
    ]
    incident = macro.draw(np.random.default_rng(7))
    beam = parse_beam(CALOGAN, particle="e+", energy="1:100")
    expected = beam.draw(10, np.random.default_rng(7))
    for name in ("pdgid", "energy_gev", "position_mm", "direction"):
        np.testing.assert_array_equal(getattr(incident, name), getattr(expected, name))


def test_macros_are_read_without_geant4() -> None:
    code = "import sys, calogan.geant4.macro; sys.exit('calzone' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("lines", "spectrum"),
    [
        ("/gps/ene/type Mono\n/gps/ene/mono 500 MeV", Fixed(0.5)),
        ("/gps/energy 2", Fixed(2)),
        ("/gps/ene/mono 2e6", Fixed(2)),
        ("/gps/ene/type Gauss\n/gps/ene/mono 5 GeV\n/gps/ene/sigma 100 MeV", Gaussian(5, 0.1)),
        (
            "/gps/ene/type Lin\n/gps/ene/min 1 GeV\n/gps/ene/max 0.1 TeV\n/gps/ene/intercept 2",
            Uniform(1, 100),
        ),
        (
            "/gps/ene/type Lin\n/gps/ene/min 1 GeV\n/gps/ene/max 9 GeV\n/gps/ene/gradient 0.003",
            Linear(1, 9, 3, 0),
        ),
        (
            "/gps/ene/type Pow\n/gps/ene/min 1 GeV\n/gps/ene/max 9 GeV\n/gps/ene/alpha -2.7",
            PowerLaw(1, 9, -2.7),
        ),
        (
            "/gps/ene/type Exp\n/gps/ene/min 1 GeV\n/gps/ene/max 9 GeV\n/gps/ene/ezero 2000",
            Exponential(1, 9, 2),
        ),
    ],
)
def test_spectra_with_units_as_in_geant4(tmp_path: Path, lines: str, spectrum: Spectrum) -> None:
    energy = macro_of(tmp_path, PENCIL + lines, 1).runs[0].beam.energy
    assert type(energy) is type(spectrum)
    for name, value in vars(spectrum).items():
        assert getattr(energy, name) == pytest.approx(value)


def test_runs_follow_each_other_with_the_source_as_it_is_then(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "gamma.mac").write_text("/gps/particle gamma\n/run/beamOn 1\nexit\nX\n")
    text = (
        PENCIL + "/control/alias E 7\n/run/beamOn 0\n/run/beamOn 2\n"
        "/gps/energy \\\n  {E} _ # of the next run\n GeV\n/run/beamOn 1\n"
        "/control/execute more/gamma.mac\n"
    )
    macro = macro_of(tmp_path, text)
    incident = macro.draw(np.random.default_rng(1))
    np.testing.assert_array_equal(incident.energy_gev, [5, 5, 7, 7])
    np.testing.assert_array_equal(incident.pdgid, [-11, -11, -11, 22])
    assert list(macro.texts) == ["t.mac", "more/gamma.mac"]


def test_the_number_of_showers_may_be_given_beside(tmp_path: Path) -> None:
    assert len(macro_of(tmp_path, RUN2, 3)) == 3
    assert len(macro_of(tmp_path, PENCIL, 4)) == 4
    with pytest.raises(ConfigurationError, match="has 2 runs"):
        macro_of(tmp_path, PENCIL + "/run/beamOn 1\n/run/beamOn 2\n", 4)
    with pytest.raises(ConfigurationError, match="shoots nothing"):
        macro_of(tmp_path, PENCIL)


def test_a_pencil_beam_takes_no_room(tmp_path: Path) -> None:
    incident = shoot(tmp_path, "/gps/pos/type Beam")
    assert incident.position_mm.strides[0] == 0
    np.testing.assert_array_equal(incident.position_mm[0], [0, 0, -288])


def test_a_beam_has_its_widths(tmp_path: Path) -> None:
    incident = shoot(
        tmp_path,
        *["/gps/pos/type Beam", "/gps/pos/sigma_r 1 cm", "/gps/pos/sigma_y 2 mm"],
        "/gps/pos/halfx 3",
    )
    x, y, z = incident.position_mm.T
    assert x.std() == pytest.approx(math.hypot(10, 60 / math.sqrt(12)), rel=0.02)
    assert y.std() == pytest.approx(2, rel=0.02)
    assert (z == -288).all()


def test_planes_and_volumes_are_uniform(tmp_path: Path) -> None:
    plane = ["/gps/pos/type Plane", "/gps/pos/centre 1 2 -25 cm", "/gps/pos/radius 4 mm"]
    size = ["/gps/pos/halfx 3 mm", "/gps/pos/halfy 2 mm", "/gps/pos/halfz 1 mm"]
    centre = [10, 20, -250]
    local = shoot(tmp_path, *plane, *size, "/gps/pos/shape Square").position_mm - centre
    assert follows(local[:, 0], between(-3, 3))
    assert follows(local[:, 1], between(-2, 2))
    assert (local[:, 2] == 0).all()
    local = shoot(tmp_path, *plane, "/gps/pos/shape Circle").position_mm - centre
    assert follows(np.hypot(*local[:, :2].T), lambda r: (r / 4) ** 2)
    ring = [*plane, "/gps/pos/inner_radius 2 mm", "/gps/pos/shape Annulus"]
    local = shoot(tmp_path, *ring).position_mm - centre
    assert follows(np.hypot(*local[:, :2].T), lambda r: (r**2 - 4) / 12)
    local = shoot(tmp_path, *plane, *size, "/gps/pos/shape Ellipse").position_mm - centre
    assert follows(np.hypot(local[:, 0] / 3, local[:, 1] / 2), lambda r: r**2)
    volume = [*plane, *size, "/gps/pos/type Volume"]
    local = shoot(tmp_path, *volume, "/gps/pos/shape Para").position_mm - centre
    for axis, half in enumerate([3, 2, 1]):
        assert follows(local[:, axis], between(-half, half))
    local = shoot(tmp_path, *volume, "/gps/pos/shape Sphere").position_mm - centre
    assert follows(np.linalg.norm(local, axis=1), lambda r: (r / 4) ** 3)
    local = shoot(tmp_path, *volume, "/gps/pos/shape Ellipsoid").position_mm - centre
    assert follows(np.linalg.norm(local / [3, 2, 1], axis=1), lambda r: r**3)
    local = shoot(tmp_path, *volume, "/gps/pos/shape Cylinder").position_mm - centre
    assert follows(np.hypot(*local[:, :2].T), lambda r: (r / 4) ** 2)
    assert follows(local[:, 2], between(-1, 1))


def test_a_plane_may_be_turned(tmp_path: Path) -> None:
    lines = ["/gps/pos/type Plane", "/gps/pos/shape Rectangle", "/gps/pos/centre 0 56 0 cm"]
    lines += ["/gps/pos/halfx 3 cm", "/gps/pos/halfy 2 cm", "/gps/pos/rot1 0 0 5"]
    x, y, z = shoot(tmp_path, *lines, "/gps/pos/rot2 1 0 1").position_mm.T
    assert (np.abs(z) <= 30).all()  # x' is z
    assert z.std() == pytest.approx(60 / math.sqrt(12), rel=0.02)
    assert (np.abs(x) <= 20).all()  # y' is x
    np.testing.assert_allclose(y, 560)


def test_angles_say_where_particles_come_from(tmp_path: Path) -> None:
    lines = ["/gps/ang/type iso", "/gps/ang/mintheta 10 deg", "/gps/ang/maxtheta 30 deg"]
    lines += ["/gps/ang/minphi 0 deg", "/gps/ang/maxphi 90 deg"]
    direction = shoot(tmp_path, *lines).direction
    low, high = np.cos(np.radians([30, 10]))
    assert follows(-direction[:, 2], between(low, high))
    assert follows(np.degrees(np.arctan2(-direction[:, 1], -direction[:, 0])), between(0, 90))
    # x' to -x turns z' to -z
    turned = shoot(tmp_path, *lines, "/gps/ang/rot1 -1 0 0").direction
    np.testing.assert_allclose(turned, direction * [-1, 1, -1], atol=1e-12)
    off = shoot(tmp_path, *lines, "/gps/ang/rot1 -1 0 0", "/gps/ang/user_coor false").direction
    np.testing.assert_array_equal(off, direction)


def test_a_plane_shoots_its_cosine_law_inwards(tmp_path: Path) -> None:
    lines = ["/gps/pos/type Plane", "/gps/pos/shape Square", "/gps/pos/halfx 1", "/gps/pos/halfy 1"]
    direction = shoot(tmp_path, *lines, "/gps/ang/type cos").direction
    assert (direction[:, 2] > 0).all()  # from z < 0 towards the origin
    assert follows(1 - direction[:, 2] ** 2, between(0, 1))


def test_beams_spread_and_focus(tmp_path: Path) -> None:
    forward = "/gps/ang/rot1 -1 0 0"
    lines = ["/gps/ang/type beam2d", forward, "/gps/ang/sigma_x 0.01", "/gps/ang/sigma_y 1 deg"]
    x, y, z = shoot(tmp_path, *lines).direction.T
    assert (z > 0.99).all()
    assert x.std() == pytest.approx(0.01, rel=0.02)
    assert y.std() == pytest.approx(math.radians(1), rel=0.02)
    lines = ["/gps/ang/type beam1d", forward, "/gps/ang/sigma_r 10 mrad"]
    direction = shoot(tmp_path, *lines).direction
    theta = np.arccos(np.clip(direction[:, 2], -1, 1))
    assert np.sqrt(np.mean(theta**2)) == pytest.approx(0.01, rel=0.02)
    lines = ["/gps/pos/type Beam", "/gps/pos/sigma_r 1 cm", "/gps/ang/type focused"]
    incident = shoot(tmp_path, *lines, "/gps/ang/focuspoint 1 0 0 cm")
    along = np.linalg.norm(incident.position_mm - [10, 0, 0], axis=1)
    np.testing.assert_allclose(
        incident.position_mm + incident.direction * along[:, None],
        np.tile([10.0, 0, 0], (N, 1)),
        atol=1e-9,
    )


def test_ions(tmp_path: Path) -> None:
    for text, number in (("1 1", 2212), ("2 4", 1000020040), ("1 2 1 0", 1000010020)):
        lines = ["/gps/particle ion", f"/gps/ion {text}"]
        assert set(shoot(tmp_path, *lines, n=2).pdgid.tolist()) == {number}


@pytest.mark.parametrize(
    ("line", "message"),
    {
        "command": ("/gps/polarization 1 0 0", "/gps/polarization: not supported"),
        "detector": ("/det/setMaterial Fe", "/det/setMaterial: not supported"),
        "gun": ("/gun/energy 1 GeV", "write /gps/ instead"),
        "word": ("hello", "hello: not supported"),
        "histogram": ("/gps/hist/type energy", "Mono, Lin, Pow, Exp and Gauss"),
        "spectrum": ("/gps/ene/type Brem", "'Brem' is not supported"),
        "shape": ("/gps/pos/shape Star", "'Star' is not supported"),
        "surface": ("/gps/pos/type Surface", "'Surface' is not supported"),
        "sources": ("/gps/source/add 1", "there is one source"),
        "several": ("/gps/number 2", "2 particles in one event"),
        "cut": ("/run/setCut 1 mm", "--range-cut"),
        "loop": ("/control/loop a.mac i 1 2", "write the commands out"),
        "unit": ("/gps/energy 1 parsec", "unknown unit 'parsec'"),
        "number": ("/gps/energy much GeV", "'much' is no number"),
        "nan": ("/gps/energy nan GeV", "'nan' is no number"),
        "negative": ("/gps/energy -1 GeV", "-1 GeV is negative"),
        "nothing": ("/gps/energy", "needs a number and a unit, not 'nothing'"),
        "two numbers": ("/gps/position 1 2", "needs 3 numbers and a unit"),
        "no direction": ("/gps/direction 0 0 0", "points nowhere"),
        "infinite": ("/gps/pos/centre 0 0 1e300 km", "is too much"),
        "particle": ("/gps/particle quark_soup", "unknown particle 'quark_soup'"),
        "ion": ("/gps/ion 6", "give Z and A"),
        "nucleus": ("/gps/ion 6 3", "no nucleus"),
        "excited": ("/gps/ion 2 4 0 100", "bare and in its ground state"),
        "events": ("/run/beamOn many", "needs a number of events"),
        "macro": ("/control/execute no.mac", "cannot read the macro"),
        "itself": ("/control/execute t.mac", "without an end"),
        "alias": ("/gps/energy {E} GeV", "no alias 'E'"),
        "empty": ("{e}", "nothing is left"),
    }.values(),
)
def test_what_is_not_supported_is_refused_by_line(tmp_path: Path, line: str, message: str) -> None:
    start = '/control/alias e ""\n'
    with pytest.raises(ConfigurationError, match=message) as caught:
        macro_of(tmp_path, start + PENCIL + line + "\n/run/beamOn 1\n")
    command = line.partition(" ")[0]
    assert str(caught.value).startswith(f"{tmp_path}/t.mac, line 6: {command}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    {
        "no particle": (PENCIL.replace("/gps/particle e+", ""), "no particle was given"),
        "ion of no kind": (PENCIL + "/gps/particle ion", "no particle was given"),
        "no energy": (PENCIL.replace("/gps/energy 5 GeV", ""), "/gps/ene/mono is missing"),
        "no position": (PENCIL.replace("/gps/position 0 0 -28.8", ""), "/gps/pos/centre is"),
        "no direction": (PENCIL.replace("/gps/direction 0 0 1", ""), "/gps/direction is missing"),
        "no limits": (PENCIL + "/gps/ene/type Lin", "/gps/ene/min is missing"),
        "no index": (
            PENCIL + "/gps/ene/type Pow\n/gps/ene/min 1 GeV\n/gps/ene/max 2 GeV",
            "/gps/ene/alpha is missing",
        ),
        "falls below zero": (
            PENCIL + "/gps/ene/type Lin\n/gps/ene/min 1 GeV\n/gps/ene/max 2 GeV",
            "is not positive",
        ),
        "too much energy": (PENCIL + "/gps/energy 1e9 GeV", "must be finite"),
        "no shape": (PENCIL + "/gps/pos/type Plane", "a Plane needs /gps/pos/shape"),
        "a flat volume": (PENCIL + "/gps/pos/type Volume\n/gps/pos/shape Circle", "a Volume needs"),
        "no size": (PENCIL + "/gps/pos/type Plane\n/gps/pos/shape Circle", "pos/radius is missing"),
        "inside out": (
            PENCIL + "/gps/pos/type Plane\n/gps/pos/shape Annulus\n/gps/pos/radius 1\n"
            "/gps/pos/inner_radius 2",
            "must be less",
        ),
        "theta": (PENCIL + "/gps/ang/type iso\n/gps/ang/maxtheta 200 deg", "theta must lie"),
        "parallel": (PENCIL + "/gps/pos/type Beam\n/gps/pos/rot1 0 1 0", "are parallel"),
    }.values(),
)
def test_a_source_that_is_not_complete_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        macro_of(tmp_path, text + "\n/run/beamOn 1")
    assert "/run/beamOn: " in str(caught.value)


def test_no_file_and_no_text(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        read_macro(tmp_path / "no.mac")
    with pytest.raises(ConfigurationError, match="directory"):
        read_macro(tmp_path)
    (tmp_path / "b.mac").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match="it is no text"):
        read_macro(tmp_path / "b.mac")


commands = st.sampled_from(
    [
        *["/gps/particle", "/gps/energy", "/gps/position", "/gps/direction", "/gps/number"],
        *["/gps/pos/type", "/gps/pos/shape", "/gps/pos/centre", "/gps/pos/halfx", "/gps/pos/rot1"],
        *["/gps/pos/radius", "/gps/pos/sigma_r", "/gps/ang/type", "/gps/ang/maxtheta"],
        *["/gps/ang/sigma_x", "/gps/ang/rot2", "/gps/ang/minphi", "/gps/ene/type", "/gps/ene/min"],
        *["/gps/ene/max", "/gps/ene/alpha", "/gps/ene/ezero", "/gps/ene/gradient", "/gps/ion"],
        *["/run/beamOn", "/control/alias", "/control/execute", "/random/x", "#", "{a}", "\\", "_"],
    ]
)
words = st.sampled_from(
    [
        *["e+", "1", "0", "-1", "1e308", "1e-320", "nan", "GeV", "cm", "deg", "Beam", "Plane"],
        *["Volume", "Circle", "Annulus", "Para", "iso", "cos", "beam2d", "focused", "Lin", "Pow"],
        *["Exp", "Gauss", "a", "{a}", '"', "5", "20", "{", "ion", "t.mac"],
    ]
)
line = st.tuples(commands, st.lists(words, max_size=4)).map(lambda c: " ".join([c[0], *c[1]]))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(lines=st.lists(st.one_of(line, st.text(max_size=20)), max_size=12))
def test_whatever_is_in_a_macro(tmp_path: Path, lines: list[str]) -> None:
    try:
        macro = macro_of(tmp_path, PENCIL + "\n".join(lines).replace("\ud800", "?"), 3)
        assert len(macro.draw(np.random.default_rng(1))) == 3
    except CaloganError as error:
        assert "\n" not in str(error)  # noqa: PT017


@pytest.mark.parametrize("number", [1, -6, 21, 23, 25, 2203, 1000060120, -1000822080])
def test_particles_that_geant4_does_not_shoot(number: int) -> None:
    with pytest.raises(IncidentError, match=f"Geant4 cannot shoot .*{number}"):
        check_primaries([22, number])


def test_particles_that_geant4_shoots() -> None:
    check_primaries([11, -12, 22, 111, 130, 211, 2212, -2112, 3222, 3334, 1000020040, -1000010020])
