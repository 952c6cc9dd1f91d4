"""Calorimeters as YAML, as JSON in files, and by name; what is refused, and with which words."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import calogan
from calogan.calorimeter import (
    CALOGAN,
    AnyLayer,
    Calorimeter,
    Material,
    PolarLayer,
    ReadoutLayer,
    Section,
    SubLayer,
    interaction_length_mm,
    radiation_length_mm,
    shipped_calorimeters,
)
from calogan.calorimeter.materials import geant4_material, is_geant4_material
from calogan.errors import CalorimeterError

# the paper's detector, written down once more
PAPER = Calorimeter(
    name="calogan",
    sections=(
        Section(
            sublayers=(
                SubLayer(material="G4_Pb", thickness_mm=2.0),
                SubLayer(material="LiquidArgon", thickness_mm=4.0, active=True),
            ),
            repeat=80,
        ),
    ),
    layers=(
        ReadoutLayer(z_min_mm=-240, z_max_mm=-150, n_eta=3, n_phi=96),
        ReadoutLayer(z_min_mm=-150, z_max_mm=197, n_eta=12, n_phi=12),
        ReadoutLayer(z_min_mm=197, z_max_mm=240, n_eta=12, n_phi=6),
    ),
    materials={"LiquidArgon": Material(density=1.390, state="liquid", composition={"G4_lAr": 1.0})},
)

# what files of the first version hold
STORED = (
    '{"name":"calogan","sections":[{"sublayers":[{"material":"G4_Pb","thickness_mm":2.0,'
    '"active":false},{"material":"LiquidArgon","thickness_mm":4.0,"active":true}],"repeat":80}],'
    '"layers":[{"z_min_mm":-240.0,"z_max_mm":-150.0,"n_eta":3,"n_phi":96,"half_width_mm":240.0},'
    '{"z_min_mm":-150.0,"z_max_mm":197.0,"n_eta":12,"n_phi":12,"half_width_mm":240.0},'
    '{"z_min_mm":197.0,"z_max_mm":240.0,"n_eta":12,"n_phi":6,"half_width_mm":240.0}],'
    '"half_size_mm":500.0,"materials":{"LiquidArgon":{"density":1.39,"state":"liquid",'
    '"composition":{"G4_lAr":1.0}}}}'
)


def test_the_shipped_calogan_is_the_paper_s() -> None:
    assert Calorimeter.load("calogan") == CALOGAN == PAPER


def test_stored_calorimeters_stay_as_they_were() -> None:
    assert CALOGAN.model_dump_json() == STORED
    assert Calorimeter.from_dict(json.loads(STORED)) == CALOGAN


def test_cards_of_shipped_models_can_be_read() -> None:
    for card in (Path(calogan.__file__).parent / "models").glob("*/card.json"):
        stored = json.loads(card.read_text())["calorimeter"]
        assert Calorimeter.from_dict(stored) == CALOGAN


@pytest.mark.parametrize("name", ["calogan", "ecal-hcal", "si-w"])
def test_shipped(name: str) -> None:
    calorimeter = Calorimeter.load(name)
    assert calorimeter.name == name
    assert shipped_calorimeters()[name]
    assert Calorimeter.from_dict(json.loads(calorimeter.model_dump_json())) == calorimeter
    assert calorimeter.layers[0].z_min_mm == -calorimeter.depth_mm / 2
    assert calorimeter.layers[-1].z_max_mm == pytest.approx(calorimeter.depth_mm / 2)


def test_si_w_is_data_set_2_of_the_calochallenge() -> None:
    calorimeter = Calorimeter.load("si-w")
    assert calorimeter.layer_shapes == ((16, 9),) * 45
    assert calorimeter.n_cells == 6480
    assert {slab.material for slab in calorimeter.slabs if slab.active} == {"G4_Si"}
    edges = [layer.z_min_mm for layer in calorimeter.layers]
    assert edges == [round(-76.5 + 3.4 * k, 9) for k in range(45)]


def test_ecal_hcal_begins_with_the_paper_s_detector() -> None:
    calorimeter = Calorimeter.load("ecal-hcal")
    assert calorimeter.sections[0] == CALOGAN.sections[0]
    assert calorimeter.layer_shapes[:3] == CALOGAN.layer_shapes
    shift = {k: v for k, v in CALOGAN.layers[1].model_dump().items() if k[0] != "z"}
    assert shift.items() <= calorimeter.layers[1].model_dump().items()
    assert calorimeter.layers[3].half_extent_mm > CALOGAN.layers[0].half_extent_mm


def test_load_takes_paths(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(CALOGAN.model_dump_json())  # JSON is YAML
    assert Calorimeter.load(path) == Calorimeter.load(str(path)) == Calorimeter.from_yaml(path)
    with pytest.raises(CalorimeterError, match=r"no calorimeter 'atlas': give calogan, ecal-hcal"):
        Calorimeter.load("atlas")
    with pytest.raises(CalorimeterError, match=r"cannot read the calorimeter .*directory"):
        Calorimeter.load(tmp_path)


def entry(**change: object) -> dict[str, Any]:
    return {"z_min_mm": -240, "z_max_mm": 240, "n_eta": 1, "n_phi": 1} | change


PB = {"material": "G4_Pb", "thickness_mm": 480}


def own(**change: object) -> dict[str, Any]:
    return {"materials": {"LiquidArgon": {"density": 1.4, "composition": {"Ar": 1}} | change}}


@pytest.mark.parametrize(
    ("change", "place", "what"),
    [
        ({"half_size_mm": -1}, "half_size_mm", "must be above 0"),
        ({"half_size_mm": 1e9}, "half_size_mm", "must be at most 100000 mm"),
        ({"half_size_mm": True}, "half_size_mm", "must be a number, not true or false"),
        ({"half_size_mm": None}, "half_size_mm", "must be a number, not empty"),
        ({"colour": "red"}, "colour", "unknown field"),
        ({5: "red"}, "5", "keys must be names"),
        ({"name": ""}, "name", "must not be empty"),
        ({"name": "two\nlines"}, "name", "must be a name of one line"),
        ({"name": 7}, "name", "must be a name, not 7"),
        ({"layers": []}, "layers", "must not be empty"),
        ({"layers": {"a": 1}}, "layers", "must be a list, not {'a': 1}"),
        ({"layers": [[1]]}, "layers.0", "must be a mapping of fields, not [1]"),
        ({"layers": [entry(z_max_mm=-250)]}, "layers.0.z_max_mm", "-250 mm must lie behind"),
        ({"layers": [entry(z_max_mm=241)]}, "layers.0.z_max_mm", "241 mm lies outside"),
        ({"layers": [entry(z_min_mm=float("nan"))]}, "layers.0.z_min_mm", "must be finite"),
        ({"layers": [entry(n_eta=0)]}, "layers.0.n_eta", "must be above 0"),
        ({"layers": [entry(n_eta=2.5)]}, "layers.0.n_eta", "must be a whole number, not 2.5"),
        ({"layers": [entry(n_eta=10**7)]}, "layers", "10000000 cells in all, at most 1000000"),
        ({"layers": [entry(half_width_mm=501)]}, "layers.0.half_width_mm", "501 mm is wider"),
        (
            {"layers": [entry(z_max_mm=0), entry(z_min_mm=-1)]},
            "layers.1.z_min_mm",
            "-1 mm lies in front of the end of the layer before (0 mm)",
        ),
        (
            {"layers": [entry(z_max_mm=-230, repeat=47), entry(z_min_mm=-1)]},
            "layers.1.z_min_mm",  # the entry, not the 48th layer
            "-1 mm lies in front",
        ),
        ({"layers": [entry(repeat=0)]}, "layers.0.repeat", "must be a whole number above 0"),
        ({"layers": [entry(repeat=10**9)]}, "layers.0.repeat", "at most 10000 layers"),
        (
            {"layers": [{"z_min_mm": 0, "z_max_mm": 1, "n_alpha": 4, "r_edges_mm": [0, 2, 1]}]},
            "layers.0.r_edges_mm",
            "must rise",
        ),
        (
            {"layers": [{"z_min_mm": 0, "z_max_mm": 1, "n_alpha": 4, "r_edges_mm": [0, 501]}]},
            "layers.0.r_edges_mm",
            "501 mm is wider than the calorimeter",
        ),
        ({"layers": [entry(n_alpha=3)]}, "layers.0.r_edges_mm", "is missing"),
        ({"sections": [{"sublayers": [PB], "repeat": 10**6}]}, "sections", "1000000 sub-layers"),
        (
            {"sections": [{"sublayers": [PB, PB | {"thickness_mm": 0}]}]},
            "sections.0.sublayers.1.thickness_mm",
            "must be above 0",
        ),
        (
            {"sections": [{"sublayers": [PB | {"material": "G4_Unobtainium"}]}]},
            "sections.0.sublayers.0.material",
            "unknown material 'G4_Unobtainium': give a Geant4 name such as G4_Pb",
        ),
        (
            {"sections": [{"sublayers": [PB, PB | {"material": "Lead"}]}]},
            "sections.0.sublayers.1.material",
            "unknown material 'Lead': did you mean G4_Pb?",
        ),
        (own(density=1390), "materials.LiquidArgon.density", "must lie between"),
        (own(density=0), "materials.LiquidArgon.density", "must lie between"),
        (
            own(state="frozen"),
            "materials.LiquidArgon.state",
            "must be 'solid', 'liquid' or 'gas', not 'frozen'",
        ),
        (
            own(composition={"Ar": 0.5, "Xx": 0.5}),
            "materials.LiquidArgon.composition.Xx",
            "unknown component 'Xx'",
        ),
        (
            own(composition={"Ar": 0.5, "G4_Pb": 0.4}),
            "materials.LiquidArgon.composition",
            "the mass fractions add up to 0.9, must be 1",
        ),
        (
            own(composition={"Ar": -1, "G4_Pb": 2}),
            "materials.LiquidArgon.composition.Ar",
            "must be a mass fraction",
        ),
        (
            own(composition=["Ar"]),
            "materials.LiquidArgon.composition",
            "must be a mapping of fields, not ['Ar']",
        ),
        (
            {"materials": {"G4_Pb": {"density": 1, "composition": {"Pb": 1}}}},
            "materials.G4_Pb",
            "names that start with G4_ are Geant4's",
        ),
    ],
)
def test_invalid_geometry_is_refused_with_its_place(
    change: dict[str, object], place: str, what: str
) -> None:
    with pytest.raises(CalorimeterError) as refused:
        Calorimeter.from_dict(CALOGAN.model_dump(mode="json") | change, "my.yaml")
    assert str(refused.value).startswith(f"my.yaml: {place}: {what}")
    assert "\n" not in str(refused.value)


def test_python_users_get_the_place_as_well() -> None:
    sections = (Section(sublayers=(SubLayer(material="G4_Pb", thickness_mm=10),)),)
    layers = (ReadoutLayer(z_min_mm=-6, z_max_mm=5, n_eta=1, n_phi=1),)
    with pytest.raises(ValidationError) as refused:
        Calorimeter(name="x", sections=sections, layers=layers)
    assert refused.value.errors()[0]["loc"] == ("layers", 0, "z_min_mm")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "is empty: expected a mapping"),
        ("- a", "holds a list: expected a mapping"),
        ("name: [x", "line 1: not valid YAML: expected ',' or ']'"),
        ("name: a\nname: b", "line 2: not valid YAML: the key 'name' comes twice"),
        (
            "layers:\n- {n_eta: 1, n_phi: 1, n_eta: 2}",
            "line 2: not valid YAML: the key 'n_eta' comes twice",
        ),
        ("!!python/object/apply:os.getcwd []", "line 1: not valid YAML: could not determine"),
        ("[" * 1500, "not valid YAML"),
        ("\x00", "not a text file"),
        ("name: x", "sections: is missing"),
    ],
)
def test_broken_files_get_one_line(tmp_path: Path, text: str, what: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(CalorimeterError) as refused:
        Calorimeter.from_yaml(path)
    assert what in str(refused.value)
    assert "broken.yaml" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_yaml_may_use_anchors(tmp_path: Path) -> None:
    """One grid for several layers, with a merge key, is no key that comes twice."""
    values = yaml.safe_load(CALOGAN.to_yaml())
    path = tmp_path / "anchors.yaml"
    values["layers"] = "LAYERS"
    layers = (
        "[&grid {z_min_mm: -240, z_max_mm: -150, n_eta: 3, n_phi: 3}, "
        "{<<: *grid, z_min_mm: -150, z_max_mm: 0}]"
    )
    path.write_text(yaml.safe_dump(values).replace("LAYERS", layers))
    assert Calorimeter.from_yaml(path).layer_shapes == ((3, 3), (3, 3))


lengths = st.floats(1e-3, 1e3)
materials = st.sampled_from(["G4_Pb", "G4_lAr", "Own", "G4_W"])


@st.composite
def layers_between(draw: st.DrawFn, low: float, high: float) -> tuple[AnyLayer, ...]:
    edges = draw(st.lists(st.floats(low, high), min_size=2, max_size=6, unique=True).map(sorted))
    equal = draw(st.booleans())  # alike, so that they are written with `repeat`
    if equal:
        n = len(edges) - 1
        edges = [round(low + k * (high - low) / n, 9) for k in range(n)] + [high]
    layers: list[AnyLayer] = []
    for start, end in pairwise(edges):
        if draw(st.booleans()) or equal:
            layers.append(PolarLayer(z_min_mm=start, z_max_mm=end, n_alpha=4, r_edges_mm=(0, 1.5)))
        else:
            n_eta, width = draw(st.integers(1, 9)), draw(st.floats(0.5, 100))
            layers.append(
                ReadoutLayer(
                    z_min_mm=start, z_max_mm=end, n_eta=n_eta, n_phi=2, half_width_mm=width
                )
            )
    return tuple(layers)


@st.composite
def calorimeters(draw: st.DrawFn) -> Calorimeter:
    sublayers = st.builds(SubLayer, material=materials, thickness_mm=lengths, active=st.booleans())
    sections = draw(
        st.lists(
            st.builds(
                Section,
                sublayers=st.lists(sublayers, min_size=1, max_size=3).map(tuple),
                repeat=st.integers(1, 20),
            ),
            min_size=1,
            max_size=3,
        )
    )
    depth = sum(section.depth_mm for section in sections)
    return Calorimeter(
        name=draw(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1)),
        sections=tuple(sections),
        layers=draw(layers_between(-depth / 2, depth / 2)),
        half_size_mm=draw(st.floats(100, 1e4)),
        materials={
            "Own": Material(
                density=draw(st.floats(1e-3, 20)),
                state=draw(st.sampled_from(["solid", "liquid", "gas"])),
                composition={"G4_POLYSTYRENE": 0.25, "Fe": 0.75},
            )
        },
    )


@given(calorimeters())
@settings(deadline=None, max_examples=60)
def test_yaml_round_trip(calorimeter: Calorimeter) -> None:
    assert Calorimeter.from_dict(yaml.safe_load(calorimeter.to_yaml())) == calorimeter
    assert Calorimeter.from_dict(json.loads(calorimeter.model_dump_json())) == calorimeter


@pytest.mark.parametrize("name", ["calogan", "ecal-hcal", "si-w"])
def test_yaml_of_the_shipped_is_short(name: str, tmp_path: Path) -> None:
    text = Calorimeter.load(name).to_yaml()
    assert len(text.splitlines()) < 25
    (tmp_path / "copy.yaml").write_text(text)
    assert Calorimeter.from_yaml(tmp_path / "copy.yaml") == Calorimeter.load(name)


# radiation lengths [g/cm2] and nuclear interaction lengths [g/cm2] of the Particle Data Group
PDG = {
    "G4_Pb": (6.37, 199.6),
    "G4_W": (6.76, 191.9),
    "G4_Fe": (13.84, 132.1),
    "G4_Cu": (12.86, 137.3),
    "G4_Al": (24.01, 107.2),
    "G4_Si": (21.82, 108.4),
    "G4_lAr": (19.55, 119.7),
    "G4_U": (6.00, 209.0),
    "G4_C": (42.70, 85.8),
    "G4_POLYSTYRENE": (43.79, 77.1),
    "G4_WATER": (36.08, 83.3),
}


@pytest.mark.parametrize("name", PDG)
def test_radiation_and_interaction_lengths(name: str) -> None:
    material = geant4_material(name)
    radiation, interaction = PDG[name]
    per_mm = 10 / material.density
    assert radiation_length_mm(material) == pytest.approx(radiation * per_mm, rel=0.01)
    assert interaction_length_mm(material) == pytest.approx(interaction * per_mm, rel=0.07)


def test_a_mixture_of_materials_and_elements() -> None:
    steel = Material(density=8, composition={"Fe": 0.7, "G4_Cr": 0.2, "Ni": 0.1})
    assert steel.elements == pytest.approx({"Fe": 0.7, "Cr": 0.2, "Ni": 0.1})
    water = Material(density=1, composition={"G4_WATER": 1})
    assert water.elements["O"] == pytest.approx(0.888, abs=1e-3)


_DESCRIBE = """
import calzone, json, sys
found = {name: calzone.describe(material=name) for name in json.load(sys.stdin)}
print(json.dumps({
    name: material and [material.density, material.state, dict(material.composition)]
    for name, material in found.items()
}))
"""


def test_the_table_of_materials_is_geant4_s() -> None:
    """In a process of its own: Geant4 wants data for every element that it was ever asked for."""
    pytest.importorskip("calzone", reason="needs the extra geant4")
    from calogan.calorimeter.materials import _table

    names = [*_table()["materials"], "G4_Unobtainium"]
    assert [is_geant4_material(name) for name in names] == [True] * 311 + [False]
    done = subprocess.run(
        [sys.executable, "-c", _DESCRIBE],
        input=json.dumps(names),
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    assert found.pop("G4_Unobtainium") is None
    for name, (density, state, composition) in found.items():
        table = geant4_material(name)
        assert density == pytest.approx(table.density, rel=1e-5), name
        assert state == table.state, name
        assert composition == pytest.approx(table.elements, abs=2e-6), name


def test_the_example_of_the_docs() -> None:
    page = (Path(__file__).parents[1] / "docs" / "calorimeters.md").read_text(encoding="utf-8")
    example = page.partition("```yaml\n")[2].partition("```")[0]
    calorimeter = Calorimeter.from_dict(yaml.safe_load(example))
    assert calorimeter.layer_shapes == ((20, 20), (8, 3), (8, 3))
    assert calorimeter.depth_mm == pytest.approx(361)
    for name in shipped_calorimeters():
        assert f"| `{name}` |" in page
