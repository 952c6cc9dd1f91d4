"""The folder of a run: what may be started or continued in it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from lightning_fabric import Fabric

from calogan.bundle import check_replaceable
from calogan.errors import OutputError, TrainingError
from calogan.files.output import check_writable, whole_file
from calogan.training.checkpoint import load_checkpoint
from calogan.training.configuration import FREE_TO_CHANGE, TrainingConfig
from calogan.training.data import ShowerSet

__all__ = [
    "Resume",
    "bring_best",
    "check_same_training",
    "facts_of",
    "find_checkpoint",
    "prepare_output",
    "save_config",
]

Resume = bool | Literal["auto"] | Path
"""Go on: no; from the folder's own checkpoint; from it if there is one; from this file."""

CHECKPOINT = "checkpoint.safetensors"
BEST = "best.safetensors"


def find_checkpoint(output: Path, resume: Resume) -> Path | None:
    """Checkpoint that a training goes on from; None if it starts.

    Raises:
        TrainingError: There is none to go on from.
        OutputError: The folder holds a training that would be overwritten.
    """
    own = output / CHECKPOINT
    if isinstance(resume, Path):
        if not resume.is_file():
            msg = f"nothing to resume: no {resume}"
            raise TrainingError(msg)
        if own.exists() and resume.resolve().parent != output.resolve():
            msg = f"{output} holds another training already: name another folder"
            raise OutputError(msg)
        return resume
    if resume == "auto":
        return own if own.exists() else None
    if resume and not own.exists():
        msg = f"nothing to resume: no {own}"
        raise TrainingError(msg)
    if own.exists() and not resume:
        msg = (
            f"{output} holds a training already: continue it with --resume, or name another folder"
        )
        raise OutputError(msg)
    return own if resume else None


def prepare_output(output: Path, models: Sequence[Path]) -> None:
    """Make the folder of a run, and find out now whether its files can be written.

    Raises:
        OutputError: They cannot, or something else than a model lies where one is to be.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"cannot write to {output}: {error.strerror}"
        raise OutputError(msg) from error
    for name in (CHECKPOINT, "log.jsonl"):
        check_writable(output / name)
    for model in models:
        check_replaceable(model)


def bring_best(
    checkpoint: Path, best: dict[str, float], output: Path, fabric: Fabric
) -> dict[str, float]:
    """Best epoch so far, its weights brought to the folder of the run; nothing if they are lost."""
    there = checkpoint.with_name(BEST)
    if not there.is_file() or load_checkpoint(there)["best"] != best:
        return {}
    if fabric.is_global_zero and there.resolve() != (output / BEST).resolve():
        with whole_file(output / BEST) as part:
            shutil.copyfile(there, part)
    fabric.barrier()
    return best


def facts_of(
    training: ShowerSet, particles: Sequence[str], config: TrainingConfig
) -> dict[str, Any]:
    """What a checkpoint says of its training, so that another is not mistaken for it."""
    content = hashlib.sha256(training.condition.numpy().tobytes())
    content.update(repr([(file.n, file.n_readings) for file in training.files]).encode())
    return {
        "particles": list(particles),
        "showers": content.hexdigest(),
        "config": config.as_dict(),
    }


def check_same_training(
    saved: Mapping[str, Any],
    facts: Mapping[str, Any],
    free: Collection[str] = FREE_TO_CHANGE,
) -> None:
    """Refuse to go on with other showers or settings.

    Args:
        saved: What the checkpoint says.
        facts: The same of the training that goes on.
        free: Settings that may be others.

    Raises:
        TrainingError: What is not the same.
    """
    for key in facts:
        if key != "config" and saved.get(key) != facts[key]:
            msg = f"cannot resume: the training began with other {key}"
            raise TrainingError(msg)
    before, now = saved["config"], facts["config"]
    fixed = set(now) - set(free)
    if now["lr_schedule"] != "constant":
        fixed.add("nb_epochs")  # the learning rate of each step depends on it
    for key in sorted(fixed):
        if before.get(key) != now[key]:
            msg = f"cannot resume: {key} was {before.get(key)!r}, now {now[key]!r}"
            raise TrainingError(msg)


def save_config(
    output: Path,
    config: TrainingConfig,
    particles: Mapping[str, Sequence[Path]],
    name: str | None,
) -> None:
    """Write the resolved configuration as `config.yaml`, a recipe for the same training."""
    recipe: dict[str, Any] = {} if name is None else {"name": name}
    recipe["particles"] = {
        label: [str(path.resolve()) for path in paths] for label, paths in particles.items()
    }
    recipe["training"] = config.as_dict()
    with whole_file(output / "config.yaml") as part:
        part.write_text(yaml.safe_dump(recipe, sort_keys=False), encoding="utf-8")
