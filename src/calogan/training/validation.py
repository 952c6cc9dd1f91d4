"""Judging a generator while it trains: shower shapes against showers that no update sees."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from calogan.calorimeter import Calorimeter
from calogan.incident import Incident
from calogan.observables import observables_of
from calogan.showers import Showers
from calogan.training.configuration import TrainingConfig
from calogan.training.data import MEV_PER_GEV, ShowerSet

__all__ = ["settle_batch_norm", "validate", "validation_quality"]

_SETTLING_BATCHES = 20


@torch.no_grad()
def settle_batch_norm(
    generator: nn.Module, training: ShowerSet, config: TrainingConfig, device: torch.device
) -> None:
    """Set the running statistics of batch normalisation to those of the averaged weights.

    The moving average of weights has activations of its own: their mean and variance are taken
    over a few batches instead of being averaged along.
    """
    norms = [m for m in generator.modules() if isinstance(m, nn.BatchNorm1d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over all batches
    rng = torch.Generator().manual_seed(config.seed)
    generator.train()
    for _ in range(_SETTLING_BATCHES):
        energy = training.draw_energies(config.batch_size, rng)
        noise = torch.randn(len(energy), config.latent_size, generator=rng)
        generator(noise.to(device), energy.to(device))
    generator.eval()
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


def validate(
    generator: nn.Module,
    validation: ShowerSet,
    calorimeter: Calorimeter,
    particle: str,
    device: torch.device,
) -> dict[str, float]:
    """Compare the shower shapes of generated showers with those of the validation set.

    The distance of an observable is the 1-Wasserstein distance of the two samples, which have the
    same incident energies, in units of the standard deviation of the validation sample.

    Returns:
        The distance of each observable, and their geometric mean as `shape_distance`: scales of
        the distances differ, and each counts alike. A distance below 0.01 counts as 0.01.
    """
    real, generated = _samples(generator, validation, calorimeter, particle, device)
    distances = {
        observable.name: _distance(observable.compute(real), observable.compute(generated))
        for observable in observables_of(calorimeter)
    }
    known = [max(value, 0.01) for value in distances.values() if np.isfinite(value)]
    overall = float(np.exp(np.mean(np.log(known)))) if known else float("inf")
    return {**distances, "shape_distance": overall}


def validation_quality(
    generator: nn.Module, validation: ShowerSet, calorimeter: Calorimeter, particle: str
) -> dict[str, dict[str, float]]:
    """Mean and standard deviation of each observable, of validation and generated showers."""
    real, generated = _samples(generator, validation, calorimeter, particle, torch.device("cpu"))
    quality = {}
    for observable in observables_of(calorimeter):
        a, b = (
            values[np.isfinite(values)] for values in map(observable.compute, (real, generated))
        )
        if len(a) and len(b):
            quality[observable.name] = {
                "validation_mean": float(a.mean()),
                "generated_mean": float(b.mean()),
                "validation_std": float(a.std()),
                "generated_std": float(b.std()),
                "distance": _distance(a, b),
            }
    return quality


@torch.no_grad()
def _samples(
    generator: nn.Module,
    validation: ShowerSet,
    calorimeter: Calorimeter,
    particle: str,
    device: torch.device,
) -> tuple[Showers, Showers]:
    rng = torch.Generator().manual_seed(1)
    noise = torch.randn(len(validation), cast(int, generator.latent_size), generator=rng)
    generator.eval()
    pieces = [
        generator(z.to(device), energy.to(device))
        for z, energy in zip(noise.split(500), validation.energy.split(500), strict=True)
    ]
    images = [torch.cat(layer) for layer in zip(*pieces, strict=True)]
    generated = _showers(images, validation.energy, calorimeter, particle)
    real = _showers([x[:, 0] for x in validation.layers], validation.energy, calorimeter, particle)
    return real, generated


def _showers(
    images: list[Tensor],
    energy: Tensor,
    calorimeter: Calorimeter,
    particle: str,
) -> Showers:
    layers = tuple((image * MEV_PER_GEV).cpu().numpy() for image in images)
    overflow = np.zeros((len(energy), len(layers)), dtype=np.float32)
    incident = Incident.create(particle, energy[:, 0].double().numpy())
    return Showers(incident, layers, overflow, calorimeter)


def _distance(real: NDArray[np.float64], generated: NDArray[np.float64]) -> float:
    real, generated = real[np.isfinite(real)], generated[np.isfinite(generated)]
    spread = float(np.std(real)) if len(real) else 0.0
    if spread == 0 or len(generated) == 0:
        return float("nan")
    quantiles = np.linspace(0, 1, 501)
    gap = np.abs(np.quantile(real, quantiles) - np.quantile(generated, quantiles)).mean()
    return float(gap) / spread
