"""Observables in bins of the incident energy, and the resolution of a calorimeter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Binned", "ResolutionFit", "bin_by_energy", "energy_edges", "fit_resolution"]

Values = NDArray[np.float64]

_MOST_BINS, _PER_BIN = 12, 60
_MOST_ENERGIES = 20
_FEWEST = 5


@dataclass(frozen=True, eq=False)
class Binned:
    """An observable in bins of the energy; arrays `(bins,)`, NaN in bins of fewer than 5 showers.

    Args:
        edges_gev: Edges of the bins, `(bins + 1,)` [GeV].
        energy_gev: Mean incident energy of the showers in each bin [GeV].
        n: Showers in each bin in which the observable is defined.
        mean: Mean of the observable.
        mean_error: Its standard error.
        sd: Standard deviation.
        sd_error: Its standard error, from the fourth moment: no normal distribution is presumed.
    """

    edges_gev: Values
    energy_gev: Values
    n: NDArray[np.int64]
    mean: Values
    mean_error: Values
    sd: Values
    sd_error: Values


def energy_edges(samples: Sequence[Values]) -> Values:
    """Choose bins of the energy for several samples, the same for all [GeV].

    Where the energies are a few that repeat, up to 20, each has a bin; else bins hold equal shares
    of the showers of all samples, about 60 of the smallest sample, and there are 12 at most.

    Args:
        samples: Incident energies `(n,)` of each sample [GeV].
    """
    energies = np.concatenate(samples)
    if not len(energies):
        return np.array([0.5, 1.5])
    rounded = np.unique(np.array([float(f"{energy:.3g}") for energy in np.unique(energies)[:2000]]))
    if len(rounded) <= _MOST_ENERGIES and len(np.unique(energies)) < 2000:
        middles = np.sqrt(rounded[:-1] * rounded[1:])
        return np.concatenate([[0.98 * rounded[0]], middles, [1.02 * rounded[-1]]])
    smallest = min(len(sample) for sample in samples if len(sample))
    bins = int(np.clip(smallest // _PER_BIN, 1, _MOST_BINS))
    edges = np.unique(np.quantile(energies, np.linspace(0, 1, bins + 1)))
    edges[-1] *= 1 + 1e-9  # the last bin is half open as the others
    return edges


def bin_by_energy(energy_gev: Values, values: Values, edges_gev: Values) -> Binned:
    """Mean and standard deviation of an observable in bins of the incident energy.

    Args:
        energy_gev: Incident energies, `(n,)` [GeV].
        values: The observable, `(n,)`; NaN where it is not defined.
        edges_gev: Edges of the bins, rising; each bin holds its lower edge and not its upper.
    """
    bins = len(edges_gev) - 1
    which = np.searchsorted(edges_gev, energy_gev, side="right") - 1
    found = (which >= 0) & (which < bins) & ~np.isnan(values)
    which, values, energy = which[found], values[found], energy_gev[found]

    def total(weights: Values) -> Values:
        return np.bincount(which, weights, minlength=bins).astype(np.float64)

    n = np.bincount(which, minlength=bins)
    count = np.where(n >= _FEWEST, n, np.nan)
    mean = total(values) / count
    deviation = values - np.where(np.isnan(mean), 0, mean)[which]
    variance = total(deviation**2) / (count - 1)
    # variance of the sample variance: (m4 - s^4 (n - 3) / (n - 1)) / n
    fourth = total(deviation**4) / count
    of_variance = np.maximum(fourth - variance**2 * (count - 3) / (count - 1), 0) / count
    sd = np.sqrt(variance)
    sd_error = np.divide(np.sqrt(of_variance), 2 * sd, out=np.zeros(bins), where=sd != 0)
    return Binned(
        edges_gev, total(energy) / count, n, mean, sd / np.sqrt(count), sd, sd_error + 0 * sd
    )


@dataclass(frozen=True)
class ResolutionFit:
    r"""Result of a fit of $\sigma/\mu = a/\sqrt{E} \oplus b/E \oplus c$, with E in GeV.

    Args:
        stochastic: a [sqrt(GeV)].
        noise: b [GeV].
        constant: c.
        errors: Standard errors of a, b, c; NaN for one that is left at 0.
        chi2: Sum of the squared deviations over their errors.
        ndf: Number of points minus that of terms above 0.
    """

    stochastic: float
    noise: float
    constant: float
    errors: tuple[float, float, float]
    chi2: float
    ndf: int

    def __call__(self, energy_gev: Values) -> Values:
        """Resolution at energies `(n,)`."""
        squares: Values = (
            self.stochastic**2 / energy_gev
            + (self.noise / energy_gev) ** 2
            + self.constant**2 * np.ones_like(energy_gev)
        )
        return np.sqrt(squares)

    def as_dict(self) -> dict[str, Any]:
        """Numbers for a file."""
        return {**vars(self), "errors": list(self.errors)}


def fit_resolution(energy_gev: Values, resolution: Values, error: Values) -> ResolutionFit | None:
    r"""Fit the energy resolution with a stochastic, a noise and a constant term.

    $(\sigma/\mu)^2 = a^2/E + b^2/E^2 + c^2$ (PDG, Particle Detectors at Accelerators,
    calorimeters) is linear in the squares, which are fitted by least squares. Of the fits with each
    choice of terms that have no square below 0, the one with the least chi2 + 2 per term is taken
    (Akaike's criterion): a term that the points do not tell from 0 is left at 0.

    Args:
        energy_gev: Energies, `(n,)` [GeV].
        resolution: Standard deviation over mean, `(n,)`; points with NaN do not count.
        error: Their standard errors, `(n,)`; points without one do not count.

    Returns:
        The fit; None with fewer than 4 points.
    """
    has = np.isfinite(resolution) & np.isfinite(error) & (error > 0) & (resolution > 0)
    energy, value, error = energy_gev[has], resolution[has], error[has]
    if len(energy) < 4:
        return None
    weight = 1 / (2 * value * error)  # of the squares
    design = np.stack([1 / energy, 1 / energy**2, np.ones_like(energy)], axis=1)
    best: tuple[float, tuple[int, ...], NDArray[Any], NDArray[Any]] | None = None
    for terms in (chosen for k in (1, 2, 3) for chosen in combinations(range(3), k)):
        columns = design[:, terms] * weight[:, None]
        squares, _, rank, _ = np.linalg.lstsq(columns, value**2 * weight, rcond=None)
        if rank < len(terms) or (squares < 0).any():
            continue
        chi2 = float((((columns @ squares) - value**2 * weight) ** 2).sum())
        if best is None or chi2 + 2 * len(terms) < best[0] + 2 * len(best[1]):
            best = chi2, terms, squares, np.linalg.inv(columns.T @ columns)
    if best is None:
        return None
    chi2, terms, squares, covariance = best
    found, errors = np.zeros(3), np.full(3, np.nan)
    for k, term in enumerate(terms):
        found[term] = np.sqrt(squares[k])
        if found[term] > 0:
            errors[term] = np.sqrt(covariance[k, k]) / (2 * found[term])
    a, b, c = (float(x) for x in found)
    ndf = len(energy) - len(terms)
    return ResolutionFit(a, b, c, (float(errors[0]), float(errors[1]), float(errors[2])), chi2, ndf)
