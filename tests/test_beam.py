"""Beams draw what they say, and their notation is read or refused in one line."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from calogan.beam import Along, AngleRange, Beam, Box, Cone, Particles
from calogan.beam_notation import (
    parse_beam,
    parse_direction,
    parse_energy,
    parse_particles,
    parse_position,
)
from calogan.calorimeter import CALOGAN
from calogan.errors import CaloganError, IncidentError
from calogan.incident import GUN_POSITION_MM, parse_spectrum
from calogan.production import incident_rng
from calogan.spectra import (
    Exponential,
    Fixed,
    Gaussian,
    InOrder,
    Linear,
    PowerLaw,
    Spectrum,
    Uniform,
)

Cdf = Callable[[NDArray[np.float64]], NDArray[np.float64]]

N = 20_000


def follows(values: NDArray[np.float64], cdf: Cdf) -> bool:
    """Kolmogorov-Smirnov: a true distribution fails one time in a thousand; the seed is fixed."""
    values = np.sort(values)
    n = len(values)
    expected = cdf(values)
    above = (np.arange(1, n + 1) / n - expected).max()
    below = (expected - np.arange(n) / n).max()
    return bool(max(above, below) < 1.95 / np.sqrt(n))


def between(low: float, high: float) -> Cdf:
    return lambda x: (x - low) / (high - low)


@pytest.mark.parametrize(
    ("text", "cdf"),
    {
        "uniform": ("1:100", between(1, 100)),
        "log-uniform": ("log:1:100", lambda e: np.log(e) / np.log(100)),
        "falling power": ("pow:-2:1:100", lambda e: (1 - 1 / e) / (1 - 1 / 100)),
        "power -1": ("pow:-1:1:100", lambda e: np.log(e) / np.log(100)),
        "rising power": ("pow:2:1:100", lambda e: (e**3 - 1) / (100**3 - 1)),
        "steep power": ("pow:-30:1:100", lambda e: 1 - e**-29.0),
        "exponential": (
            "exp:20:1:100",
            lambda e: (np.exp(-1 / 20) - np.exp(-e / 20)) / (np.exp(-1 / 20) - np.exp(-5)),
        ),
        "short exponential": ("exp:0.01:1:100", lambda e: 1 - np.exp(-(e - 1) / 0.01)),
        "rising line": (
            "lin:2:1:1:100",
            lambda e: (e**2 + e - 2) / (100**2 + 100 - 2),
        ),
        "falling line": (
            "lin:-1:100:1:100",
            lambda e: ((100 - 1) ** 2 - (100 - e) ** 2) / 99**2,
        ),
        "flat line": ("lin:0:3:1:100", between(1, 100)),
    }.values(),
)
def test_spectra_follow_their_density(text: str, cdf: Cdf) -> None:
    energy = parse_spectrum(text).draw(N, np.random.default_rng(1))
    assert ((energy >= 1) & (energy <= 100)).all()
    assert follows(energy, cdf)


def test_a_wrong_density_would_be_noticed() -> None:
    energy = parse_spectrum("pow:-2:1:100").draw(N, np.random.default_rng(1))
    assert not follows(energy, lambda e: (1 - e**-1.1) / (1 - 100**-1.1))


def test_a_gaussian_has_its_mean_and_width() -> None:
    energy = parse_spectrum("gauss:50:2").draw(N, np.random.default_rng(1))
    assert energy.mean() == pytest.approx(50, abs=0.06)
    assert energy.std() == pytest.approx(2, rel=0.02)
    low = Gaussian(1e-6, 1e-6).draw(1000, np.random.default_rng(1))
    assert low.min() >= 1e-6  # cut off where it makes no sense


@pytest.mark.parametrize(
    ("text", "spectrum"),
    [
        ("pow:-2:1:100", PowerLaw(1, 100, -2)),
        ("exp:20:1:100", Exponential(1, 100, 20)),
        ("lin:0.5:1:1:100", Linear(1, 100, 0.5, 1)),
        ("gauss:50:1", Gaussian(50, 1)),
    ],
)
def test_spectra_in_short(text: str, spectrum: Spectrum) -> None:
    assert parse_spectrum(text) == spectrum


@pytest.mark.parametrize(
    "text",
    [
        *["pow:nan:1:100", "pow:1:100", "pow:-2:100:1", "exp:0:1:100", "exp:-1:1:2", "exp:inf:1:2"],
        *["lin:-1:1:1:100", "lin:0:0:1:100", "lin:1e308:1:1:100", "lin:nan:1:1:100"],
        *["gauss:50:-1", "gauss:50:51", "gauss:50:nan", "file:", "square:1:2"],
    ],
)
def test_impossible_spectra_are_refused(text: str) -> None:
    with pytest.raises(IncidentError):
        parse_energy(text)


def test_energies_in_order() -> None:
    spectrum = InOrder(np.array([3.0, 1.0, 2.0]), "mine.csv")
    rng = np.random.default_rng(1)
    np.testing.assert_array_equal(spectrum.draw(2, rng), [3, 1])
    assert Beam(Particles((-11,)), spectrum).size == 3
    assert Beam(Particles((-11,)), Fixed(1)).size is None
    with pytest.raises(IncidentError, match=r"mine\.csv holds 3 energies, not 4"):
        spectrum.draw(4, rng)
    with pytest.raises(IncidentError, match=r"mine\.csv: energy of incident 1"):
        InOrder(np.array([3.0, -1.0]), "mine.csv")


def test_the_default_beam_is_the_paper_s_and_takes_no_room() -> None:
    beam = parse_beam(CALOGAN, particle="e+", energy="1:100")
    incident = beam.draw(1000, incident_rng(5))
    np.testing.assert_array_equal(incident.energy_gev, Uniform(1, 100).draw(1000, incident_rng(5)))
    assert (incident.position_mm == GUN_POSITION_MM).all()
    assert (incident.direction == (0, 0, 1)).all()
    assert (incident.pdgid == -11).all()
    assert incident.position_mm.strides[0] == incident.direction.strides[0] == 0


def test_the_energies_of_a_seed_do_not_depend_on_the_rest_of_the_beam() -> None:
    options = {"position": "-20:20,-20:20", "direction": "cone:5"}
    plain = parse_beam(CALOGAN, particle="e+", energy="1:100").draw(50, incident_rng(5))
    wide = parse_beam(CALOGAN, particle="e+,gamma", energy="1:100", **options)
    one, two = (wide.draw(50, incident_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(plain.energy_gev, one.energy_gev)
    for name in ("energy_gev", "pdgid", "position_mm", "direction"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    assert set(one.pdgid.tolist()) == {-11, 22}


def test_particles_come_as_often_as_their_weights_say() -> None:
    drawn = parse_particles("e+:1,gamma:3,pi+:0").draw(N, np.random.default_rng(1))
    assert np.mean(drawn == 22) == pytest.approx(0.75, abs=0.01)
    assert np.mean(drawn == 211) == 0
    assert parse_particles("proton") == Particles((2212,))


@pytest.mark.parametrize("text", ["e+:0", "e+:0,gamma:0", "e+:-1,gamma", "e+:x,gamma", "e+,,gamma"])
def test_impossible_weights_are_refused(text: str) -> None:
    if text == "e+:0":  # the weight of the only one does not matter
        assert parse_particles(text) == Particles((-11,))
        return
    with pytest.raises(IncidentError):
        parse_particles(text)


@pytest.mark.parametrize("direction", ["0,0,1", "0.3,-0.2,1", "theta=60,phi=30", "cone:40"])
def test_particles_enter_the_front_face_where_they_should(direction: str) -> None:
    beam = parse_beam(CALOGAN, particle="e+", energy="5", position="10:30,-40", direction=direction)
    incident = beam.draw(500, np.random.default_rng(2))
    start, flight = incident.position_mm, incident.direction
    assert (start[:, 2] == CALOGAN.gun_z_mm).all()
    entry = start + flight / flight[:, 2:] * (-240 - start[:, 2:])
    np.testing.assert_allclose(entry[:, 1:], np.tile([-40, -240], (500, 1)), atol=1e-9)
    assert entry[:, 0].min() >= 10 - 1e-9
    assert entry[:, 0].max() <= 30 + 1e-9


def test_a_box_is_uniform_in_each_coordinate() -> None:
    box, start_z = parse_position("-20:20,5,-288:-250", CALOGAN)
    assert start_z is None
    x, y, z = box.draw(N, np.random.default_rng(3)).T
    assert follows(x, between(-20, 20))
    assert follows(z, between(-288, -250))
    assert (y == 5).all()


def test_a_cone_is_uniform_in_solid_angle() -> None:
    direction = Cone(2, 5).draw(N, np.random.default_rng(4))
    low, high = np.cos(np.radians([5, 2]))
    assert follows(direction[:, 2], between(low, high))
    phi = np.arctan2(direction[:, 1], direction[:, 0])
    assert follows(phi, between(-np.pi, np.pi))


def test_angle_ranges_are_uniform_in_the_angles() -> None:
    direction = AngleRange((0, 20), (30, 90)).draw(N, np.random.default_rng(5))
    np.testing.assert_allclose(np.linalg.norm(direction, axis=1), 1)
    assert follows(np.degrees(np.arccos(direction[:, 2])), between(0, 20))
    phi = np.degrees(np.arctan2(direction[:, 1], direction[:, 0]))
    assert follows(phi, between(30, 90))


@pytest.mark.parametrize(
    ("text", "direction"),
    [
        ("0,0.1,1", Along((0, 0.1, 1))),
        ("cone:5", Cone(0, 5)),
        ("cone:2:5", Cone(2, 5)),
        ("theta=0:20", AngleRange((0, 20), (0, 360))),
        ("phi=90, theta=10", AngleRange((10, 10), (90, 90))),
    ],
)
def test_directions_in_short(text: str, direction: object) -> None:
    assert parse_direction(text) == direction


@pytest.mark.parametrize(
    "text",
    [
        *["", "0,0", "0,0,0", "0,0,inf", "1,2,3,4", "north", "cone:", "cone:5:2", "cone:181"],
        *["cone:1:2:3", "theta=", "theta=5:2", "phi=3", "theta=1,psi=2", "theta=-5:5", "theta=nan"],
    ],
)
def test_impossible_directions_are_refused(text: str) -> None:
    with pytest.raises(IncidentError):
        parse_direction(text)


@pytest.mark.parametrize(
    "text", ["", "1", "1,2,3,4", "a,b", "501,0", "0,-501:0", "5:2,0", "nan,0", "0,0,inf", "1:2:3,0"]
)
def test_impossible_positions_are_refused(text: str) -> None:
    with pytest.raises(IncidentError):
        parse_position(text, CALOGAN)


@pytest.mark.parametrize("direction", ["0,0,-1", "1,0,0", "theta=90", "cone:170"])
def test_particles_that_never_enter_are_refused(direction: str) -> None:
    beam = parse_beam(CALOGAN, particle="e+", energy="5", position="1,2", direction=direction)
    with pytest.raises(IncidentError, match="never enters the front face"):
        beam.draw(100, np.random.default_rng(1))


def test_a_start_in_space_may_fly_anywhere() -> None:
    beam = parse_beam(CALOGAN, particle="mu-", energy="5", position="0,550,0", direction="0,-1,0")
    incident = beam.draw(2, np.random.default_rng(1))
    np.testing.assert_array_equal(incident.position_mm, [[0, 550, 0]] * 2)


pieces = st.sampled_from(
    [
        *["log:", "pow:", "exp:", "lin:", "gauss:", "cone:", "theta=", "phi=", ":", ",", "-"],
        *["1", "20", "0", "1e308", "1e-320", "nan", "inf", ".", " ", "²", "\0"],
        *["e+", "gamma", "-11", "K"],
    ]
)
notation = st.one_of(st.lists(pieces, max_size=9).map("".join), st.text(max_size=12))


@settings(max_examples=60, deadline=None)
@given(particle=notation, energy=notation, position=notation, direction=notation)
def test_whatever_is_written_is_read_or_refused_in_one_line(
    particle: str, energy: str, position: str, direction: str
) -> None:
    rng = np.random.default_rng(1)
    for attempt in (
        lambda: parse_particles(particle).draw(3, rng),
        lambda: parse_energy(energy).draw(3, rng),
        lambda: parse_position(position, CALOGAN)[0].draw(3, rng),
        lambda: parse_direction(direction).draw(3, rng, np.zeros((1, 3))),
        lambda: parse_beam(
            CALOGAN, particle="e+", energy="5", position=position, direction=direction
        ).draw(3, rng),
    ):
        try:
            attempt()
        except CaloganError as error:
            assert "\n" not in str(error)  # noqa: PT017


@settings(deadline=None)
@given(
    low=st.floats(1e-6, 1e6),
    high=st.floats(1e-6, 1e6),
    first=st.floats(allow_nan=True),
    second=st.floats(allow_nan=True),
)
def test_every_spectrum_that_is_accepted_stays_in_its_range(
    low: float, high: float, first: float, second: float
) -> None:
    kinds: list[Callable[[], Spectrum]] = [
        lambda: PowerLaw(low, high, first),
        lambda: Exponential(low, high, first),
        lambda: Linear(low, high, first, second),
    ]
    for kind in kinds:
        try:
            spectrum = kind()
        except IncidentError:
            continue
        energy = spectrum.draw(20, np.random.default_rng(1))
        assert ((energy >= low) & (energy <= high)).all()


def test_a_box_keeps_to_a_point() -> None:
    np.testing.assert_array_equal(
        Box((1, 2, 3), (1, 2, 3)).draw(5, np.random.default_rng(1)), [[1, 2, 3]]
    )
