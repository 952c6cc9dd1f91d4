"""How much energy a shower leaves in each layer, given the energy of its particle."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from calogan.networks.flow.mixtures import MixtureChain

__all__ = ["LayerEnergies"]

_SMALLEST_SHARE = 1e-6


class LayerEnergies(nn.Module):
    """Energies of the layers, one after another: a `MixtureChain` given log E.

    The first coordinate is log(E_tot / E). The brightest layer takes what the others leave; each of
    the others has the coordinate logit(E_k / what the layers before it leave of E_tot). It is
    absent where the layer is exactly empty.

    Args:
        n_layers: Readout layers.
        brightest: Index of the layer that takes the rest.

    Shapes:
        Energy `(n, 1)` [GeV], energies of the layers `(n, n_layers)` [MeV], noise
        `(n, noise_size)`.
    """

    def __init__(self, n_layers: int, brightest: int) -> None:
        super().__init__()
        self.n_layers, self.brightest = n_layers, brightest
        self.order = [k for k in range(n_layers) if k != brightest]
        self.chain = MixtureChain((True, *[False] * (n_layers - 1)), 1)

    @property
    def noise_size(self) -> int:
        """Normal numbers that a draw takes."""
        return self.chain.noise_size

    @torch.no_grad()
    def fit_scale(self, energy: Tensor, layer_energies: Tensor) -> None:
        """Take means and standard deviations of the training showers as units."""
        self.chain.fit_scale(energy.log(), *self._coordinates(energy, layer_energies))

    def _coordinates(self, energy: Tensor, layer_energies: Tensor) -> tuple[Tensor, Tensor]:
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

    def log_prob(self, energy: Tensor, layer_energies: Tensor) -> Tensor:
        """Log density of the coordinates (in their units), shape `(n,)`."""
        return self.chain.log_prob(energy.log(), *self._coordinates(energy, layer_energies))

    def forward(self, noise: Tensor, energy: Tensor) -> Tensor:
        """Draw the energies of the layers [MeV]."""
        t, on = self.chain(noise, energy.log())
        rest, parts = 1000.0 * energy * torch.exp(t[:, :1]), {}
        for place, k in enumerate(self.order, 1):
            part = rest * torch.sigmoid(t[:, place : place + 1]) * on[:, place : place + 1]
            parts[k] = part
            rest = rest - part
        parts[self.brightest] = rest
        return torch.cat([parts[k] for k in range(self.n_layers)], 1)
