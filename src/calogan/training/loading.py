"""Opening the files of a training: what updates see, what validation sees, and what fits."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from calogan.calorimeter import Calorimeter
from calogan.conditions import BEAM_CONDITIONS, ENERGY, conditions_of, is_on_axis
from calogan.errors import IncidentError, TrainingError
from calogan.files import open_showers_file
from calogan.incident import Incident, particle_name, pdg_id
from calogan.observables import Observable
from calogan.showers import Showers
from calogan.training.configuration import TrainingConfig
from calogan.training.data import ShowerFileRows, ShowerSet

__all__ = ["Validation", "load_showers"]

_INCIDENT_ROWS = 100_000


@dataclass(frozen=True)
class Validation:
    """Showers of one particle that no update sees.

    Args:
        particle: Its name.
        label: Its index in the order of the recipe.
        showers: The showers, at most `validation_showers` of them.
    """

    particle: str
    label: int
    showers: Showers
    _computed: dict[str, NDArray[np.float64]] = field(default_factory=dict, repr=False)

    def observable(self, observable: Observable) -> NDArray[np.float64]:
        """An observable of the showers, computed once."""
        if observable.name not in self._computed:
            self._computed[observable.name] = observable.compute(self.showers)
        return self._computed[observable.name]


@dataclass(frozen=True)
class _Opened:
    """What is known of a file before its cells are read."""

    rows: ShowerFileRows
    incident: Incident
    calorimeter: Calorimeter


def load_showers(
    particles: Mapping[str, Sequence[Path]], config: TrainingConfig
) -> tuple[ShowerSet, tuple[Validation, ...]]:
    """Open the files of a training; the last share of each file is for validation.

    Args:
        particles: Files of the showers of each particle, by its name.
        config: The settings.

    Returns:
        Training set, and the validation showers of each particle: first reading only, and
        never mirrored.

    Raises:
        ShowerFileError: A file is missing, foreign or damaged.
        TrainingError: Too few showers; files of different calorimeters, or of another particle
            than the recipe says; views of a beam beside the axis.
    """
    opened = [
        _open(path, label, pdg_id(name), config)
        for label, (name, paths) in enumerate(particles.items())
        for path in paths
    ]
    calorimeter = opened[0].calorimeter
    for file in opened:
        if file.calorimeter != calorimeter:
            msg = (
                f"{file.rows.path} is of the calorimeter {file.calorimeter.name!r}, but"
                f" {opened[0].rows.path} of {calorimeter.name!r}: a network learns one"
            )
            raise TrainingError(msg)
    names = _condition_names(opened)
    try:
        condition = np.concatenate(
            [conditions_of(file.incident, calorimeter, names) for file in opened]
        )
    except IncidentError as error:
        msg = f"cannot train on these showers: {error}"
        raise TrainingError(msg) from error
    training = ShowerSet(
        [file.rows for file in opened],
        torch.from_numpy(condition),
        names,
        calorimeter,
        reflections=config.reflections,
        buffer_size=config.buffer_size,
        memory_mb=config.memory_mb,
        seed=config.seed,
    )
    validation = tuple(
        _validation(
            particle_name(pdg_id(name)),
            label,
            [file for file in opened if file.rows.label == label],
            config.validation_showers,
        )
        for label, name in enumerate(particles)
    )
    return training, validation


def _open(path: Path, label: int, pdgid: int, config: TrainingConfig) -> _Opened:
    with open_showers_file(path) as file:
        n = round(len(file) * (1 - config.validation_share))
        if n < 2 or n == len(file):
            msg = f"{path} holds {len(file)} showers: too few to train on"
            raise TrainingError(msg)
        readings = 1 + (file.n_views if config.views else 0)
        incident = Incident.concatenate(
            [file.incident(start, min(start + _INCIDENT_ROWS, n)) for start in _steps(n)]
        )
        strange = sorted(set(np.unique(incident.pdgid).tolist()) - {0, pdgid})  # 0: unknown
        if strange:
            msg = (
                f"{path} holds showers of {', '.join(map(particle_name, strange))}, not of"
                f" {particle_name(pdgid)} as the recipe says"
            )
            raise TrainingError(msg)
        rows = ShowerFileRows(path, label, n, len(file) - n, readings)
        return _Opened(rows, incident, file.calorimeter)


def _steps(n: int) -> Iterator[int]:
    yield from range(0, n, _INCIDENT_ROWS)


def _condition_names(opened: Sequence[_Opened]) -> tuple[str, ...]:
    """Energy alone for a beam along the axis; place and slope too for any other."""
    for file in opened:
        if not is_on_axis(file.incident) and file.rows.n_readings > 1:
            msg = (
                f"{file.rows.path}: its further readings are turned around the axis, which its"
                " beam does not follow: train with views: false"
            )
            raise TrainingError(msg)
    if all(is_on_axis(file.incident) for file in opened):
        return (ENERGY,)
    return (ENERGY, *BEAM_CONDITIONS)


def _validation(particle: str, label: int, opened: Sequence[_Opened], n_wanted: int) -> Validation:
    held_out = [file.rows.n_validation for file in opened]
    share = min(1.0, n_wanted / sum(held_out))
    parts = []
    for file, n in zip(opened, held_out, strict=True):
        with open_showers_file(file.rows.path) as reader:
            parts.append(reader.read(file.rows.n, file.rows.n + math.ceil(share * n)))
    # files need not agree in whether they name the particle
    known = np.full(sum(map(len, parts)), pdg_id(particle))
    showers = Showers.concatenate(parts)
    return Validation(
        particle, label, replace(showers, incident=replace(showers.incident, pdgid=known))
    )
