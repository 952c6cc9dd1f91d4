"""A training that can be run: checked, opened, or read from a checkpoint; and kept in one."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from lightning_fabric import Fabric

from calogan.bundle import check_model_name, split_version
from calogan.errors import TrainingError
from calogan.networks import CaloganGenerator
from calogan.training.adversarial import setup
from calogan.training.checkpoint import TrainingState, load_checkpoint, save_checkpoint
from calogan.training.configuration import TrainingConfig
from calogan.training.data import ShowerSet
from calogan.training.hardware import make_fabric
from calogan.training.instabilities import Watch
from calogan.training.loading import Validation, load_showers
from calogan.training.output import (
    Resume,
    bring_best,
    check_same_training,
    facts_of,
    find_checkpoint,
    prepare_output,
    save_config,
)
from calogan.training.recipe import file_stem

__all__ = ["Run", "open_run", "save"]

logger = logging.getLogger(__name__)


@dataclass
class Run:
    """A training that can be run.

    Args:
        output: Its folder.
        config: Its settings.
        models: Folder and name (`eplus@2` with its version) of the model of each particle, by the index of the particle.
        training: Showers that updates see.
        validation: Those that they do not see, of each particle.
        fabric: Where it runs.
        state: What changes in each update.
        facts: What checkpoints say of the training.
        best: Epoch and distances of the best epoch so far.
        watch: What has been going wrong, and for how long.
    """

    output: Path
    config: TrainingConfig
    models: tuple[tuple[Path, str], ...]
    training: ShowerSet
    validation: tuple[Validation, ...]
    fabric: Fabric
    state: TrainingState
    facts: dict[str, Any]
    best: dict[str, float]
    watch: Watch

    @property
    def n_batches(self) -> int:
        """Batches per epoch."""
        return len(self.training) // self.config.batch_size

    @property
    def average(self) -> CaloganGenerator:
        """The generator with averaged weights, which is judged and exported."""
        return cast(CaloganGenerator, self.state.modules["average"])


def open_run(
    particles: Mapping[str, Path | Sequence[Path]],
    output: Path,
    config: TrainingConfig,
    *,
    name: str | None = None,
    resume: Resume = False,
) -> Run:
    """Check everything, and make the networks or read them from a checkpoint: see `train`."""
    files = {k: (v,) if isinstance(v, Path) else tuple(v) for k, v in particles.items()}
    stems = [file_stem(label) for label in files]
    several = len(files) > 1
    names = [f"{name or 'calogan'}-{stem}" if several or not name else name for stem in stems]
    folders = [output / (f"model-{stem}" if several else "model") for stem in stems]
    for one in names:
        check_model_name(split_version(one)[0])
    models = tuple(zip(folders, names, strict=True))
    checkpoint = find_checkpoint(output, resume)
    training, validation = load_showers(files, config)
    if len(training) < config.batch_size:
        msg = (
            f"{len(training)} showers to train on are fewer than one batch ({config.batch_size}):"
            " lower batch_size"
        )
        raise TrainingError(msg)
    facts = facts_of(training, stems, config)
    if checkpoint:
        check_same_training(load_checkpoint(checkpoint), facts)
    fabric = make_fabric(config)
    prepare_output(output, folders)
    fabric.launch()
    state = setup(config, training, fabric, resumed=checkpoint is not None)
    state.rng.manual_seed(_noise_seed(config.seed, fabric.global_rank))
    run = Run(output, config, models, training, validation, fabric, state, facts, {}, Watch())
    if checkpoint:
        about = load_checkpoint(checkpoint, state, fabric.global_rank)
        run.best = bring_best(checkpoint, about["best"], output, fabric)
        run.watch = Watch(about["watch"])
        if about["processes"] != fabric.world_size and fabric.is_global_zero:
            logger.warning(
                "resumed with %d instead of %d processes: their noise is other noise",
                fabric.world_size,
                about["processes"],
            )
    if fabric.is_global_zero:
        save_config(output, config, files, name)
    return run


def _noise_seed(seed: int, rank: int) -> int:
    """Seed of the noise of a process; PyTorch looks at 32 bits of it."""
    if rank == 0:
        return seed
    return int(np.random.SeedSequence((seed, rank)).generate_state(1, np.uint32)[0])


def save(run: Run, *names: str) -> None:
    """Write the state to files of the run; every process must call this."""
    rngs = _gather(run.state.rng.get_state(), run.fabric)
    if run.fabric.is_global_zero:
        about = {
            **run.facts,
            "best": run.best,
            "watch": run.watch.counts,
            "processes": run.fabric.world_size,
        }
        for name in names:
            save_checkpoint(run.output / name, run.state, about, rngs)


def _gather(row: torch.Tensor, fabric: Fabric) -> torch.Tensor:
    """Rows of all processes, one below another."""
    if fabric.world_size == 1:
        return row[None]
    rows = [torch.empty_like(row, device=fabric.device) for _ in range(fabric.world_size)]
    torch.distributed.all_gather(rows, row.to(fabric.device))
    return torch.stack(rows).cpu()
