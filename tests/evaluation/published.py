"""What others found: numbers of the authors of FPD and KPD, and of their package.

`JETNET` holds what `fpd`, `kpd`, `_calculate_frechet_distance` and `_mmd_poly_quadratic_unbiased`
of jetnet 0.2.5 (PyPI) give for `features`, without normalisation and with its default seed 42;
NumPy 1.26.4, SciPy 1.17.1, numba 0.68.1 in an environment of their own, because jetnet needs
NumPy 1. torch and energyflow, which these functions do not use, were empty modules there.

`TOYS` holds the table of 2D Gaussians of arXiv:2211.10295 (as in R. Kansal's dissertation, chapter
11.2): FGD at infinity and MMD of degree 4, for 50 000 and 5000 samples, not normalised.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["JETNET", "TOYS", "Found", "Toy", "features", "toy"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Found:
    fpd: tuple[float, float]
    kpd: tuple[float, float]
    frechet: float
    mmd_1000: float
    mmd_700_300: float


JETNET = {
    "candidate": Found(
        fpd=(0.3499534392000789, 0.0012471972643211563),
        kpd=(0.27181003649087687, 0.015253758184313349),
        frechet=0.35043803680077446,
        mmd_1000=0.2863990634382745,
        mmd_700_300=0.523037056700403,
    ),
    "same": Found(
        fpd=(0.0006265777721945868, 0.00019381041305662923),
        kpd=(-0.007459619742917756, 0.016269607304116612),
        frechet=0.0007877387396533209,
        mmd_1000=0.20394996703709278,
        mmd_700_300=0.3551768463401572,
    ),
}


def features(kind: str) -> Floats:
    """Six features of 50 000 showers, some correlated, one not Gaussian."""
    rng = np.random.default_rng({"reference": 1, "candidate": 2, "same": 3}[kind])
    x = rng.standard_normal((50_000, 6))
    x[:, 1] = 0.8 * x[:, 0] + 0.6 * x[:, 1]
    x[:, 2] = (x[:, 2] ** 2 - 1) / np.sqrt(2)
    if kind == "candidate":
        x[:, 0] += 0.15
        x[:, 3] *= 1.2
        x[:, 1] = x[:, 1] * 0.5 + 0.3 * x[:, 4]
    return x


@dataclass(frozen=True, eq=False)
class Toy:
    gaussian: tuple[Floats, Floats]
    fpd: float
    fpd_error: float
    kpd: float
    kpd_error: float


_COVARIANCE = np.array([[1.0, 0.25], [0.25, 1.0]])


def _toy(shift: float, covariance: Floats, *published: float) -> Toy:
    fpd, fpd_error, kpd, kpd_error = published
    return Toy((np.array([shift, 0.0]), covariance), fpd / 1e3, fpd_error / 1e3, kpd, kpd_error)


TOYS = {
    "truth": _toy(0.0, _COVARIANCE, 0.27, 0.08, 0.01, 0.02),
    "shift": _toy(1.0, _COVARIANCE, 1002, 4, 16.4, 0.9),
    "small shift": _toy(0.1, _COVARIANCE, 11.5, 0.5, 0.07, 0.04),
    "no covariance": _toy(0.0, np.eye(2), 28.4, 0.5, 0.40, 0.08),
    "times 10": _toy(0.0, 10 * _COVARIANCE, 9400, 20, 19e3, 1e3),
    "over 10": _toy(0.0, _COVARIANCE / 10, 941, 2, 4.3, 0.1),
}


def toy(name: str, n: int, seed: int) -> Floats:
    """Samples of one of the published distributions, `(n, 2)`."""
    mean, covariance = TOYS[name].gaussian
    return np.random.default_rng(seed).multivariate_normal(mean, covariance, n)
