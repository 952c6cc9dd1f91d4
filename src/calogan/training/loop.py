"""The adversarial training of a CaloGAN: setup, fit, one state."""

from __future__ import annotations

import copy
import json
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, l1_loss

from calogan.calorimeter import Calorimeter
from calogan.errors import OutputError, TrainingError
from calogan.incident import particle_name, pdg_id
from calogan.networks import CaloganDiscriminator, CaloganGenerator
from calogan.training.checkpoint import (
    TrainingState,
    load_checkpoint,
    save_checkpoint,
    save_weights,
)
from calogan.training.configuration import TrainingConfig
from calogan.training.data import Batch, ShowerSet, load_showers
from calogan.training.export import export_bundle
from calogan.training.matching import shape_loss
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
    checkpoint = prepare_output(output, resume=resume)
    fabric = Fabric(accelerator="auto", devices=1, precision=config.precision)  # type: ignore[arg-type]
    state = setup(config, calorimeter, fabric, training if config.scale_cells else None)
    about: dict[str, Any] = {"config": config.model_dump(), "data": source.path.name}
    best: dict[str, float] = {"shape_distance": float("inf")}
    if resume:
        saved = load_checkpoint(checkpoint, state)
        check_same_training(saved, about)
        best = saved["best"]
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
        with (output / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(record) + "\n")
    return Run(source, state, validation, calorimeter)


def _source(particles: Mapping[str, Path], name: str | None) -> Source:
    if len(particles) != 1:
        msg = f"{len(particles)} particles ({', '.join(particles)}): train one at a time"
        raise TrainingError(msg)
    ((label, path),) = particles.items()
    particle = particle_name(pdg_id(label))
    stem = particle.replace("+", "plus").replace("-", "minus")
    return Source(particle, path, name or f"calogan-{stem}")


def setup(
    config: TrainingConfig,
    calorimeter: Calorimeter,
    fabric: Fabric,
    scale_by: ShowerSet | None = None,
) -> TrainingState:
    """Make networks and optimisers, from the seed and the mean of the showers in `scale_by`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        network = CaloganGenerator(
            calorimeter.layer_shapes, config.latent_size, attention=not config.no_attn
        )
        if scale_by is not None:
            network.set_cell_scale(scale_by.mean_images())
        generator: nn.Module = network
        discriminator: nn.Module = CaloganDiscriminator(calorimeter.layer_shapes)
    average = copy.deepcopy(generator).requires_grad_(False).to(fabric.device)
    optimizers = {
        name: torch.optim.Adam(module.parameters(), lr=rate, betas=(config.adam_beta, 0.999))
        for name, module, rate in (
            ("generator", generator, config.gen_lr),
            ("discriminator", discriminator, config.disc_lr),
        )
    }
    generator, optimizers["generator"] = fabric.setup(generator, optimizers["generator"])
    discriminator, optimizers["discriminator"] = fabric.setup(
        discriminator, optimizers["discriminator"]
    )
    modules = {"generator": generator, "discriminator": discriminator, "average": average}
    rng = torch.Generator().manual_seed(config.seed)
    return TrainingState(modules, dict(optimizers), rng)


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
    return checkpoint


def check_same_training(saved: dict[str, Any], about: dict[str, Any]) -> None:
    """Refuse to go on with other settings; only the number of epochs may change."""
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


def update(
    state: TrainingState,
    batch: Batch,
    training: ShowerSet,
    config: TrainingConfig,
    fabric: Fabric,
) -> dict[str, float]:
    """One update of the discriminator on real, one on generated showers; then the generator's.

    A batch holds only real or only generated showers, because minibatch discrimination and batch
    normalisation look at the whole batch (published training code).
    """
    generator, discriminator = state.modules["generator"], state.modules["discriminator"]
    optimizer_g, optimizer_d = state.optimizers["generator"], state.optimizers["discriminator"]
    n = config.batch_size

    def generate(energy: Tensor | None = None) -> tuple[tuple[Tensor, ...], Tensor]:
        noise = torch.randn(n, config.latent_size, generator=state.rng).to(fabric.device)
        energy = training.draw_energies(n, state.rng) if energy is None else energy
        energy = energy.to(fabric.device)
        return generator(noise, energy), energy

    losses: dict[str, float] = {}
    real = tuple(layer.to(fabric.device) for layer in batch.layers)
    adversarial = state.epoch >= config.warmup_epochs
    if adversarial:
        discriminator.requires_grad_(True)
        with torch.no_grad():
            generated, requested = generate()
        for name, layers, energy, target in (
            ("real", real, batch.energy.to(fabric.device), 1.0),
            ("generated", generated, requested, 0.0),
        ):
            optimizer_d.zero_grad()
            logit, _ = discriminator(layers, energy)
            loss = binary_cross_entropy_with_logits(logit, torch.full_like(logit, target))
            fabric.backward(loss)
            optimizer_d.step()
            losses[f"discriminator_{name}"] = loss.item()
            losses[f"accuracy_{name}"] = ((logit > 0) == (target > 0.5)).float().mean().item()
        discriminator.requires_grad_(False)

    for _ in range(config.generator_updates):
        optimizer_g.zero_grad()
        generated, requested = generate(batch.energy if config.shape_weight else None)
        if adversarial:
            logit, total = discriminator(generated, requested)
            loss = binary_cross_entropy_with_logits(logit, torch.ones_like(logit))
        else:
            total = torch.stack([layer.sum((1, 2)) for layer in generated]).sum(0)[:, None]
            loss = torch.zeros(())
        losses["generator"] = loss.item()
        energy_error = l1_loss(total, requested)
        loss = loss + config.energy_weight * energy_error
        if config.shape_weight:
            shapes = shape_loss(real, generated, requested)
            loss = loss + config.shape_weight * shapes
            losses["shapes"] = shapes.item()
        fabric.backward(loss)
        optimizer_g.step()
    losses["energy_error_gev"] = energy_error.item()
    move_average(state.modules["average"], generator, config.ema_decay, state.step)
    return losses


@torch.no_grad()
def move_average(average: nn.Module, network: nn.Module, decay: float, step: int) -> None:
    """Move the averaged weights towards those of the network; faster in the first steps."""
    weight = 1 - min(decay, (1 + step) / (10 + step))
    for mean, value in zip(average.parameters(), network.parameters(), strict=True):
        mean.lerp_(value, weight)
    for kept, current in zip(average.buffers(), network.buffers(), strict=True):
        kept.copy_(current)
