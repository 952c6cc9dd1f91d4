"""The whole state of a training in one safetensors file: nothing pickled, nothing executable."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from calogan.errors import OutputError, TrainingError
from calogan.files.output import whole_file

__all__ = ["TrainingState", "load_checkpoint", "save_checkpoint", "save_weights"]

_NUMBERS = ("epoch", "step", "batch", "sums")


@dataclass
class TrainingState:
    """Everything that changes while a training runs.

    Args:
        modules: Networks by name (generator, discriminator, moving average).
        optimizers: Optimisers by name.
        rng: Source of the noise of this process; the order of the showers follows from the seed.
        epoch: Finished epochs.
        step: Finished batches, of all epochs.
        batch: Finished batches of the epoch that is running.
        sums: Their losses, added up.
    """

    modules: dict[str, nn.Module]
    optimizers: dict[str, Optimizer]
    rng: torch.Generator
    epoch: int = 0
    step: int = 0
    batch: int = 0
    sums: dict[str, float] = field(default_factory=dict)


def save_checkpoint(
    path: Path, state: TrainingState, about: dict[str, Any], rngs: Tensor | None = None
) -> None:
    """Write the state; the file appears whole or not at all.

    Args:
        path: The file to make.
        state: What to keep.
        about: JSON-like facts to find again, such as the configuration.
        rngs: States of the random generators of all processes, one row each; that of `state`
            alone unless given.

    Raises:
        OutputError: The file cannot be written.
    """
    tensors: dict[str, Tensor] = {"rng": state.rng.get_state()[None] if rngs is None else rngs}
    for name, module in state.modules.items():
        for key, value in module.state_dict().items():
            tensors[f"module/{name}/{key}"] = value
    for name, optimizer in state.optimizers.items():
        for index, values in optimizer.state_dict()["state"].items():
            for key, value in values.items():
                tensors[f"optimizer/{name}/{index}/{key}"] = torch.as_tensor(value)
    tensors = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
    numbers = {name: getattr(state, name) for name in _NUMBERS}
    metadata = {"state": json.dumps(numbers), "about": json.dumps(about)}
    _write(path, tensors, metadata)


def _write(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    try:
        with whole_file(path) as part:
            save_file(tensors, part, metadata)
    except SafetensorError as error:
        msg = f"cannot write {path}: {' '.join(str(error).split())}"
        raise OutputError(msg) from error


def save_weights(path: Path, module: nn.Module) -> None:
    """Write the weights of one network; the file appears whole or not at all."""
    tensors = {key: value.detach().cpu().contiguous() for key, value in module.state_dict().items()}
    _write(path, tensors, {})


def load_checkpoint(
    path: Path, state: TrainingState | None = None, rank: int = 0
) -> dict[str, Any]:
    """Read a checkpoint into `state`.

    Args:
        path: A file that `save_checkpoint` wrote.
        state: Networks and optimisers of the same kind as those saved; only the facts are read
            without.
        rank: Number of this process: its random generator goes on. One that the training did not
            have before keeps that of `state`.

    Returns:
        The facts kept beside the state.

    Raises:
        TrainingError: The file is missing, damaged or of another kind of network.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            about: dict[str, Any] = json.loads(metadata["about"])
            if state is not None:
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
                _restore(state, tensors, json.loads(metadata["state"]), rank)
    except (OSError, SafetensorError, KeyError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        msg = f"cannot continue from the checkpoint {path}: {reason}"
        raise TrainingError(msg) from error
    return about


def _restore(
    state: TrainingState, tensors: dict[str, Tensor], numbers: dict[str, Any], rank: int
) -> None:
    for name, module in state.modules.items():
        prefix = f"module/{name}/"
        module.load_state_dict(
            {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
        )
    for name, optimizer in state.optimizers.items():
        prefix = f"optimizer/{name}/"
        values: dict[int, dict[str, Tensor]] = {}
        for key, tensor in tensors.items():
            if key.startswith(prefix):
                index, entry = key.removeprefix(prefix).split("/")
                values.setdefault(int(index), {})[entry] = tensor
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": values, "param_groups": groups})
    if rank < len(tensors["rng"]):
        state.rng.set_state(tensors["rng"][rank].clone())
    for name in _NUMBERS:
        setattr(state, name, numbers[name])
