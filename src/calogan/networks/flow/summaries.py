"""What is told of a shower before its cells are drawn."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from calogan.networks.flow.mixtures import MixtureChain

__all__ = ["SUMMARIES", "LayerSummaries"]

SUMMARIES = ("hits", "brightest", "width")
"""What there is: the number of cells hit, the share of the brightest cell, and the rms distance of
the energy from the axis in cells."""


class LayerSummaries(nn.Module):
    """A few numbers of each layer, drawn by a `MixtureChain` given the energies.

    Two pions that leave the same energy in a layer may have crossed it or have showered in it, and
    no cell by itself says which. The number of hits does. What is drawn here joins the condition of
    all cells, which then follow it closely.

    Args:
        layer_shapes: Cells along the two axes of each layer.
        names: Which of `SUMMARIES`.
        n_conditions: Length of the condition: energies of particle and layers.

    Shapes:
        Cells `(n, n_cells)` [MeV]; summaries `(n, n_summaries)`.
    """

    def __init__(
        self,
        layer_shapes: tuple[tuple[int, int], ...],
        names: tuple[str, ...],
        n_conditions: int,
    ) -> None:
        super().__init__()
        self.layer_shapes, self.names = layer_shapes, names
        self.n_summaries = len(names) * len(layer_shapes)
        self.chain = MixtureChain((True,) * self.n_summaries, n_conditions)

    @property
    def noise_size(self) -> int:
        """Normal numbers that a draw takes."""
        return self.chain.noise_size

    def measure(self, cells: Tensor, rng: torch.Generator) -> Tensor:
        """Summaries of showers; hits are whole numbers, so a part of one is added at random."""
        begins = [0]
        for rows, columns in self.layer_shapes:
            begins.append(begins[-1] + rows * columns)
        values = []
        for (a, b), shape in zip(pairwise(begins), self.layer_shapes, strict=True):
            image = cells[:, a:b]
            total = image.sum(1).clamp_min(1e-9)
            for name in self.names:
                if name == "hits":
                    part = torch.rand(len(cells), generator=rng)
                    values.append(torch.log((image > 0).sum(1) + 0.5 + part))
                elif name == "brightest":
                    share = (image.amax(1) / total).clamp(1e-4, 1 - 1e-4)
                    values.append(torch.logit(share))
                else:
                    eta, phi = (torch.arange(n) - (n - 1) / 2 for n in shape)
                    square = (eta.square()[:, None] + phi.square()).flatten()
                    values.append(0.5 * torch.log((image @ square) / total + 0.25))
        return torch.stack(values, 1)

    def log_prob(self, condition: Tensor, summaries: Tensor) -> Tensor:
        """Log density of the summaries (in units of the training showers), shape `(n,)`."""
        there = torch.ones_like(summaries, dtype=torch.bool)
        return self.chain.log_prob(condition, summaries, there)

    def forward(self, noise: Tensor, condition: Tensor) -> Tensor:
        """Draw the summaries."""
        drawn: Tensor = self.chain(noise, condition)[0]
        return drawn
