"""The epochs of an adversarial training, whatever it learns: batches, records, checkpoints, the best."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, cast

import torch
from lightning_fabric import Fabric

from calogan.training.checkpoint import TrainingState
from calogan.training.instabilities import Watch, check_finite
from calogan.training.output import BEST, CHECKPOINT
from calogan.training.record import RunRecord
from calogan.training.schedule import Rates, learning_rates, set_learning_rates

__all__ = ["Course", "EpochRun", "OnBatch", "is_drawn", "listed", "run_epoch", "run_epochs"]

OnBatch = Callable[[int, int, dict[str, float]], None]
"""Told after every batch: the batches done, their total, and the losses."""

Batch = TypeVar("Batch")

logger = logging.getLogger(__name__)


class EpochSettings(Rates, Protocol):
    """Settings that the epochs need."""

    @property
    def nb_epochs(self) -> int:
        """Passes over the data."""
        ...

    @property
    def validate_every(self) -> int:
        """Epochs between two validations."""
        ...

    @property
    def pictures_every(self) -> int:
        """Epochs between two pictures; 0 for none."""
        ...

    @property
    def log_every(self) -> int:
        """Batches between two points in TensorBoard; 0 for none."""
        ...

    @property
    def checkpoint_steps(self) -> int:
        """Batches between two checkpoints within an epoch; 0 for none."""
        ...

    @property
    def tensorboard(self) -> bool:
        """Whether there is a log for TensorBoard."""
        ...

    @property
    def prog_bar(self) -> bool:
        """Whether a progress bar says what a line per epoch would."""
        ...


class EpochRun(Protocol):
    """A training that can be run."""

    best: dict[str, float]
    """Epoch and distances of the best epoch so far; empty before there is one."""

    @property
    def output(self) -> Path:
        """Its folder."""
        ...

    @property
    def config(self) -> EpochSettings:
        """Its settings."""
        ...

    @property
    def fabric(self) -> Fabric:
        """Where it runs."""
        ...

    @property
    def state(self) -> TrainingState:
        """What changes in each update."""
        ...

    @property
    def watch(self) -> Watch:
        """What has been going wrong."""
        ...

    @property
    def n_batches(self) -> int:
        """Batches per epoch."""
        ...


@dataclass(frozen=True)
class Course(Generic[Batch]):
    """What one kind of training does in its epochs.

    Args:
        batches: Batches of an epoch, by the number of finished epochs, from one of them on.
        update: One update of all networks; its losses.
        validate: Distances of what is generated, with the figure of merit among them.
        save: Writes the state to files of the run, by their names.
        figure: Name of the figure of merit: the smaller the better.
        shown: Losses and figures of the line that is logged without a progress bar.
        finish: Called with the number of the epoch when it has been recorded.
    """

    batches: Callable[[int, int], Iterator[Batch]]
    update: Callable[[Batch], dict[str, float]]
    validate: Callable[[RunRecord], dict[str, float]]
    save: Callable[..., None]
    figure: str
    shown: tuple[str, ...]
    finish: Callable[[int], None] = lambda _: None


def run_epochs(run: EpochRun, course: Course[Batch], on_batch: OnBatch | None = None) -> None:
    """Run the epochs that are left, and write checkpoints and records after each.

    Only the first of several processes keeps records. A finished run whose best weights were lost
    takes those that it has.
    """
    config, state = run.config, run.state
    with (
        RunRecord(run.output, tensorboard=config.tensorboard, step=state.step)
        if run.fabric.is_global_zero
        else nullcontext()
    ) as record:
        while state.epoch < config.nb_epochs:
            started = time.perf_counter()
            rates = learning_rates(config, state.step, run.n_batches * config.nb_epochs)
            losses = run_epoch(run, course, record, on_batch)
            line: dict[str, Any] = {"epoch": state.epoch, "step": state.step, **losses}
            line |= {f"lr_{network}": rate for network, rate in rates.items()}
            is_best = False
            if state.epoch % config.validate_every == 0 or state.epoch == config.nb_epochs:
                found = run.fabric.broadcast(course.validate(record) if record else {})
                line |= found
                is_best = found[course.figure] < run.best.get(course.figure, math.inf)
                if is_best or not run.best:
                    is_best, run.best = True, {"epoch": state.epoch, **found}
            if record:
                line["seconds"] = round(time.perf_counter() - started, 3)
                _conclude(run, course, record, line)
            course.save(*([BEST] if is_best else []), CHECKPOINT)
        if not run.best:  # all epochs are done, but the weights of the best one were lost
            found = run.fabric.broadcast(course.validate(record) if record else {})
            run.best = {"epoch": state.epoch, **found}
            course.save(BEST, CHECKPOINT)


def run_epoch(
    run: EpochRun, course: Course[Batch], record: RunRecord | None, on_batch: OnBatch | None
) -> dict[str, float]:
    """Run an epoch, or what is left of it, and return the mean losses."""
    config, state = run.config, run.state
    n_steps = run.n_batches * config.nb_epochs
    for batch in course.batches(state.epoch, state.batch):
        set_learning_rates(state, config, n_steps)
        losses = _mean_over_processes(course.update(batch), run.fabric)
        kept = run.output / CHECKPOINT
        check_finite(losses, state.epoch + 1, state.step + 1, kept if kept.exists() else None)
        state.step += 1
        state.batch += 1
        for name, value in losses.items():
            state.sums[name] = state.sums.get(name, 0.0) + value
        if record:
            if config.log_every and state.step % config.log_every == 0:
                record.batch(state.step, losses)
            if on_batch:
                on_batch(state.step, n_steps, losses)
        if config.checkpoint_steps and state.batch % config.checkpoint_steps == 0:
            course.save(CHECKPOINT)
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


def is_drawn(config: EpochSettings, epoch: int) -> bool:
    """Whether the validation of an epoch draws pictures.

    With validations further apart than pictures, each validation draws.
    """
    every = config.pictures_every
    return bool(every) and (epoch % every < config.validate_every or epoch == config.nb_epochs)


def _conclude(
    run: EpochRun, course: Course[Batch], record: RunRecord, line: dict[str, Any]
) -> None:
    """Write what is to be said of an epoch."""
    warnings = run.watch.look(line)
    for warning in warnings:
        logger.warning("epoch %d: %s", line["epoch"], warning)
    if warnings:
        line["warnings"] = warnings
    if not run.config.prog_bar:
        text = listed(line, (*course.shown, course.figure, "seconds"))
        logger.info("epoch %d of %d: %s", line["epoch"], run.config.nb_epochs, text)
    record.epoch(line)
    course.finish(line["epoch"])


def listed(values: Mapping[str, Any], wanted: tuple[str, ...]) -> str:
    """Some values by their names, as text."""
    return ", ".join(f"{name} {values[name]:.4g}" for name in wanted if name in values)
