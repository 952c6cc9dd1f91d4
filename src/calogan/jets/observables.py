r"""What is computed of jet images: mass, transverse momentum, N-subjettiness, pixels that are hit.

A pixel of transverse energy $I_i$ counts as a massless particle at its centre
$(\eta'_i, \phi'_i)$, as in the LAGAN paper (arXiv:1701.05927, section 3) and its published code:

$p_T^2 = (\sum_i I_i \cos\phi'_i)^2 + (\sum_i I_i \sin\phi'_i)^2$,
$m^2 = (\sum_i I_i \cosh\eta'_i)^2 - p_T^2 - (\sum_i I_i \sinh\eta'_i)^2$,
$\tau_N = \sum_i I_i \min_a \Delta R_{ia} / \sum_i I_i$ with the axes $a = 1 \dots N$ and
$\tau_{21} = \tau_2 / \tau_1$.

The axis of $\tau_1$ is the brightest pixel. Those of $\tau_2$ are what kt clustering of the pixels
leaves when two are left, with the winner-take-all scheme: of two that are joined, the direction of
the brighter one stays. (The published code takes $I / \cosh\eta'$ for the brightness there; here it
is I, which is what kt asks for.) What has no value is NaN: $\tau_{21}$ of an image of one pixel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calogan.jets.clustering import pixel_distances, two_axes
from calogan.jets.images import ETA, PHI, PIXELS

__all__ = [
    "OBSERVABLES",
    "THRESHOLD_GEV",
    "JetObservable",
    "axes_distance",
    "brightest_share",
    "image_mass",
    "image_pt",
    "image_tau1",
    "image_tau2",
    "image_tau21",
    "image_width",
    "observe",
    "sparsity",
    "without_faint",
]

Images = NDArray[np.float32]
Values = NDArray[np.float64]

THRESHOLD_GEV = 1e-3
"""Pixels below it are no energy, but what turning an image leaves (published code)."""

_CELLS = PIXELS**2


def without_faint(image: Images, threshold_gev: float = THRESHOLD_GEV) -> Images:
    """Set pixels below a threshold to 0.

    Args:
        image: `(n, 25, 25)` [GeV].
        threshold_gev: The threshold [GeV].
    """
    cleaned: Images = np.where(image < threshold_gev, np.float32(0), image)
    return cleaned


def image_pt(image: Images) -> Values:
    """Transverse momentum [GeV], `(n,)`.

    Args:
        image: `(n, 25, 25)` [GeV].
    """
    rows = image.sum(axis=2, dtype=np.float64)
    pt: Values = np.hypot(rows @ np.cos(PHI), rows @ np.sin(PHI))
    return pt


def image_mass(image: Images) -> Values:
    """Mass [GeV], `(n,)`; 0 where rounding leaves a negative square.

    Args:
        image: `(n, 25, 25)` [GeV].
    """
    columns = image.sum(axis=1, dtype=np.float64)
    energy, pz = columns @ np.cosh(ETA), columns @ np.sinh(ETA)
    mass: Values = np.sqrt(np.maximum(energy**2 - image_pt(image) ** 2 - pz**2, 0))
    return mass


def sparsity(image: Images) -> Values:
    """Share of the pixels that are hit, `(n,)`.

    Args:
        image: `(n, 25, 25)` [GeV].
    """
    share: Values = (image > 0).mean(axis=(1, 2), dtype=np.float64)
    return share


def brightest_share(image: Images) -> Values:
    """Share of the transverse energy in the brightest pixel, `(n,)`; NaN in an empty image.

    Args:
        image: `(n, 25, 25)` [GeV].
    """
    return _over_total(image, image.max(axis=(1, 2), initial=0).astype(np.float64))


def image_width(image: Images) -> Values:
    r"""Jet width $\sum_i I_i \Delta R_i / \sum_i I_i$, `(n,)`; NaN in an empty image.

    $\Delta R_i$ is the distance to the middle of transverse energy (J. Gallicchio, M. D. Schwartz,
    Phys. Rev. Lett. 107 (2011) 172001: girth).

    Args:
        image: `(n, 25, 25)` [GeV].
    """
    eta = _over_total(image, image.sum(axis=1, dtype=np.float64) @ ETA)
    phi = _over_total(image, image.sum(axis=2, dtype=np.float64) @ PHI)
    distance = np.hypot(ETA - eta[:, None, None], PHI[:, None] - phi[:, None, None])
    return _over_total(image, np.einsum("nij,nij->n", image, distance))


def image_tau1(image: Images) -> Values:
    """1-subjettiness around the brightest pixel, `(n,)`; NaN in an empty image.

    Args:
        image: `(n, 25, 25)` [GeV].
    """
    flat = image.reshape(len(image), _CELLS)
    return _subjettiness(flat, flat.argmax(axis=1)[:, None])


def image_tau2(image: Images) -> Values:
    """2-subjettiness around the two axes of kt clustering, `(n,)`; NaN in an empty image.

    Args:
        image: `(n, 25, 25)` [GeV].
    """
    flat = image.reshape(len(image), _CELLS)
    return _subjettiness(flat, two_axes(flat))


def image_tau21(image: Images) -> Values:
    """Ratio of 2- to 1-subjettiness, `(n,)`; NaN in images with less than two pixels.

    Args:
        image: `(n, 25, 25)` [GeV].
    """
    return _ratio(image_tau2(image), image_tau1(image))


def axes_distance(image: Images) -> Values:
    """Distance of the two axes of 2-subjettiness, `(n,)`; NaN in images with less than two pixels.

    Args:
        image: `(n, 25, 25)` [GeV].
    """
    return _apart(image, two_axes(image.reshape(len(image), _CELLS)))


@dataclass(frozen=True)
class JetObservable:
    """One number per image.

    Args:
        name: Short and plain, as in tables and files.
        label: The symbol as mathtext.
        unit: Unit; empty for none.
        description: A few words.
        compute: From images `(n, 25, 25)` [GeV] to values `(n,)`, NaN where there is none.
        quantum: Distance of the values that are possible, for one that counts something.
    """

    name: str
    label: str
    unit: str
    description: str
    compute: Callable[[Images], Values]
    quantum: float | None = None


OBSERVABLES = (
    JetObservable("mass", "$m$", "GeV", "jet mass", image_mass),
    JetObservable("pt", "$p_\\mathrm{T}$", "GeV", "jet transverse momentum", image_pt),
    JetObservable("tau_21", "$\\tau_{21}$", "", "N-subjettiness ratio", image_tau21),
    JetObservable("tau_1", "$\\tau_{1}$", "", "1-subjettiness", image_tau1),
    JetObservable("tau_2", "$\\tau_{2}$", "", "2-subjettiness", image_tau2),
    JetObservable("axes", "$\\Delta{R}_{12}$", "", "distance of the two axes", axes_distance),
    JetObservable("width", "$w$", "", "jet width", image_width),
    JetObservable("hit", "$n_\\mathrm{hit}/625$", "", "share of hit pixels", sparsity, 1 / _CELLS),
    JetObservable("brightest", "$f_1$", "", "share of the brightest pixel", brightest_share),
)
"""What a comparison looks at; the first three are those of the paper."""


def observe(image: Images) -> dict[str, Values]:
    """Compute all observables, by their names; clustering is done once.

    Args:
        image: `(n, 25, 25)` [GeV].
    """
    flat = image.reshape(len(image), _CELLS)
    axes = two_axes(flat)
    tau_1, tau_2 = image_tau1(image), _subjettiness(flat, axes)
    known = {
        "tau_1": tau_1,
        "tau_2": tau_2,
        "tau_21": _ratio(tau_2, tau_1),
        "axes": _apart(image, axes),
    }
    return {o.name: known[o.name] if o.name in known else o.compute(image) for o in OBSERVABLES}


def _ratio(above: Values, below: Values) -> Values:
    ratio: Values = np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
    return ratio


def _over_total(image: Images, values: Values) -> Values:
    return _ratio(values, image.sum(axis=(1, 2), dtype=np.float64))


def _subjettiness(flat: Images, axes: NDArray[np.intp]) -> Values:
    """N-subjettiness of images `(n, 625)` around the pixels `(n, N)`."""
    found = np.empty(len(flat))
    for start in range(0, len(flat), 4096):
        rows = slice(start, start + 4096)
        nearest = pixel_distances()[axes[rows]].min(axis=1)
        found[rows] = np.einsum("ni,ni->n", flat[rows], nearest, dtype=np.float64)
    return _ratio(found, flat.sum(axis=1, dtype=np.float64))


def _apart(image: Images, axes: NDArray[np.intp]) -> Values:
    several = np.count_nonzero(image, axis=(1, 2)) > 1
    return np.where(several, pixel_distances()[axes[:, 0], axes[:, 1]], np.nan)
