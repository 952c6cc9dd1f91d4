"""The CaloGAN of arXiv:1705.02355 in plain PyTorch, as one writes it down: to compare with.

Networks and update are those of the published code (github.com/hep-lbdl/CaloGAN, `models/`), layer by
layer, in torch's batch-first layout: locally connected layers through `unfold`, minibatch
discrimination as the difference of every pair of showers, the resizing of images by repetition and
pooling. Nothing is merged, cached or left out, and nothing is added: no moving average of weights,
no gradient through the sparsity. Energies are in GeV.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["NaiveDiscriminator", "NaiveGenerator", "NaiveTraining"]

_PAPER = ((3, 96), (12, 12), (12, 6))


def _leaky(x: Tensor) -> Tensor:
    return functional.leaky_relu(x, 0.3)  # Keras' default


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)  # Keras' defaults


class SameConvolution(nn.Conv2d):
    """A 2 x 2 convolution that keeps the size: zeros behind rows and columns, as Keras' "same"."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 2)
        nn.init.xavier_uniform_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Shape `(n, in, rows, columns)` to `(n, out, rows, columns)`."""
        return super().forward(functional.pad(x, (0, 1, 0, 1)))


class LocallyConnected(nn.Module):
    """A convolution whose kernel is another one at each place."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        in_size: tuple[int, int],
        kernel: int,
        *,
        stride: tuple[int, int] = (1, 1),
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride
        rows, columns = (
            (size - kernel) // step + 1 for size, step in zip(in_size, stride, strict=True)
        )
        self.out_size = (rows, columns)
        fan_in, places = in_channels * kernel**2, rows * columns
        self.weight = nn.Parameter(torch.randn(out_channels, fan_in, places) / fan_in**0.5)
        self.bias = nn.Parameter(torch.zeros(out_channels, places)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Shape `(n, in, *in_size)` to `(n, out, *out_size)`."""
        windows = functional.unfold(x, self.kernel, stride=self.stride)  # (n, fan_in, places)
        out = torch.einsum("nfp,ofp->nop", windows, self.weight)
        if self.bias is not None:
            out = out + self.bias
        return cast(Tensor, out.unflatten(2, self.out_size))


class MinibatchDiscrimination(nn.Module):
    """Closeness of each shower to all others, in 10 projections to 10 numbers.

    The bias is that of the published code. It cancels in the differences, and learns nothing.
    """

    def __init__(self, in_features: int) -> None:
        super().__init__()
        self.dense = nn.Linear(in_features, 10 * 10)

    def forward(self, x: Tensor) -> Tensor:
        """Shape `(n, in)` to `(n, 10)`."""
        projected = self.dense(x).unflatten(1, (10, 10))  # (n, projections, numbers)
        differences = projected[:, :, :, None] - projected.permute(1, 2, 0)[None]
        return torch.tanh(torch.exp(-differences.abs().sum(2)).sum(2))


class GeneratorStream(nn.Module):
    """Latent vector to the image of one layer."""

    def __init__(self, latent_size: int, size: tuple[int, int]) -> None:
        super().__init__()
        rows, columns = size
        self.canvas = (36, rows + 2, columns + 2)
        self.dense = nn.Linear(latent_size, 36 * (rows + 2) * (columns + 2))
        self.conv = SameConvolution(36, 16)
        self.norm = _norm(16)
        self.local = LocallyConnected(16, 6, (rows + 2, columns + 2), 2)
        self.out = LocallyConnected(6, 1, (rows + 1, columns + 1), 2, bias=False)

    def forward(self, h: Tensor) -> Tensor:
        """Shape `(n, latent)` to `(n, 1, *size)`."""
        x = self.norm(_leaky(self.conv(self.dense(h).unflatten(1, self.canvas))))
        return cast(Tensor, self.out(_leaky(self.local(x))))


class Attention(nn.Module):
    """A layer's own image and the one carried over, weighed cell by cell."""

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.weigh = LocallyConnected(2, 2, (size[0] + 2, size[1] + 2), 3)
        with torch.no_grad():
            cast(nn.Parameter, self.weigh.bias)[1] = -10.0

    def forward(self, primary: Tensor, carried: Tensor) -> Tensor:
        """Shapes `(n, 1, *size)`."""
        both = torch.cat([primary, carried], dim=1)
        weights = torch.softmax(self.weigh(functional.pad(both, (1, 1, 1, 1))), dim=1)
        return (both * weights).sum(1, keepdim=True)


class NaiveGenerator(nn.Module):
    """Generator of the paper's calorimeter, with attention."""

    def __init__(self, latent_size: int) -> None:
        super().__init__()
        self.streams = nn.ModuleList(GeneratorStream(latent_size, size) for size in _PAPER)
        self.attentions = nn.ModuleList(Attention(size) for size in _PAPER[1:])

    def forward(self, noise: Tensor, energy: Tensor) -> list[Tensor]:
        """Noise `(n, latent)`, energy `(n, 1)` [GeV] to one `(n, 1, *size)` [GeV] per layer."""
        h = noise * (energy / 100)
        first, second, third = (stream(h) for stream in self.streams)
        carried = functional.avg_pool2d(first.repeat_interleave(4, dim=2), (1, 8))
        second = self.attentions[0](second, carried)
        third = self.attentions[1](third, functional.avg_pool2d(second, (1, 2)))
        return [functional.relu(image) for image in (first, second, third)]


class DiscriminatorStream(nn.Module):
    """Features of the image of one layer."""

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.conv = SameConvolution(1, 64)
        self.locals, self.norms = nn.ModuleList(), nn.ModuleList()
        channels = 64
        for out, kernel, stride in ((16, 3, (1, 2)), (8, 2, (1, 1)), (8, 2, (1, 2))):
            padded = (size[0] + 2, size[1] + 2)
            local = LocallyConnected(channels, out, padded, kernel, stride=stride)
            self.locals.append(local)
            self.norms.append(_norm(out))
            channels, size = out, local.out_size
        self.out_features = channels * size[0] * size[1]

    def forward(self, image: Tensor) -> Tensor:
        """Shape `(n, 1, *size)` to `(n, out_features)`."""
        x = _leaky(self.conv(image))
        for local, norm in zip(self.locals, self.norms, strict=True):
            x = norm(_leaky(local(functional.pad(x, (1, 1, 1, 1)))))
        return x.flatten(1)


class NaiveDiscriminator(nn.Module):
    """Discriminator of the paper's calorimeter, with all of its features."""

    def __init__(self) -> None:
        super().__init__()
        streams = [DiscriminatorStream(size) for size in _PAPER]
        self.streams = nn.ModuleList(streams)
        self.closeness = nn.ModuleList(MinibatchDiscrimination(s.out_features) for s in streams)
        self.sparsity_closeness = nn.ModuleList(MinibatchDiscrimination(1) for _ in streams)
        self.energy_closeness = MinibatchDiscrimination(3)
        self.real = nn.Linear(sum(s.out_features + 10 + 1 + 10 for s in streams) + 3 + 3 + 10, 1)

    def forward(self, images: Sequence[Tensor], energy: Tensor) -> tuple[Tensor, Tensor]:
        """Images and energy `(n, 1)` [GeV] to the probability of "real" and the total energy."""
        features = []
        for k, image in enumerate(images):
            x = self.streams[k](image)
            sparsity = (image > 0).float().mean((1, 2, 3))[:, None]
            features += [x, self.closeness[k](x), sparsity, self.sparsity_closeness[k](sparsity)]
        layers = torch.cat([image.sum((1, 2, 3))[:, None] for image in images], dim=1)
        total = layers.sum(1, keepdim=True)
        well = (total - energy).abs()
        flag = 10 * (well > 5).float()
        features += [layers / 10, total / 100, well, flag, self.energy_closeness(layers)]
        return torch.sigmoid(self.real(torch.cat(features, dim=1))), total


@dataclass
class NaiveTraining:
    """The published training loop: what happens for each batch of real showers.

    Args:
        latent_size: Length of the noise vector.
        energy_weight: Weight of |E_tot - E| in the losses.
    """

    latent_size: int = 1024
    energy_weight: float = 0.05

    def __post_init__(self) -> None:
        """Make networks and optimisers, with the published rates."""
        self.generator = NaiveGenerator(self.latent_size)
        self.discriminator = NaiveDiscriminator()
        betas = (0.5, 0.999)
        self._adam_g = torch.optim.Adam(self.generator.parameters(), lr=2e-4, betas=betas)
        self._adam_d = torch.optim.Adam(self.discriminator.parameters(), lr=2e-5, betas=betas)

    def update(self, images: Sequence[Tensor], energy: Tensor) -> None:
        """Update with one batch: real showers, generated ones, and the generator twice.

        Args:
            images: Real showers, one `(n, 1, *size)` [GeV] per layer.
            energy: Their incident energies, shape `(n, 1)` [GeV].
        """
        n = len(energy)
        self.discriminator.requires_grad_(True)
        asked = self._ask(n)
        with torch.no_grad():
            self.generator.eval()  # Keras' predict
            generated = self.generator(torch.randn(n, self.latent_size), asked)
            self.generator.train()
        self._step(self._adam_d, images, energy, 1.0)
        self._step(self._adam_d, generated, asked, 0.0)
        self.discriminator.requires_grad_(False)
        for _ in range(2):
            asked = self._ask(n)
            generated = self.generator(torch.randn(n, self.latent_size), asked)
            self._step(self._adam_g, generated, asked, 1.0)

    def learnt(self) -> list[int]:
        """How many numbers generator and discriminator learn."""
        idle = sum(
            10 * 10 for m in self.discriminator.modules() if isinstance(m, MinibatchDiscrimination)
        )
        both = (self.generator, self.discriminator)
        generator, discriminator = (sum(p.numel() for p in net.parameters()) for net in both)
        return [generator, discriminator - idle]

    @staticmethod
    def _ask(n: int) -> Tensor:
        return 1 + 99 * torch.rand(n, 1)

    def _step(
        self, adam: torch.optim.Adam, images: Sequence[Tensor], energy: Tensor, target: float
    ) -> None:
        adam.zero_grad()
        real, total = self.discriminator(images, energy)
        loss = functional.binary_cross_entropy(real, torch.full_like(real, target))
        loss = loss + self.energy_weight * functional.l1_loss(total, energy)
        if loss.requires_grad:
            loss.backward()
        adam.step()
