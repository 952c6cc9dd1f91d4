"""Generators: noise and class to jet images (arXiv:1701.05927, section 4, and the published code).

All begin alike: the noise is multiplied, number by number, with a learnt vector of its class. All
end in a ReLU, which makes pixels exactly zero. Here a pixel that is off in a whole batch gets the
gradient that would turn it on (`rectify`): in the published code it can stay off for ever. With all
of its gradient, as CaloGAN has it here, FCGAN diverges. DCGAN has the plain ReLU: its kernels serve
all pixels, so that none dies for good, and what would turn on hundreds of empty ones upsets them.
"""

from __future__ import annotations

import copy
import math
from itertools import pairwise
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from calogan.networks.connected import (
    BatchLastNorm,
    DoubledLocallyConnected2d,
    LocallyConnected2d,
    doubled,
)
from calogan.networks.lagan.layers import (
    PIXEL_SCALE_GEV,
    PIXELS,
    Leaky,
    channel_norm,
    he_convolution,
    linear,
)
from calogan.networks.sparsity import rectify
from calogan.networks.windows import Window, window_product

__all__ = ["JetImageGenerator", "Model", "make_generator"]

Model = Literal["lagan", "dcgan", "fcgan", "hybrid"]
"""The networks of the paper."""

_SMALL = 7  # rows and columns of the first image of convolutional generators
_CHANNELS = 128  # and its channels


class JetImageGenerator(nn.Module):
    """Noise and class to images.

    Args:
        streams: Networks from `(n, latent)` to pixels before the ReLU, `(25, 25, n)` in units of
            100 GeV. The image is the mean of what they give.
        latent_size: Length of the noise.
        way_back: A pixel that is off in a whole batch gets the gradient that would turn it on.

    Shapes:
        Noise `(n, latent)`, signal `(n,)` with 1 for W and 0 for QCD (int64); output `(n, 25, 25)`
        [GeV].
    """

    def __init__(
        self, streams: list[nn.Module], latent_size: int, *, way_back: bool = True
    ) -> None:
        super().__init__()
        self.latent_size, self.way_back = latent_size, way_back
        self.classes = nn.Embedding(2, latent_size)
        nn.init.normal_(self.classes.weight, std=math.sqrt(2 / (2 + latent_size)))  # Glorot
        self.streams = nn.ModuleList(streams)

    def forward(self, noise: Tensor, signal: Tensor) -> Tensor:
        """Make one image for each row of `noise`."""
        hidden = noise * self.classes(signal)
        images = [self._rectify(stream(hidden).float()) for stream in self.streams]
        pixels = images[0] if len(images) == 1 else torch.stack(images).mean(0)
        return PIXEL_SCALE_GEV * pixels.permute(2, 0, 1)

    def _rectify(self, x: Tensor) -> Tensor:
        return rectify(x, upwards=True) if self.way_back else functional.relu(x)

    def merged(self) -> JetImageGenerator:
        """The same function with fewer weights, for export: in evaluation mode, without gradients.

        Layers that follow one another without anything non-linear between them become one.
        """
        network = copy.deepcopy(self).eval().requires_grad_(False)
        for k, stream in enumerate(network.streams):
            if isinstance(stream, LocalStream):
                network.streams[k] = MergedLocalStream(stream)
        return network


class LocalStream(nn.Module):
    """LAGAN: dense to 7 x 7 x 128, convolution to 64, locally connected to 6, 6 and 1 channels.

    Kernels are 5 x 5, 5 x 5, 3 x 3 and 2 x 2; the image is doubled before the second and the
    third: 7, 14, 28, 26, 25 pixels.
    """

    def __init__(self, latent_size: int) -> None:
        super().__init__()
        self.dense = linear(latent_size, _CHANNELS * _SMALL**2)
        self.conv = he_convolution(nn.Conv2d(_CHANNELS, 64, 5, padding=2))
        self.norm_7 = BatchLastNorm(64)
        self.local_14 = DoubledLocallyConnected2d(64, 6, (_SMALL, _SMALL), 5, padding=2)
        self.norm_14 = BatchLastNorm(6)
        self.local_26 = DoubledLocallyConnected2d(6, 6, self.local_14.out_size, 3)
        self.local_25 = LocallyConnected2d(6, 1, self.local_26.out_size, (2, 2), bias=False)
        nn.init.normal_(self.local_25.weight, std=math.sqrt(2 / (4 * (6 + 1))))  # Glorot
        self.leaky = Leaky()

    def first(self, hidden: Tensor) -> Tensor:
        """The first two layers, nothing non-linear between them: `(n, 64, 7, 7)`."""
        image = self.dense(hidden).unflatten(1, (_CHANNELS, _SMALL, _SMALL))
        return cast(Tensor, self.conv(image))

    def forward(self, hidden: Tensor) -> Tensor:
        """Pixels before the ReLU."""
        x = self.norm_7(self.leaky(self.first(hidden).permute(2, 3, 1, 0)))
        x = self.norm_14(self.leaky(self.local_14(x)))
        return cast(Tensor, self.local_25(self.leaky(self.local_26(x)))[:, :, 0])


