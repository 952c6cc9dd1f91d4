"""Which way round a shower lies in each layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["LayerOrientation"]

_FAINT_MEV = 1e-3


class LayerOrientation(nn.Module):
    """Turns each layer the same way round, and says which way round showers lie.

    A pion that crosses a layer without a shower leaves its energy on one side of the axis, never on
    both. Which side is a matter of chance, and a density over mirrored showers has two peaks where
    nothing lies between. So each layer is mirrored such that its upper half along each axis holds
    at least as much as the lower one, and the flow learns showers that all lie the same way. Which
    way each layer lies is drawn at the end: one yes or no for each layer and axis, one after
    another, as logistic regressions on those before whose coefficients a small network gives from
    the condition and from how uneven the halves are. It knows that a track stays on its side, and
    that an energy deposit on the axis itself counts for the upper cell.

    Args:
        layer_shapes: Cells along the two axes of each readout layer.
        n_conditions: Length of the condition.
        width: Neurons of the hidden layer.

    Shapes:
        Cells `(n, n_cells)` [MeV]; sides `(n, 2 n_layers)`: 1 for a layer that lies as the flow
        learns it, -1 for a mirrored one; first axis, then second, of each layer.
    """

    def __init__(
        self, layer_shapes: tuple[tuple[int, int], ...], n_conditions: int, *, width: int = 64
    ) -> None:
        super().__init__()
        self.layer_shapes = layer_shapes
        self.n_sides = n = 2 * len(layer_shapes)
        last = nn.Linear(width, n + n * n)
        self.network = nn.Sequential(
            nn.Linear(n_conditions + n, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), last
        )
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        n_cells = sum(a * b for a, b in layer_shapes)
        halves, total = torch.zeros(n_cells, n), torch.zeros(n_cells, n)
        begin = 0
        for k, (rows, columns) in enumerate(layer_shapes):
            end = begin + rows * columns
            image = halves[begin:end].view(rows, columns, n)
            image[:, :, 2 * k] = _sides(rows)[:, None]
            image[:, :, 2 * k + 1] = _sides(columns)
            total[begin:end, 2 * k : 2 * k + 2] = 1
            begin = end
        self.halves: Tensor
        self.total: Tensor
        self.register_buffer("halves", halves, persistent=False)
        self.register_buffer("total", total, persistent=False)

    def turn(self, cells: Tensor, sides: Tensor) -> Tensor:
        """Mirror the layers along the axes whose side is -1."""
        images, begin = [], 0
        for k, (rows, columns) in enumerate(self.layer_shapes):
            image = cells[:, begin : begin + rows * columns].view(-1, rows, columns)
            for axis in (0, 1):
                turned = sides[:, 2 * k + axis, None, None] < 0
                image = torch.where(turned, image.flip(1 + axis), image)
            images.append(image.flatten(1))
            begin += rows * columns
        return torch.cat(images, 1)

    def canonical(self, cells: Tensor) -> tuple[Tensor, Tensor]:
        """Showers that lie as the flow learns them, and which way round they were."""
        sides = torch.where(cells @ self.halves < 0, -1.0, 1.0)
        return self.turn(cells, sides), sides

    def _coefficients(self, condition: Tensor, cells: Tensor) -> tuple[Tensor, Tensor]:
        uneven = (cells @ self.halves).abs() / (cells @ self.total + _FAINT_MEV)
        out = self.network(torch.cat([condition, 2 * uneven - 1], 1))
        n = self.n_sides
        return out[:, :n], out[:, n:].view(-1, n, n)

    def log_prob(self, condition: Tensor, cells: Tensor, sides: Tensor) -> Tensor:
        """Log probability of the sides, shape `(n,)`; that of an even layer does not count."""
        alone, coupled = self._coefficients(condition, cells)
        lower = torch.tril(coupled, -1)
        logits = alone + (lower @ sides[:, :, None])[:, :, 0]
        counts = (cells @ self.halves) != 0
        return (nn.functional.logsigmoid(logits * sides) * counts).sum(1)

    def forward(self, noise: Tensor, condition: Tensor, cells: Tensor) -> Tensor:
        """Turn showers that lie as the flow learns them at random."""
        alone, coupled = self._coefficients(condition, cells)
        uniform = 0.5 * (1 + torch.erf(noise / 2**0.5))
        sides: list[Tensor] = []
        for j in range(self.n_sides):
            logit = alone[:, j : j + 1]
            if sides:
                before = torch.cat(sides, 1)
                logit = logit + (coupled[:, j, :j] * before).sum(1, keepdim=True)
            drawn = (torch.sigmoid(logit) > uniform[:, j : j + 1]).to(noise.dtype)
            sides.append(2 * drawn - 1)
        return self.turn(cells, torch.cat(sides, 1))


def _sides(n: int) -> Tensor:
    """1 for the upper half of n cells, -1 for the lower half, 0 for a cell in the middle."""
    return torch.sign(torch.arange(n) - (n - 1) / 2)
