"""A training run: epochs, log, checkpoints, and the bundle at its end."""

from __future__ import annotations

import json
import math
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from lightning_fabric import Fabric

from calogan.bundle import check_replaceable, sha256
from calogan.calorimeter import Calorimeter
from calogan.errors import OutputError, TrainingError
from calogan.files.output import check_writable
from calogan.incident import particle_name, pdg_id
from calogan.networks import CaloganGenerator
from calogan.training.adversarial import setup, update
from calogan.training.checkpoint import (
    TrainingState,
    load_checkpoint,
    save_checkpoint,
    save_weights,
)
from calogan.training.configuration import TrainingConfig
from calogan.training.data import ShowerSet, load_showers
from calogan.training.export import export_bundle
from calogan.training.validation import settle_batch_norm, validate, validation_quality

__all__ = ["fit", "train"]

Report = Callable[[int, int, dict[str, float]], None]


@dataclass(frozen=True)
class Source:
    """What a training learns: a particle, the file of its showers, the model's name."""

    particle: str
    path: Path
    name: str


def train(
    particles: Mapping[str, Path],
    output: Path,
    config: TrainingConfig,
    *,
    name: str | None = None,
    resume: bool = False,
    prefixes: Mapping[str, str] | None = None,
    on_batch: Report | None = None,
) -> Path:
    """Train a CaloGAN on the showers of one particle and write it as a bundle.

    Args:
        particles: File of the showers of a particle, by its name; one particle.
        output: Folder for `checkpoint.safetensors` (after every epoch), `best.safetensors`,
            `log.jsonl` and the bundle `model/`.
        config: The settings.
        name: Name of the model, `calogan-eplus` or the like unless given.
        resume: Go on from the checkpoint in `output`.
        prefixes: By network, `generator` or `discriminator`, the start of the name of a file in
            `output` for its weights after each epoch; such files are not kept unless given.
        on_batch: Called after every batch with the batches done, their total, and the losses.

    Returns:
        The folder of the bundle.

    Raises:
        ShowerFileError: The showers cannot be read.
        OutputError: `output` cannot be written, or holds another training and not `resume`.
        TrainingError: Too few showers, several particles, nothing to resume, or losses that are
            not numbers.
    """
    run = fit(
        particles, output, config, name=name, resume=resume, prefixes=prefixes, on_batch=on_batch
    )
    load_checkpoint(output / "best.safetensors", run.state)
    average = cast(CaloganGenerator, run.state.modules["average"]).cpu()
    source = run.source
    return export_bundle(
        output / "model",
        average,
        source.name,
        source.particle,
        source.path,
        run.training,
        run.validation,
        run.calorimeter,
        config,
        validation_quality(average, run.validation, run.calorimeter, source.particle),
        run.state.epoch,
    )


@dataclass(frozen=True)
class Run:
    """A training that has come to its end."""

    source: Source
    state: TrainingState
    training: ShowerSet
    validation: ShowerSet
    calorimeter: Calorimeter


def fit(
    particles: Mapping[str, Path],
    output: Path,
    config: TrainingConfig,
    *,
    name: str | None = None,
    resume: bool = False,
    prefixes: Mapping[str, str] | None = None,
    on_batch: Report | None = None,
) -> Run:
    """Run all epochs, as `train` does, and write checkpoints and log, but no bundle."""
    source = _source(particles, name)
    training, validation, calorimeter = load_showers(
        source.path,
        views=config.views,
        reflections=config.reflections,
        validation_share=config.validation_share,
    )
    if len(training) < config.batch_size:
        msg = (
            f"{source.path}: {len(training)} showers to train on are fewer than one batch"
            f" ({config.batch_size})"
        )
        raise TrainingError(msg)
    about: dict[str, Any] = {
        "particle": source.particle,
        "data": sha256(source.path),
        "config": config.model_dump(),
    }
    checkpoint = prepare_output(output, resume=resume)
    if resume:
        check_same_training(load_checkpoint(checkpoint), about)
    fabric = Fabric(accelerator="auto", devices=1, precision=config.precision)
    state = setup(config, calorimeter, fabric, training if config.scale_cells else None)
    best: dict[str, float] = {"shape_distance": float("inf")}
    if resume:
        best = load_checkpoint(checkpoint, state)["best"]
    average = cast(CaloganGenerator, state.modules["average"])
    for epoch in range(state.epoch, config.nb_epochs):
        started = time.perf_counter()
        losses = fit_epoch(state, training, config, fabric, on_batch)
        settle_batch_norm(average, training, config, fabric.device)
        shapes = validate(average, validation, calorimeter, source.particle, fabric.device)
        state.epoch = epoch + 1
        record = {"epoch": state.epoch, "step": state.step, **losses, **shapes}
        if shapes["shape_distance"] < best["shape_distance"]:
            best = {"epoch": state.epoch, **shapes}
            save_checkpoint(output / "best.safetensors", state, {**about, "best": best})
        save_checkpoint(checkpoint, state, {**about, "best": best})
        for network, prefix in (prefixes or {}).items():
            save_weights(output / f"{prefix}{epoch:03d}.safetensors", state.modules[network])
        record["seconds"] = round(time.perf_counter() - started, 3)
        append_record(output / "log.jsonl", record)
    return Run(source, state, training, validation, calorimeter)


