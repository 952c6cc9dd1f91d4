from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calogan.calorimeter import CALOGAN, Material
from calogan.errors import CalorimeterError, ConfigurationError, IncidentError
from calogan.geant4.detector import (
    check_start,
    describe_world,
    elements_of,
    start_positions_mm,
)
from calogan.geant4.upstream import Upstream
from calogan.incident import Incident

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "upstream").glob("*.yaml"))

WALL = Upstream.from_dict(
    {"name": "wall", "slabs": [{"material": "G4_Al", "thickness_mm": 89, "gap_mm": 10}]}
)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples(path: Path) -> None:
    upstream = Upstream.from_yaml(path)
    assert upstream.depth_mm > 0
    assert elements_of(CALOGAN, upstream) == elements_of(CALOGAN) | upstream.elements


SLABS = st.lists(
    st.fixed_dictionaries(
        {
            "material": st.sampled_from(["G4_Al", "G4_Si", "G4_AIR", "Foam"]),
            "thickness_mm": st.floats(1e-3, 300),
            "gap_mm": st.one_of(st.just(0.0), st.floats(0, 500)),
            "half_size_mm": st.one_of(st.none(), st.floats(1, 2000)),
        }
    ),
    min_size=1,
    max_size=6,
)
FOAM = {"Foam": {"density": 0.05, "composition": {"G4_C": 1.0}}}


@given(SLABS)
def test_slabs_follow_each_other_up_to_the_face_and_lie_in_the_world(slabs: list[dict]) -> None:  # type: ignore[type-arg]
    upstream = Upstream.from_dict({"name": "some", "slabs": slabs, "materials": FOAM})
    world = describe_world(CALOGAN, upstream=upstream)["World"]
    half = np.array(world["box"]) / 2
    edge = None
    for k, slab in enumerate(upstream.slabs):
        volume = world[f"Upstream{k}"]
        size, center = np.array(volume["box"]), np.array(volume["position"])
        assert (np.abs(center) + size / 2 < half).all()
        if edge is not None:
            assert center[2] - size[2] / 2 == pytest.approx(edge, abs=1e-9)
        edge = center[2] + size[2] / 2 + slab.gap_mm / 10
        assert "role" not in volume
    assert edge == pytest.approx(-24)
    assert {"Foam", "LiquidArgon"} == set(world["materials"]["mixtures"])


def test_nothing_upstream_changes_nothing() -> None:
    np.testing.assert_allclose(describe_world(CALOGAN)["World"]["box"], [120, 120, 57.6])


def test_a_beam_starts_before_all_material_on_its_line_of_flight() -> None:
    direction = np.array([0.1, 0.0, 1.0])
    incident = Incident.create(
        "e-",
        [1.0, 1.0, 1.0, 1.0],
        position_mm=[(0, 0, -288), (0, 0, -288), (5, 5, -355), (600, 0, 100)],
        direction=np.array([(0, 0, 1), (0.1, 0, 1), (0, 0, -1), (-1, 0, 0)]),
    )
    start = start_positions_mm(incident, CALOGAN, WALL)
    np.testing.assert_allclose(start[0], (0, 0, -349))
    np.testing.assert_allclose(start[1], np.array([0, 0, -288]) - 61 * direction)
    np.testing.assert_array_equal(start[2:], incident.position_mm[2:])  # not among the slabs
    np.testing.assert_array_equal(start_positions_mm(incident, CALOGAN), incident.position_mm)
    check_start(incident, CALOGAN, WALL)


def test_a_particle_among_the_slabs_must_fly_towards_the_calorimeter() -> None:
    incident = Incident.create("e-", [1.0], direction=(1, 0, 0.05))
    with pytest.raises(IncidentError, match="among the upstream slabs of wall"):
        check_start(incident, CALOGAN, WALL)


@pytest.mark.parametrize("z_mm", [0.0, -1000.0])
def test_impossible_start(z_mm: float) -> None:
    incident = Incident.create("e-", [1.0], position_mm=(0, 0, z_mm))
    with pytest.raises(IncidentError, match="it must start around the calorimeter"):
        check_start(incident, CALOGAN, WALL)


SLAB = {"material": "G4_Al", "thickness_mm": 3}


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({}, "up: name: is missing"),
        ({"name": "x"}, "up: slabs: is missing"),
        ({"name": "x", "slabs": []}, "up: slabs: must not be empty"),
        ({"name": "x", "slabs": SLAB}, "up: slabs: must be a list"),
        ({"name": "x", "slabs": [SLAB], "z": 1}, "up: z: unknown field"),
        (
            {"name": "x", "slabs": [{**SLAB, "material": "Al"}]},
            "slabs.0.material: unknown material",
        ),
        ({"name": "x", "slabs": [{**SLAB, "thickness_mm": 0}]}, "slabs.0.thickness_mm: must be"),
        ({"name": "x", "slabs": [{**SLAB, "thickness_mm": "3 cm"}]}, "must be a number"),
        ({"name": "x", "slabs": [{**SLAB, "gap_mm": -1}]}, "slabs.0.gap_mm: must lie between 0"),
        ({"name": "x", "slabs": [{**SLAB, "gap_mm": float("nan")}]}, "must lie between 0"),
        ({"name": "x", "slabs": [{**SLAB, "gap_mm": True}]}, "gap_mm: must be a number"),
        ({"name": "x", "slabs": [{**SLAB, "half_size_mm": -5}]}, "slabs.0.half_size_mm"),
        ({"name": "x", "slabs": [{**SLAB, "gap_mm": 9e4}] * 2}, "mm deep in all"),
        ({"name": "x", "slabs": [SLAB], "materials": {"G4_Al": FOAM["Foam"]}}, "are Geant4's"),
    ],
)
def test_fields_that_make_no_sense(values: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text) as caught:
        Upstream.from_dict(values, "up")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "expected a mapping"),
        (b"- 1", "expected a mapping"),
        (b"name: [a\nslabs", "line 2: not valid YAML"),
        (b"\x89HDF\x00", "not valid YAML, or no text"),
        (b"name: \x00", "not valid YAML, or no text"),
        (b"#" * 1_000_001, "larger than 1 MB"),
    ],
)
def test_file_that_is_no_upstream(tmp_path: Path, content: bytes, text: str) -> None:
    path = tmp_path / "upstream.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=text) as caught:
        Upstream.from_yaml(path)
    assert "\n" not in str(caught.value)
    assert "upstream.yaml" in str(caught.value)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        Upstream.from_yaml(tmp_path / "none.yaml")
    with pytest.raises(ConfigurationError, match="Is a directory"):
        Upstream.from_yaml(tmp_path)


def test_one_name_for_two_materials() -> None:
    other = Material(density=1.0, composition={"G4_Ar": 1.0})
    upstream = Upstream(name="tank", slabs=WALL.slabs, materials={"LiquidArgon": other})
    with pytest.raises(CalorimeterError, match=r"materials\.LiquidArgon is another material"):
        describe_world(CALOGAN, upstream=upstream)
    same = Upstream(name="tank", slabs=WALL.slabs, materials=CALOGAN.materials)
    assert describe_world(CALOGAN, upstream=same)
