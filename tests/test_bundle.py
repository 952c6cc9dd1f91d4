from __future__ import annotations

import json
from pathlib import Path

import pytest

from calogan.bundle import Bundle, find_bundle, list_bundles
from calogan.errors import ModelError


def test_the_card_says_what_the_model_is(bundle: Path) -> None:
    card = Bundle(bundle).card
    assert card.name == "calogan-eplus"
    assert card.particle == "e+"
    assert card.calorimeter.n_cells == 504
    assert card.architecture.latent_size == 4
    assert card.data.n_training == 64
    assert card.data.n_validation == 16
    assert card.data.made_with == {"geant4": "none, made for a test"}
    assert "latent_size 4 (paper 1024)" in card.architecture.differs_from_paper
    assert set(card.quality["f_0"]) >= {"validation_mean", "generated_mean"}


def test_nothing_of_the_machine_is_in_it(bundle: Path, trained: Path) -> None:
    for file in bundle.iterdir():
        content = file.read_bytes()
        assert str(trained.parent).encode() not in content
        assert str(Path.cwd()).encode() not in content
        assert b"site-packages" not in content


def damage(path: Path, key: str, value: object) -> None:
    card = path / "card.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {key: value}))


def test_a_damaged_bundle_is_one_clear_line(bundle: Path) -> None:
    model = bundle / "model.onnx"
    content = bytearray(model.read_bytes())
    content[1000] ^= 1
    model.write_bytes(content)
    with pytest.raises(ModelError, match="damaged: its checksum"):
        Bundle(bundle)
    model.unlink()
    with pytest.raises(ModelError, match=r"holds no model\.onnx"):
        Bundle(bundle)
    damage(bundle, "schema_version", 99)
    with pytest.raises(ModelError, match="schema_version") as caught:
        Bundle(bundle)
    assert "\n" not in str(caught.value)
    with pytest.raises(ModelError, match="not a model bundle"):
        Bundle(bundle.parent)


def test_models_are_found_by_name_and_path(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_bundle(str(bundle)) == bundle
    assert find_bundle("model") is None
    monkeypatch.setenv("CALOGAN_MODELS", str(bundle.parent))
    assert find_bundle("model") == bundle
    assert "model" in list_bundles()


def test_the_model_that_ships_is_whole() -> None:
    path, named = find_bundle("eplus"), find_bundle("calogan-eplus")
    assert path is not None
    assert named is not None
    assert path.samefile(named)
    card = Bundle(path).card
    assert card.energy_range_gev == (1.0, 100.0)
    assert (path / "model.onnx").stat().st_size < 25e6
