"""Judging a generator of jet images while it trains, against images that no update sees."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from calogan.jets.images import JetImages
from calogan.jets.observables import (
    image_mass,
    image_pt,
    image_tau21,
    sparsity,
    without_faint,
)
from calogan.jets.training.configuration import JetTrainingConfig
from calogan.statistics import (
    compared_moments,
    defined,
    mean_distance,
    relative_wasserstein,
)
from calogan.training.instabilities import DISTANCE
from calogan.training.steps import settle_batch_norm

__all__ = ["OBSERVABLES", "Judge", "confusion", "generate_like", "settle"]

OBSERVABLES: Mapping[str, Callable[[NDArray[np.float32]], NDArray[np.float64]]] = {
    "mass": image_mass,
    "pt": image_pt,
    "tau_21": image_tau21,
    "hit": sparsity,
}
"""What generated and real images are compared by, each class by itself."""

_AT_ONCE = 500
_CLASSES = {"signal": True, "background": False}


@torch.no_grad()
def settle(generator: nn.Module, config: JetTrainingConfig, device: torch.device) -> None:
    """Let batch normalisation of the averaged weights settle, on images of both classes."""
    rng = torch.Generator().manual_seed(config.seed)

    def generate() -> None:
        noise = torch.randn(config.batch_size, config.latent_size, generator=rng)
        generator(noise.to(device), torch.randint(2, (len(noise),), generator=rng).to(device))

    settle_batch_norm(generator, generate)


@torch.no_grad()
def generate_like(
    generator: nn.Module, real: JetImages, config: JetTrainingConfig, device: torch.device
) -> JetImages:
    """Generate images of the same classes as those of a validation set."""
    generator.eval()
    rng = torch.Generator().manual_seed(1)  # always the same noise: epochs can be compared
    noise = torch.randn(len(real), config.latent_size, generator=rng)
    signal = torch.from_numpy(real.signal.astype(np.int64))
    image = np.empty_like(real.image)
    for start in range(0, len(real), _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        image[rows] = generator(noise[rows].to(device), signal[rows].to(device)).float().cpu()
    return JetImages(without_faint(image, config.threshold_gev), real.signal)


@torch.no_grad()
def confusion(
    discriminator: nn.Module, images: JetImages, config: JetTrainingConfig, device: torch.device
) -> NDArray[np.float64]:
    """What a discriminator's auxiliary classifier takes images for.

    It is asked as in the training, with dropout, in batches that normalise themselves. Without, it
    is another one: running averages are those of real and generated images together, and images are
    closer to one another for minibatch discrimination where no features are dropped.

    Args:
        discriminator: Gives answers of which `signal` is the logit of being a W; it stays as it is.
        images: Images of both classes, all real or all generated.
        config: The settings.
        device: Where the network is.

    Returns:
        Shares of true QCD jets (first row) and true W jets that are called QCD and W, `(2, 2)`.
    """
    network = copy.deepcopy(discriminator).train()
    called = np.empty(len(images), np.bool_)
    # the last batch is as large as the others: it has some images once more
    size = min(config.batch_size, len(images))
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(config.seed)
        for start in range(0, len(images), size):
            first = min(start, len(images) - size)
            rows = slice(first, first + size)
            image = torch.from_numpy(images.image[rows]).to(device)
            called[rows] = (network(image).signal > 0).cpu().numpy()
    shares = [called[images.signal == truth].mean() for truth in (False, True)]
    return np.array([[1 - share, share] for share in shares])


Samples = dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Judge:
    """Compares generated images with those of a validation set.

    Args:
        real: The validation set.
    """

    real: JetImages
    _values: Samples = field(default_factory=dict, repr=False)

    def _real(self) -> Samples:
        if not self._values:
            self._values.update(_samples(self.real))
        return self._values

    def distances(self, generated: JetImages) -> dict[str, float]:
        """Distance of each observable, for each class.

        Args:
            generated: Images of the same classes.

        Returns:
            1-Wasserstein distances in units of the standard deviation of the validation images, as
            `distance/signal/mass` and so on; and their mean as `image_distance`
            (`calogan.statistics.mean_distance`), infinite if one has no value any more.
        """
        real, found = self._real(), _samples(generated)
        distances = {
            f"{DISTANCE}{name}": relative_wasserstein(values, found[name])
            for name, values in real.items()
        }
        # a class of empty images has no N-subjettiness: that is as far as can be
        lost = any(
            np.isnan(d) and len(defined(real[n.removeprefix(DISTANCE)]))
            for n, d in distances.items()
        )
        overall = float("inf") if lost else mean_distance(distances.values())
        return {**distances, "image_distance": overall}

    def figures(self, generated: JetImages) -> dict[str, dict[str, float]]:
        """Mean and spread of each observable, for the card of a model."""
        found = _samples(generated)
        figures = {name: compared_moments(real, found[name]) for name, real in self._real().items()}
        return {name: figure for name, figure in figures.items() if figure}


def _samples(images: JetImages) -> Samples:
    samples: Samples = {}
    for name, compute in OBSERVABLES.items():
        values = np.asarray(compute(images.image), np.float64)
        for kind, wanted in _CLASSES.items():
            samples[f"{kind}/{name}"] = values[images.signal == wanted]
    return dict(sorted(samples.items(), reverse=True))  # signal first
