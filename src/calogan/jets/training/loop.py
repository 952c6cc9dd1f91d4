"""A training run of a jet image generator: open it, run its epochs, export its model."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from calogan.jets.training.adversarial import update
from calogan.jets.training.configuration import JetTrainingConfig
from calogan.jets.training.export import export_jet_bundle
from calogan.jets.training.run import JetRun, open_jet_run, save
from calogan.jets.training.validation import Judge, generate_like, settle
from calogan.training.checkpoint import load_checkpoint
from calogan.training.instabilities import check_finite
from calogan.training.output import BEST, CHECKPOINT, Resume
from calogan.training.record import RunRecord
from calogan.training.schedule import learning_rates, set_learning_rates

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["export", "fit", "train_jets"]

OnBatch = Callable[[int, int, dict[str, float]], None]

logger = logging.getLogger(__name__)


def train_jets(
    images: Path,
    output: Path,
    config: JetTrainingConfig,
    *,
    name: str | None = None,
    resume: Resume = False,
    on_batch: OnBatch | None = None,
) -> Path:
    """Train a generator of jet images and write it as a bundle.

    Args:
        images: File of jet images.
        output: Folder of the run: `checkpoint.safetensors`, `best.safetensors` (the best epoch by
            the distance of jet observables), `config.yaml`, `log.jsonl`, `tensorboard/`,
            `pictures/`, and the bundle `model/`.
        config: The settings.
        name: Name of the model; that of the network (`lagan`) unless given.
        resume: As for `open_jet_run`.
        on_batch: Called after every batch with the batches done, their total, and the losses.

    Returns:
        The folder of the bundle.

    Raises:
        CaloganError: Whatever the user can mend, see `open_jet_run`; or losses that are not
            numbers.
    """
    run = open_jet_run(images, output, config, name=name, resume=resume)
    fit(run, on_batch)
    return export(run)


def fit(run: JetRun, on_batch: OnBatch | None = None) -> None:
    """Run the epochs that are left, and write checkpoints and records after each."""
    config, state, judge = run.config, run.state, Judge(run.images.validation)
    with RunRecord(run.output, tensorboard=config.tensorboard, step=state.step) as record:
        while state.epoch < config.nb_epochs:
            started = time.perf_counter()
            rates = learning_rates(config, state.step, run.n_batches * config.nb_epochs)
            losses = _run_epoch(run, record, on_batch)
            line: dict[str, Any] = {"epoch": state.epoch, "step": state.step, **losses}
            line |= {f"lr_{network}": rate for network, rate in rates.items()}
            is_best = False
            if state.epoch % config.validate_every == 0 or state.epoch == config.nb_epochs:
                found = _validate(run, judge, record)
                line |= found
                is_best = found["image_distance"] < run.best.get("image_distance", math.inf)
                if is_best or not run.best:
                    is_best, run.best = True, {"epoch": state.epoch, **found}
            line["seconds"] = round(time.perf_counter() - started, 3)
            _conclude(run, record, line)
            save(run, *([BEST] if is_best else []), CHECKPOINT)


def _run_epoch(run: JetRun, record: RunRecord, on_batch: OnBatch | None) -> dict[str, float]:
    """Run an epoch, or what is left of it, and return the mean losses."""
    config, state = run.config, run.state
    n_steps = run.n_batches * config.nb_epochs
    batches = run.images.batches(state.epoch, config.batch_size, start=state.batch)
    for image, signal in batches:
        set_learning_rates(state, config, n_steps)
        losses = update(state, image, signal, config, run.fabric)
        kept = run.output / CHECKPOINT
        check_finite(losses, state.epoch + 1, state.step + 1, kept if kept.exists() else None)
        state.step += 1
        state.batch += 1
        for name, value in losses.items():
            state.sums[name] = state.sums.get(name, 0.0) + value
        if config.log_every and state.step % config.log_every == 0:
            record.batch(state.step, losses)
        if on_batch:
            on_batch(state.step, n_steps, losses)
        if config.checkpoint_steps and state.batch % config.checkpoint_steps == 0:
            save(run, CHECKPOINT)
    means = {name: value / run.n_batches for name, value in state.sums.items()}
    state.epoch, state.batch, state.sums = state.epoch + 1, 0, {}
    return means


def _validate(run: JetRun, judge: Judge, record: RunRecord) -> dict[str, float]:
    """Compare the averaged generator with the validation images, and draw both at times."""
    config, epoch = run.config, run.state.epoch
    settle(run.average, config, run.fabric.device)
    generated = generate_like(run.average, judge.real, config, run.fabric.device)
    every = config.pictures_every
    if every and (epoch % every < config.validate_every or epoch == config.nb_epochs):

        def draw() -> Figure:
            from calogan.jets.training.pictures import draw_images

            return draw_images(judge.real, generated, f"{run.name}, epoch {epoch}")

        record.figure("images", "images", epoch, run.state.step, draw)
    return judge.distances(generated)


def _conclude(run: JetRun, record: RunRecord, line: dict[str, Any]) -> None:
    """Write what is to be said of an epoch."""
    warnings = run.watch.look(line)
    for warning in warnings:
        logger.warning("epoch %d: %s", line["epoch"], warning)
    if warnings:
        line["warnings"] = warnings
    if not run.config.prog_bar:
        logger.info("epoch %d of %d: %s", line["epoch"], run.config.nb_epochs, _listed(line))
    record.epoch(line)


def _listed(values: Mapping[str, Any]) -> str:
    wanted = (
        *("discriminator_real", "discriminator_generated", "generator", "class_generator"),
        *("image_distance", "seconds"),
    )
    return ", ".join(f"{name} {values[name]:.4g}" for name in wanted if name in values)


def export(run: JetRun) -> Path:
    """Write the best epoch as a bundle, with its quality on the card."""
    load_checkpoint(run.output / BEST, run.state)
    average, judge = run.average.cpu(), Judge(run.images.validation)
    generated = generate_like(average, judge.real, run.config, torch.device("cpu"))
    return export_jet_bundle(
        run.output / "model",
        average,
        run.name,
        run.images,
        run.config,
        judge.figures(generated),
        run.state.epoch,
    )
