"""Response and resolution of a calorimeter against the energy of the incident particle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calogan.observables.observable import Values, ratio
from calogan.statistics import moments

__all__ = ["ResponseCurve", "response_curve"]


@dataclass(frozen=True, eq=False)
class ResponseCurve:
    """Response and resolution in bins of the incident energy; each array has the shape `(bins,)`.

    Args:
        edges_gev: Edges of the bins, shape `(bins + 1,)` [GeV].
        energy_gev: Mean incident energy of the showers in a bin [GeV]; NaN without showers.
        n: Number of showers.
        mean: Mean response; NaN without showers.
        mean_error: Its standard error; NaN for fewer than two showers, as the rest.
        resolution: Standard deviation of the response over its mean.
        resolution_error: Its standard error.
    """

    edges_gev: Values
    energy_gev: Values
    n: NDArray[np.int64]
    mean: Values
    mean_error: Values
    resolution: Values
    resolution_error: Values


def response_curve(
    energy_gev: Values, response: Values, edges_gev: Values | int = 10
) -> ResponseCurve:
    r"""Mean response, and resolution $\sigma/\mu$, in bins of the incident energy.

    The response, `response(showers)`, is the measured over the incident energy, so it varies
    little across a bin, and the width of the bins adds next to nothing to its spread. Errors are
    those of `calogan.statistics.moments`, for any distribution; that of the resolution leaves
    out the correlation of mean and standard deviation.

    Args:
        energy_gev: Incident energies, shape `(n,)` [GeV].
        response: Response, shape `(n,)`; NaN does not count.
        edges_gev: Edges of the bins, rising, the last one belonging to the last bin [GeV]; or a
            number of bins of one width from the lowest to the highest energy.
    """
    edges = _even(energy_gev, edges_gev) if isinstance(edges_gev, int) else np.asarray(edges_gev)
    bins = np.searchsorted(edges, energy_gev, side="right") - 1
    bins[energy_gev == edges[-1]] = len(edges) - 2
    bins[~np.isfinite(response)] = -1
    inside = [np.flatnonzero(bins == k) for k in range(len(edges) - 1)]
    found = [moments(response[rows]) for rows in inside]
    mean, mean_error, sd, sd_error = (
        np.array([getattr(one, name) for one in found])
        for name in ("mean", "mean_error", "sd", "sd_error")
    )
    resolution = ratio(sd, mean)
    return ResponseCurve(
        edges_gev=edges,
        energy_gev=np.array([moments(energy_gev[rows]).mean for rows in inside]),
        n=np.array([one.n for one in found]),
        mean=mean,
        mean_error=mean_error,
        resolution=resolution,
        resolution_error=np.hypot(ratio(sd_error, mean), resolution * ratio(mean_error, mean)),
    )


def _even(energy_gev: Values, bins: int) -> Values:
    """Edges of bins of one width [GeV]; of one bin around a single energy."""
    if not len(energy_gev):
        return np.array([0.0, 1.0])
    low, high = float(energy_gev.min()), float(energy_gev.max())
    return np.linspace(low, high, bins + 1) if high > low else np.array([0.5 * low, 1.5 * low])
