"""A training of a flow that can be run: checked, opened, or read from a checkpoint."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
import yaml

from calogan.bundle import check_model_name, split_version
from calogan.conditions import ENERGY
from calogan.errors import TrainingError
from calogan.files.output import whole_file
from calogan.networks.flow import FlowGenerator
from calogan.training.checkpoint import TrainingState, load_checkpoint
from calogan.training.data import ShowerSet
from calogan.training.flow.configuration import FREE_TO_CHANGE, FlowConfig
from calogan.training.flow.stages import layout_of, make_generator
from calogan.training.loading import Validation, load_showers
from calogan.training.output import Resume, facts_of, find_checkpoint, prepare_output
from calogan.training.recipe import file_stem

__all__ = ["FlowRun", "open_flow", "part_of"]


@dataclass
class FlowRun:
    """A training of a flow that can be run.

    Args:
        output: Its folder.
        config: Its settings.
        name: Name of the model.
        training: Showers that updates see.
        validation: Those that they do not see.
        state: What changes in each update.
        facts: What checkpoints say of the training.
    """

    output: Path
    config: FlowConfig
    name: str
    training: ShowerSet
    validation: Validation
    state: TrainingState
    facts: dict[str, Any]

    @property
    def generator(self) -> FlowGenerator:
        """The network that is trained."""
        return cast(FlowGenerator, self.state.modules["generator"])

    @property
    def average(self) -> FlowGenerator:
        """The network with averaged weights, which is judged and exported."""
        return cast(FlowGenerator, self.state.modules["average"])


def open_flow(
    particles: Mapping[str, Path | Sequence[Path]],
    output: Path,
    config: FlowConfig,
    *,
    name: str | None = None,
    resume: Resume = False,
) -> FlowRun:
    """Check everything, and make the network or read it from a checkpoint: see `train_flow`."""
    if len(particles) != 1:
        msg = f"a flow learns one particle, not {len(particles)}: write one recipe for each"
        raise TrainingError(msg)
    files = {k: (v,) if isinstance(v, Path) else tuple(v) for k, v in particles.items()}
    stem = file_stem(next(iter(files)))
    name = name or stem
    check_model_name(split_version(name)[0])
    checkpoint = find_checkpoint(output, resume)
    training, (validation,) = load_showers(files, config.data)
    if training.condition_names != (ENERGY,):
        msg = "a flow learns a beam along the axis; the beam of these showers varies"
        raise TrainingError(msg)
    if len(training) < config.batch_size:
        msg = (
            f"{len(training)} showers to train on are fewer than one batch ({config.batch_size}):"
            " lower batch_size"
        )
        raise TrainingError(msg)
    facts = {**facts_of(training, [stem], config.data), "config": config.as_dict()}
    if checkpoint:
        _check_same(load_checkpoint(checkpoint), facts)
    prepare_output(output, [output / "model"])
    generator = make_generator(layout_of(training), training, config)
    modules: dict[str, torch.nn.Module] = {
        "generator": generator,
        "average": copy.deepcopy(generator).requires_grad_(False).eval(),
    }
    optimizers: dict[str, torch.optim.Optimizer] = {
        stage: torch.optim.AdamW(
            part_of(generator, stage).parameters(),
            lr=config.rates[stage],
            betas=(0.9, 0.99),
            weight_decay=config.weight_decay,
        )
        for stage, epochs in config.epochs.items()
        if epochs
    }
    state = TrainingState(modules, optimizers, torch.Generator().manual_seed(config.seed))
    if checkpoint:
        load_checkpoint(checkpoint, state)
    recipe = {
        "name": name,
        "network": "flow",
        "particles": {k: [str(path.resolve()) for path in v] for k, v in files.items()},
        "training": config.as_dict(),
    }
    with whole_file(output / "config.yaml") as part:
        part.write_text(yaml.safe_dump(recipe, sort_keys=False), encoding="utf-8")
    return FlowRun(output, config, name, training, validation, state, facts)


def _check_same(saved: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    for key in ("particles", "showers"):
        if saved.get(key) != facts[key]:
            msg = f"cannot resume: the training began with other {key}"
            raise TrainingError(msg)
    before, now = saved.get("config", {}), facts["config"]
    for key in sorted(set(now) - FREE_TO_CHANGE):
        if before.get(key) != now[key]:
            msg = f"cannot resume: {key} was {before.get(key)!r}, now {now[key]!r}"
            raise TrainingError(msg)


def part_of(generator: FlowGenerator, stage: str) -> torch.nn.Module:
    """The part of the network that a stage trains."""
    parts: dict[str, torch.nn.Module | None] = {
        "energies": generator.energies,
        "summaries": generator.summaries,
        "marginals": generator.marginals,
        "couplings": generator.flow,
        "orientation": generator.orientation,
        "overflow": generator.overflow,
    }
    part = parts[stage]
    if part is None:
        msg = f"this flow has no stage {stage}"
        raise ValueError(msg)
    return part
