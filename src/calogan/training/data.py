"""Training showers in GeV, drawn in batches with their exact symmetries; from memory or from files.

An epoch goes through the files in blocks of neighbouring showers, in random order. So many blocks
as `buffer_size` asks for are read and shuffled among each other; then the next ones. That is one
random order of everything where the buffer holds everything, and a bounded memory where it does
not. The order, the reading of each block and the reflections follow from seed and epoch alone, and
not from whether the showers are kept in memory.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from calogan.calorimeter import Calorimeter
from calogan.conditions import mirror_signs
from calogan.errors import CalorimeterError, ConfigurationError, TrainingError
from calogan.files import open_showers_file
from calogan.files.formats import ShowerReader

__all__ = ["MEV_PER_GEV", "Batch", "ShowerFileRows", "ShowerSet"]

MEV_PER_GEV = 1000.0
_BLOCK_SIZE = 1024  # as many showers as one chunk of a file holds, or a few
_BUFFERS = 4  # pools of showers that may be in memory: in use, being read, being joined to a rest


@dataclass(frozen=True)
class Batch:
    """Showers of one update.

    Args:
        layers: Cell energies, one `(n, eta, phi)` per layer [GeV].
        condition: What the network is told of each, shape `(n, c)`: the incident energy [GeV] and,
            where the beam varies, the columns that `ShowerSet.condition_names` names.
        label: Index of the particle in the order of the recipe, shape `(n,)`, int64.
        overflow: Energy beside the cells of each layer, shape `(n, n_layers)` [GeV]; NaN for
            further readings, of which files do not say it.
    """

    layers: tuple[Tensor, ...]
    condition: Tensor
    label: Tensor
    overflow: Tensor


@dataclass(frozen=True)
class ShowerFileRows:
    """The showers of a file that updates see: its first `n`.

    Args:
        path: The file.
        label: Index of its particle.
        n: Showers.
        n_validation: Showers behind them, which no update sees.
        n_readings: Readings of each that are used: the shower, and its views.
    """

    path: Path
    label: int
    n: int
    n_validation: int = 0
    n_readings: int = 1


@dataclass(frozen=True)
class _Block:
    """Neighbouring showers of a file, and where they are among those of all files."""

    file: int
    start: int
    stop: int
    offset: int

    def __len__(self) -> int:
        return self.stop - self.start


class _Files(ExitStack):
    """Files that are opened when they are asked for, and closed together."""

    def __init__(self, files: Sequence[ShowerFileRows]) -> None:
        super().__init__()
        self._files = files
        self._opened: dict[int, ShowerReader] = {}

    def __getitem__(self, index: int) -> ShowerReader:
        if index not in self._opened:
            reader = open_showers_file(self._files[index].path)
            self._opened[index] = self.enter_context(reader)
        return self._opened[index]


class ShowerSet:
    """Training showers of one or several particles.

    Args:
        files: The files.
        condition: What the network is told of each shower, file by file, shape `(n, c)`.
        condition_names: What the columns are.
        calorimeter: Their calorimeter.
        reflections: Mirror in x and y at random, and the condition with them.
        buffer_size: Showers that are shuffled among each other.
        memory_mb: Showers up to this size are kept in memory.
        seed: Fixes the order.
        block_size: Showers that are read at once.

    Raises:
        TrainingError: Cells that cannot be mirrored.
        ConfigurationError: A buffer that does not fit into the memory.
    """

    def __init__(
        self,
        files: Sequence[ShowerFileRows],
        condition: Tensor,
        condition_names: Sequence[str],
        calorimeter: Calorimeter,
        *,
        reflections: bool,
        buffer_size: int,
        memory_mb: float,
        seed: int,
        block_size: int = _BLOCK_SIZE,
    ) -> None:
        self.files = tuple(files)
        self.condition = condition
        self.condition_names = tuple(condition_names)
        self.calorimeter = calorimeter
        self.reflections = reflections
        self.seed = seed
        self._buffer_size, self._block_size = buffer_size, block_size
        self.label = torch.cat([torch.full((f.n,), f.label, dtype=torch.int64) for f in files])
        self.n_classes = 1 + int(self.label.max())
        shower_mb = 4e-6 * calorimeter.n_cells
        held = sum(file.n * file.n_readings for file in files)
        self.in_memory = held * shower_mb <= memory_mb
        self._kept: dict[tuple[int, int], tuple[NDArray[np.float32], NDArray[np.float32]]] = {}
        buffers = _BUFFERS * min(buffer_size, len(self)) * shower_mb
        if not self.in_memory and buffers > memory_mb:
            msg = (
                f"buffer_size: {buffer_size} showers of {calorimeter.n_cells} cells need"
                f" {buffers:.0f} MB, more than memory_mb ({memory_mb:g}): lower the one or raise"
                " the other"
            )
            raise ConfigurationError(msg)
        self._mirrors = self._find_mirrors() if reflections else ()

    def _find_mirrors(self) -> tuple[tuple[NDArray[np.int64], Tensor], ...]:
        """For x and y: the cell opposite of each cell, and the sign of each condition."""
        mirrors = []
        for axis in ("eta", "phi"):
            begins = accumulate((layer.n_cells for layer in self.calorimeter.layers), initial=0)
            try:
                index = np.concatenate(
                    [
                        layer.mirror_index(axis) + begin
                        for layer, begin in zip(self.calorimeter.layers, begins, strict=False)
                    ]
                )
            except CalorimeterError as error:
                msg = f"reflections: {error}; train with reflections: false"
                raise TrainingError(msg) from error
            mirrors.append((index, torch.from_numpy(mirror_signs(self.condition_names, axis))))
        return tuple(mirrors)

    def __len__(self) -> int:
        """Number of showers."""
        return len(self.condition)

    @cached_property
    def _blocks(self) -> list[_Block]:
        begins = accumulate((file.n for file in self.files), initial=0)
        return [
            _Block(index, start, min(start + self._block_size, file.n), begin + start)
            for index, (file, begin) in enumerate(zip(self.files, begins, strict=False))
            for start in range(0, file.n, self._block_size)
        ]

    def batches(
        self, epoch: int, batch_size: int, *, start: int = 0, rank: int = 0, n_ranks: int = 1
    ) -> Iterator[Batch]:
        """All showers once in the random order of an epoch; what fills no batch is left out.

        Args:
            epoch: Number of the epoch; with the seed it fixes the order.
            batch_size: Showers per batch, over all processes.
            start: Batches to leave out at the beginning: a resumed epoch goes on behind them.
            rank: Number of this process: it gets its own share of each batch.
            n_ranks: Number of processes.
        """
        pools = self._pools(epoch)
        begins = list(accumulate((sum(map(len, pool)) for pool in pools), initial=0))
        first = bisect_right(begins, start * batch_size) - 1  # the pool that the first row is in
        unwanted = start * batch_size - begins[first]
        share = batch_size // n_ranks
        rest: tuple[Tensor, ...] | None = None
        for rows in self._shuffled(epoch, pools, first):
            wanted = tuple(values[unwanted:] for values in rows)
            unwanted = 0
            if rest is not None:
                wanted = tuple(torch.cat(pair) for pair in zip(rest, wanted, strict=True))
            n_full = len(wanted[0]) // batch_size * batch_size
            for at in range(rank * share, n_full, batch_size):
                cells, condition, label, overflow = (v[at : at + share] for v in wanted)
                yield Batch(self._layers(cells), condition, label, overflow)
            rest = tuple(values[n_full:].clone() for values in wanted)

    def _pools(self, epoch: int) -> list[list[_Block]]:
        """Blocks in the order of an epoch, parted into what is shuffled together."""
        rng = np.random.default_rng((self.seed, epoch))
        pools: list[list[_Block]] = []
        space = 0
        for index in rng.permutation(len(self._blocks)):
            block = self._blocks[index]
            if len(block) > space:
                pools.append([])
                space = max(self._buffer_size, len(block))
            pools[-1].append(block)
            space -= len(block)
        return pools

    def _shuffled(
        self, epoch: int, pools: Sequence[Sequence[_Block]], first: int
    ) -> Iterator[tuple[Tensor, ...]]:
        """Cells, conditions, labels and overflow of one pool after another, from the first one wanted."""
        numbers = range(first, len(pools))
        if self.in_memory:
            for number in numbers:
                yield self._load(epoch, number, pools[number])
            return
        with ThreadPoolExecutor(1) as reader:  # reads the next pool while this one is used
            ahead = None
            for number in numbers:
                current = ahead or reader.submit(self._load, epoch, number, pools[number])
                rows = current.result()
                ahead = (
                    reader.submit(self._load, epoch, number + 1, pools[number + 1])
                    if number + 1 < len(pools)
                    else None
                )
                yield rows

    def _load(self, epoch: int, number: int, pool: Sequence[_Block]) -> tuple[Tensor, ...]:
        """Read a pool, its showers in random order and mirrored at random."""
        rng = np.random.default_rng(
            (self.seed, epoch, number + 1)
        )  # not 0: a seed's last zeros are lost
        n = sum(map(len, pool))
        places = rng.permutation(n)
        readings = [int(rng.integers(self.files[block.file].n_readings)) for block in pool]
        mirrored = rng.random((2, n)) < 0.5
        cells = np.empty((n, self.calorimeter.n_cells), dtype=np.float32)
        overflow = np.empty((n, len(self.calorimeter.layers)), dtype=np.float32)
        index = np.empty(n, dtype=np.int64)
        begin = 0
        with _Files(self.files) as opened:
            for block, reading in zip(pool, readings, strict=True):
                where = places[begin : begin + len(block)]
                cells[where], overflow[where] = self._read(opened, block, reading)
                index[where] = np.arange(block.offset, block.offset + len(block))
                begin += len(block)
        condition = self.condition[index]
        for (opposite, signs), turn in zip(self._mirrors, mirrored, strict=False):
            cells[turn] = cells[turn][:, opposite]
            condition[torch.from_numpy(turn)] *= signs
        label = self.label[index]
        return torch.from_numpy(cells), condition, label, torch.from_numpy(overflow)

    def _read(
        self, opened: _Files, block: _Block, reading: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Cells `(n, n_cells)` and overflow `(n, n_layers)` of a block [GeV]."""
        kept = self._kept.get((block.offset, reading))
        if kept is not None:
            return kept
        showers = opened[block.file].read(block.start, block.stop, view=reading)
        unit = np.float32(MEV_PER_GEV)
        overflow = (
            showers.overflow / unit if reading == 0 else np.full_like(showers.overflow, np.nan)
        )
        parts = showers.cells / unit, overflow
        if self.in_memory:
            self._kept[block.offset, reading] = parts
        return parts

    def _layers(self, cells: Tensor) -> tuple[Tensor, ...]:
        shapes = self.calorimeter.layer_shapes
        parts = cells.split([rows * columns for rows, columns in shapes], dim=1)
        return tuple(
            part.reshape(len(cells), *shape) for part, shape in zip(parts, shapes, strict=True)
        )

    def mean_images(self) -> list[Tensor]:
        """Mean energy of each cell, one `(eta, phi)` per layer [GeV]; above zero everywhere."""
        total, n = np.zeros(self.calorimeter.n_cells), 0
        for block in self._blocks:
            with _Files(self.files) as opened:
                for reading in range(self.files[block.file].n_readings):
                    total += self._read(opened, block, reading)[0].sum(0, dtype=np.float64)
                    n += len(block)
        for opposite, _ in self._mirrors:
            total = (total + total[opposite]) / 2
        mean = torch.from_numpy((total / n).clip(min=1e-7).astype(np.float32))
        return [layer[0] for layer in self._layers(mean[None])]

    def draw_conditions(self, n: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Conditions `(n, c)` and labels `(n,)` for generated showers.

        Labels are uniform, as in the published code; conditions are distributed as those of the
        showers of their particle.
        """
        label = torch.randint(self.n_classes, (n,), generator=rng)
        counts = torch.tensor([len(rows) for rows in self._rows_of_class])
        position = torch.randint(2**62, (n,), generator=rng) % counts[label]
        row = torch.empty(n, dtype=torch.int64)
        for k, rows in enumerate(self._rows_of_class):
            row[label == k] = rows[position[label == k]]
        return self.condition[row], label

    @cached_property
    def _rows_of_class(self) -> list[Tensor]:
        return [torch.nonzero(self.label == k)[:, 0] for k in range(self.n_classes)]
