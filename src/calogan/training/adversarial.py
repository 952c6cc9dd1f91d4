"""The networks of a run, and one adversarial update of them.

An update keeps the order of the published code: the discriminator learns from a batch of real
showers, then from one of generated ones, and the generator learns twice, because it sees as many
batches as the discriminator then. A batch holds only real or only generated showers: minibatch
discrimination and batch normalisation look at all of it.

With several particles (ACGAN, Odena et al., arXiv:1610.09585) both networks are also asked for the
particle. The published code shows the discriminator a wrong particle for 30 % of the generated
showers: `label_flip`. The labels "real" and "generated" themselves are never flipped.

Each process of a training on several devices normalises its batches, and looks for likeness among
their showers, by itself; gradients are averaged over processes.
"""

from __future__ import annotations

import copy
from typing import NamedTuple, cast

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, l1_loss

from calogan.networks import FEATURES, CaloganDiscriminator, CaloganGenerator
from calogan.training.checkpoint import TrainingState
from calogan.training.configuration import TrainingConfig
from calogan.training.data import Batch, ShowerSet
from calogan.training.matching import coordinates_of, shape_loss
from calogan.training.steps import descend, move_average

__all__ = ["setup", "update"]


def setup(
    config: TrainingConfig, training: ShowerSet, fabric: Fabric, *, resumed: bool = False
) -> TrainingState:
    """Make networks and optimisers for a set of showers, from the seed.

    Args:
        config: The settings.
        training: Showers to train on: their calorimeter, particles and conditions make the
            networks, and with `scale_cells` their mean sets the scale of the cells.
        fabric: Where the networks run.
        resumed: The state is about to be read from a checkpoint: do not look at the showers.
    """
    shapes, names = training.calorimeter.layer_shapes, training.condition_names
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        network = CaloganGenerator(
            shapes,
            config.latent_size,
            attention=not config.no_attn,
            n_classes=training.n_classes,
            condition_names=names,
            normalize_noise=config.normalize_noise,
            condition_features=config.condition_features,
        )
        opponent = CaloganDiscriminator(
            shapes,
            features=[name for name in FEATURES if name not in config.ablated],
            n_classes=training.n_classes,
            condition_names=names,
        )
    if not resumed:
        if config.scale_cells:
            network.set_cell_scale(training.mean_images())
        for beam in (network.beam, opponent.beam):
            if beam is not None:
                beam.fit(training.condition)
    modules: dict[str, nn.Module] = {
        "average": copy.deepcopy(network).requires_grad_(False).to(fabric.device)
    }
    optimizers: dict[str, torch.optim.Optimizer] = {}
    for name, module, rate in (
        ("generator", network, config.gen_lr),
        ("discriminator", opponent, config.disc_lr),
    ):
        adam = torch.optim.Adam(
            module.parameters(),
            lr=rate,
            betas=(config.adam_beta, 0.999),
            fused=fabric.device.type in ("cpu", "cuda"),  # one pass over the weights, not ten
        )
        modules[name], optimizers[name] = fabric.setup(module, adam)
    rng = torch.Generator().manual_seed(config.seed)
    return TrainingState(modules, optimizers, rng)


class _Asked(NamedTuple):
    """What is asked of the generator, or known of real showers."""

    condition: Tensor
    label: Tensor | None  # of several particles


