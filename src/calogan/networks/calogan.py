"""The CaloGAN of arXiv:1705.02355: generator and discriminator for one particle type.

Both work for any number of readout layers of any size. Energies are in GeV throughout, as in the
published training code, whose initialisations and defaults (Keras') are kept.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from calogan.networks.layers import (
    BatchLastNorm,
    Convolution2d,
    InpaintingAttention,
    LocallyConnected2d,
    MinibatchDiscrimination,
    hit_share,
    rectify,
    resize_matrix,
)

__all__ = ["CaloganDiscriminator", "CaloganGenerator"]

NEGATIVE_SLOPE = 0.3  # Keras' default LeakyReLU
ENERGY_UNIT_GEV = 100.0  # the requested energy enters the generator in units of this


def _glorot_uniform(weight: Tensor, fan_in_plus_out: int) -> None:
    bound = math.sqrt(6.0 / fan_in_plus_out)
    nn.init.uniform_(weight, -bound, bound)


def _leaky(x: Tensor) -> Tensor:
    return functional.leaky_relu(x, NEGATIVE_SLOPE)


class GeneratorStream(nn.Module):
    """One LAGAN-style stream: latent vector to the image of one readout layer.

    Dense to (rows + 2, columns + 2) positions of 36 channels, convolution to 16 channels, two
    locally connected layers to 6 channels and to 1; linear at the end (arXiv:1705.02355, figure 3).

    Cell energies span five orders of magnitude, and an optimiser's steps do not. `cell_scale`, one
    fixed number per cell, brings the weights of the last layer to one size: it is 1, as in the
    paper, or the mean energy of the cell in the training showers. It changes how the network
    learns, not what it is, and is multiplied into the last layer of an exported model.

    Nothing non-linear stands between the dense layer and the convolution, so the convolution is
    applied to the weights of the dense layer, once per batch instead of once per shower; in an
    exported model the two are one dense layer.

    Shapes:
        Input `(latent, n)`, output `(rows, columns, 1, n)` before any activation.
    """

    def __init__(self, latent_size: int, size: tuple[int, int]) -> None:
        super().__init__()
        rows, columns = size
        self.canvas = (rows + 2, columns + 2, 36)
        self.dense = nn.Linear(latent_size, math.prod(self.canvas))
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
        columns = torch.cat([self.dense.weight, self.dense.bias[:, None]], dim=1)
        merged = self.conv.linear(
            columns.unflatten(0, self.canvas)
        )  # (rows, columns, 16, latent+1)
        size, flat = merged.shape[:3], merged.flatten(0, 2)
        x = (flat[:, :-1] @ h + flat[:, -1:]).unflatten(0, size) + self.conv.bias
        x = self.norm(_leaky(x))
        x = _leaky(self.local(x))
        return cast(Tensor, self.out(x)) * self.cell_scale


class MergedStream(nn.Module):
    """A trained `GeneratorStream` with its linear parts multiplied out, for inference.

    Dense layer and convolution are one dense layer; batch normalisation is part of the locally
    connected layer behind it. Same shapes, same images, fewer numbers.
    """

    def __init__(self, stream: GeneratorStream) -> None:
        super().__init__()
        columns = torch.cat([stream.dense.weight, stream.dense.bias[:, None]], dim=1)
        merged = stream.conv.linear(columns.unflatten(0, stream.canvas))
        merged[..., -1:] += stream.conv.bias
        self.size = merged.shape[:3]
        self.dense = nn.Parameter(merged.flatten(0, 2)[:, :-1].contiguous())
        self.bias = nn.Parameter(merged.flatten(0, 2)[:, -1:].contiguous())
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
        x = _leaky(self.dense @ h + self.bias).unflatten(0, self.size)
        return cast(Tensor, self.out(_leaky(self.local(x))))


class CaloganGenerator(nn.Module):
    """Generator: noise and requested energy to one image per readout layer.

    The latent vector is multiplied by the requested energy / 100 GeV; parallel streams make the
    images; attention lets each layer see the one in front of it; a ReLU makes zeros exact.

    Args:
        layer_shapes: Cells along eta and phi of each readout layer.
        latent_size: Length of the noise vector (1024 in the paper).
        attention: Whether layers are linked by in-painting attention.

    Shapes:
        Noise `(n, latent_size)`, energy `(n, 1)` [GeV]; one `(n, eta, phi)` [GeV] per layer.
    """

    def __init__(
        self,
        layer_shapes: Sequence[tuple[int, int]],
        latent_size: int = 1024,
        *,
        attention: bool = True,
    ) -> None:
        super().__init__()
        self.latent_size = latent_size
        self.streams = nn.ModuleList(GeneratorStream(latent_size, s) for s in layer_shapes)
        self.attentions = nn.ModuleList()
        for k, (before, after) in enumerate(pairwise(layer_shapes) if attention else ()):
            self.attentions.append(InpaintingAttention(after))
            # averages the cells of layer k onto those of layer k + 1
            resize = torch.kron(
                resize_matrix(before[0], after[0]), resize_matrix(before[1], after[1])
            )
            self.register_buffer(f"resize_{k}", resize, persistent=False)

    @torch.no_grad()
    def set_cell_scale(self, images: Sequence[Tensor]) -> None:
        """Set the scale of each cell, one `(eta, phi)` per layer [GeV], all positive."""
        for stream, image in zip(self.streams, images, strict=True):
            cast(GeneratorStream, stream).cell_scale.copy_(image[:, :, None, None])

    @torch.no_grad()
    def merged(self) -> CaloganGenerator:
        """A copy for inference, in eval mode, with fewer numbers and the same images."""
        generator = copy.deepcopy(self).eval()
        generator.streams = nn.ModuleList(
            MergedStream(cast(GeneratorStream, stream)) for stream in generator.streams
        )
        return generator

    def forward(self, noise: Tensor, energy: Tensor) -> tuple[Tensor, ...]:
        """Return the energies of the cells of each layer [GeV]."""
        h = (noise * (energy / ENERGY_UNIT_GEV)).T
        images: list[Tensor] = [stream(h) for stream in self.streams]
        for k, attention in enumerate(self.attentions):
            resize = cast(Tensor, getattr(self, f"resize_{k}"))
            carried = resize @ images[k].flatten(0, 2)
            images[k + 1] = attention(images[k + 1], carried.reshape(images[k + 1].shape))
        return tuple(rectify(image.squeeze(2)).permute(2, 0, 1) for image in images)


class DiscriminatorStream(nn.Module):
    """Features of one layer's image: convolution, three locally connected layers, flattened.

    Shapes:
        Input `(rows, columns, 1, n)`, output `(n, out_features)`.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.conv = Convolution2d(1, 64, size, (2, 2))
        _glorot_uniform(self.conv.weight, 4 * (1 + 64))
        self.locals, self.norms = nn.ModuleList(), nn.ModuleList()
        channels = 64
        for out_channels, kernel, step in ((16, 3, 2), (8, 2, 1), (8, 2, 2)):
            local = LocallyConnected2d(
                channels, out_channels, size, (kernel, kernel), stride=(1, step), padding=1
            )
            _glorot_uniform(local.weight, kernel * kernel * (channels + out_channels))
            self.locals.append(local)
            self.norms.append(BatchLastNorm(out_channels))
            channels, size = out_channels, local.out_size
        self.out_features = channels * size[0] * size[1]

    def forward(self, image: Tensor) -> Tensor:
        """Return the features of `image`."""
        x = _leaky(self.conv(image))
        for local, norm in zip(self.locals, self.norms, strict=True):
            x = norm(_leaky(local(x)))
        return x.flatten(0, 2).T


