"""Jet images for a training: those that updates see, and those that judge."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from calogan.errors import TrainingError
from calogan.files.reading import sha256
from calogan.jets.card import JetData
from calogan.jets.files import open_jet_images
from calogan.jets.images import PIXELS, JetImages
from calogan.jets.observables import without_faint
from calogan.jets.training.configuration import JetTrainingConfig

__all__ = ["ImageSet", "load_images"]

_AT_ONCE = 10_000


@dataclass(frozen=True)
class ImageSet:
    """The images of a file: the first ones train, the last ones judge.

    Args:
        path: The file.
        image: Images that updates see, shape `(n, 25, 25)` [GeV].
        signal: Whether they are of a W, shape `(n,)`: 1 or 0.
        validation: Images that no update sees, as many as are looked at.
        n_validation: How many there are.
        made_with: What made them.
        seed: Fixes the order of the images in each epoch.
    """

    path: Path
    image: Tensor
    signal: Tensor
    validation: JetImages
    n_validation: int
    made_with: dict[str, Any]
    seed: int

    def __len__(self) -> int:
        """Number of images that updates see."""
        return len(self.signal)

    def batches(self, epoch: int, size: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """Images and classes of an epoch in a random order that seed and epoch fix.

        Args:
            epoch: Finished epochs.
            size: Images per batch; what is left at the end is left out.
            start: First batch.
        """
        seed = np.random.SeedSequence((self.seed, epoch)).generate_state(1)[0]
        order = torch.randperm(len(self), generator=torch.Generator().manual_seed(int(seed)))
        for k in range(start, len(self) // size):
            rows = order[k * size : (k + 1) * size]
            yield self.image[rows], self.signal[rows]

    @property
    def checksum(self) -> str:
        """What tells these images from others: a checksum of which are signal, and of energies."""
        content = hashlib.sha256(self.signal.numpy().tobytes())
        content.update(self.image.sum((1, 2)).numpy().tobytes())
        return content.hexdigest()

    def facts(self) -> JetData:
        """What a card says of the file."""
        return JetData(
            file=self.path.name,
            sha256=sha256(self.path),
            size_bytes=self.path.stat().st_size,
            n_training=len(self),
            n_validation=self.n_validation,
            made_with=self.made_with,
        )


def load_images(path: Path, config: JetTrainingConfig) -> ImageSet:
    """Read the images of a training; the last share of them is for validation.

    Raises:
        CaloganError: The file cannot be read.
        TrainingError: Too few images, or images of one class alone.
    """
    with open_jet_images(path) as file:
        n = round(len(file) * (1 - config.validation_share))
        if n < config.batch_size or n == len(file):
            msg = (
                f"{path} holds {len(file)} images: too few to train on with batches of"
                f" {config.batch_size} and {config.validation_share:.0%} for validation"
            )
            raise TrainingError(msg)
        image = torch.empty(n, PIXELS, PIXELS)
        signal = torch.empty(n, dtype=torch.int64)
        for start in range(0, n, _AT_ONCE):
            rows = slice(start, min(start + _AT_ONCE, n))
            part = file.read(rows.start, rows.stop)
            image[rows] = torch.from_numpy(without_faint(part.image, config.threshold_gev))
            signal[rows] = torch.from_numpy(part.signal.astype(np.int64))
        validation = file.read(n, min(len(file), n + config.validation_images))
        kept = without_faint(validation.image, config.threshold_gev).astype(np.float32, copy=False)
        validation = replace(validation, image=kept)
        parts = {
            "": signal.float().mean().item(),
            f" of the last {config.validation_share:.0%}, which are kept for validation,": float(
                validation.signal.mean()
            ),
        }
        for which, share in parts.items():
            if share in (0, 1):
                kind = "W" if share else "QCD"
                msg = f"{path}: all jets{which} are {kind}: the networks need both, mixed"
                raise TrainingError(msg)
        return ImageSet(path, image, signal, validation, len(file) - n, file.made_with, config.seed)
