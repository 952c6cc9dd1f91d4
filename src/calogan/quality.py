"""How good a model is: its shower shapes against those of showers that no training saw."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calogan.bundle import Bundle, Card, Figures, HeldOutData, sha256, write_card
from calogan.errors import CalorimeterError, ModelError
from calogan.files import open_showers_file
from calogan.neural import NeuralSimulator
from calogan.observables import shape_observables_of
from calogan.samples import sample_path
from calogan.statistics import defined, relative_wasserstein

__all__ = ["measure_quality"]

_AT_ONCE = 5000


def measure_quality(
    path: str | Path, file: str | Path, *, seed: int = 0, limit: int | None = None, write: bool
) -> Card:
    """Compare a model with held-out showers: for each of them it makes one of the same particle.

    Args:
        path: Folder of the bundle.
        file: Showers of the same particle, beam and calorimeter, in any format; or `sample:NAME`.
        seed: Fixes the showers of the model.
        limit: Compare with the first so many.
        write: Put the figures on the card of the bundle.

    Returns:
        The card with these figures.

    Raises:
        ModelError: The model was trained on this file, or makes no such showers.
        CalorimeterError: The showers are in another calorimeter.
        ShowerFileError: The file is missing, foreign or damaged.
    """
    kind, _, name = str(file).partition(":")
    file = sample_path(name) if kind == "sample" else Path(file)
    simulator = NeuralSimulator(path)
    checksum = sha256(file) if file.is_file() else ""
    for data in (simulator.card.data, *simulator.card.further_data):
        if data.sha256 == checksum:
            msg = f"{simulator.name} was trained on {file}: give showers that it never saw"
            raise ModelError(msg)
    observables = shape_observables_of(simulator.calorimeter)
    found: dict[str, list[list[NDArray[np.float64]]]] = {o.name: [[], []] for o in observables}
    rng = np.random.default_rng(seed)
    with open_showers_file(file) as showers:
        if showers.calorimeter != simulator.calorimeter:
            msg = f"{file} holds showers of another calorimeter than that of {simulator.name}"
            raise CalorimeterError(msg)
        n = len(showers) if limit is None else min(limit, len(showers))
        made_with = showers.made_with
        for start in range(0, n, _AT_ONCE):
            real = showers.read(start, min(start + _AT_ONCE, n))
            both = (real, simulator.simulate(real.incident, rng))
            for one in observables:
                for values, sample in zip(found[one.name], both, strict=True):
                    values.append(one.compute(sample))
    if n < 2:
        msg = f"{file} holds {n} showers: too few to compare with"
        raise ModelError(msg)
    quality = {
        name: _figures(np.concatenate(theirs), np.concatenate(ours))
        for name, (theirs, ours) in found.items()
    }
    held_out = HeldOutData(
        file=file.name,
        sha256=checksum,
        size_bytes=file.stat().st_size,
        n_showers=n,
        made_with=made_with,
    )
    card = simulator.card.model_copy(update={"quality": quality, "held_out": held_out})
    if write:
        write_card(Bundle(path), card)
    return card


def _figures(real: NDArray[np.float64], generated: NDArray[np.float64]) -> Figures:
    """Compare two samples; where an observable is not defined in a shower, that does not count."""
    distance = relative_wasserstein(real, generated)
    real, generated = defined(real), defined(generated)
    return Figures(
        validation_mean=float(real.mean()) if len(real) else None,
        generated_mean=float(generated.mean()) if len(generated) else None,
        validation_std=float(real.std()) if len(real) else None,
        generated_std=float(generated.std()) if len(generated) else None,
        distance=distance if np.isfinite(distance) else None,
    )
