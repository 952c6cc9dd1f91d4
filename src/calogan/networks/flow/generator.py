"""The generator: noise and energy to one image per readout layer, in one pass."""

from __future__ import annotations

import copy
from itertools import pairwise

import torch
from torch import Tensor, nn

from calogan.networks.flow.coordinates import CellCoordinates, Layout
from calogan.networks.flow.couplings import CouplingFlow
from calogan.networks.flow.energies import LayerEnergies
from calogan.networks.flow.marginals import CellMarginals

__all__ = ["FlowGenerator"]

_MEV_PER_GEV = 1000.0
_FAINT_MEV = 0.1  # added to energies of layers before their logarithm: a layer may be empty


class FlowGenerator(nn.Module):
    """p(layer energies | E), then p(cells | layer energies, E), both trained by their likelihood.

    Energies of the layers come from `LayerEnergies`; with E they are the condition of all that
    follows. Noise becomes correlated normal numbers (`CouplingFlow`), these become coordinates
    (`CellMarginals`), these cells (`CellCoordinates`), scaled to the energies of the layers. Where
    showers are symmetric, each is mirrored at random.

    Args:
        layout: What is known of the calorimeter.
        brightest: Index of the layer with most energy.
        couplings: Couplings of the flow.
        width: Neurons of their hidden layers, and of those of the marginals.

    Shapes:
        Noise `(n, latent_size)`, energy `(n, 1)` [GeV]; one `(n, rows, columns)` [GeV] per layer.

    Example:
        >>> cells = torch.arange(30).view(5, 6)
        >>> orbits = torch.stack([cells.view(-1), cells.flip(0).reshape(-1)])
        >>> layout = Layout(((3, 6), (4, 3)), orbits, ((), ()))
        >>> generator = FlowGenerator(layout, brightest=0, couplings=2, width=8)
        >>> noise = torch.randn(5, generator.latent_size)
        >>> [tuple(image.shape) for image in generator(noise, torch.full((5, 1), 50.0))]
        [(5, 3, 6), (5, 4, 3)]
    """

    def __init__(
        self, layout: Layout, brightest: int, *, couplings: int = 8, width: int = 256
    ) -> None:
        super().__init__()
        n_cells, n_layers = layout.begins[-1], len(layout.layer_shapes)
        n_conditions = 1 + n_layers
        self.layout = layout
        self.energies = LayerEnergies(n_layers, brightest)
        self.coordinates = CellCoordinates(layout)
        self.marginals = CellMarginals(n_cells, self.coordinates.n_core, n_conditions, width=width)
        self.flow = CouplingFlow(n_cells, n_conditions, couplings=couplings, width=width)
        self.mirrored = len(layout.orbits) > 1
        self.latent_size = 2 * n_layers + n_cells + (2 if self.mirrored else 0)
        self.condition_mean: Tensor
        self.condition_std: Tensor
        self.register_buffer("condition_mean", torch.zeros(n_conditions))
        self.register_buffer("condition_std", torch.ones(n_conditions))

    @torch.no_grad()
    def fit_scale(self, energy: Tensor, layer_energies: Tensor) -> None:
        """Take means and standard deviations of the training showers as units."""
        self.energies.fit_scale(energy, layer_energies)
        raw = self._raw_condition(energy, layer_energies)
        self.condition_mean.copy_(raw.mean(0))
        self.condition_std.copy_(raw.std(0).clamp_min(1e-3))

    @staticmethod
    def _raw_condition(energy: Tensor, layer_energies: Tensor) -> Tensor:
        return torch.cat([energy.log(), torch.log(layer_energies + _FAINT_MEV)], 1)

    def condition(self, energy: Tensor, layer_energies: Tensor) -> Tensor:
        """What marginals and flow are told: energies [GeV, MeV] as logarithms in their units."""
        raw = self._raw_condition(energy, layer_energies)
        return (raw - self.condition_mean) / self.condition_std

    @torch.no_grad()
    def merged(self) -> FlowGenerator:
        """A copy for inference, in eval mode, with the same images."""
        generator = copy.deepcopy(self).eval()
        generator.flow = self.flow.merged()
        return generator.requires_grad_(False)

    def forward(self, noise: Tensor, energy: Tensor) -> tuple[Tensor, ...]:
        """Return the energies of the cells of each layer [GeV]."""
        n_first = 2 * self.energies.n_layers
        layer_energies = self.energies(noise[:, :n_first], energy)
        n_cells = self.layout.begins[-1]
        cells = self.cells(noise[:, n_first : n_first + n_cells], energy, layer_energies)
        images = [
            part.view(-1, *shape)
            for part, shape in zip(cells, self.layout.layer_shapes, strict=True)
        ]
        if self.mirrored:
            turn = noise[:, n_first + n_cells :, None, None] > 0
            images = [torch.where(turn[:, 0], x.flip(1), x) for x in images]
            images = [torch.where(turn[:, 1], x.flip(2), x) for x in images]
        return tuple(image / _MEV_PER_GEV for image in images)

    def cells(self, noise: Tensor, energy: Tensor, layer_energies: Tensor) -> list[Tensor]:
        """Cells of each layer [MeV], given the energies of the layers [MeV]."""
        condition = self.condition(energy, layer_energies)
        y, excess = self.marginals(self.flow(noise, condition), condition)
        return self.coordinates.decode(y, self._hit(excess), layer_energies)

    def _hit(self, excess: Tensor) -> Tensor:
        """Which cells are hit: in a layer with energy at least the likeliest one."""
        excess = excess.index_select(1, self.coordinates.back)
        hit = [
            excess[:, a:b] >= excess[:, a:b].amax(1, keepdim=True).clamp_max(0.0)
            for a, b in pairwise(self.layout.begins)
        ]
        return torch.cat(hit, 1).index_select(1, self.coordinates.order)
