"""The networks of a run, and one adversarial update of them."""

from __future__ import annotations

import copy

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, l1_loss

from calogan.calorimeter import Calorimeter
from calogan.networks import CaloganDiscriminator, CaloganGenerator
from calogan.training.checkpoint import TrainingState
from calogan.training.configuration import TrainingConfig
from calogan.training.data import Batch, ShowerSet
from calogan.training.matching import shape_loss

__all__ = ["setup", "update"]


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
    _move_average(state.modules["average"], generator, config.ema_decay, state.step)
    return losses


@torch.no_grad()
def _move_average(average: nn.Module, network: nn.Module, decay: float, step: int) -> None:
    """Move the averaged weights towards those of the network; faster in the first steps."""
    weight = 1 - min(decay, (1 + step) / (10 + step))
    for mean, value in zip(average.parameters(), network.parameters(), strict=True):
        mean.lerp_(value, weight)
    for kept, current in zip(average.buffers(), network.buffers(), strict=True):
        kept.copy_(current)
