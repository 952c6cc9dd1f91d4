"""Normal numbers for empty cells that fit to those of the cells beside them."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["fill_empty"]

_EXTREME = 5.5


@torch.no_grad()
def fill_empty(
    g: Tensor, on: Tensor, limit: Tensor, precision: Tensor, rng: torch.Generator, *, sweeps: int
) -> Tensor:
    """Draw the normal numbers of empty cells from what a Gaussian copula says of them.

    Of an empty cell no more is known than that its normal number lies below a limit. Numbers that
    are drawn there alone are independent of all others, and a model of the showers would learn too
    weak correlations from them: the number of hits would fluctuate too little. So each is drawn,
    one after another, from the normal distribution given all others, cut at its limit: Gibbs
    sampling, the data augmentation of Hoff 2007 (doi:10.1214/07-AOAS107).

    Args:
        g: Normal numbers, any below its limit for each empty cell, shape `(n, size)`.
        on: Which cells are hit, shape `(n, size)`.
        limit: What the number of an empty cell lies below, shape `(n, size)`.
        precision: Inverse of the covariance of the numbers, shape `(size, size)`.
        rng: Source of random numbers.
        sweeps: How often each empty cell is drawn.

    Returns:
        The numbers, those of hit cells as they were.
    """
    columns = g.T.contiguous()  # one row per cell: each step reads and writes one
    hit, below = on.T.contiguous(), limit.T.contiguous()
    width = precision.diagonal().rsqrt()
    pull = precision / precision.diagonal()[:, None]
    drawn = [k for k in range(len(columns)) if not bool(hit[k].all())]
    for _ in range(sweeps):
        uniform = torch.rand(columns.shape, generator=rng)
        for k in drawn:
            mean = columns[k] - pull[k] @ columns
            share = torch.special.ndtr((below[k] - mean) / width[k])
            value = mean + width[k] * torch.special.ndtri((uniform[k] * share).clamp_min(1e-30))
            value = torch.minimum(value, below[k]).clamp(-_EXTREME, _EXTREME)
            columns[k] = torch.where(hit[k], columns[k], value)
    return columns.T.contiguous()
