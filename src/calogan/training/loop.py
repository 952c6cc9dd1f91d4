"""A training run: open it, run its epochs, export its models."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, cast

import torch
from lightning_fabric import Fabric

from calogan.training.adversarial import update
from calogan.training.checkpoint import load_checkpoint, save_weights
from calogan.training.configuration import TrainingConfig
from calogan.training.export import export_bundle
from calogan.training.instabilities import check_finite
from calogan.training.output import BEST, CHECKPOINT, Resume
from calogan.training.record import RunRecord
from calogan.training.run import Run, open_run, save
from calogan.training.schedule import learning_rates, set_learning_rates
from calogan.training.validation import (
    generate_like,
    quality_figures,
    settle,
    shape_distances,
)

__all__ = ["export", "fit", "train"]

OnBatch = Callable[[int, int, dict[str, float]], None]

logger = logging.getLogger(__name__)


def train(
    particles: Mapping[str, Path | Sequence[Path]],
    output: Path,
    config: TrainingConfig,
    *,
    name: str | None = None,
    resume: Resume = False,
    on_batch: OnBatch | None = None,
) -> tuple[Path, ...]:
    """Train a CaloGAN and write it as a bundle, one for each particle.

    With several devices this starts the script, or the command, once more for each of them. All
    processes return the same; only the first one writes.

    Args:
        particles: File or files of the showers of each particle, by its name.
        output: Folder of the run: `checkpoint.safetensors` (after every epoch) and
            `best.safetensors` (the best by the distance of shower shapes), `config.yaml`,
            `log.jsonl`, `tensorboard/`, `pictures/`, and the bundle `model/`, or `model-PARTICLE/`
            for each of several particles.
        config: The settings.
        name: Name of the model, `calogan-eplus` or the like unless given.
        resume: Go on from the checkpoint in `output` (True), from it if there is one ("auto"), or
            from this file.
        on_batch: Called after every batch with the batches done, their total, and the losses.

    Returns:
        The folders of the bundles.

    Raises:
        ShowerFileError: The showers cannot be read.
        OutputError: `output` cannot be written, or holds another training.
        ModelError: A model cannot be called so.
        TrainingError: Too few showers, nothing to resume, no such device, or losses that are not
            numbers.
    """
    run = open_run(particles, output, config, name=name, resume=resume)
    fit(run, on_batch)
    return export(run)


def fit(run: Run, on_batch: OnBatch | None = None) -> None:
    """Run the epochs that are left, and write checkpoints and records after each."""
    config, state, zero = run.config, run.state, run.fabric.is_global_zero
    with (
        RunRecord(run.output, tensorboard=config.tensorboard, step=state.step)
        if zero
        else nullcontext()
    ) as record:
        while state.epoch < config.nb_epochs:
            started = time.perf_counter()
            rates = learning_rates(config, state.step, run.n_batches * config.nb_epochs)
            losses = run_epoch(run, record, on_batch)
            line: dict[str, Any] = {"epoch": state.epoch, "step": state.step, **losses}
            line |= {f"lr_{network}": rate for network, rate in rates.items()}
            is_best = False
            if state.epoch % config.validate_every == 0 or state.epoch == config.nb_epochs:
                shapes = run.fabric.broadcast(validate(run, record) if record else {})
                line |= shapes
                is_best = shapes["shape_distance"] < run.best.get("shape_distance", math.inf)
                if is_best or not run.best:
                    is_best, run.best = True, {"epoch": state.epoch, **shapes}
            if record:
                _conclude(run, record, line, time.perf_counter() - started)
            save(run, *([BEST] if is_best else []), CHECKPOINT)


def run_epoch(run: Run, record: RunRecord | None, on_batch: OnBatch | None) -> dict[str, float]:
    """Run an epoch, or what is left of it, and return the mean losses."""
    config, state, fabric = run.config, run.state, run.fabric
    n_steps = run.n_batches * config.nb_epochs
    for batch in run.training.batches(
        state.epoch,
        config.batch_size,
        start=state.batch,
        rank=fabric.global_rank,
        n_ranks=fabric.world_size,
    ):
        set_learning_rates(state, config, n_steps)
        losses = _mean_over_processes(update(state, batch, run.training, config, fabric), fabric)
        kept = run.output / CHECKPOINT
        check_finite(losses, state.epoch + 1, state.step + 1, kept if kept.exists() else None)
        state.step += 1
        state.batch += 1
        for name, value in losses.items():
            state.sums[name] = state.sums.get(name, 0.0) + value
        if record:
            if config.log_every and state.step % config.log_every == 0:
                record.batch(state.step, losses)
            if config.debug and state.step % 10 == 0:
                logger.info("step %d: %s", state.step, _listed(losses))
            if on_batch:
                on_batch(state.step, n_steps, losses)
        if config.checkpoint_steps and state.batch % config.checkpoint_steps == 0:
            save(run, CHECKPOINT)
    means = {name: value / run.n_batches for name, value in state.sums.items()}
    state.epoch, state.batch, state.sums = state.epoch + 1, 0, {}
    return means


def _mean_over_processes(losses: dict[str, float], fabric: Fabric) -> dict[str, float]:
    """Mean losses of all processes, so that all of them see the same NaN at the same time."""
    if fabric.world_size == 1:
        return losses
    values = torch.tensor(list(losses.values()), dtype=torch.float64, device=fabric.device)
    mean = cast(torch.Tensor, fabric.all_reduce(values, reduce_op="mean"))
    return dict(zip(losses, mean.tolist(), strict=True))


def validate(run: Run, record: RunRecord) -> dict[str, float]:
    """Compare the averaged generator with the validation showers, and draw both at times."""
    config, epoch = run.config, run.state.epoch
    settle(run.average, run.training, config, run.fabric.device)
    generated = [
        generate_like(run.average, held_out, run.training, run.fabric.device)
        for held_out in run.validation
    ]
    every = config.pictures_every
    # with validations further apart than pictures, each validation draws one
    if every and (epoch % every < config.validate_every or epoch == config.nb_epochs):
        for held_out, showers in zip(run.validation, generated, strict=True):
            record.picture(held_out.particle, epoch, run.state.step, held_out.showers, showers)
    return shape_distances(run.validation, generated)


def _conclude(run: Run, record: RunRecord, line: dict[str, Any], seconds: float) -> None:
    """Write what is to be said of an epoch."""
    line["seconds"] = round(seconds, 3)
    warnings = run.watch.look(line)
    for warning in warnings:
        logger.warning("epoch %d: %s", line["epoch"], warning)
    if warnings:
        line["warnings"] = warnings
    if not run.config.prog_bar:
        logger.info("epoch %d of %d: %s", line["epoch"], run.config.nb_epochs, _listed(line))
    record.epoch(line)
    for network, prefix in (
        ("discriminator", run.config.d_pfx),
        ("generator", run.config.g_pfx),
    ):
        if prefix:  # counted from 0, as the original does
            path = run.output / f"{prefix}{line['epoch'] - 1:03d}.safetensors"
            save_weights(path, run.state.modules[network])


def _listed(values: Mapping[str, Any]) -> str:
    wanted = (
        *("discriminator_real", "discriminator_generated", "generator", "shapes"),
        *("energy_error_gev", "shape_distance", "seconds"),
    )
    return ", ".join(f"{name} {values[name]:.4g}" for name in wanted if name in values)


def export(run: Run) -> tuple[Path, ...]:
    """Write the best epoch as a bundle for each particle, with its quality on the card."""
    if run.fabric.is_global_zero:
        load_checkpoint(run.output / BEST, run.state)
        average = run.average.cpu()
        for held_out, (folder, name) in zip(run.validation, run.models, strict=True):
            generated = generate_like(average, held_out, run.training, torch.device("cpu"))
            export_bundle(
                folder,
                average,
                name,
                held_out,
                run.training,
                run.config,
                quality_figures(held_out.showers, generated),
                run.state.epoch,
            )
    run.fabric.barrier()
    return tuple(folder for folder, _ in run.models)
