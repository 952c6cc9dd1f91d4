"""The generator: noise and energy to one image per readout layer, and overflow, in one pass."""

from __future__ import annotations

import copy
from itertools import pairwise

import torch
from torch import Tensor, nn

from calogan.networks.flow.coordinates import CellCoordinates, Layout
from calogan.networks.flow.couplings import CouplingFlow
from calogan.networks.flow.energies import LayerEnergies
from calogan.networks.flow.marginals import CellMarginals
from calogan.networks.flow.orientation import LayerOrientation
from calogan.networks.flow.overflow import LayerOverflow
from calogan.networks.flow.summaries import LayerSummaries

__all__ = ["FlowGenerator"]

_MEV_PER_GEV = 1000.0
_FAINT_MEV = 0.1  # added to energies of layers before their logarithm: a layer may be empty


class FlowGenerator(nn.Module):
    """p(layer energies | E), then p(cells | layer energies, E), both trained by their likelihood.

    Energies of the layers come from `LayerEnergies`; with E they are the condition of all that
    follows. Noise becomes correlated normal numbers (`CouplingFlow`), these become coordinates
    (`CellMarginals`), these cells (`CellCoordinates`), scaled to the energies of the layers. Where
    showers are symmetric, each is mirrored at random, or each layer is turned as `LayerOrientation`
    draws it. `LayerOverflow` adds the energy beside the cells.

    Args:
        layout: What is known of the calorimeter.
        brightest: Index of the layer with most energy.
        couplings: Couplings of the flow.
        width: Neurons of their hidden layers, and of those of the marginals.
        oriented: Whether layers are learnt lying one way round, and turned at the end.
        summaries: What else of each layer is drawn before the cells: see `LayerSummaries`.

    Shapes:
        Noise `(n, latent_size)`, energy `(n, 1)` [GeV]; one `(n, rows, columns)` [GeV] per layer,
        and the energy beside the cells, `(n, n_layers)` [GeV].

    Example:
        >>> cells = torch.arange(30).view(5, 6)
        >>> orbits = torch.stack([cells.view(-1), cells.flip(0).reshape(-1)])
        >>> layout = Layout(((3, 6), (4, 3)), orbits, ((), ()))
        >>> generator = FlowGenerator(layout, brightest=0, couplings=2, width=8)
        >>> noise = torch.randn(5, generator.latent_size)
        >>> [tuple(image.shape) for image in generator(noise, torch.full((5, 1), 50.0))]
        [(5, 3, 6), (5, 4, 3), (5, 2)]
    """

    def __init__(
        self,
        layout: Layout,
        brightest: int,
        *,
        couplings: int = 8,
        width: int = 256,
        oriented: bool = False,
        summaries: tuple[str, ...] = (),
    ) -> None:
        super().__init__()
        n_cells, n_layers = layout.begins[-1], len(layout.layer_shapes)
        n_energies = 1 + n_layers
        self.layout = layout
        self.summaries = (
            LayerSummaries(layout.layer_shapes, summaries, n_energies) if summaries else None
        )
        n_conditions = n_energies + (self.summaries.n_summaries if self.summaries else 0)
        self.energies = LayerEnergies(n_layers, brightest)
        self.coordinates = CellCoordinates(layout)
        self.marginals = CellMarginals(n_cells, self.coordinates.n_core, n_conditions, width=width)
        self.flow = CouplingFlow(n_cells, n_conditions, couplings=couplings, width=width)
        self.overflow = LayerOverflow(layout.layer_shapes, brightest)
        self.orientation = LayerOrientation(layout.layer_shapes, n_conditions) if oriented else None
        self.mirrored = len(layout.orbits) > 1
        turns = self.orientation.n_sides if self.orientation else 2 * self.mirrored
        self._noise = (
            self.energies.noise_size,
            self.summaries.noise_size if self.summaries else 0,
            n_cells,
            turns,
            self.overflow.noise_size,
        )
        self.latent_size = sum(self._noise)
        self.condition_mean: Tensor
        self.condition_std: Tensor
        self.register_buffer("condition_mean", torch.zeros(n_conditions))
        self.register_buffer("condition_std", torch.ones(n_conditions))

    @torch.no_grad()
    def fit_scale(
        self, energy: Tensor, layer_energies: Tensor, summaries: Tensor | None = None
    ) -> None:
        """Take means and standard deviations of the training showers as units."""
        self.energies.fit_scale(energy, layer_energies)
        raw = self.raw_condition(energy, layer_energies)
        if self.summaries and summaries is not None:
            there = torch.ones_like(summaries, dtype=torch.bool)
            self.summaries.chain.fit_scale(raw, summaries, there)
            raw = torch.cat([raw, summaries], 1)
        self.condition_mean.copy_(raw.mean(0))
        self.condition_std.copy_(raw.std(0).clamp_min(1e-3))

    @staticmethod
    def raw_condition(energy: Tensor, layer_energies: Tensor) -> Tensor:
        """Energies of particle [GeV] and layers [MeV] as logarithms, `(n, 1 + n_layers)`."""
        return torch.cat([energy.log(), torch.log(layer_energies + _FAINT_MEV)], 1)

    def condition(
        self, energy: Tensor, layer_energies: Tensor, summaries: Tensor | None = None
    ) -> Tensor:
        """What marginals and flow are told, in their units.

        Args:
            energy: Of the particles [GeV], shape `(n, 1)`.
            layer_energies: Shape `(n, n_layers)` [MeV].
            summaries: Shape `(n, n_summaries)`, of a flow that draws such.
        """
        raw = self.raw_condition(energy, layer_energies)
        if summaries is not None:
            raw = torch.cat([raw, summaries], 1)
        return (raw - self.condition_mean) / self.condition_std

    @torch.no_grad()
    def merged(self) -> FlowGenerator:
        """A copy for inference, in eval mode, with the same images."""
        generator = copy.deepcopy(self).eval()
        generator.flow = self.flow.merged()
        return generator.requires_grad_(False)

    def forward(self, noise: Tensor, energy: Tensor) -> tuple[Tensor, ...]:
        """Return the energies of the cells of each layer, and those beside the cells [GeV]."""
        for_energies, for_summaries, for_cells, turns, for_overflow = noise.split(self._noise, 1)
        layer_energies = self.energies(for_energies, energy)
        drawn = (
            self.summaries(for_summaries, self.raw_condition(energy, layer_energies))
            if self.summaries
            else None
        )
        condition = self.condition(energy, layer_energies, drawn)
        cells = self.cells(for_cells, condition, layer_energies)
        if self.orientation:
            cells = self.orientation(turns, condition, cells)
        overflow = self.overflow(for_overflow, energy, cells)
        images = []
        shapes = self.layout.layer_shapes
        for (begin, end), shape in zip(pairwise(self.layout.begins), shapes, strict=True):
            image = cells[:, begin:end].reshape(-1, *shape)
            if self.mirrored:
                turn = turns[:, :, None, None] > 0
                image = torch.where(turn[:, 0], image.flip(1), image)
                image = torch.where(turn[:, 1], image.flip(2), image)
            images.append(image)
        return tuple(part / _MEV_PER_GEV for part in (*images, overflow))

    def cells(self, noise: Tensor, condition: Tensor, layer_energies: Tensor) -> Tensor:
        """Cells `(n, n_cells)` [MeV], given the condition and the energies of the layers [MeV]."""
        y, excess = self.marginals(self.flow(noise, condition), condition)
        return torch.cat(self.coordinates.decode(y, self._hit(excess), layer_energies), 1)

    def turned(self, cells: Tensor) -> Tensor:
        """Cells of showers `(n, n_cells)`, lying as the flow learns them."""
        return self.orientation.canonical(cells)[0] if self.orientation else cells

    def _hit(self, excess: Tensor) -> Tensor:
        """Which cells are hit: in a layer with energy at least the likeliest one."""
        excess = excess.index_select(1, self.coordinates.back)
        hit = [
            excess[:, a:b] >= excess[:, a:b].amax(1, keepdim=True).clamp_max(0.0)
            for a, b in pairwise(self.layout.begins)
        ]
        return torch.cat(hit, 1).index_select(1, self.coordinates.order)
