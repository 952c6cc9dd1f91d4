r"""What a classifier sees of a shower: four kinds of inputs.

With E the incident energy and E_k the energy in layer k, in this order:

- `low`: cells / 100 GeV, $\log_{10}(E / 10\,\mathrm{GeV})$ and
  $\log_{10}(E_k / 100\,\mathrm{GeV} + 10^{-8}) + 2$: the unnormalised voxels of CaloFlow
  (arXiv:2106.05285) in the scaling of its code, which CaloINN (arXiv:2312.09290) took over.
- `low-normalised`: the same with the cells divided by the energy of their layer.
- `high`: the shower shapes, as the CaloChallenge does (arXiv:2410.21611) with its list; energies
  as logarithms, all standardised.
- `strict`: $\log_{10}$ of each cell, of each layer and of E, standardised. A cell of 10 keV then
  counts as much as one of 10 GeV.

In the first two the brightest cells are of order 0.1 and most of order 1e-5, so that a network
sees the latter only after a long training.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from calogan.errors import ConfigurationError
from calogan.observables import INCIDENT_ENERGY, observables_of
from calogan.showers import Showers

__all__ = ["INPUTS", "Inputs", "Scaling", "check_inputs", "features"]

Inputs = Literal["low", "low-normalised", "high", "strict"]
INPUTS: tuple[Inputs, ...] = get_args(Inputs)
"""The kinds of inputs."""

Matrix = NDArray[np.float32]

_UNIT_MEV = 1e5
_FLOOR_MEV = 1e-3  # 1e-8 of the unit: what the published code adds below its logarithms
_FAR = 10.0


def check_inputs(name: str) -> Inputs:
    """The kind of inputs of this name.

    Raises:
        ConfigurationError: No such kind.
    """
    for known in INPUTS:
        if name == known:
            return known
    msg = f"no classifier inputs {name!r}: give one of {', '.join(INPUTS)}"
    raise ConfigurationError(msg)


def features(showers: Showers, inputs: Inputs, *, incident_energy: bool = True) -> Matrix:
    """Make the inputs of a classifier, shape `(n, features)`.

    Args:
        showers: n showers.
        inputs: The kind; `high` and `strict` are yet to be standardised, see `Scaling`.
        incident_energy: Whether the network is told the incident energy. Who identifies
            particles does not know it.
    """
    if inputs == "high":
        return _shower_shapes(showers, incident_energy)
    known = [np.log10(showers.incident.energy_gev[:, None] / 10)] if incident_energy else []
    energies = showers.layer_energies
    if inputs == "strict":
        cells = np.log10(np.maximum(showers.cells, _FLOOR_MEV))
        return np.concatenate(
            [cells, *known, np.log10(np.maximum(energies, _FLOOR_MEV))], axis=1, dtype=np.float32
        )
    cells = showers.cells / np.float32(_UNIT_MEV)
    if inputs == "low-normalised":
        share = np.divide(_UNIT_MEV, energies, out=np.zeros_like(energies), where=energies > 0)
        sizes = [layer.n_cells for layer in showers.calorimeter.layers]
        cells *= np.repeat(share, sizes, axis=1).astype(np.float32)
    logarithms = np.log10((energies + _FLOOR_MEV) / _UNIT_MEV) + 2
    return np.concatenate([cells, *known, logarithms], axis=1, dtype=np.float32)


def _shower_shapes(showers: Showers, incident_energy: bool) -> Matrix:
    """All observables, energies in MeV as logarithms; NaN where one is not defined."""
    known = []
    if incident_energy:
        known.append(np.log10(INCIDENT_ENERGY.compute(showers)))
    else:  # some observables are relative to it
        blind = replace(showers.incident, energy_gev=np.ones(len(showers)))
        showers = replace(showers, incident=blind)
    values = [
        np.log10(np.maximum(value, _FLOOR_MEV)) if observable.unit == "MeV" else value
        for observable in observables_of(showers.calorimeter)
        for value in [observable.compute(showers)]
    ]
    return np.stack([*known, *values], axis=1).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Scaling:
    """Mean 0 and standard deviation 1, as measured on the training part.

    A value that is not defined becomes the mean, and where the training part has such values a
    further input says in which showers. Values beyond 10 standard deviations are put there.

    Args:
        mean: Shape `(features,)`.
        sd: Shape `(features,)`; 1 for what does not vary.
        incomplete: Which features are not always defined, shape `(features,)`.
    """

    mean: Matrix
    sd: Matrix
    incomplete: NDArray[np.bool_]

    @classmethod
    def measure(cls, values: Matrix) -> Self:
        """Measure the training part, shape `(n, features)`."""
        missing = np.isnan(values)
        n = np.maximum((~missing).sum(axis=0), 1)
        mean = np.where(missing, 0, values).sum(axis=0, dtype=np.float64) / n
        squares = np.where(missing, 0, values - mean) ** 2
        sd = np.sqrt(squares.sum(axis=0, dtype=np.float64) / n)
        varies = sd > 1e-6 * np.maximum(np.abs(mean), 1e-6)
        incomplete = np.asarray(missing.any(axis=0))
        return cls(mean.astype(np.float32), np.where(varies, sd, 1).astype(np.float32), incomplete)

    def apply(self, values: Matrix) -> Matrix:
        """Scale `(n, features)` to `(n, features + incomplete ones)`."""
        missing = np.isnan(values)
        scaled = np.where(missing, 0, (values - self.mean) / self.sd).clip(-_FAR, _FAR)
        flags = missing[:, self.incomplete]
        return np.concatenate([scaled, flags], axis=1, dtype=np.float32)
