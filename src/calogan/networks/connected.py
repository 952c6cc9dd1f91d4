"""Layers over batch-last images: locally connected, convolution, batch normalisation."""

from __future__ import annotations

import math
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from calogan.networks.windows import Window, window_product

__all__ = [
    "BatchLastNorm",
    "Convolution2d",
    "DoubledLocallyConnected2d",
    "LocallyConnected2d",
    "doubled",
    "glorot_uniform",
]


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
        stride: Step along the columns.
        row_stride: Step along the rows.
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
        row_stride: int = 1,
        padding: int = 0,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.window = Window(in_size, kernel_size, stride, (padding,) * 4, row_stride)
        self.out_size, positions = self.window.out_size, self.window.positions
        fan_in = in_channels * math.prod(kernel_size)
        self.weight = nn.Parameter(torch.empty(positions, out_channels, fan_in))
        self.bias = nn.Parameter(torch.zeros(positions, out_channels, 1)) if bias else None
        _he_uniform(self.weight, fan_in)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer to `x` of shape `(*in_size, in_channels, n)`."""
        return window_product(x, self.weight, self.bias, self.window)


class DoubledLocallyConnected2d(nn.Module):
    """A locally connected layer over an image that is doubled first: each pixel becomes 2 x 2.

    It has the weights of a layer over the doubled image. Pixels that came from the same one are
    equal, so their weights are added before the image is multiplied: a kernel of 5 x 5 meets 3 x 3
    different pixels. Four neighbours of the output meet the same pixels, and are computed together.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        in_size: Rows and columns of the input, before it is doubled.
        kernel_size: Rows, and columns, of the kernel on the doubled image; odd.
        padding: Zeros added on each of the four sides of the doubled image; even.

    Shapes:
        Input `(*in_size, in_channels, n)`, output `(*out_size, out_channels, n)`, where `out_size`
        is `2 * in_size + 2 * padding - kernel_size + 1`. Parameters:
        positions * out_channels * (kernel_size^2 * in_channels + 1).
    """

    taps: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        in_size: tuple[int, int],
        kernel_size: int,
        *,
        padding: int = 0,
    ) -> None:
        super().__init__()
        self.out_channels = out_channels
        # tap i of the output row 2 a + s meets the row a + (s - padding + i) // 2 of the image
        meets = (torch.arange(2)[:, None] - padding + torch.arange(kernel_size)).div(
            2, rounding_mode="floor"
        )
        first, width = int(meets.min()), int(meets.max() - meets.min()) + 1
        taps = functional.one_hot(meets - first, width).transpose(1, 2).float()
        pairs = torch.einsum("sui,tvj->stuvij", taps, taps)
        pairs = pairs.reshape(4, width**2, kernel_size**2)
        self.register_buffer("taps", pairs, persistent=False)
        after = padding - kernel_size // 2 + width - 1 + first  # zeros behind the last row
        self.window = Window(in_size, (width, width), padding=(-first, after, -first, after))
        self.out_size = (2 * self.window.out_size[0], 2 * self.window.out_size[1])
        positions, fan_in = self.window.positions, kernel_size**2 * in_channels
        self.weight = nn.Parameter(
            torch.empty(positions, 4, out_channels, kernel_size**2, in_channels)
        )
        self.bias = nn.Parameter(torch.zeros(positions, 4 * out_channels, 1))
        _he_uniform(self.weight, fan_in)

    def kernel(self) -> Tensor:
        """Weights that meet the same pixel added up, as `window_product` takes them."""
        # as a product of matrices, which is faster than sums over slices
        added = torch.matmul(self.taps[:, None], self.weight)
        return added.flatten(3, 4).flatten(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer to `x` of shape `(*in_size, in_channels, n)`."""
        return doubled(window_product(x, self.kernel(), self.bias, self.window), self.out_channels)


def doubled(quarters: Tensor, channels: int) -> Tensor:
    """Put four neighbours of an image to their places.

    Args:
        quarters: Shape `(rows, columns, 4 * channels, n)`: upper left, upper right, lower left and
            lower right pixel.
        channels: Channels of the image.

    Returns:
        Shape `(2 * rows, 2 * columns, channels, n)`.
    """
    parts = quarters.unflatten(2, (2, 2, channels)).permute(0, 2, 1, 3, 4, 5)
    return cast(Tensor, parts.flatten(2, 3).flatten(0, 1))


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
