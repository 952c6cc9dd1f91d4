from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from calogan.bundle import Bundle
from calogan.conditions import conditions_of
from calogan.errors import ModelError, OutputError, TrainingError
from calogan.files import write_showers
from calogan.neural import NeuralSimulator
from calogan.training import loop as loop_module
from calogan.training import make_config, read_recipe, train
from calogan.training.adversarial import setup
from calogan.training.checkpoint import load_checkpoint
from calogan.training.export import export_onnx
from calogan.training.loop import fit
from calogan.training.run import open_run
from tests.training.conftest import (
    SMALL,
    log_of,
    run_to,
    tilted_showers,
    tiny_showers,
)


@pytest.mark.usefixtures("no_onnx")
def test_a_run_leaves_its_log_checkpoints_pictures_and_model(
    tmp_path: Path, tiny_file: Path
) -> None:
    pytest.importorskip("tensorboard")
    pytest.importorskip("matplotlib")
    settings = {"tensorboard": True, "pictures_every": 2, "log_every": 3, "g_pfx": "generator_"}
    config = make_config(**{**SMALL, "nb_epochs": 2, **settings})
    (bundle,) = train({"positron": tiny_file}, tmp_path / "run", config)
    run = tmp_path / "run"
    assert bundle == run / "model"
    assert {path.name for path in run.iterdir()} == {
        *("checkpoint.safetensors", "best.safetensors", "config.yaml", "log.jsonl", "model"),
        *("generator_000.safetensors", "generator_001.safetensors", "tensorboard", "pictures"),
    }
    log = log_of(run)
    assert [(record["epoch"], record["step"]) for record in log] == [(1, 5), (2, 10)]
    wanted = {"discriminator_real", "accuracy_real", "generator", "energy_error_gev"}
    wanted |= {"lr_generator", "lr_discriminator", "distance/f_1", "spread/f_1", "shape_distance"}
    assert wanted <= set(log[0])
    best = load_checkpoint(run / "best.safetensors")["best"]
    assert best["shape_distance"] == min(record["shape_distance"] for record in log)
    (picture,) = (run / "pictures").iterdir()
    assert picture.name == "eplus_epoch_0002.png"
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run / "tensorboard")).Reload()
    tags = events.Tags()
    assert {"epoch/generator", "epoch/shape_distance", "distance/f_1", "batch/generator"} <= set(
        tags["scalars"]
    )
    assert tags["images"] == ["showers/eplus"]
    assert [event.step for event in events.Scalars("batch/generator")] == [3, 6, 9]
    # the configuration that is kept is a recipe of the same training
    recipe = read_recipe(run / "config.yaml")
    assert recipe.particles == {"positron": (tiny_file.resolve(),)}
    assert recipe.config() == config


@pytest.mark.usefixtures("no_onnx")
def test_the_card_says_what_the_model_was_made_of(tmp_path: Path, tiny_file: Path) -> None:
    second = tmp_path / "more.h5"
    write_showers(second, tiny_showers(60, 1), {"seed": 9})
    config = make_config(**SMALL, nb_epochs=1)
    train({"e+": [tiny_file, second]}, tmp_path / "run", config, name="mine")
    card = Bundle(tmp_path / "run" / "model").card
    assert (card.name, card.particle, card.training["latent_size"]) == ("mine", "e+", 4)
    files = [card.data, *card.further_data]
    assert [data.file for data in files] == ["eplus.h5", "more.h5"]
    assert [(data.n_training, data.n_validation) for data in files] == [(80, 20), (48, 12)]
    assert [data.size_bytes for data in files] == [p.stat().st_size for p in (tiny_file, second)]
    assert files[1].made_with == {"seed": 9}
    figures = card.quality["f_1"]
    held_out = np.concatenate(
        [
            (showers.layers[1].sum((1, 2)) / showers.cells.sum(1))
            for showers in (tiny_showers(100)[80:], tiny_showers(60, 1)[48:])
        ]
    )
    assert figures.validation_mean == pytest.approx(held_out.mean(), rel=1e-4)
    assert figures.distance is not None
    assert "latent_size 4 (paper 1024)" in card.architecture.differs_from_paper


