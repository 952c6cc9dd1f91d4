"""The stages of a flow's training: what each begins with, and its loss."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from calogan.networks.flow import FlowGenerator, Layout, fill_empty
from calogan.networks.flow.marginals import KNOTS
from calogan.training.data import MEV_PER_GEV, Batch, ShowerSet
from calogan.training.flow.configuration import FlowConfig

__all__ = ["STAGES", "begin_stage", "layout_of", "loss_of", "make_generator"]

STAGES = ("energies", "summaries", "marginals", "couplings", "orientation", "overflow")
"""In the order of their training; names of the parts of `FlowGenerator` that they train."""

_LOOKED_AT = 40_000  # readings that scales, tables and covariances are taken from
_FAR_EPOCH = 1_000_000  # order of the showers of these, apart from the epochs of the training
_ALWAYS_HIT = 0.999
_FITTED = 16_000  # readings that the covariance is taken from
_ROUNDS = 8  # of drawing empty cells and taking the covariance again
_SWEEPS = 2
_FEW = 50  # values that a table is not made of
_LAST_LOGIT = 9.0


@dataclass(frozen=True)
class _Readings:
    """Showers as the network takes them."""

    energy: Tensor
    cells: Tensor
    layer_energies: Tensor
    overflow: Tensor


def _readings(batch: Batch) -> _Readings:
    flat = [layer.flatten(1) * MEV_PER_GEV for layer in batch.layers]
    sums = torch.stack([part.sum(1) for part in flat], 1)
    return _Readings(batch.condition[:, :1], torch.cat(flat, 1), sums, batch.overflow * MEV_PER_GEV)


def _look(training: ShowerSet, batch_size: int, n: int = _LOOKED_AT) -> Iterator[_Readings]:
    """At least `n` readings, each shower in as many of its readings and mirrors as it takes."""
    seen, epoch = 0, _FAR_EPOCH
    while seen < n:
        for batch in training.batches(epoch, batch_size):
            yield _readings(batch)
            seen += len(batch.label)
        epoch += 1


def layout_of(training: ShowerSet) -> Layout:
    """What the coordinates know of a calorimeter: shapes, mirrors, cells that are always hit."""
    layers = training.calorimeter.layers
    begins = np.cumsum([0, *(layer.n_cells for layer in layers)])
    orbits = np.arange(begins[-1])[None]
    if training.reflections:
        for axis in ("eta", "phi"):
            parts = [layer.mirror_index(axis) + a for layer, a in zip(layers, begins, strict=False)]
            opposite = np.concatenate(parts)
            orbits = np.concatenate([orbits, orbits[:, opposite]])
    hits, total, n = torch.zeros(int(begins[-1])), torch.zeros(int(begins[-1])), 0
    for seen in _look(training, min(256, len(training)), len(training)):
        hits += (seen.cells > 0).sum(0)
        total += seen.cells.sum(0)
        n += len(seen.cells)
    cores: list[tuple[int, ...]] = []
    for a, b in pairwise(begins):
        brightest = int(a + total[a:b].argmax())
        core = tuple(int(cell) for cell in np.unique(orbits[:, brightest]))
        is_core = len(core) > 1 and float(hits[list(core)].min()) >= _ALWAYS_HIT * n
        cores.append(core if is_core else ())
    shapes = tuple(training.calorimeter.layer_shapes)
    return Layout(shapes, torch.from_numpy(orbits), tuple(cores))


def make_generator(layout: Layout, training: ShowerSet, config: FlowConfig) -> FlowGenerator:
    """A generator that has learnt nothing, but knows the scale of everything."""
    n = min(_LOOKED_AT, len(training))
    parts = list(_look(training, min(256, len(training)), n))
    energy = torch.cat([part.energy for part in parts])
    sums = torch.cat([part.layer_energies for part in parts])
    brightest = int(sums.mean(0).argmax())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        generator = FlowGenerator(
            layout,
            brightest,
            couplings=config.couplings,
            width=config.width,
            oriented=config.oriented,
            summaries=config.summaries,
        )
    rng = torch.Generator().manual_seed(config.seed)
    summaries = [_summaries(generator, part, rng) for part in parts]
    known = [x for x in summaries if x is not None]
    generator.fit_scale(energy, sums, torch.cat(known) if known else None)
    coordinates = [_encode(generator, part, rng) for part in parts]
    generator.marginals.fit_scale(
        torch.cat([y for y, _ in coordinates]), torch.cat([on for _, on in coordinates])
    )
    return generator


def _encode(
    generator: FlowGenerator, seen: _Readings, rng: torch.Generator
) -> tuple[Tensor, Tensor]:
    return generator.coordinates.encode(generator.turned(seen.cells), rng)


def _summaries(generator: FlowGenerator, seen: _Readings, rng: torch.Generator) -> Tensor | None:
    return generator.summaries.measure(seen.cells, rng) if generator.summaries else None


def _condition(generator: FlowGenerator, seen: _Readings, rng: torch.Generator) -> Tensor:
    summaries = _summaries(generator, seen, rng)
    return generator.condition(seen.energy, seen.layer_energies, summaries)


def loss_of(
    stage: str, generator: FlowGenerator, batch: Batch, rng: torch.Generator
) -> tuple[Tensor, float]:
    """Mean negative log likelihood of a stage: its loss, and the figure for the log.

    The figure of the last stage is the mean gain [nats per shower] of the flow over independent
    cells; of the others it is the loss.
    """
    seen = _readings(batch)
    if stage == "energies":
        loss = -generator.energies.log_prob(seen.energy, seen.layer_energies).mean()
        return loss, loss.item()
    if stage == "overflow":
        return _loss_of_overflow(generator, seen)
    with torch.no_grad():
        summaries = _summaries(generator, seen, rng)
        condition = generator.condition(seen.energy, seen.layer_energies, summaries)
    if stage == "summaries" and generator.summaries and summaries is not None:
        energies = generator.raw_condition(seen.energy, seen.layer_energies)
        loss = -generator.summaries.log_prob(energies, summaries).mean()
        return loss, loss.item()
    if stage == "orientation" and generator.orientation:
        cells, sides = generator.orientation.canonical(seen.cells)
        loss = -generator.orientation.log_prob(condition, cells, sides).mean()
        return loss, loss.item()
    with torch.no_grad():
        y, on = _encode(generator, seen, rng)
    if stage == "marginals":
        loss = -generator.marginals.log_prob(y, on, condition).mean()
        return loss / generator.marginals.n_cells, loss.item()
    g = _numbers(generator, y, on, condition, rng, _SWEEPS)
    gain = generator.flow.log_gain(g, condition).mean()
    return -gain, gain.item()


def _known_overflow(seen: _Readings) -> tuple[Tensor, Tensor, Tensor]:
    """Energies, cells and overflow of the showers whose overflow is known."""
    known = ~seen.overflow.isnan().any(1)
    return seen.energy[known], seen.cells[known], seen.overflow[known]


def _loss_of_overflow(generator: FlowGenerator, seen: _Readings) -> tuple[Tensor, float]:
    energy, cells, overflow = _known_overflow(seen)
    if not len(energy):  # a batch of further readings: nothing to learn
        nothing = sum(p.sum() for p in generator.overflow.parameters()) * torch.zeros(())
        return nothing, math.nan
    # the part that the batch holds, so that each shower counts alike
    loss = -generator.overflow.log_prob(energy, cells, overflow).sum() / len(seen.energy)
    return loss, loss.item() * len(seen.energy) / len(energy)


@torch.no_grad()
def begin_stage(
    stage: str, generator: FlowGenerator, training: ShowerSet, config: FlowConfig
) -> None:
    """Set what a stage starts from: scales, or for the couplings the tables and the linear layer."""
    if stage == "overflow":
        parts = [_known_overflow(x) for x in _look(training, min(512, len(training)))]
        energy, cells, overflow = (torch.cat(x) for x in zip(*parts, strict=True))
        if len(energy):
            generator.overflow.fit_scale(energy, cells, overflow)
    if stage != "couplings":
        return
    rng = torch.Generator().manual_seed(config.seed + 1)
    _fit_tables(generator, training, rng)
    batches = _look(training, min(512, len(training)), _FITTED)
    seen = list(batches)
    condition = torch.cat([_condition(generator, x, rng) for x in seen])
    coordinates = [_encode(generator, x, rng) for x in seen]
    on = torch.cat([on for _, on in coordinates])
    g = generator.marginals.gaussianise(torch.cat([y for y, _ in coordinates]), on, condition, rng)
    limit = generator.marginals.limits(condition)
    for _ in range(_ROUNDS):
        generator.flow.fit_linear(g.double().T @ g.double() / len(g))
        g = fill_empty(g, on, limit, generator.flow.precision, rng, sweeps=1)
    generator.flow.fit_linear(g.double().T @ g.double() / len(g))


@torch.no_grad()
def _numbers(
    generator: FlowGenerator,
    y: Tensor,
    on: Tensor,
    condition: Tensor,
    rng: torch.Generator,
    sweeps: int,
) -> Tensor:
    """Normal numbers of showers, those of empty cells drawn to fit to the others."""
    g = generator.marginals.gaussianise(y, on, condition, rng)
    limit = generator.marginals.limits(condition)
    return fill_empty(g, on, limit, generator.flow.precision, rng, sweeps=sweeps)


def _fit_tables(generator: FlowGenerator, training: ShowerSet, rng: torch.Generator) -> None:
    """Quantiles of the standardised coordinates, one table for all cells that mirrors connect."""
    rows = []
    for seen in _look(training, min(512, len(training))):
        condition = _condition(generator, seen, rng)
        y, on = _encode(generator, seen, rng)
        rows.append(generator.marginals.residuals(y, on, condition))
    values = torch.cat(rows).numpy()
    probabilities = 1 / (1 + np.exp(-np.linspace(-_LAST_LOGIT, _LAST_LOGIT, KNOTS)))
    step = 1e-4 * np.linspace(0, 1, KNOTS)  # a table rises everywhere
    coordinates = generator.coordinates
    place, orbits = coordinates.back.numpy(), coordinates.layout.orbits.numpy()
    order = coordinates.order.numpy()
    tables = np.empty((len(order), KNOTS))
    done = np.zeros(len(order), dtype=bool)
    for position, cell in enumerate(order):
        if done[position]:
            continue
        if position < coordinates.n_core:  # a difference, whose sign a mirror turns
            same = np.array([position])
            found = np.concatenate([values[:, position], -values[:, position]])
        else:
            same = place[np.unique(orbits[:, cell])]
            found = values[:, same].ravel()
        found = found[~np.isnan(found)]
        table = (
            np.quantile(found, probabilities) if len(found) > _FEW else np.linspace(-3, 3, KNOTS)
        )
        tables[same] = np.maximum.accumulate(table) + step
        done[same] = True
    generator.marginals.table.copy_(torch.from_numpy(tables))
