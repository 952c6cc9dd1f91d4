"""Particles at the face of the calorimeter: which ones a model covers, and where its showers go."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from calogan.calorimeter import AnyLayer, PolarLayer
from calogan.incident import Incident
from calogan.showers import Showers
from calogan.simulator import Simulator

__all__ = ["MAX_ANGLE_DEG", "Entering", "Model", "covered", "moved", "on_axis"]

MAX_ANGLE_DEG = 5.0
"""Up to which angle to the axis a particle is left to a model of showers along the axis."""

_FACE_TOLERANCE_MM = 1e-3

_ALSO = {11: -11}
"""A model of e+ serves for e-: they differ by the annihilation, 1 MeV in all."""


@runtime_checkable
class Model(Simulator, Protocol):
    """A simulator of showers along the axis that says which ones it can make."""

    @property
    def coverage(self) -> Mapping[int, tuple[float, float]]:
        """Range of kinetic energies [GeV] of each particle, by its PDG id."""
        ...


@dataclass(frozen=True, eq=False)
class Entering:
    """m particles that enter the calorimeter.

    Args:
        event: The event that each belongs to, shape `(m,)`.
        pdgid: PDG ids, shape `(m,)`.
        energy_mev: Kinetic energies, shape `(m,)` [MeV]; unlike those of `Incident`, of any size.
        position_mm: Where they enter, shape `(m, 3)` [mm].
        direction: Unit vectors of flight, shape `(m, 3)`.
    """

    event: NDArray[np.int64]
    pdgid: NDArray[np.int64]
    energy_mev: NDArray[np.float64]
    position_mm: NDArray[np.float64]
    direction: NDArray[np.float64]

    def __len__(self) -> int:
        """Number of particles."""
        return len(self.event)

    def __getitem__(self, index: slice | NDArray[Any]) -> Self:
        """Select particles by a slice, a mask or indices."""
        return type(self)(*(getattr(self, field.name)[index] for field in fields(self)))


def _known_as(pdgid: NDArray[np.int64], model: Model) -> NDArray[np.int64]:
    """PDG id under which a model knows each particle; 0 if it does not."""
    known = np.zeros_like(pdgid)
    for number in np.unique(pdgid).tolist():
        for name in (number, _ALSO.get(number, 0)):
            if name in model.coverage:
                known[pdgid == number] = name
                break
    return known


def covered(entering: Entering, model: Model) -> NDArray[np.bool_]:
    """Tell which particles may be left to a model, `(m,)`.

    It must know the particle and its energy. The particle must enter through the front face, at no
    more than `MAX_ANGLE_DEG` to the axis, and its line of flight must stay within the cells; within
    the middle of the innermost ring where cells are polar, for those cannot be moved.
    """
    calorimeter = model.calorimeter
    known = _known_as(entering.pdgid, model)
    energy_gev = entering.energy_mev / 1e3
    found = np.zeros(len(entering), dtype=bool)
    for pdgid, (low_gev, high_gev) in model.coverage.items():
        found |= (known == pdgid) & (energy_gev >= low_gev) & (energy_gev <= high_gev)
    face_mm = -calorimeter.depth_mm / 2
    found &= np.abs(entering.position_mm[:, 2] - face_mm) < _FACE_TOLERANCE_MM
    found &= entering.direction[:, 2] >= math.cos(math.radians(MAX_ANGLE_DEG))
    for layer in calorimeter.layers:
        aside_mm = np.abs(_crossing_mm(entering[found], layer)).max(axis=1, initial=0)
        found[found] = aside_mm <= _reach_mm(layer)
    return found


def _reach_mm(layer: AnyLayer) -> float:
    """How far aside of the axis, along x or y, showers can be put in a layer [mm]."""
    if isinstance(layer, PolarLayer):  # whose cells cannot be moved: half of the innermost ring
        return layer.r_edges_mm[1] / 2
    return layer.half_width_mm


def on_axis(entering: Entering, model: Model) -> Incident:
    """Incident particles along the axis, under the names that the model knows them by."""
    return Incident.create(_known_as(entering.pdgid, model), entering.energy_mev / 1e3)


def _crossing_mm(entering: Entering, layer: AnyLayer) -> NDArray[np.float64]:
    """Where the lines of flight cross the middle of a layer: x and y, `(m, 2)` [mm]."""
    middle_mm = (layer.z_min_mm + layer.z_max_mm) / 2
    ahead_mm = middle_mm - entering.position_mm[:, 2:]
    slope = entering.direction[:, :2] / entering.direction[:, 2:]
    crossing: NDArray[np.float64] = entering.position_mm[:, :2] + ahead_mm * slope
    return crossing


def moved(
    showers: Showers, entering: Entering
) -> tuple[tuple[NDArray[np.float32], ...], NDArray[np.float32]]:
    """Move showers from the axis to their particles, layer by layer, by whole cells.

    Returns:
        One `(m, n_eta, n_phi)` per layer [MeV], and the overflow `(m, layers)` [MeV], with what
        was moved beyond the last cells.
    """
    images: list[NDArray[np.float32]] = []
    overflow = np.array(showers.overflow)
    for k, layer in enumerate(showers.calorimeter.layers):
        if isinstance(layer, PolarLayer):
            images.append(showers.layers[k])
            continue
        cells = np.rint(_crossing_mm(entering, layer) / layer.cell_size_mm).astype(np.int64)
        away = np.flatnonzero(cells.any(axis=1))
        image = np.array(showers.layers[k])
        before = image[away].sum(axis=(1, 2), dtype=np.float64)
        for axis in (0, 1):
            image[away] = _shifted(image[away], cells[away, axis], axis + 1)
        lost = before - image[away].sum(axis=(1, 2), dtype=np.float64)
        overflow[away, k] += np.maximum(lost, 0)  # rounding may make it negative
        images.append(image)
    return tuple(images), overflow


def _shifted(
    images: NDArray[np.float32], cells: NDArray[np.int64], axis: int
) -> NDArray[np.float32]:
    """Shift each of the images `(m, n_eta, n_phi)` by so many cells `(m,)` along an axis."""
    n = images.shape[axis]
    source = np.arange(n) - cells[:, None]
    inside = (source >= 0) & (source < n)
    shape = (len(images), n, 1) if axis == 1 else (len(images), 1, n)
    taken = np.take_along_axis(images, source.clip(0, n - 1).reshape(shape), axis)
    return np.where(inside.reshape(shape), taken, np.float32(0))
