"""A training run: open it, run its epochs, export its models."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import torch

from calogan.training.adversarial import update
from calogan.training.checkpoint import load_checkpoint, save_weights
from calogan.training.configuration import TrainingConfig
from calogan.training.data import Batch
from calogan.training.epochs import Course, OnBatch, is_drawn, listed, run_epochs
from calogan.training.export import export_bundle
from calogan.training.output import BEST, Resume
from calogan.training.record import RunRecord
from calogan.training.run import Run, open_run, save
from calogan.training.validation import (
    generate_like,
    quality_figures,
    settle,
    shape_distances,
)

__all__ = ["export", "fit", "train"]

_SHOWN = (
    *("discriminator_real", "discriminator_generated", "generator", "shapes"),
    "energy_error_gev",
)

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
    run_epochs(run, course_of(run), on_batch)


def course_of(run: Run) -> Course[Batch]:
    """What the epochs of a CaloGAN consist of."""
    config, state, fabric = run.config, run.state, run.fabric

    def batches(epoch: int, start: int) -> Iterator[Batch]:
        return run.training.batches(
            epoch,
            config.batch_size,
            start=start,
            rank=fabric.global_rank,
            n_ranks=fabric.world_size,
        )

    def one_update(batch: Batch) -> dict[str, float]:
        losses = update(state, batch, run.training, config, fabric)
        if config.debug and fabric.is_global_zero and (state.step + 1) % 10 == 0:
            logger.info("step %d: %s", state.step + 1, listed(losses, _SHOWN))
        return losses

    def finish(epoch: int) -> None:
        for network, prefix in (
            ("discriminator", config.d_pfx),
            ("generator", config.g_pfx),
        ):
            if prefix:  # counted from 0, as the original does
                path = run.output / f"{prefix}{epoch - 1:03d}.safetensors"
                save_weights(path, state.modules[network])

    return Course(
        batches,
        one_update,
        partial(validate, run),
        partial(save, run),
        "shape_distance",
        _SHOWN,
        finish,
    )


def validate(run: Run, record: RunRecord) -> dict[str, float]:
    """Compare the averaged generator with the validation showers, and draw both at times."""
    config, epoch = run.config, run.state.epoch
    settle(run.average, run.training, config, run.fabric.device)
    generated = [
        generate_like(run.average, held_out, run.training, run.fabric.device)
        for held_out in run.validation
    ]
    if is_drawn(config, epoch):
        for held_out, showers in zip(run.validation, generated, strict=True):
            record.picture(held_out.particle, epoch, run.state.step, held_out.showers, showers)
    return shape_distances(run.validation, generated)


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