class CaloganDiscriminator(nn.Module):
    """Discriminator: real or generated, from images and the requested energy.

    Per layer: locally connected features, minibatch discrimination on them, the share of cells
    with energy (sparsity) and minibatch discrimination on it. Over layers: layer energies and
    total energy, minibatch discrimination on the layer energies, |E_tot - E_requested| and a
    flag where that exceeds 5 GeV (arXiv:1705.02355, figure 4, and the published code).

    Shapes:
        Images `(n, eta, phi)` [GeV] per layer, energy `(n, 1)` [GeV]; logit of "real" `(n, 1)`
        and total energy `(n, 1)` [GeV].
    """

    def __init__(self, layer_shapes: Sequence[tuple[int, int]]) -> None:
        super().__init__()
        streams = [DiscriminatorStream(s) for s in layer_shapes]
        widths = [stream.out_features for stream in streams]
        self.streams = nn.ModuleList(streams)
        self.closeness = nn.ModuleList(MinibatchDiscrimination(w) for w in widths)
        self.sparsity_closeness = nn.ModuleList(MinibatchDiscrimination(1) for _ in widths)
        self.energy_closeness = MinibatchDiscrimination(len(widths))
        per_layer = 10 + 1 + 10 + 1  # closeness, sparsity, its closeness, layer energy
        self.real = nn.Linear(sum(widths) + len(widths) * per_layer + 3 + 10, 1)
        nn.init.xavier_uniform_(self.real.weight)
        nn.init.zeros_(self.real.bias)

    def forward(self, images: Sequence[Tensor], energy: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logit of "real" and the total energy of the images."""
        features: list[Tensor] = []
        for k, image in enumerate(images):
            x = self.streams[k](image.permute(1, 2, 0).unsqueeze(2))
            sparsity = hit_share(image)
            features += [x, self.closeness[k](x), sparsity, self.sparsity_closeness[k](sparsity)]
        layers = torch.stack([image.sum((1, 2)) for image in images], dim=1)  # (n, layers)
        total = layers.sum(1, keepdim=True)
        well = (total - energy).abs()
        too_big = 10.0 * (well > 5.0).float()
        features += [layers / 10, total / 100, well, too_big, self.energy_closeness(layers)]
        return self.real(torch.cat(features, dim=1)), total
