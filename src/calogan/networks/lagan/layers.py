"""What generators and discriminators of jet images share: sizes, small layers, first values."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from calogan.networks.connected import glorot_uniform
from calogan.networks.windows import Window, window_product

__all__ = [
    "PIXELS",
    "PIXEL_SCALE_GEV",
    "Dropout",
    "FirstConvolution",
    "Leaky",
    "channel_norm",
    "he_convolution",
    "linear",
]

PIXELS = 25
"""Pixels along each axis of an image."""

PIXEL_SCALE_GEV = 100.0
"""Inside the networks energies are in this unit (published code)."""

_DROPPED = 51  # of 256: the published 0.2, as far as a byte can say it


class Leaky(nn.LeakyReLU):
    """LeakyReLU with the slope of the published code, Keras' default."""

    def __init__(self) -> None:
        super().__init__(0.3)


class Dropout(nn.Module):
    """Dropout of 51 in 256 values, the published 0.2, with one random byte for each.

    PyTorch draws a number of 64 bits for each value: with images of 32 channels that takes as long
    as the convolution before them.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Set values to 0 and scale up the others, in training; nothing otherwise."""
        if not self.training:
            return x
        words = torch.empty(-(-x.numel() // 8), dtype=torch.int64, device=x.device)
        # random_() alone leaves out the sign
        words.random_(-(2**63), None)
        kept = words.view(torch.uint8)[: x.numel()].view(x.shape) >= _DROPPED
        return x * kept.to(x.dtype).mul_(256 / (256 - _DROPPED))


class FirstConvolution(nn.Module):
    """Convolution of one channel to many, with zeros around that keep the size; batch last.

    All elements of the kernel are multiplied at once: they are few, and the output is large.

    Args:
        channels: Channels of the output.
        kernel_size: Rows, and columns, of the kernel; odd.

    Shapes:
        Input `(25, 25, n)`, output `(25, 25, channels, n)`.
    """

    def __init__(self, channels: int, kernel_size: int) -> None:
        super().__init__()
        self.margin = kernel_size // 2
        self.window = Window(
            (PIXELS, PIXELS), (1, kernel_size), padding=(0, 0, self.margin, self.margin)
        )
        # the element (i, j) of the kernel is at kernel_size * j + i
        self.weight = nn.Parameter(torch.empty(channels, kernel_size**2))
        self.bias = nn.Parameter(torch.zeros(channels, 1))
        glorot_uniform(self.weight, kernel_size**2 * (1 + channels))

    def forward(self, image: Tensor) -> Tensor:
        """Apply the layer to `image`."""
        padded = functional.pad(image, (0, 0, 0, 0, self.margin, self.margin))
        shifted = [padded[i : i + PIXELS] for i in range(2 * self.margin + 1)]
        kernels = self.weight.expand(self.window.positions, -1, -1)
        bias = self.bias.expand(self.window.positions, -1, -1)
        return window_product(torch.stack(shifted, dim=2), kernels, bias, self.window)


def linear(in_features: int, out_features: int) -> nn.Linear:
    """A dense layer with Keras' first values: Glorot, no bias."""
    layer = nn.Linear(in_features, out_features)
    glorot_uniform(layer.weight, in_features + out_features)
    nn.init.zeros_(layer.bias)
    return layer


def he_convolution(layer: nn.Conv2d | nn.ConvTranspose2d) -> nn.Conv2d | nn.ConvTranspose2d:
    """Give a convolution the first values of the published generators: He, uniform, no bias."""
    fan_in = layer.in_channels * layer.kernel_size[0] * layer.kernel_size[1]
    bound = (6.0 / fan_in) ** 0.5
    nn.init.uniform_(layer.weight, -bound, bound)
    nn.init.zeros_(cast(Tensor, layer.bias))
    return layer


def channel_norm(channels: int) -> nn.BatchNorm2d:
    """Batch normalisation of images of shape `(n, channels, rows, columns)`.

    Epsilon and momentum are Keras' defaults, which the published code uses.
    """
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)
