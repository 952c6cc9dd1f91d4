"""A library of frozen showers: the classical fast simulation, to compare networks with.

A stored shower of nearly the wanted energy is taken, its cells are multiplied by the ratio of the
energies, and it is mirrored. Experiments have done so for decades, for example ATLAS in its forward
calorimeter (E. Barberio et al., J. Phys. Conf. Ser. 160 (2009) 012082).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calogan.bundle import sha256
from calogan.calorimeter import AnyLayer, Calorimeter, PolarLayer
from calogan.errors import ConfigurationError, ModelError
from calogan.files import ShowerFile
from calogan.incident import Incident, particle_name
from calogan.samples import sample_path
from calogan.showers import Showers

__all__ = ["LibrarySimulator"]

_SAME_LINE_MM = 1e-3


class LibrarySimulator:
    """A simulator that repeats the showers of a file.

    Each incident particle gets one of the `neighbours` stored showers of the same particle that are
    nearest to it in energy (by their ratio), at random, so that two particles of like energy do not
    always get the same one. Its cells and its overflow are multiplied by the ratio of the energies.
    It is mirrored in x, in y, in both or in neither, at random: exact for a beam along the axis, and
    left out where the stored beam is not. Where the file holds further views of its showers, each
    is as good as the shower.

    The file is read when the first showers or energies are asked for, and then kept in memory: 4
    bytes per cell, shower and view, 0.2 GB for 100 000 showers of the paper's calorimeter.

    Args:
        source: A file of showers, or `sample:NAME` for one that ships with the package.
        neighbours: How many stored showers there are to choose from. Few follow the energy more
            closely, many repeat themselves less often.
        reflect: Whether to mirror showers.
        tolerance: How far outside of the stored energies a particle may be, as a share of its
            energy; beyond, a shower is longer or shorter than scaling makes it.

    Raises:
        ShowerFileError: The file is missing, foreign or damaged.
        ConfigurationError: An option that makes no sense.
        ModelError: The file cannot serve as a library: empty, or of unknown particles.
    """

    chunk_size = 2000
    """Showers per chunk of a production."""

    def __init__(
        self,
        source: str | Path,
        *,
        neighbours: int = 5,
        reflect: bool = True,
        tolerance: float = 0.1,
    ) -> None:
        if neighbours < 1:
            msg = f"library: {neighbours} neighbours to choose from: must be at least 1"
            raise ConfigurationError(msg)
        if not 0 <= tolerance < 1:
            msg = f"library: tolerance of {tolerance:g}: must be a share, from 0 to 1"
            raise ConfigurationError(msg)
        if not str(source):
            msg = "library: name the file of showers, as in library:eplus.h5"
            raise ModelError(msg)
        label, _, sample = str(source).partition(":")
        self.path = sample_path(sample) if label == "sample" else Path(source)
        self._source = str(source) if label == "sample" else self.path.name
        self._neighbours, self._reflect, self._tolerance = neighbours, reflect, tolerance
        with ShowerFile(self.path) as file:
            self._calorimeter = file.calorimeter
            self._particle = file.particle
            self._made_with = file.made_with
            if len(file) == 0:
                msg = f"{self.path} holds no showers: it is no library"
                raise ModelError(msg)

    @property
    def name(self) -> str:
        """`library:` and the file."""
        return f"library:{self._source}"

    @property
    def particle(self) -> str | None:
        """The particle of the stored showers; None if there are several."""
        return self._particle

    @property
    def calorimeter(self) -> Calorimeter:
        """The calorimeter that the stored showers are in."""
        return self._calorimeter

    @property
    def provenance(self) -> dict[str, Any]:
        """What goes into the files that the simulator makes."""
        return {
            "library": self._source,
            "library_sha256": self._sha256,
            "library_showers": len(self._stored[0]),
            "library_views": len(self._stored) - 1,
            "neighbours": self._neighbours,
            "reflect": self._reflect,
            "made_of": self._made_with,
        }

    @property
    def coverage(self) -> Mapping[int, tuple[float, float]]:
        """Lowest and highest stored energy [GeV] of each particle, by its PDG id."""
        energy = self._stored[0].incident.energy_gev
        return {
            pdgid: (float(energy[rows[0]]), float(energy[rows[-1]]))
            for pdgid, rows in self._by_energy.items()
        }

    @cached_property
    def _sha256(self) -> str:
        return sha256(self.path)

    @cached_property
    def _stored(self) -> list[Showers]:
        """The showers, and each view of them."""
        with ShowerFile(self.path) as file:
            stored = [file.read(view=view) for view in range(1 + file.n_views)]
        beam = stored[0].incident
        if (beam.pdgid == 0).any():
            msg = f"{self.path} does not say which particle it holds: call it eplus.h5 or the like"
            raise ModelError(msg)
        if (beam.position_mm != beam.position_mm[0]).any() or (
            beam.direction != beam.direction[0]
        ).any():
            msg = f"{self.path} holds showers of several positions or directions, not of one beam"
            raise ModelError(msg)
        return stored

    @cached_property
    def _by_energy(self) -> dict[int, NDArray[np.intp]]:
        """Stored showers of each particle, lowest energy first."""
        beam = self._stored[0].incident
        order = np.argsort(beam.energy_gev, kind="stable")
        return {int(p): order[beam.pdgid[order] == p] for p in np.unique(beam.pdgid)}

    def simulate(self, incident: Incident, rng: np.random.Generator | None = None) -> Showers:
        """Take one stored shower per incident particle.

        Args:
            incident: The n particles, along the line of flight of the stored ones.
            rng: Source of all randomness; a fresh, unseeded one unless given.

        Raises:
            ModelError: Particles, energies or a beam that are not stored.
        """
        rng = np.random.default_rng() if rng is None else rng
        self.check(incident)
        rows = np.empty(len(incident), dtype=np.intp)
        for pdgid in np.unique(incident.pdgid):
            here = np.flatnonzero(incident.pdgid == pdgid)
            rows[here] = self._choose(int(pdgid), incident.energy_gev[here], rng)
        views = rng.integers(len(self._stored), size=len(incident))
        mirrors = rng.random((2, len(incident))) < 0.5
        mirrors &= self._exact_mirrors()[:, None]
        scale = incident.energy_gev / self._stored[0].incident.energy_gev[rows]
        layers = tuple(
            _mirrored(self._take(k, rows, views, scale), layer, mirrors)
            for k, layer in enumerate(self.calorimeter.layers)
        )
        overflow = self._take(len(layers), rows, views, scale)
        return Showers(incident, layers, overflow, self.calorimeter)

    def _choose(
        self, pdgid: int, energy_gev: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.intp]:
        """Choose a stored shower for each energy among its neighbours, `(n,)`."""
        rows = self._by_energy[pdgid]
        stored = np.log(self._stored[0].incident.energy_gev[rows])
        wanted = np.log(energy_gev)
        k = min(self._neighbours, len(rows))
        # the k nearest of a sorted list are among the k below and the k above
        window = np.searchsorted(stored, wanted)[:, None] + np.arange(-k, k)
        distance = np.abs(stored[window.clip(0, len(rows) - 1)] - wanted[:, None])
        distance[(window < 0) | (window >= len(rows))] = np.inf
        nearest = np.argpartition(distance, k - 1, axis=1)[:, :k]
        chosen = nearest[np.arange(len(wanted)), rng.integers(k, size=len(wanted))]
        found: NDArray[np.intp] = rows[window[np.arange(len(wanted)), chosen]]
        return found

    def _exact_mirrors(self) -> NDArray[np.bool_]:
        """Whether a shower mirrored in x, and in y, is as good as another one."""
        beam = self._stored[0].incident
        on_axis = (beam.position_mm[0, :2] == 0) & (beam.direction[0, :2] == 0)
        # an odd number of cells around the axis is not mirrored in x into itself
        lopsided = any(
            isinstance(layer, PolarLayer) and layer.n_alpha > 1 and layer.n_alpha % 2
            for layer in self.calorimeter.layers
        )
        exact: NDArray[np.bool_] = on_axis & self._reflect & [not lopsided, True]
        return exact

    def _take(
        self,
        part: int,
        rows: NDArray[np.intp],
        views: NDArray[np.int64],
        scale: NDArray[np.float64],
    ) -> NDArray[np.float32]:
        """Copy a layer, or the overflow behind the layers, of stored showers, and scale it."""
        arrays = [(*showers.layers, showers.overflow)[part] for showers in self._stored]
        taken = arrays[0][rows]
        for view in range(1, len(arrays)):
            taken[views == view] = arrays[view][rows[views == view]]
        taken *= scale.astype(np.float32).reshape(-1, *[1] * (taken.ndim - 1))
        return taken

    def check(self, incident: Incident) -> None:
        """Check that showers of such particles are stored.

        Raises:
            ModelError: Another particle, beam or energy.
        """
        beam = self._stored[0].incident
        position, direction = beam.position_mm[0], beam.direction[0]
        beside = np.cross(incident.position_mm - position, direction)
        if (np.linalg.norm(beside, axis=1) > _SAME_LINE_MM).any() or not np.allclose(
            incident.direction, direction, rtol=0, atol=1e-9
        ):
            x, y, z = position
            msg = f"{self.path} holds showers of a beam through ({x:g}, {y:g}, {z:g}) mm, no other"
            raise ModelError(msg)
        outside = np.zeros(len(incident), dtype=bool)
        for pdgid in np.unique(incident.pdgid):
            if int(pdgid) not in self.coverage:
                known = ", ".join(particle_name(p) for p in self.coverage)
                msg = f"{self.path} holds showers of {known}, none of {particle_name(int(pdgid))}"
                raise ModelError(msg)
            low, high = self.coverage[int(pdgid)]
            energy = incident.energy_gev
            outside |= (incident.pdgid == pdgid) & (
                (energy < low * (1 - self._tolerance)) | (energy * (1 - self._tolerance) > high)
            )
        if outside.any():
            first = int(np.flatnonzero(outside)[0])
            low, high = self.coverage[int(incident.pdgid[first])]
            msg = (
                f"{self.path} holds showers of {low:.4g} to {high:.4g} GeV: one of"
                f" {incident.energy_gev[first]:.4g} GeV is too far from them to be scaled"
            )
            raise ModelError(msg)


def _mirrored(
    images: NDArray[np.float32], layer: AnyLayer, mirrors: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Mirror the images `(n, *shape)` of a layer in x and in y where `mirrors` `(2, n)` says."""
    in_x, in_y = mirrors
    if isinstance(layer, PolarLayer):  # the angle alpha of a cell becomes pi - alpha, or -alpha
        turned = (layer.n_alpha // 2 - 1 - np.arange(layer.n_alpha)) % layer.n_alpha
        images[in_x] = images[in_x][:, turned]
        images[in_y] = np.flip(images[in_y], 1)
    else:
        images[in_x] = np.flip(images[in_x], 1)
        images[in_y] = np.flip(images[in_y], 2)
    return images
