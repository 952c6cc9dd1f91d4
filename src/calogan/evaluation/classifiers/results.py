"""What the trainings of a classifier found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Outcome", "SeedResult", "finite", "mean", "spread"]


@dataclass(frozen=True, eq=False)
class SeedResult:
    """One training.

    Args:
        seed: Its seed: of the split, of the initial weights and of the order of the showers.
        auc: Area under the ROC curve in the test part.
        jsd: Jensen-Shannon divergence in the test part [bit].
        fpr: False positive rates of the ROC curve, shape `(p,)`, p at most 201.
        tpr: True positive rates, shape `(p,)`.
        epochs: Epochs of the training.
        best_epoch: The epoch whose network was taken.
        converged: Whether the training had converged.
    """

    seed: int
    auc: float
    jsd: float
    fpr: NDArray[np.float64]
    tpr: NDArray[np.float64]
    epochs: int
    best_epoch: int
    converged: bool

    def as_dict(self) -> dict[str, Any]:
        """All numbers, JSON-like."""
        return {
            "seed": self.seed,
            "auc": self.auc,
            "jsd": self.jsd,
            "epochs": self.epochs,
            "best_epoch": self.best_epoch,
            "converged": self.converged,
            "roc": {"fpr": self.fpr.tolist(), "tpr": self.tpr.tolist()},
        }


@dataclass(frozen=True, eq=False, kw_only=True)
class Outcome:
    """Several trainings with the same two samples.

    Args:
        seeds: One result per seed.
        n_showers: Showers of each class, over all three parts.
    """

    seeds: tuple[SeedResult, ...]
    n_showers: int

    @property
    def auc(self) -> float:
        """Mean AUC of the seeds."""
        return mean([seed.auc for seed in self.seeds])

    @property
    def auc_spread(self) -> float:
        """Standard deviation of the AUC over the seeds; NaN for one."""
        return spread([seed.auc for seed in self.seeds])

    @property
    def jsd(self) -> float:
        """Mean Jensen-Shannon divergence of the seeds [bit]."""
        return mean([seed.jsd for seed in self.seeds])

    @property
    def jsd_spread(self) -> float:
        """Standard deviation of the divergence over the seeds [bit]; NaN for one."""
        return spread([seed.jsd for seed in self.seeds])

    @property
    def converged(self) -> bool:
        """Whether every training had converged."""
        return all(seed.converged for seed in self.seeds)

    def as_dict(self) -> dict[str, Any]:
        """All numbers, JSON-like; what is not defined is None."""
        return {
            "auc": self.auc,
            "auc_spread": finite(self.auc_spread),
            "jsd": self.jsd,
            "jsd_spread": finite(self.jsd_spread),
            "n_showers": self.n_showers,
            "converged": self.converged,
            "seeds": [seed.as_dict() for seed in self.seeds],
        }


def mean(values: Sequence[float]) -> float:
    """Mean of the seeds."""
    return float(np.mean(values))


def spread(values: Sequence[float]) -> float:
    """Standard deviation over the seeds (with n - 1); NaN for one."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")


def finite(value: float) -> float | None:
    """None for a value that JSON has no word for."""
    return value if np.isfinite(value) else None
