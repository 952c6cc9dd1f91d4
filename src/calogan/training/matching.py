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

_SCALE_GEV = 1e-4  # cell energies are compared as log(1 + E / scale)
_GROUP_SIZE = 16


def shape_loss(real: Sequence[Tensor], generated: Sequence[Tensor], energy: Tensor) -> Tensor:
    """Distance of the shower shapes of two batches with the same incident energies.

    Two parts, both without a dimension: mean and standard deviation of each cell on a log scale;
    and the 1-Wasserstein distance of layer energies, hit shares, centroids and widths, within
    groups of like incident energy and in units of the standard deviation of the real batch.

    Args:
        real: Cell energies, one `(n, eta, phi)` per layer [GeV].
        generated: The same, generated for the same incident energies.
        energy: Incident energies, shape `(n, 1)` [GeV].

    Returns:
        The distance, a scalar.
    """
    cells = torch.stack([_moments(a, b) for a, b in zip(real, generated, strict=True)]).mean()
    order = energy[:, 0].argsort()
    wanted, found = _shapes(real, energy)[order], _shapes(generated, energy)[order]
    groups = max(1, len(order) // _GROUP_SIZE)
    n = len(order) - len(order) % groups
    a, b = (x[:n].unflatten(0, (groups, -1)).sort(dim=1).values for x in (wanted, found))
    distance = (a - b).abs().mean((0, 1)) / (wanted.std(0) + 1e-6)
    return cells + torch.log1p(distance).mean()  # far away is far away, but keeps its slope


def _moments(real: Tensor, generated: Tensor) -> Tensor:
    a, b = (torch.log1p(x / _SCALE_GEV) for x in (real, generated))
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
