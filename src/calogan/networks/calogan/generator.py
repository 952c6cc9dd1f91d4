"""The generator: noise and condition to one image per readout layer."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from calogan.networks.attention import InpaintingAttention
from calogan.networks.calogan.conditions import (
    ENERGY_UNIT_GEV,
    BeamScale,
    check_conditions,
    energy_features,
)
from calogan.networks.calogan.stream import GeneratorStream, MergedStream, check_layers
from calogan.networks.precision import full_precision
from calogan.networks.sparsity import rectify

__all__ = ["CaloganGenerator"]

_FEATURE_STRENGTH = 3.0  # a few features have to be heard among some hundred latent numbers


class CaloganGenerator(nn.Module):
    """Generator: noise and what is asked for to one image per readout layer.

    The latent vector is multiplied by the requested energy / 100 GeV, and for several particles by
    a learnt vector per particle; parallel streams make the images; attention lets each layer see
    the one in front of it; a ReLU makes zeros exact (arXiv:1705.02355, figure 3, and the published
    code). What the paper does not have is off unless asked for:

    - `normalize_noise` puts the noise on the sphere of radius sqrt(latent_size) first. The norm of
      a Gaussian vector fluctuates by 1/sqrt(2 latent_size), and a network that is told the energy
      by the norm alone can know it no better.
    - `condition_features` appends simple functions of the energy, and the particle, to the latent
      input: how the shower is shared among the layers depends on the energy, and a function of
      noise times energy can hardly say so.
    - Conditions other than the energy are always appended, as they are and times the energy.

    Args:
        layer_shapes: Cells along the two axes of each readout layer.
        latent_size: Length of the noise vector (1024 in the paper).
        attention: Whether layers are linked by in-painting attention.
        n_classes: Particles that the generator makes showers of.
        condition_names: Columns of the condition: `energy_gev`, and others of
            `calogan.conditions.CONDITIONS` for a beam that varies.
        normalize_noise: Take the direction of the noise, not its length.
        condition_features: Tell the energy and the particle by features of their own.

    Shapes:
        Noise `(n, latent_size)`, condition `(n, c)`, for several particles label `(n,)` int64;
        one `(n, rows, columns)` [GeV] per layer.

    Raises:
        CalorimeterError: No layers, or layers without cells.
        ConfigurationError: Conditions that are unknown or not in order.

    Example:
        >>> generator = CaloganGenerator([(3, 96), (12, 12), (12, 6)], latent_size=16)
        >>> images = generator(torch.randn(5, 16), torch.full((5, 1), 50.0))
        >>> [tuple(image.shape) for image in images]
        [(5, 3, 96), (5, 12, 12), (5, 12, 6)]
    """

    def __init__(
        self,
        layer_shapes: Sequence[tuple[int, int]],
        latent_size: int = 1024,
        *,
        attention: bool = True,
        n_classes: int = 1,
        condition_names: Sequence[str] = ("energy_gev",),
        normalize_noise: bool = False,
        condition_features: bool = False,
    ) -> None:
        super().__init__()
        check_layers(layer_shapes)
        self.latent_size, self.n_classes = latent_size, n_classes
        self.condition_names = check_conditions(condition_names)
        self.normalize_noise, self.condition_features = normalize_noise, condition_features
        self.beam = BeamScale(condition_names) if len(condition_names) > 1 else None
        self.classes = nn.Embedding(n_classes, latent_size) if n_classes > 1 else None
        if self.classes is not None:
            # Glorot normal, as published, unless it must keep up with the features
            glorot = math.sqrt(2.0 / (n_classes + latent_size))
            nn.init.normal_(self.classes.weight, std=1.0 if condition_features else glorot)
        n_features = 2 * (len(condition_names) - 1)
        if condition_features:
            n_features += 3 + (n_classes if n_classes > 1 else 0)
        self.streams = nn.ModuleList(
            GeneratorStream(latent_size + n_features, size) for size in layer_shapes
        )
        self.attentions = nn.ModuleList(
            InpaintingAttention(before, size)
            for before, size in (pairwise(layer_shapes) if attention else ())
        )

    @torch.no_grad()
    def set_cell_scale(self, images: Sequence[Tensor]) -> None:
        """Set the scale of each cell, one `(rows, columns)` per layer [GeV], all positive."""
        for stream, image in zip(self.streams, images, strict=True):
            cast(GeneratorStream, stream).cell_scale.copy_(image[:, :, None, None])

    @torch.no_grad()
    def merged(self) -> CaloganGenerator:
        """A copy for inference, in eval mode, with fewer numbers and the same images."""
        generator = copy.deepcopy(self).eval()
        generator.streams = nn.ModuleList(
            MergedStream(cast(GeneratorStream, stream)) for stream in generator.streams
        )
        return generator.requires_grad_(False)

    def forward(
        self, noise: Tensor, condition: Tensor, label: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        """Return the energies of the cells of each layer [GeV]."""
        h = self.latent_input(noise, condition, label)
        images: list[Tensor] = [stream(h) for stream in self.streams]
        for k, attention in enumerate(self.attentions):
            images[k + 1] = attention(images[k + 1], images[k])
        return tuple(rectify(image.squeeze(2)).permute(2, 0, 1) for image in images)

    def latent_input(self, noise: Tensor, condition: Tensor, label: Tensor | None) -> Tensor:
        """What enters each stream: noise times energy and particle, then features, `(k, n)`."""
        if (label is None) != (self.classes is None):
            msg = (
                f"a generator for {self.n_classes} particles and label {label} do not fit together"
            )
            raise ValueError(msg)
        with full_precision(noise.device):
            energy = condition[:, :1]
            share = energy / ENERGY_UNIT_GEV
            if self.normalize_noise:
                noise = noise * torch.sqrt(self.latent_size / noise.square().sum(1, keepdim=True))
            if self.classes is not None:
                noise = noise * self.classes(label)
            parts = [noise * share]
            if self.condition_features:
                parts.append(_FEATURE_STRENGTH * energy_features(energy))
                if label is not None:
                    one_hot = functional.one_hot(label, self.n_classes)
                    parts.append(_FEATURE_STRENGTH * one_hot.to(noise.dtype))
            if self.beam is not None:
                beam = _FEATURE_STRENGTH * self.beam(condition)
                parts += [beam, beam * share]
            return torch.cat(parts, dim=1).T
