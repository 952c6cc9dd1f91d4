"""Each coordinate by itself: how often its cell is hit, and how its values are distributed."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["KNOTS", "CellMarginals"]

KNOTS = 65
"""Knots of each table of quantiles."""
_LIMIT = 9.0  # logit of the last knot: a share of 1.2e-4 of the values lies beyond
_EXTREME = 5.5  # largest normal number
_ALWAYS = 30.0  # logit of a hit that never misses


class CellMarginals(nn.Module):
    """Maps each coordinate to a standard normal number, and back.

    A network gives, for each coordinate, the logit of the probability that its cell is hit, and
    the mean and the width of its values. What distribution the standardised values have, a table
    says: `KNOTS` quantiles, evenly spaced in the logit of their probability, one table per set of
    mirrored cells. With F the distribution function of hits, and p the probability of a hit, the
    normal number is Phi^-1(1 - p + p F(y)); for an empty cell it is Phi^-1 of a uniform number below
    1 - p, so that all of the normal distribution is used.

    Args:
        n_cells: Coordinates.
        n_always: The first so many are always there.
        n_conditions: Length of the condition.
        width: Neurons in each of the two hidden layers.

    Shapes:
        Coordinates, hits, normal numbers `(n, n_cells)`, condition `(n, n_conditions)`.
    """

    def __init__(self, n_cells: int, n_always: int, n_conditions: int, *, width: int = 256) -> None:
        super().__init__()
        self.n_cells = n_cells
        self.mean: Tensor
        self.std: Tensor
        self.table: Tensor
        self.offset: Tensor
        self.always: Tensor
        self.network = nn.Sequential(
            nn.Linear(n_conditions, width),
            nn.SiLU(),
            nn.Linear(width, width),
            nn.SiLU(),
            nn.Linear(width, 3 * n_cells),
        )
        self.register_buffer("mean", torch.zeros(n_cells))
        self.register_buffer("std", torch.ones(n_cells))
        self.register_buffer("table", torch.linspace(-3, 3, KNOTS).repeat(n_cells, 1))
        self.register_buffer("offset", KNOTS * torch.arange(n_cells), persistent=False)
        always = torch.where(torch.arange(n_cells) < n_always, _ALWAYS, 0.0)
        self.register_buffer("always", always, persistent=False)

    def _parameters_of(self, condition: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logit of a hit, mean, log width; `(n, n_cells)` each."""
        hit, mean, width = self.network(condition).chunk(3, 1)
        hit = torch.where(self.always > 0, self.always, 2 * hit)
        return hit, self.mean + self.std * mean, width.clamp(-5, 3) + self.std.log()

    @torch.no_grad()
    def fit_scale(self, y: Tensor, on: Tensor) -> None:
        """Take mean and standard deviation of the coordinates of training showers as units."""
        n = on.sum(0).clamp_min(1)
        self.mean.copy_((y * on).sum(0) / n)
        variance = ((y - self.mean).square() * on).sum(0) / n
        self.std.copy_(variance.sqrt().clamp_min(0.05))

    def log_prob(self, y: Tensor, on: Tensor, condition: Tensor) -> Tensor:
        """Log likelihood of hits and values, as Student's t of 4 degrees of freedom, `(n,)`.

        The tables take the place of Student's t later: its heavy tails keep rare values from
        deciding over means and widths.
        """
        hit, mean, log_width = self._parameters_of(condition)
        z = (y - mean) * torch.exp(-log_width)
        value = -2.5 * torch.log1p(z.square() / 4) - log_width + functional.logsigmoid(hit)
        return torch.where(on, value, functional.logsigmoid(-hit)).sum(1)

    @torch.no_grad()
    def residuals(self, y: Tensor, on: Tensor, condition: Tensor) -> Tensor:
        """Standardised values; NaN where the cell is empty."""
        _, mean, log_width = self._parameters_of(condition)
        return torch.where(on, (y - mean) * torch.exp(-log_width), torch.nan)

    @torch.no_grad()
    def gaussianise(self, y: Tensor, on: Tensor, condition: Tensor, rng: torch.Generator) -> Tensor:
        """Normal numbers of coordinates; random ones, of the right range, for empty cells."""
        hit, mean, log_width = self._parameters_of(condition)
        r = (y - mean) * torch.exp(-log_width)
        upper = torch.searchsorted(self.table, r.T.contiguous()).T.clamp(1, KNOTS - 1)
        flat = self.table.view(-1)
        a, b = flat[self.offset + upper - 1], flat[self.offset + upper]
        step = 2 * _LIMIT / (KNOTS - 1)
        logit = -_LIMIT + step * (upper - 1 + ((r - a) / (b - a)).clamp(-3, 4))
        p_hit = torch.sigmoid(hit)
        uniform = torch.rand(y.shape, generator=rng)
        low = torch.where(on, 1 - p_hit + p_hit * torch.sigmoid(logit), uniform * (1 - p_hit))
        high = torch.where(on, p_hit * torch.sigmoid(-logit), 1 - low)
        # each tail from its own side: 1 - 1e-8 is 1 in 32 bits
        from_low = torch.special.ndtri(low.clamp(1e-9, 1 - 1e-6))
        from_high = -torch.special.ndtri(high.clamp(1e-9, 1 - 1e-6))
        return torch.where(low < 0.5, from_low, from_high).clamp(-_EXTREME, _EXTREME)

    @torch.no_grad()
    def limits(self, condition: Tensor) -> Tensor:
        """What the normal number of each cell lies below if it is empty."""
        hit, _, _ = self._parameters_of(condition)
        limits: Tensor = torch.special.ndtri(torch.sigmoid(-hit))
        return limits.clamp(-_EXTREME, _EXTREME)

    def forward(self, g: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Coordinates of normal numbers, and by how much each cell is hit: empty below 0."""
        hit, mean, log_width = self._parameters_of(condition)
        p_hit = torch.sigmoid(hit)
        erf = torch.erf(g / math.sqrt(2))
        low, high = 0.5 * (1 + erf), 0.5 * (1 - erf)
        excess = low - (1 - p_hit)
        share = (excess / p_hit).clamp(1e-6, 1.0)
        rest = (high / p_hit).clamp(1e-6, 1.0)
        logit = (torch.log(share) - torch.log(rest)).clamp(-_LIMIT, _LIMIT)
        place = (logit + _LIMIT) * ((KNOTS - 1) / (2 * _LIMIT))
        knot = place.floor().clamp(0, KNOTS - 2)
        part = place - knot
        index = knot.to(torch.int64) + self.offset
        flat = self.table.view(-1, 1)
        lower = functional.embedding(index, flat)[:, :, 0]
        upper = functional.embedding(index + 1, flat)[:, :, 0]
        r = lower + (upper - lower) * part
        return mean + torch.exp(log_width) * r, excess
