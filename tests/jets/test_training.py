"""Training of the generators of jet images: data, updates, resuming, judgement, what is written."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra train")

import torch
from safetensors.torch import load_file

from calogan.errors import ConfigurationError, OutputError, TrainingError
from calogan.jets import write_jet_images
from calogan.jets.images import JetImages
from calogan.jets.training.adversarial import _flip, setup, update
from calogan.jets.training.configuration import (
    JetTrainingConfig,
    differences,
    make_jet_config,
)
from calogan.jets.training.data import load_images
from calogan.jets.training.export import export_jet_bundle
from calogan.jets.training.loop import export, fit, train_jets
from calogan.jets.training.recipe import read_jet_recipe
from calogan.jets.training.run import open_jet_run
from calogan.jets.training.validation import Judge, confusion
from calogan.networks.lagan import JetImageGenerator
from calogan.networks.lagan.discriminators import Answers
from calogan.training.hardware import make_fabric
from calogan.training.record import RunRecord
from tests.jets.toys import make_jet_images

RECIPES = sorted((Path(__file__).parents[2] / "recipes" / "jets").glob("*.yaml"))
SMALL: dict[str, Any] = {
    "model": "fcgan",
    "batch_size": 8,
    "latent_size": 4,
    "validation_share": 0.25,
    "tensorboard": False,
    "pictures_every": 0,
    "accelerator": "cpu",
}


@pytest.fixture(scope="module")
def jets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("jets") / "jets.h5"
    write_jet_images(path, make_jet_images(40), {"pythia": "none, made for a test"})
    return path


def log_of(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "log.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in lines]


def run_to(jets: Path, output: Path, epochs: int, **options: Any) -> None:
    resume = options.pop("resume", False)
    config = make_jet_config(**{**SMALL, "nb_epochs": epochs, **options})
    fit(open_jet_run(jets, output, config, resume=resume))


def test_the_last_images_are_never_trained_on(jets: Path) -> None:
    images = load_images(jets, make_jet_config(**SMALL, validation_images=6))
    assert (len(images), len(images.validation), images.n_validation) == (30, 6, 10)
    everything = make_jet_images(40)
    clean = np.where(everything.image < 1e-3, 0, everything.image)
    np.testing.assert_array_equal(images.image.numpy(), clean[:30])
    np.testing.assert_array_equal(images.validation.image, clean[30:36])
    np.testing.assert_array_equal(images.signal.numpy(), everything.signal[:30])
    assert (everything.image[everything.image > 0] < 1e-3).any()  # or the test shows nothing


def test_an_epoch_sees_each_image_once_in_its_own_order(jets: Path) -> None:
    images = load_images(jets, make_jet_config(**SMALL))

    def energies(epoch: int, start: int = 0) -> list[float]:
        batches = images.batches(epoch, 6, start)
        return [float(one.sum()) for image, _ in batches for one in image]

    first = energies(0)
    assert sorted(first) == sorted(float(one.sum()) for one in images.image)
    assert energies(0, start=2) == first[12:]
    assert energies(0) == first != energies(1)
    for image, signal in images.batches(0, 6):
        for one, kind in zip(image, signal, strict=True):
            row = int((images.image == one).all(2).all(1).nonzero())
            assert images.signal[row] == kind


@pytest.mark.parametrize("share", [0.0, 0.09, 0.5])
def test_labels_are_flipped_as_often_as_asked_for(share: float) -> None:
    label = torch.randint(2, (20_000,))
    flipped = _flip(label, share, torch.Generator().manual_seed(0))
    assert ((flipped == 0) | (flipped == 1)).all()
    assert (flipped != label).float().mean().item() == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize("model", ["lagan", "dcgan", "fcgan", "hybrid"])
def test_an_update_moves_both_networks_and_the_average(jets: Path, model: str) -> None:
    config = make_jet_config(**{**SMALL, "model": model})
    fabric, images = make_fabric(config), load_images(jets, config)

    def after_an_update(**changed: Any) -> tuple[dict[str, float], dict[str, Any]]:
        asked = replace(config, **changed)
        state = setup(asked, fabric)
        outside = torch.random.get_rng_state()
        losses = update(state, images.image[:8], images.signal[:8], asked, fabric)
        assert torch.equal(torch.random.get_rng_state(), outside)
        return losses, {k: m.state_dict() for k, m in state.modules.items()}

    before = {k: m.state_dict() for k, m in setup(config, fabric).modules.items()}
    losses, weights = after_an_update()
    assert all(np.isfinite(list(losses.values())))
    for name, found in weights.items():
        moved = [key for key in found if not torch.equal(found[key], before[name][key])]
        assert len(moved) > 0.8 * len(found), name
    again, same = after_an_update()
    assert again == losses
    for name, found in weights.items():
        assert all(torch.equal(found[key], same[name][key]) for key in found)
    assert after_an_update(class_weight=0.0)[0]["gradient_generator"] != pytest.approx(
        losses["gradient_generator"]
    )
    assert after_an_update(seed=1)[0] != losses


def test_a_resumed_training_is_the_undisturbed_one(jets: Path, tmp_path: Path) -> None:
    run_to(jets, tmp_path / "whole", 3)
    run_to(jets, tmp_path / "parts", 1)
    run_to(jets, tmp_path / "parts", 2, resume=True)
    run_to(jets, tmp_path / "parts", 3, resume="auto")
    assert log_of(tmp_path / "parts") == log_of(tmp_path / "whole")
    ours, theirs = (
        load_file(tmp_path / name / "checkpoint.safetensors") for name in ("parts", "whole")
    )
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


def test_a_training_stopped_within_an_epoch_goes_on_there(jets: Path, tmp_path: Path) -> None:
    run_to(jets, tmp_path / "whole", 2)

    class StoppedError(Exception):
        pass

    def stop(done: int, total: int, losses: dict[str, float]) -> None:
        assert total == 6
        if done == 5:
            raise StoppedError

    config = make_jet_config(**SMALL, nb_epochs=2, checkpoint_steps=1)
    with pytest.raises(StoppedError):
        fit(open_jet_run(jets, tmp_path / "parts", config), stop)
    run = open_jet_run(jets, tmp_path / "parts", config, resume=True)
    assert (run.state.epoch, run.state.batch, run.state.step) == (1, 1, 4)
    fit(run)
    assert log_of(tmp_path / "parts") == log_of(tmp_path / "whole")


def test_the_best_weights_of_all_epochs_become_the_model(
    jets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # averaged weights and last ones, of three epochs; and those of the second once more
    distances = iter([0.5, 0.6, 0.3, 0.2, 0.4, 0.4, 0.3, 0.2])
    exported = []

    def write(folder: Path, generator: JetImageGenerator, *rest: Any) -> Path:
        exported.append(generator)
        return export_jet_bundle(folder, generator, *rest)

    def judged(self: Judge, generated: JetImages) -> dict[str, float]:
        return {"distance/signal/mass": 1.0, "image_distance": next(distances)}

    monkeypatch.setattr(Judge, "distances", judged)
    run = open_jet_run(jets, tmp_path, make_jet_config(**SMALL, nb_epochs=3), name="toy@4")
    fit(run)
    assert [line["image_distance"] for line in log_of(tmp_path)] == [0.5, 0.2, 0.4]
    assert [line["average_is_nearer"] for line in log_of(tmp_path)] == [1, 0, 1]
    monkeypatch.setattr("calogan.jets.training.loop.export_jet_bundle", write)
    folder = export(run)
    last = run.state.modules["generator"].state_dict()
    torch.testing.assert_close(
        dict(exported[0].named_parameters()),
        {name: last[name].data for name, _ in exported[0].named_parameters()},
    )
    card = json.loads((folder / "card.json").read_text())
    assert (card["name"], card["version"]) == ("toy", 4)
    assert card["training"]["best_epoch"] == 2
    assert card["training"]["best_weights"] == "last"
    for matrix in card["auxiliary_classifier"].values():
        assert np.sum(matrix, axis=1) == pytest.approx([1, 1])
    assert card["data"]["made_with"] == {"pythia": "none, made for a test"}
    assert (card["data"]["n_training"], card["data"]["n_validation"]) == (30, 10)
    assert "batch_size 8 (published 100)" in card["architecture"]["differs_from_paper"]
    assert {"signal/mass", "background/tau_21", "signal/hit"} <= set(card["quality"])


def test_pictures_are_drawn(jets: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    run_to(jets, tmp_path, 2, pictures_every=2)
    names = [path.name for path in (tmp_path / "pictures").iterdir()]
    assert names == ["images_epoch_0002.png"]


def test_the_judge_knows_pythia_from_something_else() -> None:
    real = make_jet_images(600)
    judge = Judge(real)
    same, other = make_jet_images(600, seed=1), make_jet_images(600, seed=2)
    other = replace(other, image=other.image * np.float32(1.2), signal=real.signal)
    same = replace(same, signal=real.signal)
    near, far = judge.distances(same), judge.distances(other)
    assert near["image_distance"] < 0.15
    # 20 % more of about 240 GeV, where images differ by 17 GeV
    assert far["distance/signal/pt"] > 2
    assert far["distance/background/mass"] > 0.5
    assert far["image_distance"] > 2 * near["image_distance"]
    figures = judge.figures(other)
    ratio = figures["signal/pt"]["generated_mean"] / figures["signal/pt"]["validation_mean"]
    assert ratio == pytest.approx(1.2, abs=0.02)


def test_bad_input(jets: Path, tmp_path: Path) -> None:
    one_class = make_jet_images(40)
    write_jet_images(tmp_path / "w.h5", replace(one_class, signal=np.ones(40, bool)))
    with pytest.raises(TrainingError, match="all jets are W"):
        open_jet_run(tmp_path / "w.h5", tmp_path / "run", make_jet_config(**SMALL))
    with pytest.raises(TrainingError, match="too few to train on with batches of 31"):
        open_jet_run(jets, tmp_path / "run", make_jet_config(**{**SMALL, "batch_size": 31}))
    with pytest.raises(ConfigurationError, match="did you mean latent_size"):
        make_jet_config(latent=3)
    with pytest.raises(ConfigurationError, match="model"):
        make_jet_config(model="wgan")
    assert not (tmp_path / "run").exists()
    run_to(jets, tmp_path / "run", 1)
    with pytest.raises(OutputError, match="--resume"):
        run_to(jets, tmp_path / "run", 2)
    with pytest.raises(TrainingError, match="latent_size was 4, now 5"):
        run_to(jets, tmp_path / "run", 2, resume=True, latent_size=5)
    write_jet_images(tmp_path / "others.h5", make_jet_images(40, seed=9))
    with pytest.raises(TrainingError, match="began with other images"):
        run_to(tmp_path / "others.h5", tmp_path / "run", 2, resume=True)


def test_a_discriminator_names_all_images_in_batches_of_the_training() -> None:
    images = make_jet_images(30)
    signal = torch.from_numpy(images.signal)
    sizes = []

    class Names(torch.nn.Module):
        """Calls the first 12 images W."""

        def forward(self, image: torch.Tensor) -> Answers:
            sizes.append(len(image))
            first = (image[:, None] == torch.from_numpy(images.image[:12])).all((2, 3)).any(1)
            logit = torch.where(first, 1.0, -1.0)
            return Answers(logit, logit)

    config = JetTrainingConfig(batch_size=8)
    found = confusion(Names(), images, config, torch.device("cpu"))
    share = [float((signal[:12] == truth).sum() / (signal == truth).sum()) for truth in (0, 1)]
    assert found == pytest.approx(np.array([[1 - s, s] for s in share]))
    assert sizes == [8, 8, 8, 8]


def test_what_differs_from_the_published_settings() -> None:
    assert "published" not in differences(make_jet_config(ema_decay=0, seed=3, model="dcgan"))
    text = differences(JetTrainingConfig(nb_epochs=7, lr_schedule="cosine"))
    assert "nb_epochs 7 (published 50)" in text
    assert "lr_schedule cosine (published constant)" in text
    assert "ema_decay 0.99 (published 0)" in text


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_the_recipes_train(
    path: Path, jets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each committed recipe with its own settings, in small, on other images."""
    monkeypatch.chdir(tmp_path)
    Path("jets.h5").symlink_to(jets)
    recipe = read_jet_recipe(path)
    assert recipe.settings["model"] == recipe.name == path.stem
    small = {key: value for key, value in SMALL.items() if key != "model"}
    config = recipe.config(**small, nb_epochs=1)
    bundle = train_jets(recipe.images, tmp_path / "run", config, name=recipe.name)
    card = json.loads((bundle / "card.json").read_text())
    assert (card["name"], card["architecture"]["kind"]) == (path.stem, path.stem)
    # the settings of a run are a recipe for it
    assert read_jet_recipe(tmp_path / "run" / "config.yaml").config() == config


