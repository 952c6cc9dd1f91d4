"""Towers: the energies of visible particles on a grid of 0.1 x 0.1 in eta and phi."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["ETA_MAX", "N_ETA", "N_PHI", "Towers", "towers_of"]

ETA_MAX = 5.0
"""Towers cover |eta| < 5."""

N_ETA, N_PHI = 100, 63
"""0.1 in eta; 2 pi / 63 = 0.0997 in phi, so that they go around without a seam."""


@dataclass(frozen=True, eq=False)
class Towers:
    """Towers of several events, one event after another.

    Args:
        n_per_event: How many each event has, shape `(events,)`.
        eta: Pseudorapidity of the centre of each, shape `(towers,)`.
        phi: Azimuth of the centre of each, in [0, 2 pi), shape `(towers,)`.
        energy: Energy [GeV], shape `(towers,)`; a tower counts as one massless particle.
    """

    n_per_event: NDArray[np.int64]
    eta: NDArray[np.float64]
    phi: NDArray[np.float64]
    energy: NDArray[np.float64]

    @property
    def pt(self) -> NDArray[np.float64]:
        """Transverse momentum [GeV], which is the transverse energy, shape `(towers,)`."""
        pt: NDArray[np.float64] = self.energy / np.cosh(self.eta)
        return pt


def towers_of(
    event: NDArray[np.int64],
    momentum: NDArray[np.float64],
    energy: NDArray[np.float64],
    n_events: int,
) -> Towers:
    """Add the energies of particles up in towers.

    Args:
        event: Number of the event of each particle, shape `(particles,)`.
        momentum: Momenta [GeV], shape `(particles, 3)`.
        energy: Energies [GeV], shape `(particles,)`.
        n_events: How many events there are.
    """
    pt = np.hypot(momentum[:, 0], momentum[:, 1])
    with np.errstate(divide="ignore", invalid="ignore"):  # along the beam: beyond all towers
        row = np.floor((np.arcsinh(momentum[:, 2] / pt) + ETA_MAX) * (N_ETA / (2 * ETA_MAX)))
    phi = np.arctan2(momentum[:, 1], momentum[:, 0]) % (2 * np.pi)
    inside = (row >= 0) & (row < N_ETA)
    column = np.minimum((phi[inside] * (N_PHI / (2 * np.pi))).astype(np.int64), N_PHI - 1)
    key = (event[inside] * N_ETA + row[inside].astype(np.int64)) * N_PHI + column
    tower, where = np.unique(key, return_inverse=True)
    eta = (tower // N_PHI % N_ETA + 0.5) * (2 * ETA_MAX / N_ETA) - ETA_MAX
    azimuth = (tower % N_PHI + 0.5) * (2 * np.pi / N_PHI)
    return Towers(
        n_per_event=np.bincount(tower // (N_ETA * N_PHI), minlength=n_events).astype(np.int64),
        eta=eta.astype(np.float64),
        phi=azimuth.astype(np.float64),
        energy=np.bincount(where, energy[inside], minlength=len(tower)).astype(np.float64),
    )