@pytest.mark.usefixtures("no_onnx")
def test_the_best_epoch_is_the_one_that_is_exported(
    tmp_path: Path, tiny_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distances = iter([3.0, 1.0, 2.0])
    monkeypatch.setattr(
        loop_module, "shape_distances", lambda *_: {"shape_distance": next(distances)}
    )
    config = make_config(**SMALL, nb_epochs=5, validate_every=2)
    run = open_run({"e+": tiny_file}, tmp_path, config)
    fit(run)
    judged = [record["epoch"] for record in log_of(tmp_path) if "shape_distance" in record]
    assert judged == [2, 4, 5]  # every second, and the last one
    (folder,) = loop_module.export(run)
    assert Bundle(folder).card.training["stopped_at_epoch"] == 4


def test_warmup_and_scaled_cells(tmp_path: Path, tiny_file: Path) -> None:
    """Energies and shapes alone first: the generator learns, the discriminator waits."""
    settings = {"warmup_epochs": 2, "shape_weight": 4.0, "scale_cells": True, "gen_lr": 1e-3}
    run = run_to(tiny_file, tmp_path, 2, **settings)
    log = log_of(tmp_path)
    assert log[1]["shapes"] < log[0]["shapes"]
    assert "discriminator_real" not in log[0]
    fresh = setup(run.config, run.training, Fabric(accelerator="cpu", devices=1))
    for one, two in zip(
        fresh.modules["discriminator"].parameters(),
        run.state.modules["discriminator"].parameters(),
        strict=True,
    ):
        assert torch.equal(one, two)
    run_to(tiny_file, tmp_path, 3, resume=True, **settings)
    assert log_of(tmp_path)[2]["discriminator_real"] > 0


def test_nothing_is_made_where_nothing_can_be_trained(tmp_path: Path, tiny_file: Path) -> None:
    run = tmp_path / "run"
    with pytest.raises(TrainingError, match="fewer than one batch"):
        run_to(tiny_file, run, 1, batch_size=200)
    with pytest.raises(ModelError, match="name of the model"):
        open_run({"e+": tiny_file}, run, make_config(**SMALL), name="no/name")
    with pytest.raises(TrainingError, match="cannot train on accelerator 'abacus'"):
        run_to(tiny_file, run, 1, accelerator="abacus")
    assert not run.exists()
    chapter = tmp_path / "thesis" / "model" / "chapter.tex"
    chapter.parent.mkdir(parents=True)
    chapter.write_text("years of work")
    with pytest.raises(OutputError, match=r"the folder holds chapter\.tex"):
        run_to(tiny_file, tmp_path / "thesis", 1)
    assert chapter.read_text() == "years of work"


def test_an_unwritable_folder_is_found_before_the_training(
    tmp_path: Path, tiny_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(OutputError, match="Permission denied"):
        run_to(tiny_file, tmp_path / "run", 1)


def test_losses_that_are_no_numbers_stop_the_run(
    tmp_path: Path, tiny_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights that overflow: the next update has NaN losses."""
    run_to(tiny_file, tmp_path, 1)
    run = open_run(
        {"positron": tiny_file}, tmp_path, make_config(**SMALL, nb_epochs=2), resume=True
    )
    with torch.no_grad():
        for parameter in run.state.modules["generator"].parameters():
            parameter.mul_(1e30)
    with pytest.raises(
        TrainingError, match=r"epoch 2, step 6: lower .*_lr .*the last good checkpoi"
    ):
        fit(run)
    assert load_checkpoint(tmp_path / "checkpoint.safetensors")["best"]["epoch"] == 1
    run_to(tiny_file, tmp_path, 2, resume=True)  # and can be gone on from


def test_a_collapsed_generator_is_warned_of_and_in_the_log(
    tmp_path: Path, tiny_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A generator that does not look at its noise: one shape for each energy."""
    config = make_config(**SMALL, nb_epochs=3)
    run = open_run({"positron": tiny_file}, tmp_path, config)

    def same_for_all(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> Any:
        noise, *rest = inputs
        return noise[:1].expand_as(noise), *rest

    run.average.register_forward_pre_hook(same_for_all)
    fit(run)
    warnings: list[Any] = [record.get("warnings", []) for record in log_of(tmp_path)]
    assert [len(part) for part in warnings] == [0, 1, 0]
    assert "mode collapse" in warnings[1][0]
    assert "mode collapse" in caplog.text


def test_a_discriminator_that_wins_is_warned_of(tmp_path: Path, tiny_file: Path) -> None:
    """A generator that hardly moves, against a discriminator that learns fast."""
    run_to(tiny_file, tmp_path, 9, gen_lr=1e-9, disc_lr=3e-2, validate_every=9)
    log: list[Any] = log_of(tmp_path)
    said = [record["epoch"] for record in log if "right about more than" in str(record)]
    assert len(said) == 1
    assert min(record["accuracy_real"] for record in log[said[0] - 5 : said[0]]) > 0.99


@pytest.mark.slow
def test_several_particles_and_a_beam_that_varies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that a network can be told in one training, and one bundle for each particle."""
    files = {}
    for label, particle in (("positron", "e+"), ("pion", "pi+")):
        files[label] = tmp_path / f"{label}.h5"
        write_showers(files[label], tilted_showers(60, particle=particle))
    run = open_run(files, tmp_path / "run", make_config(**SMALL, nb_epochs=1))
    fit(run)
    (record,) = log_of(tmp_path / "run")
    assert {"distance/e+/f_1", "distance/pi+/f_1", "spread/pi+/f_1"} <= set(record)
    network = export_onnx(run.average, 5, 1)  # takes seconds, so only the second one
    monkeypatch.setattr("calogan.training.export.export_onnx", lambda *_: network)
    bundles = loop_module.export(run)
    assert [bundle.name for bundle in bundles] == ["model-eplus", "model-piplus"]
    card = Bundle(bundles[1]).card
    assert (card.data.file, card.further_data[0].particle) == ("pion.h5", "e+")
    assert card.condition_names == ("energy_gev", "x_mm", "y_mm", "slope_x", "slope_y")
    slope = card.conditions[2]
    assert -slope.low == slope.high == pytest.approx(0.1, rel=0.1)

    simulator = NeuralSimulator(bundles[1])
    assert (simulator.name, simulator.particle) == ("calogan-piplus", "pi+")
    incident = tilted_showers(60, particle="pi+").incident[:3]
    showers = simulator.simulate(incident, np.random.default_rng(1))
    noise = torch.from_numpy(np.random.default_rng(1).standard_normal((3, 4), dtype=np.float32))
    condition = torch.from_numpy(conditions_of(incident, run.training.calorimeter))
    average = run.average.eval()
    same, other = (average(noise, condition, torch.full((3,), label))[1] * 1000 for label in (1, 0))
    torch.testing.assert_close(torch.from_numpy(showers.layers[1]), same, rtol=1e-4, atol=0.1)
    assert not torch.allclose(same, other, rtol=0.01)  # the class counts


def test_bfloat16_trains(tmp_path: Path, tiny_file: Path) -> None:
    run = run_to(tiny_file, tmp_path, 1, precision="bf16-mixed", accelerator="cpu")
    assert np.isfinite(log_of(tmp_path)[0]["generator"])
    assert {p.dtype for p in run.average.parameters()} == {torch.float32}
