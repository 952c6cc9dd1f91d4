"""A second teacher for the generator: shower shapes of a batch, real against generated.

Feature matching (Salimans et al., arXiv:1606.03498, section 3.1) with the features that physicists
look at. The discriminator alone gets there too, after as many updates as the paper spent; this
loss brings the generator near in the first few thousand. A weight of zero is the published CaloGAN.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from calogan.networks.sparsity import hit_share

__all__ = ["coordinates_of", "shape_loss"]

_CELL_SCALE_GEV = 1e-4  # cell energies are compared as log(1 + E / scale)
_ENERGY_SCALE_GEV = 25.0  # incident energies this far apart are as different as shapes by one sd
_CELL_SPREAD = 0.3  # on that scale; cells that hardly ever hold energy differ by little
# nearly empty layers have no shape, and must not have steep gradients: Adam remembers a spike for
# a thousand updates
_SMALLEST_FRACTION, _SMALLEST_GEV = 1e-4, 1e-3
_CELLS, _SHAPES = 2.0, 30.0  # near the goal a distance is small: 16 % of a width are 0.008


def coordinates_of(condition: Tensor, label: Tensor | None, n_classes: int = 1) -> Tensor:
    """Coordinates of what is asked for: showers one unit apart differ as shapes by one sd do.

    25 GeV are one unit, another particle is two units away, and places and angles reach over four.

    Args:
        condition: Shape `(n, c)`, the energy [GeV] first.
        label: Particles, shape `(n,)`, or none.
        n_classes: Number of particles.

    Returns:
        Shape `(n, k)`.
    """
    beam = condition[:, 1:]
    parts = [condition[:, :1] / _ENERGY_SCALE_GEV]
    parts.append(2 * beam / beam.abs().amax(0).clamp(min=1e-6))
    if label is not None:
        parts.append(math.sqrt(2) * functional.one_hot(label, n_classes).to(beam.dtype))
    return torch.cat(parts, dim=1)


def shape_loss(
    real: Sequence[Tensor],
    generated: Sequence[Tensor],
    energy: Tensor,
    coordinates: Tensor | None = None,
) -> Tensor:
    """Distance of the shower shapes of two batches of which the same was asked.

    The energy distance (Szekely and Rizzo 2013), 2 E|X-Y| - E|X-X'| - E|Y-Y'|, of each cell on a
    log scale, and of layer energy, its share, hit share, centroids and widths, each together with
    the incident energy. As a mean over pairs it has unbiased gradients (Bellemare et al.,
    arXiv:1705.10743); the Wasserstein distance of small batches, and differences of their means,
    make the generated shapes too narrow.

    Args:
        real: Cell energies, one `(n, eta, phi)` per layer [GeV].
        generated: The same, generated for the same incident energies.
        energy: Incident energies, shape `(n, 1)` [GeV].
        coordinates: Of what was asked for, shape `(n, k)`; those of the energies unless given.

    Returns:
        The distance, a scalar; negative at times, as an unbiased estimate of zero must be.
    """
    t = coordinates_of(energy, None) if coordinates is None else coordinates
    apart = (t[:, None] - t[None, :]).square().sum(2, keepdim=True)
    x, y = _cells(real), _cells(generated)
    spread = x.std(0) + _CELL_SPREAD
    cells = _energy_distance(x / spread, y / spread, apart)
    shapes = _energy_distance(
        *_fluctuations(_shapes(real, energy), _shapes(generated, energy), energy, t), apart
    )
    return _CELLS * cells + _SHAPES * shapes


def _fluctuations(
    real: Tensor, generated: Tensor, energy: Tensor, coordinates: Tensor
) -> tuple[Tensor, Tensor]:
    """Differences from what is usual for what was asked for, in units of their spread.

    Most of what distinguishes the showers of a batch is their energy. Fluctuations beside it would
    count little if they stayed in its units, and come out too small. What is usual is a fit to all
    showers of both batches, which takes up as much of the fluctuations of the ones as of the
    others: a parabola in log E, and a line in the other coordinates.

    Args:
        real: Shapes of the real showers, `(n, k)`.
        generated: Of the generated ones, `(n, k)`.
        energy: Incident energies, shape `(n, 1)` [GeV].
        coordinates: Of what was asked for, shape `(n, c)`, the energy first.
    """
    n = len(real)
    u = torch.log(energy) - torch.log(energy).mean()
    design = torch.cat([torch.ones_like(u), u, u.square(), coordinates[:, 1:]], dim=1)
    # the small ridge is for coordinates that are the same for all
    ridge = 1e-4 * n * torch.eye(design.shape[1], device=design.device)

    def fit(shapes: Tensor) -> Tensor:
        fitted: Tensor = design @ torch.linalg.solve(design.T @ design + ridge, design.T @ shapes)
        return fitted

    spread = (real - fit(real)).std(0) + 1e-4
    usual = fit((real + generated.detach()) / 2)
    # far off, the logarithm of how far is enough: no shape may drown the others
    return torch.asinh((real - usual) / spread), torch.asinh((generated - usual) / spread)


def _energy_distance(x: Tensor, y: Tensor, apart: Tensor) -> Tensor:
    """Mean over columns of the energy distance.

    Args:
        x: Shape `(n, k)`.
        y: Shape `(n, k)`.
        apart: |t_i - t_j|^2, shape `(n, n, 1)`.
    """
    between = _mean_distance(x, y, apart)
    return (2 * between - _mean_distance(x, x, apart) - _mean_distance(y, y, apart)).mean()


def _mean_distance(x: Tensor, y: Tensor, apart: Tensor) -> Tensor:
    """Mean distance of (x_i, t_i) and (y_j, t_j) over i != j, for each column: `(k,)`.

    Args:
        x: Shape `(n, k)`.
        y: Shape `(n, k)`.
        apart: |t_i - t_j|^2, shape `(n, n, 1)`.
    """
    squared = (x[:, None] - y[None, :]).square() + apart
    distance = (squared + 1e-12).sqrt()
    others = distance.sum((0, 1)) - distance.diagonal().sum(1)
    return others / (len(x) * (len(x) - 1))


def _cells(layers: Sequence[Tensor]) -> Tensor:
    """All cells on a log scale, shape `(n, n_cells)`."""
    return torch.log1p(torch.cat([layer.flatten(1) for layer in layers], 1) / _CELL_SCALE_GEV)


def _shapes(layers: Sequence[Tensor], energy: Tensor) -> Tensor:
    """Shower shapes, shape `(n, 7 * layers)`.

    Of each layer: energy, its share of all energy, hits, centroids and widths.
    """
    shapes: list[Tensor] = []
    everything = torch.stack([layer.sum((1, 2)) for layer in layers]).sum(0)
    for layer in layers:
        total = layer.sum((1, 2))
        shapes.append(total / (everything + _SMALLEST_GEV))
        shapes.append(torch.log(total / energy[:, 0] + _SMALLEST_FRACTION))
        shapes.append(hit_share(layer)[:, 0])
        for axis in (1, 2):
            profile = layer.sum(3 - axis) / (total[:, None] + _SMALLEST_GEV)
            place = torch.linspace(-1, 1, profile.shape[1], device=layer.device)
            centroid = profile @ place
            shapes += [centroid, (profile @ place**2 - centroid**2).clamp(min=1e-5).sqrt()]
    return torch.stack(shapes, dim=1)
