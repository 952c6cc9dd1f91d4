"""Training of the networks: configuration, data, loop, checkpoints, export of a bundle."""

from __future__ import annotations

from calogan.training.configuration import TrainingConfig, make_config, read_particles
from calogan.training.loop import train

__all__ = ["TrainingConfig", "make_config", "read_particles", "train"]
