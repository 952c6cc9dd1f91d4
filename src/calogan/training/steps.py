"""Steps of an adversarial training that do not depend on what is generated."""

from __future__ import annotations

from collections.abc import Callable

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from calogan.training.checkpoint import TrainingState

__all__ = ["descend", "move_average", "settle_batch_norm"]

_SETTLING_BATCHES = 20


def descend(
    state: TrainingState, name: str, loss: Tensor, fabric: Fabric, clip: float = 0.0
) -> float:
    """Go one step down the gradient of `loss`, and return its norm before it was clipped."""
    fabric.backward(loss)
    gradients = [p.grad for p in state.modules[name].parameters() if p.grad is not None]
    norm = get_total_norm(gradients).item()
    if 0 < clip < norm:
        clip_grads_with_norm_(state.modules[name].parameters(), clip, torch.tensor(norm))
    state.optimizers[name].step()
    return norm


@torch.no_grad()
def move_average(average: nn.Module, network: nn.Module, decay: float, step: int) -> None:
    """Move the averaged weights towards those of the network; faster in the first steps."""
    weight = 1 - min(decay, (1 + step) / (10 + step))
    for mean, value in zip(average.parameters(), network.parameters(), strict=True):
        mean.lerp_(value, weight)
    for kept, current in zip(average.buffers(), network.buffers(), strict=True):
        kept.copy_(current)


@torch.no_grad()
def settle_batch_norm(generator: nn.Module, generate: Callable[[], object]) -> None:
    """Set the running statistics of batch normalisation to those of the averaged weights.

    The moving average of weights has activations of its own: their mean and variance are taken
    over a few batches instead of being averaged along.

    Args:
        generator: The network; in evaluation mode afterwards.
        generate: Runs it on one batch.
    """
    norms = [m for m in generator.modules() if isinstance(m, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over all batches
    generator.train()
    for _ in range(_SETTLING_BATCHES if norms else 0):
        generate()
    generator.eval()
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