def update(
    state: TrainingState,
    batch: Batch,
    training: ShowerSet,
    config: TrainingConfig,
    fabric: Fabric,
) -> dict[str, float]:
    """One update of the discriminator on real, one on generated showers; then the generator's.

    Args:
        state: The networks; `state.rng` gives noise, and what is asked of the generator.
        batch: Real showers, the share of this process.
        training: What generated showers are asked for is drawn from it.
        config: The settings.
        fabric: Where the networks run.

    Returns:
        Losses, accuracies and norms of gradients. Of the discriminator for `real` and `generated`
        showers: `discriminator_*` (binary cross-entropy), `accuracy_*` and, for several particles,
        `class_*` and `class_accuracy_*`. Of the generator, in its last update: `generator`,
        `energy_error_gev`, `class_generator`, `shapes`. Norms: `gradient_discriminator_*`,
        `gradient_generator`.
    """
    generator, discriminator = state.modules["generator"], state.modules["discriminator"]
    n = len(batch.label)
    real = tuple(layer.to(fabric.device) for layer in batch.layers)
    given = _asked(batch.condition, batch.label, training, fabric)

    def draw() -> _Asked:
        return _asked(*training.draw_conditions(n, state.rng), training, fabric)

    def generate(asked: _Asked) -> tuple[Tensor, ...]:
        noise = torch.randn(n, config.latent_size, generator=state.rng).to(fabric.device)
        return cast(tuple[Tensor, ...], generator(noise, *_known(asked)))

    losses: dict[str, float] = {}
    adversarial = state.epoch >= config.warmup_epochs
    if adversarial:
        discriminator.requires_grad_(True)
        asked = draw()
        with torch.no_grad():
            generated = generate(asked)
        asked = _flip(asked, training.n_classes, config.label_flip, state.rng)
        losses |= _teach(state, real, given, "real", config, fabric)
        losses |= _teach(state, generated, asked, "generated", config, fabric)
        discriminator.requires_grad_(False)

    for _ in range(config.generator_updates):
        state.optimizers["generator"].zero_grad()
        asked = given if config.shape_weight else draw()
        generated = generate(asked)
        loss = torch.zeros((), device=fabric.device)
        if adversarial:
            # gradients pass through the discriminator: its processes have nothing to exchange
            with fabric.no_backward_sync(discriminator):  # type: ignore[arg-type]  # set up by fabric
                logit, total, classes = discriminator(generated, asked.condition)
            loss = binary_cross_entropy_with_logits(logit, torch.ones_like(logit))
            losses["generator"] = loss.item()
            if asked.label is not None:
                class_loss = cross_entropy(classes, asked.label)
                losses["class_generator"] = class_loss.item()
                loss = loss + config.class_weight * class_loss
        else:
            total = torch.stack([layer.sum((1, 2)) for layer in generated]).sum(0)[:, None]
            losses["generator"] = 0.0
        energy_error = l1_loss(total, asked.condition[:, :1])
        losses["energy_error_gev"] = energy_error.item()
        loss = loss + config.energy_weight * energy_error
        if config.relative_energy_weight:
            wanted = asked.condition[:, :1]
            relative = ((total - wanted).abs() / wanted).mean()
            loss = loss + config.relative_energy_weight * relative
        if config.shape_weight:
            place = coordinates_of(asked.condition, asked.label, training.n_classes)
            shapes = shape_loss(real, generated, asked.condition[:, :1], place)
            losses["shapes"] = shapes.item()
            loss = loss + config.shape_weight * shapes
        losses["gradient_generator"] = descend(
            state, "generator", loss, fabric, config.clip_gradients
        )
    move_average(state.modules["average"], generator, config.ema_decay, state.step)
    return losses


def _asked(condition: Tensor, label: Tensor, training: ShowerSet, fabric: Fabric) -> _Asked:
    known = label.to(fabric.device) if training.n_classes > 1 else None
    return _Asked(condition.to(fabric.device), known)


def _known(asked: _Asked) -> tuple[Tensor, ...]:
    return (asked.condition,) if asked.label is None else (asked.condition, asked.label)


def _flip(asked: _Asked, n_classes: int, share: float, rng: torch.Generator) -> _Asked:
    """Name another particle for a share of the showers, any of the others alike."""
    if asked.label is None:
        return asked
    flipped = torch.rand(len(asked.label), generator=rng) < share
    step = torch.randint(1, n_classes, flipped.shape, generator=rng) * flipped
    return asked._replace(label=(asked.label + step.to(asked.label.device)) % n_classes)


def _teach(
    state: TrainingState,
    layers: tuple[Tensor, ...],
    asked: _Asked,
    kind: str,
    config: TrainingConfig,
    fabric: Fabric,
) -> dict[str, float]:
    """One update of the discriminator, on showers of one kind."""
    state.optimizers["discriminator"].zero_grad()
    logit, _, classes = state.modules["discriminator"](layers, asked.condition)
    target = torch.full_like(logit, float(kind == "real"))
    loss = binary_cross_entropy_with_logits(logit, target)
    losses = {
        f"discriminator_{kind}": loss.item(),
        f"accuracy_{kind}": ((logit > 0) == (target > 0.5)).float().mean().item(),
    }
    if asked.label is not None:
        class_loss = cross_entropy(classes, asked.label)
        losses[f"class_{kind}"] = class_loss.item()
        losses[f"class_accuracy_{kind}"] = (classes.argmax(1) == asked.label).float().mean().item()
        loss = loss + config.class_weight * class_loss
    losses[f"gradient_discriminator_{kind}"] = descend(state, "discriminator", loss, fabric)
    return losses
