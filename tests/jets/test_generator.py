"""A bundle of a jet image generator, run without torch; and finding it by name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra train")

import torch

from calogan.bundle import installed, read_card, read_card_as
from calogan.errors import JetError, ModelError
from calogan.jets import read_jet_images, write_jet_images
from calogan.jets.card import JetCard
from calogan.jets.generator import JetGenerator
from calogan.jets.models import BUNDLED, find_jet_model, jet_models, open_jet_generator
from calogan.jets.production import produce_jets
from calogan.jets.samples import jet_sample_path
from calogan.jets.training.configuration import make_jet_config
from calogan.jets.training.data import load_images
from calogan.jets.training.export import export_jet_bundle
from calogan.jets.training.validation import Judge
from calogan.networks.lagan import make_generator
from tests.jets.toys import make_jet_images


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of an FCGAN that learnt nothing."""
    folder = tmp_path_factory.mktemp("bundle")
    write_jet_images(folder / "jets.h5", make_jet_images(30), {"pythia": "none"})
    config = make_jet_config(model="fcgan", latent_size=6, batch_size=4, threshold_gev=0.5)
    images = load_images(folder / "jets.h5", config)
    torch.manual_seed(0)
    network = make_generator("fcgan", 6)
    return export_jet_bundle(
        folder / "toy", network, "toy@2", images, config, {}, {"best_epoch": 1}
    )


def test_images_follow_the_seed_and_the_class(bundle: Path) -> None:
    generator = JetGenerator.open(bundle)
    signal = np.arange(700) % 3 == 0  # more than are made at once
    images = generator.simulate(signal, np.random.default_rng(1))
    assert images.image.shape == (700, 25, 25)
    assert images.variables == {}
    np.testing.assert_array_equal(images.signal, signal)
    again = generator.simulate(signal.astype(float), np.random.default_rng(1))
    np.testing.assert_array_equal(again.image, images.image)
    other = generator.simulate(signal, np.random.default_rng(2))
    assert not np.array_equal(other.image, images.image)
    opposite = generator.simulate(~signal, np.random.default_rng(1))
    assert (opposite.image != images.image).any(axis=(1, 2)).all()
    assert ((images.image == 0) | (images.image >= 0.5)).all()
    assert len(generator.simulate(np.empty(0, bool))) == 0


def test_a_production_with_a_network(bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "fast.h5"
    produce_jets(lambda: JetGenerator.open(bundle), 40, path, seed=5, made_with={})
    assert len(read_jet_images(path)) == 40
    assert JetGenerator.open(bundle).provenance["model"] == "toy"


@pytest.mark.parametrize("signal", [np.array([0, 2]), np.array([[0, 1]]), np.array([0.5])])
def test_classes_that_do_not_exist(bundle: Path, signal: np.ndarray) -> None:
    with pytest.raises(JetError, match="1 for W and 0 for QCD"):
        JetGenerator.open(bundle).simulate(signal)


def test_damage_is_found(bundle: Path, tmp_path: Path) -> None:
    folder = tmp_path / "toy"
    folder.mkdir()
    card, network = (bundle / "card.json").read_text(), (bundle / "model.onnx").read_bytes()
    (folder / "card.json").write_text(card)
    with pytest.raises(ModelError, match=r"holds no model\.onnx"):
        JetGenerator.open(folder)
    (folder / "model.onnx").write_bytes(network[:-1] + bytes([network[-1] ^ 1]))
    with pytest.raises(ModelError, match="is damaged"):
        JetGenerator.open(folder)
    (folder / "model.onnx").write_bytes(network)
    (folder / "extra.py").touch()
    with pytest.raises(ModelError, match=r"extra\.py"):
        JetGenerator.open(folder)
    (folder / "extra.py").unlink()
    wrong = json.loads(card)
    wrong["architecture"]["latent_size"] = 7
    (folder / "card.json").write_text(json.dumps(wrong))
    with pytest.raises(ModelError, match="do not describe the same model"):
        JetGenerator.open(folder)
    wrong["architecture"]["kind"] = "vae"
    (folder / "card.json").write_text(json.dumps(wrong))
    with pytest.raises(ModelError, match=r"architecture\.kind"):
        JetGenerator.open(folder)


def test_models_by_name(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALOGAN_MODELS", str(bundle.parent))
    monkeypatch.setattr("calogan.bundle.search._user_folder", lambda: tmp_path / "user")
    assert bundle in [one.path for one in jet_models()]
    assert find_jet_model("toy") == find_jet_model("toy@2") == find_jet_model(bundle) == bundle
    assert open_jet_generator("toy").name == "toy"
    with pytest.raises(ModelError, match=r"no version 1 of the model toy: there is toy@2"):
        find_jet_model("toy@1")
    with pytest.raises(ModelError, match="no model of jet images 'nothing'"):
        open_jet_generator("nothing")
    broken = tmp_path / "user" / "broken"
    broken.mkdir(parents=True)
    (broken / "card.json").write_text('{"makes": "jet images"}')
    with pytest.raises(ModelError, match="broken"):
        find_jet_model("broken")


def test_models_of_showers_and_of_jets_are_told_apart(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModelError, match="makes jet images, not showers"):
        read_card(bundle)
    monkeypatch.setenv("CALOGAN_MODELS", str(bundle.parent))
    assert all(one.path != bundle for one in installed())
    showers = next(one.path for one in installed() if one.bundled)
    with pytest.raises(ModelError, match="makes showers, not jet images"):
        JetGenerator.open(showers)


@pytest.mark.parametrize("name", ["lagan", "dcgan", "fcgan", "hybrid"])
def test_the_models_that_ship(name: str) -> None:
    path = BUNDLED / name
    card = read_card_as(JetCard, path)
    assert (card.name, card.architecture.kind) == (name, name)
    assert (path / "model.onnx").stat().st_size < 10_000_000
    assert card.data.n_training + card.data.n_validation >= 100_000
    real = read_jet_images(jet_sample_path())
    images = JetGenerator.open(path).simulate(real.signal, np.random.default_rng(0))
    assert Judge(real).distances(images)["image_distance"] < 0.5
