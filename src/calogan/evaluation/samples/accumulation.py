"""One pass over a source of showers: what a comparison needs, and no more than fits in memory.

Kept of all showers are the incident particles, one number per shower and observable, and sums
over cells; kept whole are some showers, drawn at random, for pictures and classifiers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calogan.calorimeter import AnyLayer, Calorimeter
from calogan.errors import SimulationError
from calogan.evaluation.pictures.spectrum import CellSpectra
from calogan.evaluation.samples.sources import Mask, MemorySource, Origin, Progress, Source
from calogan.observables import Observable, observables_table
from calogan.showers import Showers

__all__ = ["MeanImage", "Sample", "accumulate", "first_showers"]

Table = dict[str, NDArray[np.float64]]

_EXCERPT_CELLS = 16_000_000
_FEWEST_WHOLE = 500
_FIRST = 200


@dataclass(frozen=True, eq=False)
class MeanImage:
    """Mean energy in the cells of one layer.

    Args:
        name: Name of the sample.
        layer: The readout layer.
        mean: Mean energy in each cell [MeV], in the shape of the layer.
        error: Its statistical error.
    """

    name: str
    layer: AnyLayer
    mean: NDArray[np.float64]
    error: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sample:
    """What a comparison knows of n showers.

    Args:
        origin: Name, incident particles, what made them; of the showers that are compared.
        table: Values of the observables, `(n,)` each; NaN where one is not defined.
        images: Mean image of each layer.
        layer_mean: Mean energy in the cells of each layer, `(layers,)` [MeV].
        layer_error: Its statistical error.
        spectra: How many cells hold how much energy; None if nobody asked.
        excerpt: Some of the showers, in the order of the source.
    """

    origin: Origin
    table: Table
    images: tuple[MeanImage, ...]
    layer_mean: NDArray[np.float64]
    layer_error: NDArray[np.float64]
    spectra: CellSpectra | None
    excerpt: Showers

    @property
    def name(self) -> str:
        """What the showers are called."""
        return self.origin.name

    def __len__(self) -> int:
        """Number of showers."""
        return len(self.origin)

    @classmethod
    def of(
        cls, name: str, showers: Showers, observables: Sequence[Observable] = (), n: int = 5000
    ) -> Sample:
        """Make a sample of showers that are in memory."""
        keep = np.ones(len(showers), dtype=np.bool_)
        return accumulate(MemorySource(name, showers), keep, observables, n_excerpt=n)


class _Sums:
    """Sums of values and of their squares, over showers."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.n, self.first, self.second = 0, np.zeros(shape), np.zeros(shape)

    def add(self, values: NDArray[np.float32] | NDArray[np.float64]) -> None:
        """Add the values `(n, ...)` of n showers."""
        self.n += len(values)
        self.first += values.sum(axis=0, dtype=np.float64)
        self.second += np.square(values, dtype=np.float64).sum(axis=0)

    @property
    def mean(self) -> NDArray[np.float64]:
        """Mean over the showers."""
        mean: NDArray[np.float64] = self.first / max(self.n, 1)
        return mean

    @property
    def error(self) -> NDArray[np.float64]:
        """Statistical error of the mean."""
        variance = np.maximum(self.second / max(self.n, 1) - self.mean**2, 0)
        error: NDArray[np.float64] = np.sqrt(variance / max(self.n - 1, 1))
        return error


def accumulate(
    source: Source,
    keep: Mask,
    observables: Sequence[Observable],
    *,
    n_excerpt: int,
    spectra_of: Sequence[int] = (),
    seed: int = 0,
    report: Progress = lambda _: None,
) -> Sample:
    """Go through a source once.

    Args:
        source: The showers.
        keep: Which of them are compared, shape `(n,)`.
        observables: What is computed from each.
        n_excerpt: Showers that are kept whole, at most; fewer where a shower has many cells.
        spectra_of: Layers whose cells are counted by their energy.
        seed: Draws the showers that are kept: the same ones in all samples of one size, so that showers of simulators
            that were given the same particles stay side by side.
        report: Called with the number of showers that are done.

    Raises:
        SimulationError: A simulator gave another number of showers than was asked for.
    """
    origin = source.origin.kept(keep)
    calorimeter, n = origin.calorimeter, len(origin)
    chosen = _excerpt(n, calorimeter, n_excerpt, seed)
    cells = [_Sums(shape) for shape in calorimeter.layer_shapes]
    depth = _Sums((len(cells),))
    tables: list[Table] = []
    excerpts: list[Showers] = []
    spectra: CellSpectra | None = None
    done = 0
    for piece in source.pieces(keep, report):
        for sums, image in zip(cells, piece.layers, strict=True):
            sums.add(image)
        depth.add(piece.layer_energies)
        if spectra_of:
            counted = CellSpectra.of(piece, spectra_of)
            spectra = counted if spectra is None else spectra + counted
        tables.append(observables_table(piece, observables))
        here = chosen[done : done + len(piece)]
        if here.any():
            excerpts.append(_plain(piece, here))
        done += len(piece)
    if done != n:
        msg = f"{origin.name} gave {done} showers for {n} particles"
        raise SimulationError(msg)
    return Sample(
        origin,
        _joined(tables, [observable.name for observable in observables]),
        tuple(
            MeanImage(origin.name, layer, sums.mean, sums.error)
            for layer, sums in zip(calorimeter.layers, cells, strict=True)
        ),
        depth.mean,
        depth.error,
        spectra,
        Showers.concatenate(excerpts),
    )


def first_showers(source: Source, keep: Mask) -> Showers:
    """Some hundred showers of a source, for a first look."""
    some = keep & (np.cumsum(keep) <= _FIRST)
    return Showers.concatenate(list(source.pieces(some)))


def _excerpt(n: int, calorimeter: Calorimeter, wanted: int, seed: int) -> Mask:
    """Draw which showers are kept whole."""
    size = min(n, wanted, max(_FEWEST_WHOLE, _EXCERPT_CELLS // calorimeter.n_cells))
    chosen = np.zeros(n, dtype=np.bool_)
    chosen[np.random.default_rng(seed).choice(n, size, replace=False)] = True
    return chosen


def _plain(piece: Showers, chosen: Mask) -> Showers:
    """The chosen showers, without further views of them, in arrays of their own."""
    own = Showers(piece.incident, piece.layers, piece.overflow, piece.calorimeter)
    return own[np.flatnonzero(chosen)]


def _joined(tables: list[Table], names: Iterable[str]) -> Table:
    """Join tables one below another, and free each column's pieces as it is joined."""
    return {name: np.concatenate([table.pop(name) for table in tables]) for name in names}
