from __future__ import annotations

import os
from pathlib import Path

import pytest

from calogan.bundle import Bundle, find_bundle, installed, list_bundles, read_card
from calogan.bundle.search import BUNDLED
from calogan.errors import ModelError
from tests.tiny_models import make_bundle


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of CALOGAN_MODELS."""
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setenv("CALOGAN_MODELS", str(folder))
    return folder


def found(name: str) -> Path:
    path = find_bundle(name)
    assert path is not None
    return path


def test_by_path(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(str(tiny)) == tiny
    assert find_bundle("tiny") is None
    monkeypatch.chdir(tiny.parent)
    assert found("tiny") == Path("tiny")


def test_the_card_counts_not_the_folder(models: Path) -> None:
    path = make_bundle(models / "whatever", name="ours")
    assert found("ours") == path
    assert find_bundle("whatever") is None
    assert "ours" in list_bundles()


def test_the_highest_version_wins_as_a_number(models: Path) -> None:
    for version in (9, 10, 2):
        make_bundle(models / f"ours@{version}", name="ours", version=version)
    assert read_card(found("ours")).version == 10
    assert read_card(found("ours@2")).version == 2
    with pytest.raises(ModelError, match="no version 3 of the model ours: there is ours@2, ours@9"):
        find_bundle("ours@3")


@pytest.mark.parametrize("version", ["", "two", "0", "-1", "1.0", "01", "2@3", "99999999"])
def test_versions_are_numbers(version: str) -> None:
    with pytest.raises(
        ModelError, match="the version of a model is a number from 1, as in eplus@2"
    ):
        find_bundle(f"eplus@{version}")


def test_a_model_of_ones_own_takes_the_place_of_the_default_one(models: Path) -> None:
    assert found("eplus").parent == BUNDLED
    newer = make_bundle(models / "a", name="calogan-eplus", version=1000)
    assert found("eplus").parent == BUNDLED
    assert found("calogan-eplus") == newer
    assert found("calogan-eplus@2").parent == BUNDLED
    ours = make_bundle(models / "b", name="eplus")
    assert found("eplus") == ours


def test_a_default_model_that_is_not_there_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("calogan.bundle.search.BUNDLED", tmp_path)
    with pytest.raises(ModelError, match="the model gamma is not installed"):
        find_bundle("gamma")
    assert list_bundles() == []


def test_of_two_equal_ones_the_first_is_opened(
    tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = make_bundle(tmp_path / "more" / "ours", name="ours")
    monkeypatch.setenv("CALOGAN_MODELS", os.pathsep.join([str(models), "", str(second.parent)]))
    assert found("ours") == second
    first = make_bundle(models / "ours", name="ours")
    assert found("ours") == first
    hidden = [one for one in installed() if one.hidden_by]
    assert [(one.path, one.hidden_by) for one in hidden] == [(second, first)]


def test_a_folder_on_the_path_may_be_a_bundle_itself(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALOGAN_MODELS", str(tiny))
    assert found("tiny") == tiny


def test_the_folder_of_the_user_is_looked_through(tmp_path: Path) -> None:
    path = make_bundle(tmp_path / "home" / "calogan" / "models" / "ours@1", name="ours")
    assert found("ours") == path


def test_one_bad_card_does_not_hide_the_others(models: Path) -> None:
    bad = make_bundle(models / "bad@1", name="bad")
    (bad / "card.json").write_text("{")
    (models / "empty").mkdir()
    make_bundle(models / ".half@1.part", name="half")  # as it is while it is written
    assert find_bundle("half") is None
    (models / "notes.txt").write_text("")
    assert found("eplus").parent == BUNDLED
    (problem,) = [one.problem for one in installed() if one.problem]
    assert problem.startswith(f"{bad / 'card.json'}: not valid JSON")
    with pytest.raises(ModelError, match="not valid JSON"):
        find_bundle("bad")  # the one that is meant


def test_folders_that_are_not_there_are_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALOGAN_MODELS", f"{tmp_path / 'nowhere'}{os.pathsep}{__file__}")
    assert found("eplus").parent == BUNDLED


@pytest.mark.parametrize("name", ["", "x" * 5000, "\0", "nothing", "*", "[", "~"])
def test_odd_names_are_not_found(name: str) -> None:
    assert find_bundle(name) is None


def test_folders_that_are_no_bundles_are_explained(tmp_path: Path) -> None:
    make_bundle(tmp_path / "run" / "model")
    with pytest.raises(ModelError, match=r"is the folder of a training: its model is .*run/model"):
        find_bundle(str(tmp_path / "run"))
    with pytest.raises(ModelError, match="there is no such folder"):
        find_bundle(str(tmp_path / "nowhere"))
    with pytest.raises(ModelError, match=r"no model bundle \S+: it holds no card\.json"):
        find_bundle(str(tmp_path))


def test_the_models_that_ship_are_whole() -> None:
    shipped = [one for one in installed() if one.bundled]
    stems = {"eplus", "gamma", "piplus"}
    assert {one.card.name for one in shipped if one.card} == stems | {f"calogan-{s}" for s in stems}
    for one in shipped:
        bundle = Bundle(one.path)
        assert one.size_bytes == len(bundle.read_model())
        assert one.size_bytes < 25e6
        assert bundle.card.energy_range_gev == (1.0, 100.0)
        assert bundle.card.license == "BSD-3-Clause"
        assert bundle.card.held_out is not None
