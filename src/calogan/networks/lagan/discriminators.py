"""Discriminators: jet image to real or generated, and to W or QCD (arXiv:1701.05927, section 4).

All end alike, as in the published code: minibatch discrimination with 20 features of 10 numbers
(without the tanh of CaloGAN) beside the features themselves, and one linear layer to each of the
two answers. Dropout of 0.2 follows every hidden layer, after LeakyReLU and batch normalisation;
the first layer has no batch normalisation.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from calogan.networks.connected import BatchLastNorm, LocallyConnected2d, glorot_uniform
from calogan.networks.lagan.generators import Model
from calogan.networks.lagan.layers import (
    PIXEL_SCALE_GEV,
    PIXELS,
    Dropout,
    FirstConvolution,
    Leaky,
    channel_norm,
    linear,
)
from calogan.networks.minibatch import MinibatchDiscrimination

__all__ = ["Answers", "JetDiscriminator", "make_discriminator"]

_CLOSENESS = (20, 10)  # features of minibatch discrimination, and numbers of each


class Answers(NamedTuple):
    """What a discriminator says of each image, as logits of shape `(n,)`."""

    real: Tensor
    """Real (above 0) or generated."""
    signal: Tensor
    """W (above 0) or QCD."""


class JetDiscriminator(nn.Module):
    """Image to real or generated, and W or QCD.

    Args:
        streams: Networks from `(25, 25, n)`, in units of 100 GeV, to features `(n, out_features)`.

    Shapes:
        Input `(n, 25, 25)` [GeV].
    """

    def __init__(self, streams: list[nn.Module]) -> None:
        super().__init__()
        self.streams = nn.ModuleList(streams)
        n = sum(cast(int, stream.out_features) for stream in streams)
        self.closeness = MinibatchDiscrimination(n, *_CLOSENESS, bounded=False)
        self.real = linear(n + _CLOSENESS[0], 1)
        self.signal = linear(n + _CLOSENESS[0], 1)

    def forward(self, image: Tensor) -> Answers:
        """Judge images."""
        pixels = image.permute(1, 2, 0) / PIXEL_SCALE_GEV
        features = torch.cat([stream(pixels).float() for stream in self.streams], dim=1)
        features = torch.cat([self.closeness(features), features], dim=1)
        return Answers(self.real(features)[:, 0].float(), self.signal(features)[:, 0].float())


class LocalFeatures(nn.Module):
    """LAGAN: convolution to 32 channels, three locally connected layers of 8, mean over 2 x 2.

    Kernels are 5 x 5, 5 x 5, 5 x 5 and 3 x 3; the second and the last step by two pixels: 25, 13,
    13, 7, 3 pixels.
    """

    out_features = 8 * 3 * 3

    def __init__(self) -> None:
        super().__init__()
        self.conv = FirstConvolution(32, 5)
        self.locals, self.norms = nn.ModuleList(), nn.ModuleList()
        channels, size = 32, (PIXELS, PIXELS)
        for kernel, step in ((5, 2), (5, 1), (3, 2)):
            local = LocallyConnected2d(
                channels,
                8,
                size,
                (kernel, kernel),
                stride=step,
                row_stride=step,
                padding=kernel // 2,
            )
            glorot_uniform(local.weight, kernel**2 * (channels + 8))
            self.locals.append(local)
            self.norms.append(BatchLastNorm(8))
            channels, size = 8, local.out_size
        self.leaky, self.dropout = Leaky(), Dropout()

    def forward(self, pixels: Tensor) -> Tensor:
        """Features of images."""
        x = self.dropout(self.leaky(self.conv(pixels)))
        for local, norm in zip(self.locals, self.norms, strict=True):
            x = self.dropout(norm(self.leaky(local(x))))
        pooled = functional.avg_pool2d(x.permute(3, 2, 0, 1), 2)
        return pooled.flatten(1)


class ConvolutionalFeatures(nn.Module):
    """DCGAN: convolutions to 32, 64, 128 and 256 channels, mean over 2 x 2.

    Kernels are 5 x 5, 5 x 5, 5 x 5 and 3 x 3, the last without a margin of zeros; the second and
    the last step by two pixels: 25, 13, 13, 6, 3 pixels.
    """

    out_features = 256 * 3 * 3

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(1, 32, 5, padding=2), Leaky(), Dropout()]
        for before, after, kernel, step, margin in (
            (32, 64, 5, 2, 2),
            (64, 128, 5, 1, 2),
            (128, 256, 3, 2, 0),
        ):
            conv = nn.Conv2d(before, after, kernel, stride=step, padding=margin)
            layers += [conv, Leaky(), channel_norm(after), Dropout()]
        for layer in layers:
            if isinstance(layer, nn.Conv2d):
                elements = layer.kernel_size[0] * layer.kernel_size[1]
                glorot_uniform(layer.weight, elements * (layer.in_channels + layer.out_channels))
                nn.init.zeros_(cast(Tensor, layer.bias))
        self.layers = nn.Sequential(*layers, nn.AvgPool2d(2))

    def forward(self, pixels: Tensor) -> Tensor:
        """Features of images."""
        images = pixels.permute(2, 0, 1)[:, None].contiguous(memory_format=torch.channels_last)
        return cast(Tensor, self.layers(images).flatten(1))


class ConnectedFeatures(nn.Module):
    """FCGAN: dense layers of 1024, 512 and 128."""

    out_features = 128

    def __init__(self) -> None:
        super().__init__()
        widths = (PIXELS**2, 1024, 512, self.out_features)
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [linear(before, after), Leaky(), Dropout()]
        self.layers = nn.Sequential(*layers)

    def forward(self, pixels: Tensor) -> Tensor:
        """Features of images."""
        return cast(Tensor, self.layers(pixels.flatten(0, 1).T))


_STREAMS: dict[Model, tuple[type[nn.Module], ...]] = {
    "lagan": (LocalFeatures,),
    "dcgan": (ConvolutionalFeatures,),
    "fcgan": (ConnectedFeatures,),
    "hybrid": (ConnectedFeatures, ConvolutionalFeatures),
}


def make_discriminator(model: Model) -> JetDiscriminator:
    """Make the discriminator of a network of the paper.

    That of HYBRIDGAN looks at the features of FCGAN's and DCGAN's together.
    """
    return JetDiscriminator([stream() for stream in _STREAMS[model]])
