"""One stream of the generator: latent vector to the image of one readout layer."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from calogan.errors import CalorimeterError
from calogan.networks.connected import BatchLastNorm, Convolution2d, LocallyConnected2d
from calogan.networks.precision import full_precision, raised

__all__ = ["GeneratorStream", "MergedStream", "check_layers", "leaky"]

_NEGATIVE_SLOPE = 0.3  # Keras' default LeakyReLU


def check_layers(layer_shapes: Sequence[tuple[int, int]]) -> None:
    """Check that there are readout layers, and cells in each; any number will do.

    Raises:
        CalorimeterError: There are none.
    """
    if not layer_shapes:
        msg = "a calorimeter without readout layers has no images"
        raise CalorimeterError(msg)
    for k, (rows, columns) in enumerate(layer_shapes):
        if min(rows, columns) < 1:
            msg = f"readout layer {k} has {rows} x {columns} cells: at least 1 x 1 are needed"
            raise CalorimeterError(msg)


def leaky(x: Tensor) -> Tensor:
    """LeakyReLU with the slope of the published code."""
    return functional.leaky_relu(x, _NEGATIVE_SLOPE)


class GeneratorStream(nn.Module):
    """One LAGAN-style stream: latent vector to the image of one readout layer.

    Dense to (rows + 2, columns + 2) positions of 36 channels, convolution to 16 channels, two
    locally connected layers to 6 channels and to 1; linear at the end (arXiv:1705.02355, figure 3).

    Cell energies span five orders of magnitude, and an optimiser's steps do not. `cell_scale`, one
    fixed number per cell, brings the weights of the last layer to one size: it is 1, as in the
    paper, or the mean energy of the cell in the training showers. It changes how the network
    learns, not what it is, and is multiplied into the last layer of an exported model.

    Nothing non-linear stands between the dense layer and the convolution. The convolution is
    applied to whatever is fewer: to the showers of the batch, behind the dense layer, or to the
    columns of the dense layer itself. In an exported model the two are one dense layer.

    Shapes:
        Input `(k, n)`, output `(rows, columns, 1, n)` before any activation.
    """

    def __init__(self, in_features: int, size: tuple[int, int]) -> None:
        super().__init__()
        rows, columns = size
        self.canvas = (rows + 2, columns + 2, 36)
        self.dense = nn.Linear(in_features, math.prod(self.canvas))
        nn.init.xavier_uniform_(self.dense.weight)
        nn.init.zeros_(self.dense.bias)
        self.conv = Convolution2d(36, 16, (rows + 2, columns + 2), (2, 2))
        self.norm = BatchLastNorm(16)
        # zero energy into zero: LeakyReLU(E x) has the mean 0.35 sigma for normal x and uniform E,
        # which the normalisation would turn into an offset that all showers share
        nn.init.constant_(self.norm.bias, 0.35)
        self.local = LocallyConnected2d(16, 6, (rows + 2, columns + 2), (2, 2))
        self.out = LocallyConnected2d(6, 1, (rows + 1, columns + 1), (2, 2), bias=False)
        nn.init.normal_(self.out.weight, std=math.sqrt(2.0 / (4 * 6 + 4)))  # Glorot normal
        self.cell_scale: Tensor
        self.register_buffer("cell_scale", torch.ones(rows, columns, 1, 1))

    def forward(self, h: Tensor) -> Tensor:
        """Return the image, shape `(rows, columns, 1, n)`."""
        if h.shape[1] < self.dense.in_features:
            canvas = torch.addmm(self.dense.bias[:, None], self.dense.weight, h)
            x = self.conv(canvas.unflatten(0, self.canvas))
        else:
            weight, bias = self.merged_dense()
            x = torch.addmm(bias.flatten(0, 2), weight.flatten(0, 2), h)
            x = x.unflatten(0, weight.shape[:3])
        x = self.norm(leaky(x))
        x = leaky(self.local(x))
        with full_precision(x.device):
            return cast(Tensor, self.out(raised(x))) * self.cell_scale

    def merged_dense(self) -> tuple[Tensor, Tensor]:
        """Weight and bias of dense layer and convolution in one, `(rows, columns, 16, ...)`."""
        weight = self.conv.linear(self.dense.weight.unflatten(0, self.canvas))
        bias = self.conv(self.dense.bias[:, None].unflatten(0, self.canvas))
        return weight, bias


class MergedStream(nn.Module):
    """A trained `GeneratorStream` with its linear parts multiplied out, for inference.

    Dense layer and convolution are one dense layer; batch normalisation is part of the locally
    connected layer behind it. Same shapes, same images, fewer numbers.
    """

    def __init__(self, stream: GeneratorStream) -> None:
        super().__init__()
        weight, bias = stream.merged_dense()
        self.size = weight.shape[:3]
        self.dense = nn.Parameter(weight.flatten(0, 2).contiguous())
        self.bias = nn.Parameter(bias.flatten(0, 2).contiguous())
        norm = stream.norm
        scale = norm.weight / torch.sqrt(cast(Tensor, norm.running_var) + norm.eps)
        shift = norm.bias - cast(Tensor, norm.running_mean) * scale
        self.local, self.out = copy.deepcopy(stream.local), copy.deepcopy(stream.out)
        windows = self.local.weight.unflatten(2, (-1, len(scale)))  # (positions, out, window, in)
        cast(Tensor, self.local.bias).add_((windows * shift).sum((2, 3))[..., None])
        self.local.weight.copy_((windows * scale).flatten(2))
        self.out.weight.mul_(stream.cell_scale.reshape(-1, 1, 1))

    def forward(self, h: Tensor) -> Tensor:
        """Return the image, shape `(rows, columns, 1, n)`."""
        x = leaky(self.dense @ h + self.bias).unflatten(0, self.size)
        return cast(Tensor, self.out(leaky(self.local(x))))
