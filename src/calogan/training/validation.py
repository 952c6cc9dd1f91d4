"""Judging a generator while it trains: shower shapes against showers that no update sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from calogan.conditions import conditions_of
from calogan.observables import shape_observables_of
from calogan.showers import Showers
from calogan.statistics import compared_moments, mean_distance, relative_wasserstein
from calogan.training.configuration import TrainingConfig
from calogan.training.data import MEV_PER_GEV, ShowerSet
from calogan.training.instabilities import DISTANCE, SPREAD
from calogan.training.loading import Validation
from calogan.training.steps import settle_batch_norm

__all__ = ["generate_like", "quality_figures", "settle", "shape_distances"]

_AT_ONCE = 500


def settle(
    generator: nn.Module, training: ShowerSet, config: TrainingConfig, device: torch.device
) -> None:
    """Let batch normalisation of the averaged weights settle, on conditions of the training."""
    rng = torch.Generator().manual_seed(config.seed)

    def generate() -> None:
        condition, label = training.draw_conditions(config.batch_size, rng)
        noise = torch.randn(len(label), config.latent_size, generator=rng)
        _images(generator, noise, condition, label if training.n_classes > 1 else None, device)

    settle_batch_norm(generator, generate)


def _images(
    generator: nn.Module,
    noise: Tensor,
    condition: Tensor,
    label: Tensor | None,
    device: torch.device,
) -> tuple[Tensor, ...]:
    inputs = [noise, condition] + ([] if label is None else [label])
    return cast("tuple[Tensor, ...]", generator(*(x.to(device) for x in inputs)))


@torch.no_grad()
def generate_like(
    generator: nn.Module,
    held_out: Validation,
    training: ShowerSet,
    device: torch.device,
) -> Showers:
    """Generate showers of the same incident particles as those of a validation set."""
    real = held_out.showers
    condition = torch.from_numpy(
        conditions_of(real.incident, training.calorimeter, training.condition_names)
    )
    label = torch.full((len(real),), held_out.label) if training.n_classes > 1 else None
    rng = torch.Generator().manual_seed(1)  # always the same noise: epochs can be compared
    noise = torch.randn(len(real), cast(int, generator.latent_size), generator=rng)
    generator.eval()
    layers = [np.empty((len(real), *s), np.float32) for s in training.calorimeter.layer_shapes]
    overflow = np.zeros_like(real.overflow)
    for start in range(0, len(real), _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        wanted = None if label is None else label[rows]
        images = _images(generator, noise[rows], condition[rows], wanted, device)
        parts = (*layers, overflow)[: len(images)]  # not all networks make the overflow
        for part, image in zip(parts, images, strict=True):
            part[rows] = (image * MEV_PER_GEV).float().cpu().numpy()
    return replace(real, layers=tuple(layers), overflow=overflow, views=())


def shape_distances(
    validation: Sequence[Validation], generated: Sequence[Showers]
) -> dict[str, float]:
    """Compare the shower shapes of generated showers with those of the validation sets.

    The distance of an observable is the 1-Wasserstein distance of the two samples, which have the
    same incident energies, in units of the standard deviation of the validation sample.

    Returns:
        The distance of each observable as `distance/OBSERVABLE`; its spread among showers of the
        same energy, generated over real, as `spread/OBSERVABLE`, but for energies in MeV; and the
        mean of the distances as `shape_distance` (`calogan.statistics.mean_distance`). With several particles, the name of the particle and
        a slash stand before the name of the observable.
    """
    distances: dict[str, float] = {}
    spreads: dict[str, float] = {}
    for held_out, showers in zip(validation, generated, strict=True):
        prefix = f"{held_out.particle}/" if len(validation) > 1 else ""
        order = np.argsort(showers.incident.energy_gev, kind="stable")
        for observable in shape_observables_of(showers.calorimeter):
            real = held_out.observable(observable)
            found = observable.compute(showers)
            name = f"{prefix}{observable.name}"
            distances[f"{DISTANCE}{name}"] = relative_wasserstein(real, found)
            # noise spreads them all; energies in GeV grow with that of the particle as well
            if observable.group != "energies" or observable.name == "response":
                wanted = _spread_at_energy(real, order)
                spread = _spread_at_energy(found, order) / wanted if wanted else float("nan")
                spreads[f"{SPREAD}{name}"] = spread
    return {**distances, **spreads, "shape_distance": mean_distance(distances.values())}


def quality_figures(real: Showers, generated: Showers) -> Mapping[str, dict[str, float]]:
    """Mean and standard deviation of each observable, of validation and generated showers."""
    quality = {}
    for observable in shape_observables_of(real.calorimeter):
        found = compared_moments(*(observable.compute(showers) for showers in (real, generated)))
        if found:
            quality[observable.name] = found
    return quality


def _spread_at_energy(values: NDArray[np.float64], order: NDArray[np.int64]) -> float:
    """Mean difference of showers that are neighbours in energy: what noise makes of a shape.

    The spread of the whole sample would hide a generator that makes one shower of each energy.
    """
    steps = np.abs(np.diff(values[order]))
    steps = steps[np.isfinite(steps)]
    return float(steps.mean()) if len(steps) else 0.0