def append_record(path: Path, record: dict[str, float]) -> None:
    """Add a line to the log; what is not defined is null, for NaN is no JSON."""
    line = json.dumps({k: v if math.isfinite(v) else None for k, v in record.items()})
    try:
        with path.open("a", encoding="utf-8") as log:
            log.write(line + "\n")
    except OSError as error:
        msg = f"cannot write {path}: {error.strerror}"
        raise OutputError(msg) from error


def _source(particles: Mapping[str, Path], name: str | None) -> Source:
    if len(particles) != 1:
        msg = f"{len(particles)} particles ({', '.join(particles)}): train one at a time"
        raise TrainingError(msg)
    ((label, path),) = particles.items()
    particle = particle_name(pdg_id(label))
    stem = particle.replace("+", "plus").replace("-", "minus")
    return Source(particle, path, name or f"calogan-{stem}")


def prepare_output(output: Path, *, resume: bool) -> Path:
    """Make the folder of a run and return the path of its checkpoint."""
    checkpoint = output / "checkpoint.safetensors"
    if resume and not checkpoint.exists():
        msg = f"nothing to resume: no {checkpoint}"
        raise TrainingError(msg)
    if checkpoint.exists() and not resume:
        msg = (
            f"{output} holds a training already: continue it with --resume, or name another folder"
        )
        raise OutputError(msg)
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"cannot write to {output}: {error.strerror}"
        raise OutputError(msg) from error
    check_writable(checkpoint)
    check_writable(output / "log.jsonl")
    check_replaceable(output / "model")
    return checkpoint


def check_same_training(saved: dict[str, Any], about: dict[str, Any]) -> None:
    """Refuse to go on with other showers or settings; only the number of epochs may change."""
    for key, what in (("particle", "particles"), ("data", "showers")):
        if saved.get(key) != about[key]:
            msg = f"cannot resume: the training began with other {what}"
            raise TrainingError(msg)
    for key, value in about["config"].items():
        if key != "nb_epochs" and saved["config"].get(key) != value:
            msg = f"cannot resume: {key} was {saved['config'].get(key)!r}, now {value!r}"
            raise TrainingError(msg)


def fit_epoch(
    state: TrainingState,
    training: ShowerSet,
    config: TrainingConfig,
    fabric: Fabric,
    on_batch: Report | None,
) -> dict[str, float]:
    """Run one epoch and return the mean losses."""
    sums: dict[str, float] = defaultdict(float)
    n_batches = len(training) // config.batch_size
    for batch in training.batches(config.batch_size, state.rng):
        losses = update(state, batch, training, config, fabric)
        for name, value in losses.items():
            sums[name] += value / n_batches
            if value != value:  # noqa: PLR0124  # NaN
                msg = f"{name} became NaN in epoch {state.epoch + 1}: try smaller learning rates"
                raise TrainingError(msg)
        state.step += 1
        if on_batch:
            on_batch(state.step, n_batches * config.nb_epochs, losses)
    return dict(sums)