class MergedLocalStream(nn.Module):
    """`LocalStream` with dense layer and convolution as one dense layer, and kernels added up."""

    def __init__(self, stream: LocalStream) -> None:
        super().__init__()
        latent_size = stream.dense.in_features
        columns = stream.first(torch.cat([torch.zeros(1, latent_size), torch.eye(latent_size)]))
        columns = columns.permute(2, 3, 1, 0).contiguous()
        self.bias = nn.Parameter(columns[..., :1], requires_grad=False)
        weight = (columns[..., 1:] - columns[..., :1]).flatten(0, 2)
        self.weight = nn.Parameter(weight.contiguous(), requires_grad=False)
        self.norms = nn.ModuleList([stream.norm_7, stream.norm_14])
        self.locals = nn.ModuleList(
            [_Summed(stream.local_14), _Summed(stream.local_26), stream.local_25]
        )
        self.leaky = stream.leaky

    def forward(self, hidden: Tensor) -> Tensor:
        """Pixels before the ReLU."""
        x = (self.weight @ hidden.T).unflatten(0, (_SMALL, _SMALL, -1)) + self.bias
        x = self.locals[0](self.norms[0](self.leaky(x)))
        x = self.locals[1](self.norms[1](self.leaky(x)))
        return cast(Tensor, self.locals[2](self.leaky(x))[:, :, 0])


class _Summed(nn.Module):
    """`DoubledLocallyConnected2d` with its kernel added up once and for all."""

    window: Window

    def __init__(self, layer: DoubledLocallyConnected2d) -> None:
        super().__init__()
        self.kernel = nn.Parameter(layer.kernel(), requires_grad=False)
        self.bias, self.window, self.out_channels = layer.bias, layer.window, layer.out_channels

    def forward(self, x: Tensor) -> Tensor:
        return doubled(window_product(x, self.kernel, self.bias, self.window), self.out_channels)


class ConvolutionalStream(nn.Module):
    """DCGAN: dense to 7 x 7 x 128, two transposed convolutions, two convolutions.

    5 x 5 kernels to 64 and 32 channels, doubling the size; then 3 x 3 to 8 and 2 x 2 to 1: 7, 14,
    28, 26, 25 pixels.
    """

    def __init__(self, latent_size: int) -> None:
        super().__init__()
        self.dense = linear(latent_size, _CHANNELS * _SMALL**2)
        self.layers = nn.Sequential(
            _doubling(_CHANNELS, 64),
            Leaky(),
            channel_norm(64),
            _doubling(64, 32),
            Leaky(),
            channel_norm(32),
            he_convolution(nn.Conv2d(32, 8, 3)),
            Leaky(),
            he_convolution(nn.Conv2d(8, 1, 2)),
        )

    def forward(self, hidden: Tensor) -> Tensor:
        """Pixels before the ReLU."""
        x = self.dense(hidden).unflatten(1, (_CHANNELS, _SMALL, _SMALL))
        return cast(Tensor, self.layers(x)[:, 0].permute(1, 2, 0))


def _doubling(before: int, after: int) -> nn.Module:
    """Transposed convolution that doubles the size."""
    return he_convolution(
        nn.ConvTranspose2d(before, after, 5, stride=2, padding=2, output_padding=1)
    )


class ConnectedStream(nn.Module):
    """FCGAN: dense layers of 256, 512, 625 and 625."""

    def __init__(self, latent_size: int) -> None:
        super().__init__()
        widths = (latent_size, 256, 512, PIXELS**2)
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [linear(before, after), Leaky()]
        self.layers = nn.Sequential(*layers, linear(PIXELS**2, PIXELS**2))

    def forward(self, hidden: Tensor) -> Tensor:
        """Pixels before the ReLU."""
        return cast(Tensor, self.layers(hidden).T.unflatten(0, (PIXELS, PIXELS)))


_STREAMS: dict[Model, tuple[type[nn.Module], ...]] = {
    "lagan": (LocalStream,),
    "dcgan": (ConvolutionalStream,),
    "fcgan": (ConnectedStream,),
    "hybrid": (ConnectedStream, ConvolutionalStream),
}


def make_generator(model: Model, latent_size: int = 200) -> JetImageGenerator:
    """Make a generator of the paper.

    HYBRIDGAN is the mean of an FCGAN and a DCGAN, each with a ReLU of its own.

    Args:
        model: Which.
        latent_size: Length of the noise; 200 in the paper.
    """
    streams = [stream(latent_size) for stream in _STREAMS[model]]
    return JetImageGenerator(streams, latent_size, way_back=model != "dcgan")
