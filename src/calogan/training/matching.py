"""A second teacher for the generator: shower shapes of a batch, real against generated.

Feature matching (Salimans et al., arXiv:1606.03498, section 3.1) with the features that physicists
look at. The discriminator alone gets there too, after as many updates as the paper spent; this
loss brings the generator near in the first few thousand. A weight of zero is the published CaloGAN.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from calogan.networks.layers import hit_share

__all__ = ["shape_loss"]

_CELL_SCALE_GEV = 1e-4  # cell energies are compared as log(1 + E / scale)
_ENERGY_SCALE_GEV = 25.0  # incident energies this far apart are as different as shapes by one sd
_SHAPES_PER_CELLS = 5.0


def shape_loss(real: Sequence[Tensor], generated: Sequence[Tensor], energy: Tensor) -> Tensor:
    """Distance of the shower shapes of two batches with the same incident energies.

    Two parts, both without a dimension: differences of the mean and standard deviation of each
    cell on a log scale; and the energy distance (Szekely and Rizzo 2013), 2 E|X-Y| - E|X-X'| -
    E|Y-Y'|, of layer energy, hit share, centroids and widths, each together with the incident
    energy. As a mean over pairs it has unbiased gradients (Bellemare et al., arXiv:1705.10743);
    the Wasserstein distance of small batches would make the generated shapes too narrow.

    Args:
        real: Cell energies, one `(n, eta, phi)` per layer [GeV].
        generated: The same, generated for the same incident energies.
        energy: Incident energies, shape `(n, 1)` [GeV].

    Returns:
        The distance, a scalar; negative at times, as an unbiased estimate of zero must be.
    """
    cells = torch.stack([_moments(a, b) for a, b in zip(real, generated, strict=True)]).mean()
    wanted, found = _shapes(real, energy), _shapes(generated, energy)
    spread = wanted.std(0) + 1e-6
    x, y, t = wanted / spread, found / spread, energy / _ENERGY_SCALE_GEV
    distance = 2 * _mean_distance(x, y, t) - _mean_distance(x, x, t) - _mean_distance(y, y, t)
    return cells + _SHAPES_PER_CELLS * distance.mean()


def _mean_distance(x: Tensor, y: Tensor, t: Tensor) -> Tensor:
    """Mean distance of (x_i, t_i) and (y_j, t_j) over i != j, for each column: `(k,)`."""
    squared = (x[:, None] - y[None, :]).square() + (t[:, None] - t[None, :]).square()
    distance = (squared + 1e-12).sqrt()
    others = distance.sum((0, 1)) - distance.diagonal().sum(1)
    return others / (len(t) * (len(t) - 1))


def _moments(real: Tensor, generated: Tensor) -> Tensor:
    a, b = (torch.log1p(x / _CELL_SCALE_GEV) for x in (real, generated))
    mean = (a.mean(0) - b.mean(0)).abs().mean()
    spread = (_spread(a) - _spread(b)).abs().mean()
    return mean + spread


def _spread(x: Tensor) -> Tensor:
    return (x.var(0) + 1e-6).sqrt()


def _shapes(layers: Sequence[Tensor], energy: Tensor) -> Tensor:
    """Shower shapes, shape `(n, 6 * layers)`: energy, hits, centroids and widths of each layer."""
    shapes: list[Tensor] = []
    for layer in layers:
        total = layer.sum((1, 2))
        shapes.append(torch.log(total / energy[:, 0] + 1e-5))
        shapes.append(hit_share(layer)[:, 0])
        for axis in (1, 2):
            profile = layer.sum(3 - axis) / (total[:, None] + 1e-6)
            place = torch.linspace(-1, 1, profile.shape[1], device=layer.device)
            centroid = profile @ place
            shapes += [centroid, (profile @ place**2 - centroid**2 + 1e-6).clamp(min=1e-7).sqrt()]
    return torch.stack(shapes, dim=1)
