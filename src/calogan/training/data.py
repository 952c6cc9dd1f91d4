"""Showers as tensors in GeV, drawn in batches with their exact symmetries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from calogan.calorimeter import Calorimeter
from calogan.errors import TrainingError
from calogan.files import ShowerFile

__all__ = ["Batch", "ShowerSet", "load_showers"]

MEV_PER_GEV = 1000.0


@dataclass(frozen=True)
class Batch:
    """Showers of one update.

    Args:
        layers: Cell energies, one `(n, eta, phi)` per layer [GeV].
        energy: Incident energies, shape `(n, 1)` [GeV].
    """

    layers: tuple[Tensor, ...]
    energy: Tensor


@dataclass(frozen=True)
class ShowerSet:
    """Showers of one particle in memory.

    Args:
        layers: Cell energies, one `(n, readings, eta, phi)` per layer [GeV]: the shower and,
            where the file has them, its further readings.
        energy: Incident energies, shape `(n, 1)` [GeV].
        reflections: Mirror in x and y at random.
    """

    layers: tuple[Tensor, ...]
    energy: Tensor
    reflections: bool

    def __len__(self) -> int:
        """Number of showers."""
        return len(self.energy)

    def batches(self, batch_size: int, rng: torch.Generator) -> Iterator[Batch]:
        """All showers once in random order; what does not fill a batch is left out."""
        order = torch.randperm(len(self), generator=rng)
        for start in range(0, len(self) - batch_size + 1, batch_size):
            yield self._draw(order[start : start + batch_size], rng)

    def _draw(self, index: Tensor, rng: torch.Generator) -> Batch:
        readings = self.layers[0].shape[1]
        reading = torch.randint(readings, (len(index),), generator=rng)
        layers = [layer[index, reading] for layer in self.layers]
        if self.reflections:
            for axis in (1, 2):
                mirror = torch.rand(len(index), 1, 1, generator=rng) < 0.5
                layers = [torch.where(mirror, layer.flip(axis), layer) for layer in layers]
        return Batch(tuple(layers), self.energy[index])

    def mean_images(self) -> list[Tensor]:
        """Mean energy of each cell, one `(eta, phi)` per layer [GeV]; above zero everywhere."""
        images = []
        for layer in self.layers:
            image = layer.mean((0, 1))
            if self.reflections:
                image = (image + image.flip(0)) / 2
                image = (image + image.flip(1)) / 2
            images.append(image.clamp(min=1e-7))
        return images

    def draw_energies(self, n: int, rng: torch.Generator) -> Tensor:
        """Incident energies for generated showers, distributed as those of the set, `(n, 1)`."""
        return self.energy[torch.randint(len(self), (n,), generator=rng)]


def load_showers(
    path: Path, *, views: bool, reflections: bool, validation_share: float
) -> tuple[ShowerSet, ShowerSet, Calorimeter]:
    """Read the showers of a file and part them into training and validation.

    Args:
        path: A file of showers.
        views: Take the further readings of the training showers along.
        reflections: Mirror the training showers at random.
        validation_share: Share at the end of the file that goes to validation.

    Returns:
        Training set, validation set (first reading only, never mirrored), calorimeter.

    Raises:
        ShowerFileError: The file is missing, foreign or damaged.
        TrainingError: The file holds too few showers.
    """
    with ShowerFile(path) as file:
        n_train = round(len(file) * (1 - validation_share))
        if n_train < 2 or n_train == len(file):
            msg = f"{path} holds {len(file)} showers: too few to train on"
            raise TrainingError(msg)
        readings = range(1 + (file.n_views if views else 0))
        training = [file.read(0, n_train, view=view) for view in readings]
        validation = file.read(n_train)
        calorimeter = file.calorimeter

    def tensors(readings: Sequence[tuple[object, ...]]) -> tuple[Tensor, ...]:
        return tuple(
            torch.stack([torch.as_tensor(r[k]) for r in readings], dim=1) / MEV_PER_GEV
            for k in range(len(calorimeter.layers))
        )

    def energies(values: object) -> Tensor:
        return torch.as_tensor(values, dtype=torch.float32)[:, None]

    return (
        ShowerSet(
            tensors([showers.layers for showers in training]),
            energies(training[0].incident.energy_gev),
            reflections,
        ),
        ShowerSet(
            tensors([validation.layers]),
            energies(validation.incident.energy_gev),
            reflections=False,
        ),
        calorimeter,
    )
