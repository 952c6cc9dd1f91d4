"""A network as a server runs it: what it takes and gives, and many requests in one call."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np

from calogan.neural import NeuralSimulator
from calogan.serving.tensors import TensorKind

__all__ = ["ServedModel"]


class ServedModel(NeuralSimulator):
    """The network of a bundle, for a server: each call runs in the thread of its caller.

    Args:
        path: Folder of the bundle.

    Raises:
        ModelError: As `NeuralSimulator`.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__(path, threads=1)
        self.path = Path(path)

    @cached_property
    def inputs(self) -> tuple[TensorKind, ...]:
        """What a request may hold; either `noise` or `seed`, or neither."""
        return (
            TensorKind(self.told, "FP32", (-1, len(self.card.condition_names))),
            TensorKind("noise", "FP32", (-1, self.card.architecture.latent_size)),
            TensorKind("seed", "INT64", (-1,)),
        )

    @cached_property
    def outputs(self) -> tuple[TensorKind, ...]:
        """What the network gives [MeV]: the cells of each layer, and the overflow of some."""
        return tuple(
            TensorKind(name, "FP32", (-1, *shape)) for name, shape in self.card.outputs.items()
        )

    @cached_property
    def properties(self) -> dict[str, str]:
        """What the metadata say beside inputs and outputs, all as text."""
        return {
            "card": self.card.model_dump_json(),
            "sha256": self.card.sha256,
            "particle": self.card.particle,
            "layers": "MeV",
            self.told: " ".join(self.card.condition_names),
        }

    def warm_up(self, n: int) -> None:
        """Make n showers that nobody gets, so that the first request is as fast as others."""
        low, high = self.card.energy_range_gev
        middle = [(low + high) / 2, *((c.low + c.high) / 2 for c in self.card.conditions)]
        noise = np.zeros((n, self.card.architecture.latent_size), dtype=np.float32)
        self.run(noise, np.tile(np.array(middle, dtype=np.float32), (n, 1)))
