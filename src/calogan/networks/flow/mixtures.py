"""Numbers drawn one after another, each from a mixture of Gaussians."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["MixtureChain"]

_CLAMP = 12.0  # of coordinates, in standard deviations of the training showers


class MixtureChain(nn.Module):
    """p(t_0 | c) p(t_1 | c, t_0) ..., where each coordinate may also be absent.

    A small network per coordinate reads the condition and the coordinates before it and gives the
    weights, means and widths of a mixture of Gaussians: a mixture density network (Bishop 1994,
    NCRG/94/004), trained by its likelihood. That the coordinate is absent is one more component.
    It is sampled without inverting anything: one normal number chooses the component, one is its
    value.

    Args:
        always: For each coordinate, whether it is there in every shower.
        n_conditions: Length of the condition.
        components: Gaussians of each mixture.
        width: Neurons in each of the two hidden layers.

    Shapes:
        Condition `(n, n_conditions)`; coordinates, and which are there, `(n, n_coordinates)`; noise
        `(n, 2 n_coordinates)`.
    """

    def __init__(
        self, always: tuple[bool, ...], n_conditions: int, *, components: int = 10, width: int = 64
    ) -> None:
        super().__init__()
        self.always, self.components = always, components
        self.n_coordinates = len(always)
        self.mean: Tensor
        self.std: Tensor
        self.told_mean: Tensor
        self.told_std: Tensor
        self.register_buffer("mean", torch.zeros(len(always)))
        self.register_buffer("std", torch.ones(len(always)))
        self.register_buffer("told_mean", torch.zeros(n_conditions))
        self.register_buffer("told_std", torch.ones(n_conditions))
        self.networks = nn.ModuleList(
            nn.Sequential(
                nn.Linear(n_conditions + 2 * k, width),
                nn.SiLU(),
                nn.Linear(width, width),
                nn.SiLU(),
                nn.Linear(width, 1 + 3 * components),
            )
            for k in range(len(always))
        )
        for network in self.networks:
            last = cast(nn.Linear, cast(nn.Sequential, network)[-1])
            nn.init.normal_(last.weight, std=0.01)
            with torch.no_grad():
                last.bias.zero_()
                last.bias[1 + components : 1 + 2 * components] = torch.linspace(
                    -1.5, 1.5, components
                )

    @property
    def noise_size(self) -> int:
        """Normal numbers that a draw takes."""
        return 2 * self.n_coordinates

    @torch.no_grad()
    def fit_scale(self, condition: Tensor, t: Tensor, on: Tensor) -> None:
        """Take means and standard deviations of the training showers as units."""
        self.told_mean.copy_(condition.mean(0))
        self.told_std.copy_(condition.std(0, correction=0).clamp_min(1e-4))
        n = on.sum(0).clamp_min(1)
        self.mean.copy_((t * on).sum(0) / n)
        variance = ((t - self.mean).square() * on).sum(0) / n
        self.std.copy_(variance.sqrt().clamp_min(1e-4))

    def _told(self, condition: Tensor) -> list[Tensor]:
        scaled = (condition - self.told_mean) / self.told_std
        return [scaled.clamp(-_CLAMP, _CLAMP)]

    def _mixture(self, k: int, told: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Logits of the components, means, raw widths; the first logit is that of an absent one."""
        out: Tensor = self.networks[k](torch.cat(told, 1))
        m = self.components
        absent, logits, mean, width = out.split((1, m, m, m), 1)
        return logits if self.always[k] else torch.cat([absent - 2, logits], 1), mean, width

    def log_prob(self, condition: Tensor, t: Tensor, on: Tensor) -> Tensor:
        """Log density of the coordinates (in their units), shape `(n,)`."""
        t = ((t - self.mean) / self.std).clamp(-_CLAMP, _CLAMP) * on
        told = self._told(condition)
        total = torch.zeros_like(condition[:, 0])
        for k in range(self.n_coordinates):
            logits, mean, width = self._mixture(k, told)
            weight, log_std = functional.log_softmax(logits, 1), torch.log(_std(width))
            x = t[:, k : k + 1]
            gauss = -0.5 * ((x - mean) * torch.exp(-log_std)).square() - log_std
            gauss = gauss - 0.5 * math.log(2 * math.pi)
            value = torch.logsumexp(weight[:, -self.components :] + gauss, 1)
            total = total + (
                value if self.always[k] else torch.where(on[:, k], value, weight[:, 0])
            )
            told += [x, on[:, k : k + 1].to(x.dtype)]
        return total

    def forward(self, noise: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Draw the coordinates, and which of them are there (1 or 0)."""
        told = self._told(condition)
        uniform, normal = 0.5 * (1 + torch.erf(noise / math.sqrt(2))), noise
        n, last = self.n_coordinates, self.components - 1
        values, there = [], []
        for k in range(n):
            logits, mean, width = self._mixture(k, told)
            # the first component whose cumulated weight lies above a uniform number
            reached = torch.cumsum(logits.softmax(1), 1)
            chosen = (reached <= uniform[:, k : k + 1]).sum(1, keepdim=True)
            if self.always[k]:
                on = torch.ones_like(normal[:, :1])
            else:
                on = (chosen > 0).to(normal.dtype)
                chosen = chosen - 1
            chosen = chosen.clamp(0, last)
            z = normal[:, n + k : n + k + 1]
            x = mean.gather(1, chosen) + _std(width.gather(1, chosen)) * z
            x = x.clamp(-_CLAMP, _CLAMP) * on
            told += [x, on]
            values.append(x)
            there.append(on)
        return self.mean + self.std * torch.cat(values, 1), torch.cat(there, 1)


def _std(width: Tensor) -> Tensor:
    """A width that cannot fall below 1 % of the spread of all showers."""
    return 0.01 + functional.softplus(width - 0.3)
