"""In-painting attention: each readout layer sees the one in front of it."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from calogan.networks.connected import LocallyConnected2d, glorot_uniform
from calogan.networks.precision import full_precision

__all__ = ["InpaintingAttention", "resize_matrix"]


class InpaintingAttention(nn.Module):
    """Blend a layer's own image with the one carried over from the layer in front of it.

    The image in front is averaged onto the cells of this layer. Per cell, a softmax over two
    locally connected channels, of 3 x 3 cells of both images, weighs the two. The bias of the
    carried-over channel starts at -10, so that training begins with none of it
    (arXiv:1705.02355 and the published code).

    Args:
        before: Rows and columns of the layer in front.
        size: Rows and columns of this layer.
        initial_bias: Bias of the carried-over channel at the start.

    Shapes:
        Own image `(*size, 1, n)`, image in front `(*before, 1, n)`, output `(*size, 1, n)`.
        Parameters: 38 per cell.
    """

    def __init__(
        self, before: tuple[int, int], size: tuple[int, int], initial_bias: float = -10.0
    ) -> None:
        super().__init__()
        self.weigh = LocallyConnected2d(2, 2, size, (3, 3), padding=1)
        glorot_uniform(self.weigh.weight, 9 * (2 + 2))
        with torch.no_grad():
            cast(nn.Parameter, self.weigh.bias)[:, 1] = initial_bias
        self.rows: Tensor
        self.columns: Tensor
        self.register_buffer("rows", resize_matrix(before[0], size[0]), persistent=False)
        self.register_buffer("columns", resize_matrix(before[1], size[1]), persistent=False)

    def forward(self, primary: Tensor, in_front: Tensor) -> Tensor:
        """Return the weighted sum of `primary` and the image `in_front` of it."""
        with full_precision(primary.device):
            both = torch.cat([primary, self.carry(in_front)], dim=2)
            weights = torch.softmax(self.weigh(both), dim=2)
            return (both * weights).sum(2, keepdim=True)

    def carry(self, in_front: Tensor) -> Tensor:
        """Average an image `(*before, 1, n)` onto the cells of this layer."""
        size, n = in_front.shape[1], in_front.shape[-1]
        image = self.rows @ in_front.reshape(len(in_front), size * n)
        return (self.columns @ image.view(len(image), size, n)).unsqueeze(2)


def resize_matrix(n_in: int, n_out: int) -> Tensor:
    """Matrix of shape `(n_out, n_in)` that averages `n_in` equal cells onto `n_out` equal cells.

    Each row holds the shares of the input cells in one output cell and sums to one: repeating
    cells (3 to 12) and averaging cells (96 to 12) are special cases.
    """
    edges_in = torch.linspace(0, 1, n_in + 1, dtype=torch.float64)
    edges_out = torch.linspace(0, 1, n_out + 1, dtype=torch.float64)
    upper = torch.minimum(edges_out[1:, None], edges_in[None, 1:])
    lower = torch.maximum(edges_out[:-1, None], edges_in[None, :-1])
    return ((upper - lower).clamp(min=0.0) * n_out).float()
