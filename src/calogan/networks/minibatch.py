"""Minibatch discrimination: how alike the showers, or images, of a batch are."""

from __future__ import annotations

import math
from typing import Any, cast

import torch
from torch import Tensor, nn

from calogan.networks.precision import full_precision, raised

__all__ = ["MinibatchDiscrimination"]


class MinibatchDiscrimination(nn.Module):
    """How close each example is to the others of its batch, in a learnt projection.

    `features` projections to `dimensions` numbers; per projection the sum over the batch of
    exp(-L1 distance), passed through tanh (Salimans et al., arXiv:1606.03498, section 3.2; the
    tanh is CaloGAN's). An example is close to itself: no feature is below tanh(1).

    In a training on several devices each looks at its own share of the batch.

    Args:
        in_features: Length of what is projected.
        features: Number of projections.
        dimensions: Numbers of each.
        bounded: Pass the sums through tanh; without, they are those of the paper.

    Shapes:
        Input `(n, in_features)`, output `(n, features)`. Parameters:
        features * dimensions * in_features; the bias of the published code cancels in every
        distance, and is left out.
    """

    def __init__(
        self, in_features: int, features: int = 10, dimensions: int = 10, *, bounded: bool = True
    ) -> None:
        super().__init__()
        self.bounded = bounded
        self.features = features
        self.projection = nn.Linear(in_features, features * dimensions, bias=False)
        # each of the `features` kernels is a dense layer of its own: Glorot with its own fan
        bound = math.sqrt(6.0 / (in_features + dimensions))
        nn.init.uniform_(self.projection.weight, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        """Return the closeness features of `x`, shape `(n, in_features)`."""
        with full_precision(x.device):
            kernel = self.projection(raised(x))
            kernel = kernel.T.unflatten(0, (self.features, -1))  # (features, dimensions, n)
            closeness = cast(Tensor, _Closeness.apply(kernel))  # type: ignore[no-untyped-call]
            return torch.tanh(closeness.T) if self.bounded else closeness.T


class _Closeness(torch.autograd.Function):
    """Sum over j of exp(-sum over d of |x_di - x_dj|), for `(features, dimensions, n)`.

    Distances are symmetric: one pass over the pairs gives the whole gradient, where that of
    `torch.cdist` takes two. One dimension at a time, so that the largest array is
    `(features, n, n)`.
    """

    @staticmethod
    def forward(ctx: Any, kernel: Tensor) -> Tensor:
        kernel = kernel.contiguous()
        distance = kernel.new_zeros(len(kernel), kernel.shape[2], kernel.shape[2])
        for x in kernel.unbind(1):
            distance += (x[:, :, None] - x[:, None, :]).abs_()
        close = distance.neg_().exp_()
        ctx.save_for_backward(kernel, close)
        return close.sum(2)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        kernel, close = ctx.saved_tensors
        gradient = gradients[0]
        pull = close * (gradient[:, :, None] + gradient[:, None, :])
        parts = [
            (x[:, None, :] - x[:, :, None]).sign_().mul_(pull).sum(2) for x in kernel.unbind(1)
        ]
        return torch.stack(parts, dim=1)
