"""The networks of a run, and one adversarial update of them, in the order of the published code.

The discriminator learns from a batch of real images, then from one of generated ones, and the
generator learns twice. A batch holds only real or only generated images: minibatch discrimination
and batch normalisation look at all of it. The two classes are asked for alike.

Labels are flipped at random, as in the published code: real or generated for 5 % of the images that
the discriminator sees, the class for 5 % of the generated ones, and the class for 9 % of those that
the generator is judged by.
"""

from __future__ import annotations

import copy

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from calogan.jets.training.configuration import JetTrainingConfig
from calogan.networks.lagan import make_discriminator, make_generator
from calogan.training.checkpoint import TrainingState
from calogan.training.steps import descend, move_average

__all__ = ["setup", "update"]


def setup(config: JetTrainingConfig, fabric: Fabric) -> TrainingState:
    """Make networks and optimisers, from the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        generator = make_generator(config.model, config.latent_size)
        discriminator = make_discriminator(config.model)
    modules: dict[str, nn.Module] = {
        "average": copy.deepcopy(generator).requires_grad_(False).to(fabric.device)
    }
    optimizers: dict[str, torch.optim.Optimizer] = {}
    for name, module, rate in (
        ("generator", generator, config.gen_lr),
        ("discriminator", discriminator, config.disc_lr),
    ):
        adam = torch.optim.Adam(
            module.parameters(),
            lr=rate,
            betas=(config.adam_beta, 0.999),
            fused=fabric.device.type in ("cpu", "cuda"),  # one pass over the weights, not ten
        )
        modules[name], optimizers[name] = fabric.setup(module, adam)
    return TrainingState(modules, optimizers, torch.Generator().manual_seed(config.seed))


def update(
    state: TrainingState,
    image: Tensor,
    signal: Tensor,
    config: JetTrainingConfig,
    fabric: Fabric,
) -> dict[str, float]:
    """One update of the discriminator on real, one on generated images; then the generator's.

    Args:
        state: The networks; `state.rng` gives noise, classes, flips, and the seed of dropout.
        image: Real images, shape `(n, 25, 25)` [GeV].
        signal: Their classes, shape `(n,)`.
        config: The settings.
        fabric: Where the networks run.

    Returns:
        Losses (binary cross-entropies), accuracies and norms of gradients. Of the discriminator
        for `real` and `generated` images: `discriminator_*`, `accuracy_*`, `class_*`,
        `class_accuracy_*`, `gradient_discriminator_*`. Of the generator, in its last update:
        `generator`, `class_generator`, `gradient_generator`.
    """
    devices = [fabric.device] if fabric.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(int(torch.randint(2**62, (), generator=state.rng)))
        return _update(state, image, signal, config, fabric)


def _update(
    state: TrainingState, image: Tensor, signal: Tensor, config: JetTrainingConfig, fabric: Fabric
) -> dict[str, float]:
    generator, discriminator = state.modules["generator"], state.modules["discriminator"]
    n, rng, device = len(signal), state.rng, fabric.device

    def generate() -> tuple[Tensor, Tensor]:
        noise = torch.randn(n, config.latent_size, generator=rng).to(device)
        asked = torch.randint(2, (n,), generator=rng)
        return generator(noise, asked.to(device)), asked

    discriminator.requires_grad_(True)
    with torch.no_grad():
        generated, asked = generate()
    told = _flip(asked, config.class_flip, rng)
    losses = _teach(state, image.to(device), signal, "real", config, fabric)
    losses |= _teach(state, generated, told, "generated", config, fabric)

    discriminator.requires_grad_(False)
    for _ in range(config.generator_updates):
        state.optimizers["generator"].zero_grad()
        generated, asked = generate()
        answers = discriminator(generated)
        wanted = _flip(asked, config.generator_class_flip, rng).to(device).float()
        loss = cross_entropy(answers.real, torch.ones(n, device=device))
        class_loss = cross_entropy(answers.signal, wanted)
        losses["generator"], losses["class_generator"] = loss.item(), class_loss.item()
        losses["gradient_generator"] = descend(
            state, "generator", loss + config.class_weight * class_loss, fabric
        )
    move_average(state.modules["average"], generator, config.ema_decay, state.step)
    return losses


def _flip(label: Tensor, share: float, rng: torch.Generator) -> Tensor:
    """Turn a share of the labels round, each by itself."""
    return label ^ (torch.rand(len(label), generator=rng) < share).to(label.dtype)


def _teach(
    state: TrainingState,
    image: Tensor,
    signal: Tensor,
    kind: str,
    config: JetTrainingConfig,
    fabric: Fabric,
) -> dict[str, float]:
    """One update of the discriminator, on images of one kind."""
    state.optimizers["discriminator"].zero_grad()
    answers = state.modules["discriminator"](image)
    real = torch.full((len(signal),), int(kind == "real"))
    told = _flip(real, config.flip, state.rng).to(fabric.device).float()
    classes = signal.to(fabric.device).float()
    loss = cross_entropy(answers.real, told)
    class_loss = cross_entropy(answers.signal, classes)
    return {
        f"discriminator_{kind}": loss.item(),
        f"accuracy_{kind}": _agreement(answers.real, real.to(fabric.device)),
        f"class_{kind}": class_loss.item(),
        f"class_accuracy_{kind}": _agreement(answers.signal, classes),
        f"gradient_discriminator_{kind}": descend(
            state, "discriminator", loss + config.class_weight * class_loss, fabric
        ),
    }


def _agreement(logit: Tensor, label: Tensor) -> float:
    return ((logit > 0) == (label > 0.5)).float().mean().item()
