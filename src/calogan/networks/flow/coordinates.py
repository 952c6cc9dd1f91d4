"""From cells to coordinates in which showers are simple, and back."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

__all__ = ["CellCoordinates", "Layout"]

_JITTER = 0.15
_SMALLEST = 1e-9  # MeV; below it nothing is deposited
_FAINTEST_CORE_MEV = 1e-3
_LOG_RANGE = (-24.0, 14.0)


@dataclass(frozen=True)
class Layout:
    """What the coordinates know of a calorimeter and of its showers.

    Args:
        layer_shapes: Cells along the two axes of each readout layer.
        orbits: For each cell the cells that mirrors put it on, itself among them, shape
            `(mirrors, n_cells)`, int64; one row that counts up, for no mirrors.
        cores: Cells of each layer, two or four that mirrors put on each other, which are hit in
            every shower; none for a layer without such.
    """

    layer_shapes: tuple[tuple[int, int], ...]
    orbits: Tensor
    cores: tuple[tuple[int, ...], ...]

    @property
    def begins(self) -> tuple[int, ...]:
        """First cell of each layer, and the number of all cells."""
        begins = [0]
        for rows, columns in self.layer_shapes:
            begins.append(begins[-1] + rows * columns)
        return tuple(begins)


class CellCoordinates(nn.Module):
    """Logarithms of the cells, relative to their layer; an empty cell has none.

    What the energies of the layers say already must not be said again: a coordinate that the others
    determine has no density. In a layer with a core, logarithms are relative to the mean logarithm
    of the core. The core itself is turned by an orthogonal matrix of signs (Hadamard): its first
    row is the mean, which is replaced by a normal number without meaning; the other rows are
    differences, which change their sign under a mirror. In a layer without a core, a common normal
    number of width 0.15 is added to all logarithms. Both are forgotten on the way back, where each
    layer is scaled to its energy.

    Args:
        layout: What is known of the calorimeter.

    Shapes:
        Cells and coordinates `(n, n_cells)`, the cells of the cores first among the coordinates;
        energies of the layers `(n, n_layers)` [MeV].
    """

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.layout = layout
        n_cells = layout.begins[-1]
        core = [cell for cells in layout.cores for cell in cells]
        others = [cell for cell in range(n_cells) if cell not in set(core)]
        self.n_core = len(core)
        self.order: Tensor
        self.back: Tensor
        self.signs: Tensor
        self.meaning: Tensor
        order = torch.tensor(core + others, dtype=torch.int64)
        self.register_buffer("order", order, persistent=False)
        self.register_buffer("back", order.argsort(), persistent=False)
        self.register_buffer("signs", torch.eye(len(core)), persistent=False)
        self.register_buffer("meaning", torch.ones(len(core)), persistent=False)
        place = 0
        self._spans: list[tuple[int, int]] = []  # of each layer's core among the coordinates
        for cells in layout.cores:
            end = place + len(cells)
            if cells:
                self.signs[place:end, place:end] = _hadamard(len(cells))
                self.meaning[place] = 0.0
            self._spans.append((place, end))
            place = end

    def encode(self, cells: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Coordinates of cells [MeV], and which of them are there."""
        on = cells > 0
        y = torch.log(torch.where(on, cells, torch.ones_like(cells)))
        n = len(cells)
        for (a, b), core in zip(pairwise(self.layout.begins), self.layout.cores, strict=True):
            if core:
                index = list(core)
                bright = torch.log(cells[:, index].clamp_min(_FAINTEST_CORE_MEV))
                y[:, a:b] -= bright.mean(1, keepdim=True)
                y[:, index] = bright - bright.mean(1, keepdim=True)
                on[:, index] = True
            else:
                total = torch.log(cells[:, a:b].sum(1, keepdim=True).clamp_min(_SMALLEST))
                y[:, a:b] += _JITTER * torch.randn(n, 1, generator=rng) - total
        y = torch.where(on, y, torch.zeros_like(y))[:, self.order]
        core_y = y[:, : self.n_core] @ self.signs.T
        dummy = torch.randn(n, self.n_core, generator=rng) * (1 - self.meaning)
        y = torch.cat([core_y * self.meaning + dummy, y[:, self.n_core :]], 1)
        return y, on[:, self.order]

    def decode(self, y: Tensor, on: Tensor, layer_energies: Tensor) -> list[Tensor]:
        """Cells of each layer [MeV], `(n, cells of the layer)`; their sums are its energy."""
        core = (y[:, : self.n_core] * self.meaning) @ self.signs
        y = torch.cat([core, y[:, self.n_core :]], 1)
        cells = torch.exp(y.clamp(*_LOG_RANGE)) * on.to(y.dtype)
        cells = cells.index_select(1, self.back)
        images = []
        for k, (a, b) in enumerate(pairwise(self.layout.begins)):
            part = cells[:, a:b]
            total = part.sum(1, keepdim=True).clamp_min(1e-12)
            images.append(part * (layer_energies[:, k : k + 1] / total))
        return images


def _hadamard(size: int) -> Tensor:
    """Orthogonal matrix of equal numbers, the first row all positive; size 2 or 4."""
    two = torch.tensor([[1.0, 1.0], [1.0, -1.0]])
    return two / 2**0.5 if size == 2 else torch.kron(two, two) / 2
