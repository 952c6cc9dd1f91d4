from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calogan.bundle import Card, Condition, Figures, check_model_name
from calogan.bundle.card import card_schema
from calogan.bundle.reading import parse_card
from calogan.bundle.search import BUNDLED
from calogan.errors import ModelError
from tests.tiny_models import make_card


def values(**changes: Any) -> dict[str, Any]:
    card: dict[str, Any] = make_card().model_dump(mode="json")
    return {**card, **changes}


def parse(card: dict[str, Any]) -> Card:
    return parse_card(json.dumps(card).encode())


def with_value(path: str, value: Any) -> dict[str, Any]:
    card = values()
    *places, last = path.split(".")
    part: Any = card
    for place in places:
        part = part[int(place) if place.isdigit() else place]
    part[last] = value
    return card


def test_a_card_is_read_as_it_was_written() -> None:
    card = make_card(
        version=3,
        conditions=(Condition(name="x_mm", low=-20, high=20),),
        quality={
            "f_0": Figures(
                validation_mean=0.2,
                generated_mean=float("nan"),
                validation_std=0.1,
                generated_std=0.1,
                distance=float("nan"),
            )
        },
        license="MIT",
    )
    again = parse_card(card.model_dump_json().encode())
    assert again.condition_names == ("energy_gev", "x_mm")
    assert again.version == 3
    assert again.license == "MIT"
    # what is not defined is null: JSON has no NaN
    assert again.quality["f_0"].distance is None
    assert again.quality["f_0"].generated_mean is None
    assert again.calorimeter == card.calorimeter


def test_the_first_cards_are_still_read() -> None:
    """Fields that came later are optional: a card of version 1 stays one."""
    card = values()
    for later in ("conditions", "further_data", "held_out", "license"):
        card.pop(later)
    for later in ("size_bytes", "particle"):
        card["data"].pop(later)
    assert parse(card).license == "BSD-3-Clause"
    assert parse(card).condition_names == ("energy_gev",)


def test_the_schema_beside_the_code_is_current() -> None:
    """`calogan models schema > src/calogan/bundle/card-v1.json` brings it up to date."""
    kept = json.loads((files("calogan.bundle") / "card-v1.json").read_text(encoding="utf-8"))
    assert kept == card_schema()


def test_the_schema_says_what_each_field_is() -> None:
    schema = card_schema()
    assert set(schema["properties"]) == set(Card.model_fields)
    for name in ("Architecture", "Condition", "Figures", "HeldOutData", "TrainingData"):
        fields = schema["$defs"][name]["properties"].values()
        assert all("description" in field for field in fields)
    assert all("description" in field for field in schema["properties"].values())
    assert "schema_version" in schema["properties"]
    assert "license" not in schema["required"]


