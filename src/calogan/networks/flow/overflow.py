"""How much energy a shower leaves beside the cells, given its cells."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from calogan.networks.flow.mixtures import MixtureChain

__all__ = ["LayerOverflow"]

_SMALLEST_SHARE = 1e-7
_FAINT_MEV = 0.1
_LEAST_MISSING_MEV = 2.0  # a positron brings twice its mass into the shower


class LayerOverflow(nn.Module):
    """Energy beside the cells of each layer: a `MixtureChain` given the shower.

    The chain is told log E, the energy that is missing in the cells as a share of E, the energies of
    the layers, and of each layer what its first and last rows hold: a shower that is wide in its
    cells is wide beside them. The first coordinate is logit(O / missing energy), with O the sum over
    the layers; one layer takes what the others leave of O, each of the others has the coordinate
    logit(O_k / what the layers before it leave). A coordinate is absent where that energy is zero.

    Args:
        layer_shapes: Cells along the two axes of each readout layer.
        brightest: Index of the layer that takes the rest.

    Shapes:
        Energy `(n, 1)` [GeV]; cells `(n, n_cells)`, overflow `(n, n_layers)` [MeV].
    """

    def __init__(self, layer_shapes: tuple[tuple[int, int], ...], brightest: int) -> None:
        super().__init__()
        self.layer_shapes, self.brightest = layer_shapes, brightest
        n_layers = len(layer_shapes)
        self.order = [k for k in range(n_layers) if k != brightest]
        self.chain = MixtureChain((False,) * n_layers, 2 + 3 * n_layers)
        sums = torch.zeros(sum(a * b for a, b in layer_shapes), 3 * n_layers)
        begin = 0
        for k, (rows, columns) in enumerate(layer_shapes):
            image = sums[begin : begin + rows * columns, 3 * k : 3 * k + 3].view(rows, columns, 3)
            image[:, :, 0] = 1
            image[[0, -1], :, 1] = 1
            image[:, [0, -1], 2] = 1
            begin += rows * columns
        self.sums: Tensor
        self.register_buffer("sums", sums, persistent=False)

    @property
    def noise_size(self) -> int:
        """Normal numbers that a draw takes."""
        return self.chain.noise_size

    def _told(self, energy: Tensor, cells: Tensor) -> tuple[Tensor, Tensor]:
        """What the chain is told, and the missing energy [MeV]."""
        sums = cells @ self.sums
        total = sums[:, ::3].sum(1, keepdim=True)
        missing = (1000.0 * energy - total).clamp_min(_LEAST_MISSING_MEV)
        told = [energy.log(), torch.log(missing / (1000.0 * energy)), torch.log(sums + _FAINT_MEV)]
        return torch.cat(told, 1), missing

    def _coordinates(self, overflow: Tensor, missing: Tensor) -> tuple[Tensor, Tensor]:
        rest = overflow.sum(1, keepdim=True)
        values, on = [_logit(rest / missing)], [rest > 0]
        for k in self.order:
            part = overflow[:, k : k + 1]
            values.append(_logit(part / rest.clamp_min(1e-9)))
            on.append(part > 0)
            rest = rest - part
        return torch.cat(values, 1), torch.cat(on, 1)

    @torch.no_grad()
    def fit_scale(self, energy: Tensor, cells: Tensor, overflow: Tensor) -> None:
        """Take means and standard deviations of the training showers as units."""
        told, missing = self._told(energy, cells)
        self.chain.fit_scale(told, *self._coordinates(overflow, missing))

    def log_prob(self, energy: Tensor, cells: Tensor, overflow: Tensor) -> Tensor:
        """Log density of the coordinates (in their units), shape `(n,)`."""
        told, missing = self._told(energy, cells)
        return self.chain.log_prob(told, *self._coordinates(overflow, missing))

    def forward(self, noise: Tensor, energy: Tensor, cells: Tensor) -> Tensor:
        """Draw the energy beside the cells of each layer [MeV]."""
        told, missing = self._told(energy, cells)
        t, on = self.chain(noise, told)
        share = torch.sigmoid(t) * on
        rest, parts = missing * share[:, :1], {}
        for place, k in enumerate(self.order, 1):
            parts[k] = rest * share[:, place : place + 1]
            rest = rest - parts[k]
        parts[self.brightest] = rest
        return torch.cat([parts[k] for k in range(len(self.layer_shapes))], 1)


def _logit(share: Tensor) -> Tensor:
    return torch.logit(share.clamp(_SMALLEST_SHARE, 1 - 1e-6))
