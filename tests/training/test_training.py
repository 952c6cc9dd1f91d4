from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra train")

import torch
from lightning_fabric import Fabric

from calogan.errors import ConfigurationError, OutputError, TrainingError
from calogan.files import read_showers, write_showers
from calogan.training import TrainingConfig, make_config, read_particles, train
from calogan.training.adversarial import setup
from calogan.training.checkpoint import load_checkpoint
from calogan.training.data import load_showers
from calogan.training.loop import fit
from tests.conftest import make_showers

SMALL = {"batch_size": 16, "latent_size": 4, "validation_share": 0.2}


def log_of(run: Path) -> list[dict[str, float]]:
    lines = (run / "log.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    return [
        {k: float("nan") if v is None else v for k, v in record.items() if k != "seconds"}
        for record in records
    ]


def test_defaults_are_the_published_ones() -> None:
    config = TrainingConfig()
    assert (config.nb_epochs, config.batch_size, config.latent_size) == (50, 256, 1024)
    assert (config.disc_lr, config.gen_lr, config.adam_beta) == (2e-5, 2e-4, 0.5)
    assert not config.no_attn


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"nb_epoch": 3}, "nb_epoch: .*(found 3)"),
        ({"batch_size": 0}, "batch_size: "),
        ({"disc_lr": -1.0}, "disc_lr: "),
        ({"latent_size": "many"}, "latent_size: "),
    ],
)
def test_settings_are_checked(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make_config(**settings)


def test_the_original_yaml(tmp_path: Path, shower_file: Path) -> None:
    path = tmp_path / "particles.yaml"
    path.write_text(f"# put the paths to actual data here!\npositron: '{shower_file.name}'\n")
    assert read_particles(path) == {"positron": shower_file}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected lines such as"),
        ("- a\n- b\n", "expected lines such as"),
        ("positron: [", "cannot read"),
        ("unicorn: eplus.h5", "unicorn: unknown particle"),
        ("positron: nowhere.h5", "positron: no such file: nowhere.h5"),
        ("positron: 3", "positron: expected the name of a file"),
    ],
)
def test_a_bad_yaml_gets_one_clear_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "particles.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=message) as caught:
        read_particles(path)
    assert "\n" not in str(caught.value)


def test_training_data(shower_file: Path) -> None:
    training, validation, calorimeter = load_showers(
        shower_file, views=True, reflections=True, validation_share=0.25
    )
    showers = read_showers(shower_file)
    assert (len(training), len(validation)) == (150, 50)
    assert calorimeter == showers.calorimeter
    np.testing.assert_allclose(
        validation.layers[1][:, 0].numpy(), showers.layers[1][150:] / 1000, rtol=1e-6
    )
    rng = torch.Generator().manual_seed(0)
    batches = list(training.batches(40, rng))
    assert [len(batch.energy) for batch in batches] == [40, 40, 40]
    drawn = torch.cat([batch.energy for batch in batches])[:, 0]
    assert len(set(drawn.tolist())) == 120  # nothing twice
    # each drawn shower is the one of its energy, perhaps mirrored
    energy = showers.incident.energy_gev.astype(np.float32)
    mirrored = 0
    for image, value in zip(batches[0].layers[1].numpy(), drawn[:40].tolist(), strict=True):
        original = showers.layers[1][int(np.argmin(np.abs(energy - value)))] / 1000
        versions = [original, original[::-1], original[:, ::-1], original[::-1, ::-1]]
        match = [np.allclose(image, version, rtol=1e-5) for version in versions]
        assert sum(match) == 1
        mirrored += not match[0]
    assert 20 <= mirrored <= 38  # three of four on average


def test_training_writes_log_checkpoints_and_a_model(trained: Path) -> None:
    assert {path.name for path in trained.iterdir()} == {
        "checkpoint.safetensors",
        "best.safetensors",
        "log.jsonl",
        "model",
    }
    log = log_of(trained)
    assert [record["epoch"] for record in log] == [1, 2]
    assert log[0]["step"] == 4
    assert all(np.isfinite(record["shape_distance"]) for record in log)
    best = load_checkpoint(trained / "best.safetensors")["best"]
    assert best["shape_distance"] == min(record["shape_distance"] for record in log)