def test_the_recipes_are_there() -> None:
    if not RECIPES:
        pytest.skip("only in the repository")
    assert {path.stem for path in RECIPES} == {"lagan", "dcgan", "fcgan", "hybrid"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected lines such as images"),
        ("image: jets.h5", "did you mean images"),
        ("images: 3", "images: expected the name of a file"),
        ("images: lost.h5", "no such file: lost.h5"),
        ("images: jets.h5\nname: 3", "name: expected a text"),
        ("images: jets.h5\ntraining: 3", "training: expected lines"),
        ("images: [", "cannot read"),
    ],
)
def test_bad_recipes(
    text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("jets.h5").touch()
    Path("recipe.yaml").write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        read_jet_recipe("recipe.yaml")
    Path("recipe.yaml").write_text("images: jets.h5\ntraining: {epochs: 3}")
    with pytest.raises(ConfigurationError, match=r"recipe\.yaml: training\.epochs: unknown"):
        read_jet_recipe("recipe.yaml").config()


def test_a_record_takes_figures_of_anything(tmp_path: Path) -> None:
    figures = pytest.importorskip("matplotlib.figure")
    with RunRecord(tmp_path, tensorboard=False, step=0) as record:
        record.figure("images", "some", 3, 10, figures.Figure)
    assert (tmp_path / "pictures" / "some_epoch_0003.png").is_file()


def test_weights_of_the_best_epoch_that_were_lost_are_replaced(jets: Path, tmp_path: Path) -> None:
    run_to(jets, tmp_path, 1)
    (tmp_path / "best.safetensors").unlink()
    run = open_jet_run(jets, tmp_path, make_jet_config(**SMALL, nb_epochs=1), resume=True)
    fit(run)
    assert run.best["epoch"] == 1
    assert (export(run) / "card.json").is_file()


def test_a_sorted_file_is_said_to_be_one(tmp_path: Path) -> None:
    images = make_jet_images(40)
    path = tmp_path / "sorted.h5"
    write_jet_images(path, images[np.argsort(~images.signal, kind="stable")])
    with pytest.raises(TrainingError, match=r"of the last 25%.* are QCD: the networks need both"):
        load_images(path, make_jet_config(**SMALL))


def test_a_class_of_empty_images_is_no_good_epoch() -> None:
    real = make_jet_images(40)
    empty = JetImages(np.where(real.signal[:, None, None], 0, real.image), real.signal)
    assert Judge(real).distances(empty)["image_distance"] == float("inf")
