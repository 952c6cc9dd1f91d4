"""The discriminator: real or generated, from images and what was asked for."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import torch
from torch import Tensor, nn

from calogan.errors import ConfigurationError
from calogan.networks.calogan.conditions import BeamScale, check_conditions
from calogan.networks.calogan.stream import check_layers, leaky
from calogan.networks.connected import (
    BatchLastNorm,
    Convolution2d,
    LocallyConnected2d,
    glorot_uniform,
)
from calogan.networks.minibatch import MinibatchDiscrimination
from calogan.networks.precision import full_precision, raised
from calogan.networks.sparsity import hit_share

__all__ = ["FEATURES", "CaloganDiscriminator"]

_OF_LAYERS = (
    "cells",  # locally connected features of each layer
    "cells_minibatch",  # minibatch discrimination on them
    "sparsity",  # share of the cells of each layer with energy
    "sparsity_minibatch",  # minibatch discrimination on it
)
_OF_SHOWERS = (
    "layer_energies",  # energy of each layer
    "total_energy",  # their sum
    "energy_error",  # |E_tot - E|
    "energy_error_flag",  # whether that exceeds 5 GeV
    "layer_energies_minibatch",  # minibatch discrimination on the layer energies together
)
FEATURES = _OF_LAYERS + _OF_SHOWERS
"""What the discriminator of the paper looks at, by the names under which it can be switched off."""

_CLOSENESS = 10  # features, and dimensions of each, of minibatch discrimination (published code)


class DiscriminatorStream(nn.Module):
    """Features of one layer's image: convolution, three locally connected layers, flattened.

    2 x 2 to 64 channels; 3 x 3, step 2 along the columns, to 16; 2 x 2 to 8; 2 x 2, step 2 along
    the columns, to 8; a margin of one cell of zeros around each but the first (published code).
    Where the beam varies, place and angle are further channels of the input, the same in all cells.

    Shapes:
        Input `(rows, columns, channels, n)`, output `(n, out_features)`.
    """

    def __init__(self, size: tuple[int, int], in_channels: int = 1) -> None:
        super().__init__()
        self.conv = Convolution2d(in_channels, 64, size, (2, 2))
        glorot_uniform(self.conv.weight, 4 * (in_channels + 64))
        self.locals, self.norms = nn.ModuleList(), nn.ModuleList()
        channels = 64
        for out_channels, kernel, step in ((16, 3, 2), (8, 2, 1), (8, 2, 2)):
            local = LocallyConnected2d(
                channels, out_channels, size, (kernel, kernel), stride=step, padding=1
            )
            glorot_uniform(local.weight, kernel * kernel * (channels + out_channels))
            self.locals.append(local)
            self.norms.append(BatchLastNorm(out_channels))
            channels, size = out_channels, local.out_size
        self.out_features = channels * size[0] * size[1]

    def forward(self, image: Tensor) -> Tensor:
        """Return the features of `image`."""
        x = leaky(self.conv(image))
        for local, norm in zip(self.locals, self.norms, strict=True):
            x = norm(leaky(local(x)))
        return x.flatten(0, 2).T


class CaloganDiscriminator(nn.Module):
    """Discriminator: real or generated, from images and what was asked for.

    Per layer: locally connected features, minibatch discrimination on them, the share of cells
    with energy (sparsity) and minibatch discrimination on it. Over layers: layer energies and
    total energy, minibatch discrimination on the layer energies, |E_tot - E_requested| and a
    flag where that exceeds 5 GeV (arXiv:1705.02355, figure 4, and the published code). One linear
    layer weighs them all, and for several particles (ACGAN) a second one names the particle.

    Args:
        layer_shapes: Cells along the two axes of each readout layer.
        features: Those of `FEATURES` that it looks at; all of them unless given.
        n_classes: Particles to tell apart.
        condition_names: Columns of the condition, as for the generator.

    Shapes:
        Images `(n, rows, columns)` [GeV] per layer, condition `(n, c)`; logit of "real" `(n, 1)`,
        total energy `(n, 1)` [GeV] and, for several particles, their logits `(n, n_classes)`.

    Raises:
        CalorimeterError: No layers, or layers without cells.
        ConfigurationError: Unknown features, or none; unknown conditions.
    """

    def __init__(
        self,
        layer_shapes: Sequence[tuple[int, int]],
        *,
        features: Collection[str] = FEATURES,
        n_classes: int = 1,
        condition_names: Sequence[str] = ("energy_gev",),
    ) -> None:
        super().__init__()
        check_layers(layer_shapes)
        self.features = _check_features(features)
        self.condition_names = check_conditions(condition_names)
        self.beam = BeamScale(condition_names) if len(condition_names) > 1 else None
        self.streams, self.closeness = nn.ModuleList(), nn.ModuleList()
        self.sparsity_closeness, self.energy_closeness = nn.ModuleList(), None
        n_layers, channels = len(layer_shapes), len(condition_names)
        widths = dict.fromkeys(FEATURES, 1)
        widths |= {"sparsity": n_layers, "layer_energies": n_layers}
        if {"cells", "cells_minibatch"} & self.features:
            streams = [DiscriminatorStream(size, channels) for size in layer_shapes]
            self.streams.extend(streams)
            widths["cells"] = sum(stream.out_features for stream in streams)
            if "cells_minibatch" in self.features:
                self.closeness.extend(_closeness(stream.out_features) for stream in streams)
                widths["cells_minibatch"] = _CLOSENESS * n_layers
        if "sparsity_minibatch" in self.features:
            self.sparsity_closeness.extend(_closeness(1) for _ in layer_shapes)
            widths["sparsity_minibatch"] = _CLOSENESS * n_layers
        if "layer_energies_minibatch" in self.features:
            self.energy_closeness = _closeness(n_layers)
            widths["layer_energies_minibatch"] = _CLOSENESS
        width = sum(widths[name] for name in self.features)
        self.real = _head(width, 1)
        self.classes = _head(width, n_classes) if n_classes > 1 else None

    def forward(
        self, images: Sequence[Tensor], condition: Tensor
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return the logit of "real", the total energy, and the logits of the particles."""
        seen: list[Tensor] = []
        for k, image in enumerate(images):
            share = hit_share(image)
            layer = {"sparsity": share}
            if self.streams:
                layer["cells"] = self.streams[k](self._channels(image, condition))
            if self.closeness:
                layer["cells_minibatch"] = self.closeness[k](layer["cells"])
            if self.sparsity_closeness:
                layer["sparsity_minibatch"] = self.sparsity_closeness[k](share)
            seen += [layer[name] for name in _OF_LAYERS if name in self.features]
        energies = torch.stack([image.sum((1, 2)) for image in images], dim=1)  # (n, layers)
        total = energies.sum(1, keepdim=True)
        error = (total - condition[:, :1]).abs()
        shower = {
            "layer_energies": energies / 10,
            "total_energy": total / 100,
            "energy_error": error,
            "energy_error_flag": 10 * (error > 5).to(error.dtype),
        }
        if self.energy_closeness is not None:
            shower["layer_energies_minibatch"] = self.energy_closeness(energies)
        seen += [shower[name] for name in _OF_SHOWERS if name in self.features]
        with full_precision(total.device):
            x = torch.cat([raised(part) for part in seen], dim=1)
            return self.real(x), total, None if self.classes is None else self.classes(x)

    def _channels(self, image: Tensor, condition: Tensor) -> Tensor:
        """The image and, where the beam varies, place and angle: `(rows, columns, c, n)`."""
        x = image.permute(1, 2, 0).unsqueeze(2)
        if self.beam is None:
            return x
        beam = self.beam(condition).T.expand(*x.shape[:2], -1, -1)
        return torch.cat([x, beam], dim=2)


def _check_features(features: Collection[str]) -> frozenset[str]:
    unknown = sorted(set(features) - set(FEATURES))
    if unknown or not features:
        what = f"unknown feature {unknown[0]}" if unknown else "no features: nothing to judge by"
        msg = f"discriminator: {what}; known are {', '.join(FEATURES)}"
        raise ConfigurationError(msg)
    return frozenset(features)


def _closeness(in_features: int) -> MinibatchDiscrimination:
    return MinibatchDiscrimination(in_features, _CLOSENESS, _CLOSENESS)


def _head(width: int, outputs: int) -> nn.Linear:
    head = nn.Linear(width, outputs)
    nn.init.xavier_uniform_(head.weight)
    nn.init.zeros_(head.bias)
    return head