def test_cards_of_the_package_are_cards() -> None:
    paths = list(BUNDLED.glob("*/card.json"))
    assert paths
    for path in paths:
        parse_card(path.read_bytes(), path)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            "schema_version",
            2,
            "schema_version: 2 is newer than what this calogan reads (1): update",
        ),
        ("schema_version", 0, "schema_version: 0 is older than what this calogan reads (1)"),
        ("schema_version", "1", "schema_version: must be a whole number, not '1'"),
        ("schema_version", True, "schema_version: must be a whole number, not True"),
        ("name", "../../etc", "name: must be 1 to 100 letters, digits, '.', '_', '+' or '-'"),
        ("name", "..", "name: must be"),
        ("name", "", "name: must be"),
        ("name", "a@2", "name: must be"),
        ("name", "a\n", "name: must be"),
        ("version", 0, "version: "),
        ("version", 1.5, "version: must be a whole number, not 1.5"),
        ("particle", "unicorn", "particle: unknown particle 'unicorn'"),
        ("energy_range_gev", [100, 1], "energy_range_gev: 100 to 1 GeV is no range of energies"),
        ("energy_range_gev", [0, 1], "energy_range_gev: 0 to 1 GeV is no range"),
        ("energy_range_gev", [1], "energy_range_gev.1: is missing"),
        ("conditions", [{"name": "x_mm", "low": 2, "high": 1}], "conditions.0.high: 1 lies below"),
        (
            "conditions",
            [{"name": "mass", "low": 1, "high": 2}],
            "conditions.0.name: must be 'x_mm'",
        ),
        (
            "conditions",
            [{"name": "x_mm", "low": 1, "high": 2}] * 2,
            "conditions: x_mm, x_mm: each may be there once",
        ),
        ("calorimeter.layers.0.n_eta", 0, "calorimeter.layers.0.n_eta: must be above 0"),
        ("architecture.kind", "diffusion", "architecture.kind: must be 'calogan'"),
        ("architecture.latent_size", 10**9, "architecture.latent_size: "),
        ("architecture.latent_size", None, "architecture.latent_size: must be a whole number"),
        ("data.file", "../../etc/passwd", "data.file: must be the name of a file, without folders"),
        ("data.file", "C:\\passwd", "data.file: must be the name of a file"),
        ("data.sha256", "zz", "data.sha256: must be a SHA-256 checksum"),
        ("data.n_training", -1, "data.n_training: "),
        ("quality", {"f_0": {"mean": 1}}, "quality.f_0."),
        ("license", "", "license: must not be empty"),
        ("code", "import os", "code: unknown field"),
    ],
)
def test_a_wrong_field_is_one_line_with_its_path(path: str, value: Any, message: str) -> None:
    with pytest.raises(ModelError) as caught:
        parse(with_value(path, value))
    text = str(caught.value)
    assert text.startswith("card.json: ")
    assert message in text
    assert "\n" not in text
    assert len(text) < 250


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"\xff\xfe", "not valid JSON: not text"),
        (b"[]", "holds a list, expected the fields of a card"),
        (b"null", "holds a NoneType"),
        (b"[" * 100_000, "not valid JSON"),
        (b'{"name": 1, "name": 2}', "the key 'name' comes twice"),
        (b'{"version": NaN}', "NaN is no number"),
        (b"{}", "is missing"),
        (b" " * 4_000_001, "larger than 4 MB, that is no card"),
    ],
)
def test_what_is_no_card_is_one_line(content: bytes, message: str) -> None:
    with pytest.raises(ModelError) as caught:
        parse_card(content)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_give_an_error_and_nothing_else(content: bytes) -> None:
    with pytest.raises(ModelError):
        parse_card(content)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(st.sampled_from(sorted(values())), json_values)
def test_any_field_with_any_value_is_read_or_refused(field: str, value: Any) -> None:
    content = json.dumps(values(**{field: value})).encode()
    said = ""
    try:
        parse_card(content)
    except ModelError as error:
        said = str(error)
    assert re.fullmatch(r"(card\.json: .+)?", said)


@pytest.mark.parametrize("name", ["calogan-eplus", "a", "Model_1.5", "pi+"])
def test_names_of_models(name: str) -> None:
    assert check_model_name(name) == name


def test_a_bad_name_is_found_before_hours_of_work() -> None:
    with pytest.raises(ModelError, match=r"name of the model: must be .* not 'my model'"):
        check_model_name("my model")


def test_ratios_are_left_out_where_they_say_nothing() -> None:
    def figures(*numbers: float | None) -> Figures:
        names = ("validation_mean", "generated_mean", "validation_std", "generated_std")
        return Figures(**dict(zip(names, numbers, strict=True)), distance=None)

    fraction, centroid = figures(0.2, 0.1, 0.1, 0.2), figures(0.01, 0.02, 10.0, 5.0)
    assert (fraction.ratio_of_means, fraction.ratio_of_stds) == (0.5, 2.0)
    assert (centroid.ratio_of_means, centroid.ratio_of_stds) == (None, 0.5)
    assert figures(0.0, 0.0, 0.0, 0.0).ratio_of_means is None
    assert figures(1.0, 1.0, 0.0, 0.0).ratio_of_stds is None
    assert figures(None, None, None, None).ratio_of_means is None


def test_nothing_of_a_machine_is_in_the_cards() -> None:
    for path in BUNDLED.glob("*/*"):
        content = path.read_bytes()
        for trace in (str(Path.home()).encode() + b"/", b"site-packages"):
            assert trace not in content or trace == b"//"
