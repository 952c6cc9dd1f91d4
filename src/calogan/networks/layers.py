"""Building blocks of the CaloGAN networks that torch does not have.

Images are held batch last inside the networks, `(rows, columns, channels, n)`: each cell has a
kernel of its own, so a layer is one matrix product per cell with the batch as the long, contiguous
side, and nothing has to be transposed on the way. On two CPU cores a training step takes about
half the time of the same layers in torch's batch-first layout.
"""

from __future__ import annotations

import math
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = [
    "BatchLastNorm",
    "Convolution2d",
    "InpaintingAttention",
    "LocallyConnected2d",
    "MinibatchDiscrimination",
    "hit_share",
    "rectify",
    "resize_matrix",
]


class Patches:
    """The patches of an image under a sliding window.

    Args:
        in_size: Rows and columns of the image, padding excluded.
        kernel_size: Rows and columns of the window.
        stride: Steps of the window.
        padding: Zeros added before and after the rows, before and after the columns.
    """

    def __init__(
        self,
        in_size: tuple[int, int],
        kernel_size: tuple[int, int],
        stride: tuple[int, int] = (1, 1),
        padding: tuple[int, int, int, int] = (0, 0, 0, 0),
    ) -> None:
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.rows = (in_size[0] + padding[0] + padding[1] - kernel_size[0]) // stride[0] + 1
        self.columns = (in_size[1] + padding[2] + padding[3] - kernel_size[1]) // stride[1] + 1

    def windows(self, image: Tensor) -> list[Tensor]:
        """One view of `image` per element of the window, each `(rows, columns, channels, n)`."""
        (step_r, step_c), (rows, columns) = self.stride, (self.rows, self.columns)
        return [
            image[i : i + step_r * rows : step_r, j : j + step_c * columns : step_c]
            for i in range(self.kernel_size[0])
            for j in range(self.kernel_size[1])
        ]

    def __call__(self, image: Tensor) -> Tensor:
        """Patches of `image`, `(rows * columns, window * channels, n)`."""
        top, bottom, left, right = self.padding
        if any(self.padding):
            image = functional.pad(image, (0, 0, 0, 0, left, right, top, bottom))
        if image.requires_grad:
            patches = cast(Tensor, _Gather.apply(image, self))  # type: ignore[no-untyped-call]
        else:
            patches = torch.stack(self.windows(image), dim=2)
        return patches.flatten(2, 3).flatten(0, 1)


class _Gather(torch.autograd.Function):
    """`torch.stack` of the windows, with a backward that adds in place, not via full images."""

    @staticmethod
    def forward(ctx: Any, image: Tensor, patches: Patches) -> Tensor:
        ctx.patches, ctx.shape = patches, image.shape
        return torch.stack(patches.windows(image), dim=2)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        gradient = gradients[0].new_zeros(ctx.shape)
        for k, window in enumerate(ctx.patches.windows(gradient)):
            window.add_(gradients[0][:, :, k])
        return gradient, None


class LocallyConnected2d(nn.Module):
    """A convolution whose kernel is not shared between positions.

    Cells of a calorimeter differ by where they are: LAGAN (arXiv:1701.05927, section 4)
    introduced such layers for physics images.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        in_size: Rows and columns of the input, padding excluded.
        kernel_size: Rows and columns of the kernel.
        stride: Steps along rows and columns.
        padding: Zeros added on each of the four sides.
        bias: Whether each output position and channel has a bias.

    Shapes:
        Input `(*in_size, in_channels, n)`, output `(*out_size, out_channels, n)`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        in_size: tuple[int, int],
        kernel_size: tuple[int, int],
        *,
        stride: tuple[int, int] = (1, 1),
        padding: int = 0,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.patches = Patches(in_size, kernel_size, stride, (padding,) * 4)
        self.out_size = (self.patches.rows, self.patches.columns)
        positions = self.out_size[0] * self.out_size[1]
        fan_in = in_channels * kernel_size[0] * kernel_size[1]
        self.weight = nn.Parameter(torch.empty(positions, out_channels, fan_in))
        self.bias = nn.Parameter(torch.zeros(positions, out_channels, 1)) if bias else None
        nn.init.uniform_(self.weight, -math.sqrt(6.0 / fan_in), math.sqrt(6.0 / fan_in))

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer to `x` of shape `(*in_size, in_channels, n)`."""
        patches = self.patches(x)
        if self.bias is None:
            out = torch.bmm(self.weight, patches)
        else:
            out = torch.baddbmm(self.bias, self.weight, patches)
        return cast(Tensor, out.unflatten(0, self.out_size))


