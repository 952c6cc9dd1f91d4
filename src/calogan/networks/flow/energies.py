"""How much energy a shower leaves in each layer, given the energy of its particle."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["LayerEnergies"]

_SMALLEST_SHARE = 1e-6
_CLAMP = 12.0  # of coordinates, in standard deviations of the training showers


class LayerEnergies(nn.Module):
    """Energies of the layers, one after another, each from a mixture of Gaussians.

    The first coordinate is log(E_tot / E). The brightest layer takes what the others leave; each of
    the others has the coordinate logit(E_k / what the layers before it leave of E_tot). A layer may
    be exactly empty: that is one more component of its mixture. A small network per coordinate
    reads log E and the coordinates before it and gives the mixture: a mixture density network
    (Bishop 1994, NCRG/94/004) in the chain rule p(t_0) p(t_1 | t_0) ..., trained by its likelihood.
    It is sampled without inverting anything: one normal number chooses the component, one is its
    value.

    Args:
        n_layers: Readout layers.
        brightest: Index of the layer that takes the rest.
        components: Gaussians of each mixture.
        width: Neurons in each of the two hidden layers.

    Shapes:
        Energy `(n, 1)` [GeV], energies of the layers `(n, n_layers)` [MeV], noise
        `(n, 2 n_layers)`.
    """

    def __init__(
        self, n_layers: int, brightest: int, *, components: int = 10, width: int = 64
    ) -> None:
        super().__init__()
        self.n_layers, self.brightest, self.components = n_layers, brightest, components
        self.order = [k for k in range(n_layers) if k != brightest]
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.zeros(1 + n_layers))  # of log E, then the coordinates
        self.register_buffer("std", torch.ones(1 + n_layers))
        self.networks = nn.ModuleList(
            nn.Sequential(
                nn.Linear(1 + 2 * k, width),
                nn.SiLU(),
                nn.Linear(width, width),
                nn.SiLU(),
                nn.Linear(width, 1 + 3 * components),
            )
            for k in range(n_layers)
        )
        for network in self.networks:
            last = cast(nn.Linear, cast(nn.Sequential, network)[-1])
            nn.init.normal_(last.weight, std=0.01)
            with torch.no_grad():
                last.bias.zero_()
                last.bias[1 + components : 1 + 2 * components] = torch.linspace(
                    -1.5, 1.5, components
                )

    @torch.no_grad()
    def fit_scale(self, energy: Tensor, layer_energies: Tensor) -> None:
        """Take mean and standard deviation of the coordinates of the training showers as units."""
        t, on = self._raw(energy, layer_energies)
        values = torch.cat([energy.log(), t], 1)
        known = torch.cat([torch.ones_like(energy, dtype=torch.bool), on], 1)
        n = known.sum(0).clamp_min(1)
        self.mean.copy_((values * known).sum(0) / n)
        variance = ((values - self.mean).square() * known).sum(0) / n
        self.std.copy_(variance.sqrt().clamp_min(1e-4))

    def _raw(self, energy: Tensor, layer_energies: Tensor) -> tuple[Tensor, Tensor]:
        """Coordinates `(n, n_layers)`, and whether each is there: its layer is not empty."""
        rest = layer_energies.sum(1, keepdim=True).clamp_min(1e-6)
        values = [torch.log(rest / (1000.0 * energy))]
        on = [torch.ones_like(rest, dtype=torch.bool)]
        for k in self.order:
            part = layer_energies[:, k : k + 1]
            share = (part / rest.clamp_min(1e-9)).clamp(_SMALLEST_SHARE, 1 - _SMALLEST_SHARE)
            values.append(torch.logit(share))
            on.append(part > 0)
            rest = rest - part
        return torch.cat(values, 1), torch.cat(on, 1)

    def _mixture(self, k: int, told: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Log weights (the first is that of an empty layer), means, log standard deviations."""
        out: Tensor = self.networks[k](torch.cat(told, 1))
        m = self.components
        weights = torch.cat([torch.zeros_like(out[:, :1]), out[:, 1 : 1 + m]], 1)
        # the whole energy is never zero; a layer may be
        empty = torch.full_like(out[:, :1], -30.0) if k == 0 else out[:, :1] - 2.0
        weights = torch.cat([empty, weights[:, 1:]], 1)
        return (
            functional.log_softmax(weights, 1),
            out[:, 1 + m : 1 + 2 * m],
            # a softplus that cannot fall below 1 % of the spread of all showers
            torch.log(0.01 + functional.softplus(out[:, 1 + 2 * m :] - 0.3)),
        )

    def log_prob(self, energy: Tensor, layer_energies: Tensor) -> Tensor:
        """Log density of the coordinates (in their units), shape `(n,)`."""
        t, on = self._raw(energy, layer_energies)
        t = ((t - self.mean[1:]) / self.std[1:]).clamp(-_CLAMP, _CLAMP) * on
        told = [(energy.log() - self.mean[0]) / self.std[0]]
        total = torch.zeros_like(energy[:, 0])
        for k in range(self.n_layers):
            weight, mean, log_std = self._mixture(k, told)
            x = t[:, k : k + 1]
            gauss = -0.5 * ((x - mean) * torch.exp(-log_std)).square() - log_std
            gauss = gauss - 0.5 * math.log(2 * math.pi)
            value = torch.logsumexp(weight[:, 1:] + gauss, 1)
            total = total + torch.where(on[:, k], value, weight[:, 0])
            told += [x, on[:, k : k + 1].to(x.dtype)]
        return total

    def forward(self, noise: Tensor, energy: Tensor) -> Tensor:
        """Draw the energies of the layers [MeV]."""
        told = [(energy.log() - self.mean[0]) / self.std[0]]
        uniform = 0.5 * (1 + torch.erf(noise[:, : self.n_layers] / math.sqrt(2)))
        rest, parts = 1000.0 * energy, {}
        for k in range(self.n_layers):
            weight, mean, log_std = self._mixture(k, told)
            reached = torch.cumsum(weight.exp(), 1)
            u = uniform[:, k : k + 1]
            # one-hot: the first component whose cumulated weight lies above u; else the last
            above = torch.cat([(reached > u)[:, :-1].to(u.dtype), torch.ones_like(u)], 1)
            chosen = above - torch.cat([torch.zeros_like(u), above[:, :-1]], 1)
            on = 1 - chosen[:, :1]
            z = noise[:, self.n_layers + k : self.n_layers + k + 1]
            x = (chosen[:, 1:] * (mean + log_std.exp() * z)).sum(1, keepdim=True)
            x = x.clamp(-_CLAMP, _CLAMP) * on
            told += [x, on]
            t = self.mean[1 + k] + self.std[1 + k] * x
            if k == 0:
                rest = rest * torch.exp(t)
            else:
                part = rest * torch.sigmoid(t) * on
                parts[self.order[k - 1]] = part
                rest = rest - part
        parts[self.brightest] = rest
        return torch.cat([parts[k] for k in range(self.n_layers)], 1)
