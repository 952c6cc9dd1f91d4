"""The correlations: a triangular linear layer and affine couplings between normal numbers."""

from __future__ import annotations

import copy
from typing import cast

import torch
from torch import Tensor, nn

__all__ = ["CouplingFlow"]

_STRONGEST = 1.5  # largest logarithm of a scale


class _Coupling(nn.Module):
    """Shift and scale one half of the numbers by what the other half and the condition say."""

    def __init__(self, n_read: int, n_moved: int, n_conditions: int, width: int) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Linear(n_read + n_conditions, width),
            nn.SiLU(),
            nn.Dropout(0.05),
            nn.Linear(width, width),
            nn.SiLU(),
        )
        self.heads = nn.Linear(width, 2 * n_moved)
        nn.init.zeros_(self.heads.weight)
        nn.init.zeros_(self.heads.bias)

    def forward(self, read: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Shift and log scale of the other half."""
        shift, scale = self.heads(self.trunk(torch.cat([read, condition], 1))).chunk(2, 1)
        return shift, _STRONGEST * torch.tanh(scale / _STRONGEST)


class CouplingFlow(nn.Module):
    """A normalising flow over numbers that are each standard normal, but not independent.

    From data to noise: `couplings` affine couplings (RealNVP, arXiv:1605.08803), two on each of
    some fixed random partitions, then a lower triangular linear layer. All start as the identity;
    `fit_linear` makes the linear layer whiten the training showers.

    Args:
        size: Numbers, an even count.
        n_conditions: Length of the condition.
        couplings: Couplings, an even count.
        width: Neurons in the hidden layers of each.
        seed: Fixes the partitions.

    Shapes:
        Numbers and noise `(n, size)`, condition `(n, n_conditions)`.
    """

    def __init__(
        self, size: int, n_conditions: int, *, couplings: int = 8, width: int = 256, seed: int = 5
    ) -> None:
        super().__init__()
        rng = torch.Generator().manual_seed(seed)
        self.middle = size // 2
        self.order: Tensor
        self.back: Tensor
        order = torch.stack([torch.randperm(size, generator=rng) for _ in range(couplings // 2)])
        self.register_buffer("order", order)
        self.register_buffer("back", order.argsort(1))
        sizes = [(size // 2, size - size // 2), (size - size // 2, size // 2)]
        self.couplings = nn.ModuleList(
            _Coupling(*sizes[k % 2], n_conditions, width) for k in range(couplings)
        )
        self.lower = nn.Parameter(torch.zeros(size, size))
        self.log_scale = nn.Parameter(torch.zeros(size))
        self.precision: Tensor
        self.register_buffer("precision", torch.eye(size))
        self.inverse: Tensor | None
        self.register_buffer("inverse", None, persistent=False)

    @torch.no_grad()
    def fit_linear(self, covariance: Tensor) -> None:
        """Whiten numbers of this covariance `(size, size)`, mean zero."""
        size = len(covariance)
        eye = torch.eye(size, dtype=torch.float64, device=covariance.device)
        factor = torch.linalg.cholesky(0.999 * covariance.double() + 0.001 * eye)
        whiten = torch.linalg.solve_triangular(factor, eye, upper=False)
        self.precision.copy_(whiten.T @ whiten)
        scale = whiten.diagonal()
        self.log_scale.copy_(scale.log())
        self.lower.copy_((whiten / scale[:, None]).tril(-1))

    def log_gain(self, g: Tensor, condition: Tensor) -> Tensor:
        """Log density, less that of independent normal numbers, shape `(n,)`."""
        before = g.square().sum(1)
        gain = self.log_scale.sum().expand(len(g))
        for k, coupling in enumerate(self.couplings):
            if k % 2 == 0:
                g = g.index_select(1, self.order[k // 2])
                a, b = g[:, : self.middle], g[:, self.middle :]
            read, moved = (a, b) if k % 2 == 0 else (b, a)
            shift, scale = coupling(read, condition)
            moved = (moved - shift) * torch.exp(-scale)
            gain = gain - scale.sum(1)
            a, b = (read, moved) if k % 2 == 0 else (moved, read)
            if k % 2:
                g = torch.cat([a, b], 1).index_select(1, self.back[k // 2])
        z = (g + g @ self.lower.tril(-1).T) * self.log_scale.exp()
        return gain + 0.5 * (before - z.square().sum(1))

    @torch.no_grad()
    def merged(self) -> CouplingFlow:
        """A copy that samples with a matrix product in the place of a solution."""
        flow = copy.deepcopy(self).eval()
        flow.inverse = self._inverse()
        return flow

    def _inverse(self) -> Tensor:
        """From noise to correlated numbers: the transposed inverse of the linear layer."""
        size = len(self.lower)
        eye = torch.eye(size, dtype=torch.float64, device=self.lower.device)
        matrix = (eye + self.lower.double().tril(-1)) * self.log_scale.double().exp()[:, None]
        inverse: Tensor = torch.linalg.solve_triangular(matrix, eye, upper=False)
        return inverse.T.float().contiguous()

    def forward(self, noise: Tensor, condition: Tensor) -> Tensor:
        """Numbers from noise."""
        g = noise @ (self._inverse() if self.inverse is None else self.inverse)
        for k in reversed(range(len(self.couplings))):
            if k % 2:
                g = g.index_select(1, self.order[k // 2])
                a, b = g[:, : self.middle], g[:, self.middle :]
            read, moved = (a, b) if k % 2 == 0 else (b, a)
            shift, scale = cast(tuple[Tensor, Tensor], self.couplings[k](read, condition))
            moved = moved * torch.exp(scale) + shift
            a, b = (read, moved) if k % 2 == 0 else (moved, read)
            if k % 2 == 0:
                g = torch.cat([a, b], 1).index_select(1, self.back[k // 2])
        return g
