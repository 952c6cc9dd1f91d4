"""Learning rates: a function of the step alone, so that a resumed training goes on with them."""

from __future__ import annotations

import math

from calogan.training.checkpoint import TrainingState
from calogan.training.configuration import TrainingConfig

__all__ = ["learning_rates", "set_learning_rates"]


def learning_rates(config: TrainingConfig, step: int, n_steps: int) -> dict[str, float]:
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


def set_learning_rates(state: TrainingState, config: TrainingConfig, n_steps: int) -> None:
    """Set the rates for the next update."""
    for name, rate in learning_rates(config, state.step, n_steps).items():
        for group in state.optimizers[name].param_groups:
            group["lr"] = rate
