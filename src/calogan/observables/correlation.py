"""How observables go together."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from calogan.observables.observable import Values

__all__ = ["correlation_matrix"]

_CONSTANT = 1e-12


def correlation_matrix(table: Mapping[str, Values]) -> Values:
    r"""Linear correlation of each two observables.

    Pearson's $\rho_{ab} = \mathrm{cov}(a, b) / \sqrt{\mathrm{var}(a)\,\mathrm{var}(b)}$, each over
    the showers in which both a and b are defined.

    Args:
        table: Values `(n,)` of d observables, by name; NaN where one is not defined.

    Returns:
        Shape `(d, d)`, in the order of the table; NaN where fewer than two showers have both, or
        where one of the two is the same in all of these.
    """
    if not table:
        return np.empty((0, 0))
    values = np.stack([np.asarray(column, dtype=np.float64) for column in table.values()], axis=1)
    known = ~np.isnan(values)
    count = np.maximum(known.sum(axis=0), 1)
    # near mean 0 and variance 1 already, so that the sums below lose no digits
    values = np.where(known, values - np.where(known, values, 0).sum(axis=0) / count, 0)
    spread = np.sqrt((values**2).sum(axis=0) / count)
    values = values / np.where(spread > 0, spread, 1)
    both = known.astype(np.float64)
    n = both.T @ both  # showers in which both are defined
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (values.T @ both) / n  # [a, b]: mean of a where b is defined
        variance = ((values**2).T @ both) / n - mean**2
        variance[~((variance > _CONSTANT) & (n > 1))] = np.nan
        covariance = (values.T @ values) / n - mean * mean.T
        matrix = covariance / np.sqrt(variance * variance.T)
    matrix = np.clip(matrix, -1, 1)
    np.fill_diagonal(matrix, np.where(np.isnan(np.diag(matrix)), np.nan, 1.0))
    return matrix
