"""Learning rates: a function of the step alone, so that a resumed training goes on with them."""

from __future__ import annotations

import math
from typing import Protocol

from calogan.training.checkpoint import TrainingState

__all__ = ["Rates", "learning_rates", "set_learning_rates"]


class Rates(Protocol):
    """Settings with a learning rate for each of two networks."""

    @property
    def gen_lr(self) -> float:
        """Of the generator."""
        ...

    @property
    def disc_lr(self) -> float:
        """Of the discriminator."""
        ...

    @property
    def lr_schedule(self) -> str:
        """`constant` or `cosine`."""
        ...


def learning_rates(config: Rates, step: int, n_steps: int) -> dict[str, float]:
    """Learning rate of each optimiser for an update.

    Args:
        config: The settings.
        step: Updates before this one.
        n_steps: Updates of the whole training.
    """
    factor = 1.0
    if config.lr_schedule == "cosine":
        factor = 0.5 * (1 + math.cos(math.pi * step / n_steps))
    return {"generator": factor * config.gen_lr, "discriminator": factor * config.disc_lr}


def set_learning_rates(state: TrainingState, config: Rates, n_steps: int) -> None:
    """Set the rates for the next update."""
    for name, rate in learning_rates(config, state.step, n_steps).items():
        for group in state.optimizers[name].param_groups:
            group["lr"] = rate
