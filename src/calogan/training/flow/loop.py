"""A training of a flow: open it, run its stages, export its model."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from calogan.training.checkpoint import save_checkpoint
from calogan.training.data import MEV_PER_GEV, Batch
from calogan.training.export import export_flow
from calogan.training.flow.configuration import FlowConfig
from calogan.training.flow.run import FlowRun, open_flow, part_of
from calogan.training.flow.stages import begin_stage, loss_of
from calogan.training.instabilities import check_finite
from calogan.training.output import CHECKPOINT, Resume
from calogan.training.record import RunRecord
from calogan.training.validation import generate_like, quality_figures, shape_distances

__all__ = ["export_run", "fit_flow", "train_flow"]

OnBatch = Callable[[int, int, dict[str, float]], None]

_WARM_UP_STEPS = 200
_LOWEST_RATE = 0.01
_LARGEST_GRADIENT = 20.0


def train_flow(
    particles: Mapping[str, Path | Sequence[Path]],
    output: Path,
    config: FlowConfig,
    *,
    name: str | None = None,
    resume: Resume = False,
    on_batch: OnBatch | None = None,
) -> Path:
    """Train a flow on showers of one particle, and write it as a bundle.

    Args:
        particles: File or files of the showers of the particle, by its name.
        output: Folder of the run: `checkpoint.safetensors`, `config.yaml`, `log.jsonl`,
            `tensorboard/`, and the bundle `model/`.
        config: The settings.
        name: Name of the model; `eplus` or the like unless given.
        resume: Go on from the checkpoint in `output` (True), from it if there is one ("auto"), or
            from this file.
        on_batch: Called after every batch with the batches done, their total, and the figure of
            the stage.

    Returns:
        The folder of the bundle.

    Raises:
        ShowerFileError: The showers cannot be read.
        OutputError: `output` cannot be written, or holds another training.
        ModelError: A model cannot be called so.
        TrainingError: Several particles, a beam that varies, too few showers, nothing to resume,
            or losses that are not numbers.
    """
    run = open_flow(particles, output, config, name=name, resume=resume)
    fit_flow(run, on_batch)
    return export_run(run)


def _stage_of(config: FlowConfig, epoch: int) -> tuple[str, int]:
    """Stage of an epoch, and epochs of the stage before it."""
    for stage, n in config.epochs.items():
        if epoch < n:
            return stage, epoch
        epoch -= n
    msg = f"epoch {epoch} lies behind the last stage"
    raise ValueError(msg)


def fit_flow(run: FlowRun, on_batch: OnBatch | None = None) -> None:
    """Run the epochs that are left, and write checkpoints and records."""
    config, state = run.config, run.state
    n_epochs = sum(config.epochs.values())
    with RunRecord(run.output, tensorboard=config.tensorboard, step=state.step) as record:
        started = time.perf_counter()
        while state.epoch < n_epochs:
            stage, place = _stage_of(config, state.epoch)
            if place == 0:
                run.generator.load_state_dict(run.average.state_dict())
                begin_stage(stage, run.generator, run.training, config)
                run.average.load_state_dict(run.generator.state_dict())
            figure = _run_epoch(run, stage, place, n_epochs, on_batch)
            last_of_stage = place + 1 == config.epochs[stage]
            if last_of_stage or state.epoch % config.validate_every == 0:
                line: dict[str, Any] = {
                    "epoch": state.epoch,
                    "step": state.step,
                    "stage": stage,
                    # not known where all showers of the epoch were further readings
                    stage: None if math.isnan(figure) else figure,
                    f"validation_{stage}": _validate(run, stage),
                }
                if state.epoch == n_epochs:
                    made = generate_like(
                        run.average, run.validation, run.training, torch.device("cpu")
                    )
                    line |= shape_distances([run.validation], [made])
                line["seconds"] = round(time.perf_counter() - started, 3)
                started = time.perf_counter()
                record.epoch(line)
                save_checkpoint(run.output / CHECKPOINT, state, run.facts)


def _run_epoch(
    run: FlowRun, stage: str, place: int, n_epochs: int, on_batch: OnBatch | None
) -> float:
    """Run an epoch of a stage, and return its mean figure."""
    config, state = run.config, run.state
    part, optimizer = part_of(run.generator, stage), state.optimizers[stage]
    n_batches = len(run.training) // config.batch_size
    figures = []
    run.generator.train()
    for k, batch in enumerate(run.training.batches(state.epoch, config.batch_size)):
        done = place * n_batches + k
        falling = 0.5 * (1 + math.cos(math.pi * done / (config.epochs[stage] * n_batches)))
        rate = config.rates[stage] * max(_LOWEST_RATE, falling)
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1.0, (done + 1) / _WARM_UP_STEPS)
        # dropout draws from the global generator: it goes on from the run's
        torch.manual_seed(int(torch.randint(2**31, (1,), generator=state.rng)))
        loss, figure = loss_of(stage, run.generator, batch, state.rng)
        kept = run.output / CHECKPOINT
        values = {stage: loss.item()}
        check_finite(values, state.epoch + 1, state.step + 1, kept if kept.exists() else None)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(part.parameters(), _LARGEST_GRADIENT)
        optimizer.step()
        _move_average(part_of(run.average, stage), part, config.ema_decay, done)
        state.step += 1
        figures.append(figure)
        if on_batch:
            on_batch(state.step, n_epochs * n_batches, {stage: figure})
    state.epoch += 1
    known = [figure for figure in figures if not math.isnan(figure)]
    return sum(known) / len(known) if known else math.nan


@torch.no_grad()
def _move_average(
    average: torch.nn.Module, network: torch.nn.Module, decay: float, step: int
) -> None:
    weight = 1 - min(decay, (1 + step) / (10 + step))
    for mean, value in zip(average.parameters(), network.parameters(), strict=True):
        mean.lerp_(value, weight)


@torch.no_grad()
def _validate(run: FlowRun, stage: str) -> float:
    """The figure of a stage for the validation showers, with the averaged weights."""
    showers = run.validation.showers
    rng = torch.Generator().manual_seed(run.config.seed)
    batch = Batch(
        tuple(torch.from_numpy(layer / MEV_PER_GEV).float() for layer in showers.layers),
        torch.from_numpy(showers.incident.energy_gev).float()[:, None],
        torch.zeros(len(showers), dtype=torch.int64),
        torch.from_numpy(showers.overflow / MEV_PER_GEV).float(),
    )
    run.average.eval()
    return loss_of(stage, run.average, batch, rng)[1]


def export_run(run: FlowRun) -> Path:
    """Write the model as a bundle, with its quality on the card."""
    average = run.average.eval()
    made = generate_like(average, run.validation, run.training, torch.device("cpu"))
    return export_flow(
        run.output / "model",
        average,
        run.name,
        run.validation,
        run.training,
        run.config.as_dict(),
        quality_figures(run.validation.showers, made),
    )