class Convolution2d(nn.Module):
    """An ordinary convolution that keeps the size, in the batch-last layout.

    Zeros are added at the far side of rows and columns, as Keras' "same" padding does for an
    even kernel.

    Shapes:
        Input `(*size, in_channels, n)`, output `(*size, out_channels, n)`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        size: tuple[int, int],
        kernel_size: tuple[int, int],
    ) -> None:
        super().__init__()
        self.size = size
        self.patches = Patches(
            size, kernel_size, padding=(0, kernel_size[0] - 1, 0, kernel_size[1] - 1)
        )
        fan_in = in_channels * kernel_size[0] * kernel_size[1]
        self.weight = nn.Parameter(torch.empty(out_channels, fan_in))
        self.bias = nn.Parameter(torch.zeros(out_channels, 1))
        nn.init.uniform_(self.weight, -math.sqrt(6.0 / fan_in), math.sqrt(6.0 / fan_in))

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer to `x` of shape `(*size, in_channels, n)`."""
        return self.linear(x) + self.bias

    def linear(self, x: Tensor) -> Tensor:
        """Apply the layer without its bias."""
        return cast(Tensor, (self.weight @ self.patches(x)).unflatten(0, self.size))


class BatchLastNorm(nn.BatchNorm1d):
    """Batch normalisation of the channels of a `(rows, columns, channels, n)` image.

    Epsilon and momentum are Keras' defaults, which the published code uses.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-3, momentum=0.01)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise `x` over rows, columns and batch."""
        return cast(Tensor, super().forward(x.flatten(0, 1)).unflatten(0, x.shape[:2]))


class _Rectify(torch.autograd.Function):
    """ReLU with a way back for cells that are off in a whole batch."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return functional.relu(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        dead = (x <= 0).all(dim=-1, keepdim=True)
        return torch.where((x > 0) | dead, gradients[0], 0.0)


def rectify(x: Tensor) -> Tensor:
    """ReLU over a batch-last image, in which no cell dies for good.

    A cell that is off in all showers of a batch gets no gradient from a plain ReLU, and stays off
    for ever. Here such a cell, and no other, gets the gradient that it would have if it were on.
    """
    if not x.requires_grad:
        return functional.relu(x)
    return cast(Tensor, _Rectify.apply(x))  # type: ignore[no-untyped-call]


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


class MinibatchDiscrimination(nn.Module):
    """How close each example is to the others of its batch, in a learnt projection.

    `features` projections to `dimensions` numbers; per projection the sum over the batch of
    exp(-L1 distance), passed through tanh (Salimans et al., arXiv:1606.03498, section 3.2; the
    tanh is CaloGAN's).

    Shapes:
        Input `(n, in_features)`, output `(n, features)`.
    """

    def __init__(self, in_features: int, features: int = 10, dimensions: int = 10) -> None:
        super().__init__()
        self.features = features
        self.projection = nn.Linear(in_features, features * dimensions)
        # each of the `features` kernels is a dense layer of its own: Glorot with its own fan
        bound = math.sqrt(6.0 / (in_features + dimensions))
        nn.init.uniform_(self.projection.weight, -bound, bound)
        nn.init.zeros_(self.projection.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return the closeness features of `x`, shape `(n, in_features)`."""
        kernel = self.projection(x).unflatten(1, (self.features, -1)).transpose(0, 1).contiguous()
        closeness = torch.exp(-torch.cdist(kernel, kernel, p=1.0)).sum(2)  # (features, n)
        return torch.tanh(closeness.transpose(0, 1))


class InpaintingAttention(nn.Module):
    """Blend a layer's own image with the one carried over from the layer before it.

    Per cell, a softmax over two locally connected channels weighs the two images. The bias of
    the carried-over channel starts at -10, so that training begins with none of it
    (arXiv:1705.02355 and the published code).

    Shapes:
        Both inputs and the output `(*size, 1, n)`.
    """

    def __init__(self, size: tuple[int, int], initial_bias: float = -10.0) -> None:
        super().__init__()
        self.weigh = LocallyConnected2d(2, 2, size, (3, 3), padding=1)
        bound = math.sqrt(6.0 / (9 * 2 + 9 * 2))  # Glorot uniform
        nn.init.uniform_(self.weigh.weight, -bound, bound)
        with torch.no_grad():
            cast(nn.Parameter, self.weigh.bias)[:, 1] = initial_bias

    def forward(self, primary: Tensor, carried: Tensor) -> Tensor:
        """Return the weighted sum of `primary` and `carried`."""
        both = torch.cat([primary, carried], dim=2)
        weights = torch.softmax(self.weigh(both), dim=2)
        return (both * weights).sum(2, keepdim=True)


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