def test_a_resumed_training_is_the_undisturbed_one(tmp_path: Path, trained: Path) -> None:
    path = trained.parent / "eplus.h5"
    run = tmp_path / "run"
    fit({"e+": path}, run, make_config(nb_epochs=1, **SMALL))
    fit({"e+": path}, run, make_config(nb_epochs=2, **SMALL), resume=True)
    for one, two in zip(log_of(run), log_of(trained), strict=True):
        assert one == pytest.approx(two, rel=1e-6, nan_ok=True)


def test_warmup_and_scaled_cells(tmp_path: Path, shower_file: Path) -> None:
    """Energies and shapes alone first: the generator learns, the discriminator waits."""
    settings = {"warmup_epochs": 2, "shape_weight": 4.0, "scale_cells": True, "gen_lr": 1e-3}
    run = fit({"e+": shower_file}, tmp_path / "run", make_config(nb_epochs=2, **settings, **SMALL))
    log = log_of(tmp_path / "run")
    assert log[1]["shapes"] < log[0]["shapes"]
    assert "discriminator_real" not in log[0]
    fresh = setup(make_config(**settings, **SMALL), run.calorimeter, Fabric(devices=1))
    for one, two in zip(
        fresh.modules["discriminator"].parameters(),
        run.state.modules["discriminator"].parameters(),
        strict=True,
    ):
        assert torch.equal(one, two)
    fit(
        {"e+": shower_file},
        tmp_path / "run",
        make_config(nb_epochs=3, **settings, **SMALL),
        resume=True,
    )
    assert log_of(tmp_path / "run")[2]["discriminator_real"] > 0


def test_resuming_refuses_other_settings(tmp_path: Path, trained: Path) -> None:
    data = {"e+": trained.parent / "eplus.h5"}
    with pytest.raises(TrainingError, match="nothing to resume"):
        train(data, tmp_path / "new", make_config(**SMALL), resume=True)
    with pytest.raises(TrainingError, match=r"cannot resume: gen_lr was 0\.0002, now 0\.01"):
        train(data, trained, make_config(gen_lr=0.01, **SMALL), resume=True)
    with pytest.raises(OutputError, match="holds a training already"):
        train(data, trained, make_config(**SMALL))


def test_a_damaged_checkpoint_is_one_clear_line(tmp_path: Path, trained: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    whole = (trained / "checkpoint.safetensors").read_bytes()
    (run / "checkpoint.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TrainingError, match="cannot continue from the checkpoint") as caught:
        train({"e+": trained.parent / "eplus.h5"}, run, make_config(**SMALL), resume=True)
    assert "\n" not in str(caught.value)


def test_too_few_showers(tmp_path: Path) -> None:
    path = tmp_path / "eplus.h5"
    write_showers(path, make_showers(20))
    with pytest.raises(TrainingError, match="fewer than one batch"):
        train({"e+": path}, tmp_path / "run", make_config())
    assert not (tmp_path / "run").exists()


def test_several_particles_are_refused(tmp_path: Path, shower_file: Path) -> None:
    with pytest.raises(TrainingError, match="train one at a time"):
        train({"e+": shower_file, "gamma": shower_file}, tmp_path / "run", make_config())


def test_resuming_refuses_other_showers(trained: Path, shower_file: Path) -> None:
    config = make_config(nb_epochs=3, **SMALL)
    with pytest.raises(TrainingError, match="other particles"):
        fit({"gamma": trained.parent / "eplus.h5"}, trained, config, resume=True)
    with pytest.raises(TrainingError, match="other showers"):
        fit({"e+": shower_file}, trained, config, resume=True)


def test_a_folder_that_is_no_model_is_not_replaced(tmp_path: Path, shower_file: Path) -> None:
    chapter = tmp_path / "thesis" / "model" / "chapter.tex"
    chapter.parent.mkdir(parents=True)
    chapter.write_text("years of work")
    with pytest.raises(OutputError, match=r"the folder holds chapter\.tex"):
        fit({"e+": shower_file}, tmp_path / "thesis", make_config(**SMALL))
    assert chapter.read_text() == "years of work"


def test_a_warmup_needs_something_to_learn_from() -> None:
    with pytest.raises(ConfigurationError, match="warmup_epochs needs a shape_weight"):
        make_config(warmup_epochs=1)


def test_an_unwritable_folder_is_found_before_the_training(
    tmp_path: Path, shower_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(OutputError, match="Permission denied"):
        fit({"e+": shower_file}, tmp_path / "run", make_config(**SMALL))
