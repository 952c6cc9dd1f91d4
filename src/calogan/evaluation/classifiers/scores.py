r"""Figures of a classifier from what it says about showers that it was not trained with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import roc_auc_score, roc_curve

__all__ = ["auc_error", "calibrate", "jensen_shannon", "roc", "roc_auc"]

Values = NDArray[np.float64]

_POINTS = 200


def roc_auc(labels: Values, scores: Values) -> float:
    """Area under the ROC curve: 0.5 for equal samples, 1 for samples that do not overlap.

    The chance that a shower of class 1 has a higher score than one of class 0. Of the scores as
    the network gives them: calibration would only join some of them.

    Args:
        labels: 1 or 0, shape `(n,)`.
        scores: Higher for 1, shape `(n,)`.
    """
    return float(roc_auc_score(labels, scores))


def auc_error(n_first: int, n_second: int) -> float:
    r"""Standard deviation of the AUC of two samples of one distribution.

    $\sqrt{(n + m + 1) / (12 n m)}$, of the statistic of Mann and Whitney.
    """
    return float(np.sqrt((n_first + n_second + 1) / (12 * n_first * n_second)))


def roc(labels: Values, scores: Values) -> tuple[Values, Values]:
    """ROC curve: false and true positive rates, at most 201 points of it, each shape `(p,)`."""
    false, true, _ = roc_curve(labels, scores)
    if len(false) > _POINTS:  # evenly along the curve
        along = np.linspace(0, 2, _POINTS)
        found = np.unique(np.append(np.searchsorted(false + true, along), len(false) - 1))
        false, true = false[found.clip(max=len(false) - 1)], true[found.clip(max=len(true) - 1)]
    return false, true


def calibrate(labels: Values, scores: Values, others: Values) -> Values:
    """Turn scores into probabilities of class 1 by isotonic regression, shape `(m,)`.

    Fitted on m_s showers of the selection part, as in CaloFlow (arXiv:2106.05285). So many
    showers tell no probability below 1 / (m_s + 2) or above 1 minus that (Laplace's rule), so
    these are the bounds; the published code takes 1e-6, and one shower beyond an edge then
    changes the divergence by 20 bits over the size of the test part.

    Args:
        labels: 1 or 0 in the selection part, shape `(m_s,)`.
        scores: Scores of these.
        others: Scores of the test part, shape `(m,)`.
    """
    least = 1 / (len(labels) + 2)
    regression = IsotonicRegression(y_min=least, y_max=1 - least, out_of_bounds="clip")
    probability: Values = regression.fit(scores, labels).predict(others)
    return probability


def jensen_shannon(labels: Values, probability: Values) -> float:
    r"""Jensen-Shannon divergence [bit]: 0 for equal samples, 1 for those that do not overlap.

    $\frac12 (\langle\log_2 2p\rangle_1 + \langle\log_2 2(1-p)\rangle_0)$ with p the calibrated
    probability of class 1 (arXiv:2106.05285). An estimate from the test part: it can fall below 0
    by chance, and a network that misses something makes it too small.

    Args:
        labels: 1 or 0, shape `(n,)`.
        probability: Of class 1, shape `(n,)`, neither 0 nor 1.
    """
    first = np.log2(2 * probability[labels == 1]).mean()
    second = np.log2(2 * (1 - probability[labels == 0])).mean()
    return float(0.5 * (first + second))
