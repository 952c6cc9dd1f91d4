"""What is recorded: all deposits or active ones, and further views of a shower."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from calogan.calorimeter import CALOGAN, Calorimeter, ReadoutLayer, Section, SubLayer
from calogan.errors import CalorimeterError, ConfigurationError, IncidentError, ShowerFileError
from calogan.files import ShowerFile, ShowerWriter, write_showers
from calogan.geant4.deposits import Deposits, check_axis, check_turnable, turn_deposits
from calogan.geant4.simulator import Geant4Simulator
from calogan.incident import Incident
from calogan.showers import Showers
from tests.conftest import make_showers
from tests.geant4.test_simulator import in_a_fresh_process

pytest.importorskip("calzone", reason="needs the extra geant4")

BLOCK = Calorimeter(
    name="block",
    sections=(Section(sublayers=(SubLayer(material="G4_Pb", thickness_mm=100),)),),
    layers=(ReadoutLayer(z_min_mm=-50, z_max_mm=50, n_eta=4, n_phi=4, half_width_mm=100),),
    half_size_mm=120,
)

_SHOWERS = """
import numpy as np
from calogan.files import write_showers
from calogan.geant4 import Geant4Simulator
from calogan.incident import Incident
simulator = Geant4Simulator(physics_list="FTFP_BERT_EMV", {options})
showers = simulator.simulate(Incident.create("e+", [1.0, 3.0, 3.0]), np.random.default_rng(7))
write_showers("{path}", showers, simulator.provenance)
"""


@pytest.fixture(scope="module")
def read_out(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """File of the same showers, read out with some options."""
    folder = tmp_path_factory.mktemp("read_out")
    files: dict[str, Path] = {}

    def read(options: str) -> Path:
        if options not in files:
            files[options] = folder / f"eplus_{len(files)}.h5"
            in_a_fresh_process(_SHOWERS.format(options=options, path=files[options]))
        return files[options]

    return read


def of_file(path: Path, view: int = 0) -> Showers:
    with ShowerFile(path) as file:
        return file.read(view=view)


def random_deposits(m: int, n_events: int) -> Deposits:
    rng = np.random.default_rng(1)
    event = rng.integers(0, n_events, m)
    position = rng.normal(size=(m, 3)) * (30.0, 10.0, 100.0) + (5.0, 0.0, 0.0)
    return event, position, rng.exponential(size=m)


def test_a_turned_event_keeps_its_radii_depths_and_energies() -> None:
    event, position, energy = random_deposits(1000, 20)
    turned = turn_deposits((event, position, energy), 20, np.random.default_rng(2))
    np.testing.assert_array_equal(turned[0], event)
    np.testing.assert_array_equal(turned[2], energy)
    np.testing.assert_array_equal(turned[1][:, 2], position[:, 2])
    for points in (turned[1], position):
        np.testing.assert_allclose(
            np.hypot(*points[:, :2].T), np.hypot(*position[:, :2].T), rtol=1e-12
        )
    # each event is turned as a whole: distances within it stay
    for k in range(20):
        before, after = position[event == k, :2], turned[1][event == k, :2]
        np.testing.assert_allclose(
            np.hypot(*(before - before[0]).T), np.hypot(*(after - after[0]).T), atol=1e-9
        )


def test_all_angles_and_both_sides_occur() -> None:
    n = 4000
    points = np.tile([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], (n, 1))
    event = np.repeat(np.arange(n), 2)
    _, turned, _ = turn_deposits((event, points, np.ones(2 * n)), n, np.random.default_rng(3))
    x, y = turned[::2, :2], turned[1::2, :2]
    angles = np.arctan2(*x.T[::-1])
    counts, _ = np.histogram(angles, bins=8, range=(-np.pi, np.pi))
    assert abs(counts - n / 8).max() < 5 * np.sqrt(n / 8)
    handed = np.sign(x[:, 0] * y[:, 1] - x[:, 1] * y[:, 0])
    assert abs(handed.mean()) < 5 / np.sqrt(n)


def test_a_cell_outside_of_the_inner_circle_is_refused() -> None:
    check_turnable(CALOGAN)
    with pytest.raises(CalorimeterError, match=r"cells reach 141\.4\d* mm .* only 120 mm"):
        check_turnable(BLOCK)
    with pytest.raises(CalorimeterError, match="leave --views out"):
        Geant4Simulator(BLOCK, views=1)


@pytest.mark.parametrize(
    "aside", [{"position_mm": (1e-3, 0, -288)}, {"direction": (0.0, 1e-6, 1.0)}]
)
def test_a_beam_aside_is_refused(aside: dict[str, tuple[float, ...]]) -> None:
    beam = Incident.concatenate(
        [Incident.create("e+", [1.0, 2.0]), Incident.create("e+", 3.0, **aside)]
    )
    with pytest.raises(IncidentError, match="incident 2 does not fly along the axis"):
        check_axis(beam)
    check_axis(beam[:2])


def test_negative_views() -> None:
    with pytest.raises(ConfigurationError, match="-1 views"):
        Geant4Simulator(views=-1)


def test_no_active_sublayer() -> None:
    with pytest.raises(CalorimeterError, match="no active sub-layer"):
        Geant4Simulator(BLOCK, deposits="active")


@pytest.mark.slow
def test_views_are_the_same_showers_turned(read_out: Callable[[str], Path]) -> None:
    alone, turned = of_file(read_out("")), read_out("views=3")
    with ShowerFile(turned) as file:
        assert file.n_views == 3
    showers = of_file(turned)
    np.testing.assert_array_equal(showers.cells, alone.cells)  # views change nothing else
    for view in (of_file(turned, k) for k in (1, 2, 3)):
        assert not np.array_equal(view.cells, showers.cells)
        # layers are cut in z, which turning does not change; overflow is beside the square
        np.testing.assert_allclose(
            view.layer_energies + view.overflow,
            showers.layer_energies + showers.overflow,
            rtol=1e-5,
            atol=1e-4,
        )


@pytest.mark.slow
def test_active_deposits_are_a_part_of_all(read_out: Callable[[str], Path]) -> None:
    path = read_out('deposits="active"')
    showers, everything = of_file(path), of_file(read_out(""))
    with ShowerFile(path) as file:
        assert file.made_with["deposits"] == "active"
    # the same events: Geant4 does not know what is recorded, only points on steps are drawn anew
    share = showers.total_energy / everything.total_energy
    assert (share > 0.12).all()
    assert (share < 0.25).all()  # the sampling fraction of 2 mm of lead and 4 mm of argon


def test_views_in_memory_and_in_a_file(tmp_path: Path) -> None:
    plain = make_showers(6)
    views = tuple(make_showers(6, seed) for seed in (1, 2))
    showers = Showers(plain.incident, plain.layers, plain.overflow, CALOGAN, views)
    part = showers[2:4]
    assert [len(view) for view in part.views] == [2, 2]
    joined = Showers.concatenate([showers[:2], part, showers[4:]])
    np.testing.assert_array_equal(joined.views[1].cells, views[1].cells)
    write_showers(tmp_path / "views.h5", showers)
    with ShowerFile(tmp_path / "views.h5") as file:
        again = file.read(view=2)
    np.testing.assert_array_equal(again.cells, views[1].cells)
    np.testing.assert_array_equal(again.overflow, views[1].overflow)
    with pytest.raises(ShowerFileError, match="different numbers of views"):
        Showers.concatenate([showers, plain])
    with pytest.raises(ShowerFileError, match="a view must have"):
        Showers(plain.incident, plain.layers, plain.overflow, CALOGAN, (showers,))
    with (
        pytest.raises(ShowerFileError, match="2 views, not 0"),
        ShowerWriter(tmp_path / "none.h5", CALOGAN, {}) as writer,
    ):
        writer.append(showers)
    assert not (tmp_path / "none.h5").exists()
