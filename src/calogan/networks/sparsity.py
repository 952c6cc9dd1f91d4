"""Cells without energy: exact zeros, and how many cells are hit, with gradients that help."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["hit_share", "rectify"]


class _Rectify(torch.autograd.Function):
    """ReLU with a way back for cells that are off in a whole batch."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, upwards: bool) -> Tensor:
        ctx.save_for_backward(x)
        ctx.upwards = upwards
        return functional.relu(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        passed = (x <= 0).all(dim=-1, keepdim=True)
        if ctx.upwards:
            passed = passed & (gradients[0] < 0)
        return torch.where((x > 0) | passed, gradients[0], 0.0), None


def rectify(x: Tensor, *, upwards: bool = False) -> Tensor:
    """ReLU over a batch-last image, in which no cell dies for good.

    A cell that is off in all showers of a batch gets no gradient from a plain ReLU, and stays off
    for ever. Here such a cell, and no other, gets the gradient that it would have if it were on.

    Args:
        x: Cells before the ReLU, shape `(..., n)`.
        upwards: Such a cell gets only what would turn it on. What would turn it off does nothing
            for the image, but grows the weights that it shares with other cells.
    """
    if not x.requires_grad:
        return functional.relu(x)
    return cast(Tensor, _Rectify.apply(x, upwards))  # type: ignore[no-untyped-call]


class _HitShare(torch.autograd.Function):
    """Share of cells above zero, with the gradient of the mean of x / (x + scale)."""

    @staticmethod
    def forward(ctx: Any, image: Tensor, scale: float) -> Tensor:
        ctx.save_for_backward(image)
        ctx.scale = scale
        return (image > 0).flatten(1).to(image.dtype).mean(1, keepdim=True)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (image,) = ctx.saved_tensors
        slope = ctx.scale / (image + ctx.scale).square() / image[0].numel()
        return slope * gradients[0][..., None], None


def hit_share(image: Tensor, scale: float = 1e-3) -> Tensor:
    """Share of the cells with energy (the paper's sparsity), with a useful gradient.

    A count has no gradient, so in the published code the generator never learns from it which
    way to go. Here the backward is that of the smooth x / (x + scale).

    Args:
        image: Cell energies, shape `(n, rows, columns)` [GeV], none negative.
        scale: Energy at which the smooth share of a cell is one half [GeV].

    Returns:
        The share, shape `(n, 1)`.
    """
    return cast(Tensor, _HitShare.apply(image, scale))  # type: ignore[no-untyped-call]
