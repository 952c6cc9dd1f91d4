"""Layers over batch-last images: locally connected, convolution, batch normalisation."""

from __future__ import annotations

import math
from typing import Any, cast

import torch
from torch import Tensor, nn

from calogan.networks.windows import Window, window_product

__all__ = ["BatchLastNorm", "Convolution2d", "LocallyConnected2d", "glorot_uniform"]


def glorot_uniform(weight: Tensor, fan_in_plus_out: int) -> None:
    """Fill `weight` uniformly in +-sqrt(6 / (fan in + fan out)) (Glorot and Bengio 2010)."""
    bound = math.sqrt(6.0 / fan_in_plus_out)
    nn.init.uniform_(weight, -bound, bound)


def _he_uniform(weight: Tensor, fan_in: int) -> None:
    bound = math.sqrt(6.0 / fan_in)
    nn.init.uniform_(weight, -bound, bound)


class LocallyConnected2d(nn.Module):
    """A convolution whose kernel is not shared between positions.

    Cells of a calorimeter differ by where they are: LAGAN (arXiv:1701.05927, section 4)
    introduced such layers for physics images. The weights of a position begin as those of a
    convolution would (He, uniform); Keras counts the positions into the fan, and begins with
    weights that are smaller by the square root of their number.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        in_size: Rows and columns of the input, padding excluded.
        kernel_size: Rows and columns of the kernel.
        stride: Step along the columns; along the rows it is 1.
        padding: Zeros added on each of the four sides.
        bias: Whether each output position and channel has a bias.

    Shapes:
        Input `(*in_size, in_channels, n)`, output `(*out_size, out_channels, n)`. Parameters:
        positions * out_channels * (kernel * in_channels + 1).

    Raises:
        CalorimeterError: The input is smaller than the kernel.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        in_size: tuple[int, int],
        kernel_size: tuple[int, int],
        *,
        stride: int = 1,
        padding: int = 0,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.window = Window(in_size, kernel_size, stride, (padding,) * 4)
        self.out_size, positions = self.window.out_size, self.window.positions
        fan_in = in_channels * math.prod(kernel_size)
        self.weight = nn.Parameter(torch.empty(positions, out_channels, fan_in))
        self.bias = nn.Parameter(torch.zeros(positions, out_channels, 1)) if bias else None
        _he_uniform(self.weight, fan_in)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer to `x` of shape `(*in_size, in_channels, n)`."""
        return window_product(x, self.weight, self.bias, self.window)


class Convolution2d(nn.Module):
    """An ordinary convolution that keeps the size, in the batch-last layout.

    Zeros are added at the far side of rows and columns, as Keras' "same" padding does for an
    even kernel. It is fast for few channels to many, as a locally connected layer with one kernel,
    and for many to few, where each element of the kernel is applied before anything is moved.

    Shapes:
        Input `(*size, in_channels, n)`, output `(*size, out_channels, n)`. Parameters:
        out_channels * (kernel * in_channels + 1).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        size: tuple[int, int],
        kernel_size: tuple[int, int],
    ) -> None:
        super().__init__()
        self.in_channels, self.out_channels, self.size = in_channels, out_channels, size
        rows, columns = kernel_size
        self.window = Window(size, kernel_size, padding=(0, rows - 1, 0, columns - 1))
        fan_in = in_channels * math.prod(kernel_size)
        self.weight = nn.Parameter(torch.empty(out_channels, fan_in))
        self.bias = nn.Parameter(torch.zeros(out_channels, 1))
        _he_uniform(self.weight, fan_in)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer to `x` of shape `(*size, in_channels, n)`."""
        if self.in_channels < self.out_channels:
            kernels = self.weight.expand(self.window.positions, -1, -1)
            bias = self.bias.expand(self.window.positions, -1, -1)
            return window_product(x, kernels, bias, self.window)
        return self.linear(x) + self.bias

    def linear(self, x: Tensor) -> Tensor:
        """Apply the layer without its bias."""
        # many channels to few: multiply first, once per element of the kernel, and shift then
        elements = self.weight.unflatten(1, (-1, self.in_channels)).transpose(0, 1)
        kernels = elements.flatten(0, 1).expand(self.window.positions, -1, -1)
        products = torch.bmm(kernels, x.flatten(0, 1))
        shape = (*self.size, *elements.shape[:2], x.shape[-1])
        return cast(Tensor, _ShiftedSum.apply(products.view(shape), self.window.kernel_size))  # type: ignore[no-untyped-call]


class _ShiftedSum(torch.autograd.Function):
    """Sum over the elements (i, j) of a kernel, each shifted up by i rows and left by j columns."""

    @staticmethod
    def forward(ctx: Any, products: Tensor, kernel_size: tuple[int, int]) -> Tensor:
        ctx.kernel_size = kernel_size
        rows, columns = products.shape[:2]
        out = products[:, :, 0].clone()
        for k in range(1, math.prod(kernel_size)):
            i, j = divmod(k, kernel_size[1])
            out[: rows - i, : columns - j] += products[i:, j:, k]
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        gradient = gradients[0]
        rows, columns = gradient.shape[:2]
        shape = (rows, columns, math.prod(ctx.kernel_size), *gradient.shape[2:])
        to_products = gradient.new_zeros(shape)
        for k in range(shape[2]):
            i, j = divmod(k, ctx.kernel_size[1])
            to_products[i:, j:, k] = gradient[: rows - i, : columns - j]
        return to_products, None


class BatchLastNorm(nn.BatchNorm1d):
    """Batch normalisation of the channels of a `(rows, columns, channels, n)` image.

    Epsilon and momentum are Keras' defaults, which the published code uses. Parameters:
    2 * channels, and as many running statistics.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-3, momentum=0.01)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise `x` over rows, columns and batch."""
        return cast(Tensor, super().forward(x.flatten(0, 1)).unflatten(0, x.shape[:2]))
