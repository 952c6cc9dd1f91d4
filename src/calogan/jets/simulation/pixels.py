"""From trimmed jets to images: centred, filled, turned and mirrored (arXiv:1701.05927, section 2).

The steps and their order are those of the published data set. An image is filled before it is
turned, so that turning it interpolates between pixels: with the cubic kernel of R. Keys (IEEE
Trans. Acoust. Speech Signal Process. 29 (1981) 1153), and values beyond those of the image before
set to its least and its largest. No pixel may be negative, so that this adds transverse energy; the
image is scaled back to what it held before, as the published code does in its later versions.
"""

from __future__ import annotations

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from calogan.jets.images import ETA, HALF_WIDTH, PHI, PIXELS
from calogan.jets.simulation.trimming import TrimmedJets

__all__ = ["images_of", "mirror", "turn", "turned_images"]

_WIDTH = 2 * HALF_WIDTH / PIXELS
_MARGIN = 7
"""Empty pixels around an image, into which a corner is turned, and the kernel reaches."""


def images_of(jets: TrimmedJets) -> NDArray[np.float32]:
    """Make the images of jets.

    Args:
        jets: The n jets.

    Returns:
        Transverse energies, shape `(n, 25, 25)` [GeV], with axes as `JetImages` has them.
    """
    return mirror(turned_images(jets)).astype(np.float32)


def turned_images(jets: TrimmedJets) -> NDArray[np.float64]:
    """Images of jets that are centred and turned, but not mirrored, `(n, 25, 25)` [GeV].

    Nature does not tell left from right, so that their average is symmetric in eta'.
    """
    n = len(jets)
    counts = np.asarray(ak.num(jets.towers.pt))
    jet = np.repeat(np.arange(n), counts)
    eta, phi, pt = (np.asarray(ak.flatten(jets.towers[name])) for name in ("eta", "phi", "pt"))
    eta = eta - jets.leading[jet, 0]
    phi = _wrapped(phi - jets.leading[jet, 1])
    second = jets.second - jets.leading
    alone = np.isnan(second[:, 0])
    angle = np.arctan2(_wrapped(second[:, 1]), second[:, 0])
    angle[alone] = _principal_angle(jet, eta, phi, pt, n)[alone]
    return turn(_filled(jet, eta, phi, pt, n), -np.pi / 2 - angle)


def _wrapped(angle: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bring angles to [-pi, pi)."""
    wrapped: NDArray[np.float64] = (angle + np.pi) % (2 * np.pi) - np.pi
    return wrapped


def _filled(
    jet: NDArray[np.intp],
    eta: NDArray[np.float64],
    phi: NDArray[np.float64],
    pt: NDArray[np.float64],
    n: int,
) -> NDArray[np.float64]:
    """Add the transverse energies of towers up in pixels, `(n, 25, 25)`."""
    column = np.floor((eta + HALF_WIDTH) / _WIDTH).astype(np.int64)
    row = np.floor((HALF_WIDTH - phi) / _WIDTH).astype(np.int64)
    inside = (column >= 0) & (column < PIXELS) & (row >= 0) & (row < PIXELS)
    pixel = (jet[inside] * PIXELS + row[inside]) * PIXELS + column[inside]
    summed = np.bincount(pixel, pt[inside], minlength=n * PIXELS**2).astype(np.float64)
    return summed.reshape(n, PIXELS, PIXELS)


def _principal_angle(
    jet: NDArray[np.intp],
    eta: NDArray[np.float64],
    phi: NDArray[np.float64],
    pt: NDArray[np.float64],
    n: int,
) -> NDArray[np.float64]:
    """Angle of the axis along which the pT of a jet spreads most, towards the side with less of it.

    It stands in for the second subjet where there is only one, and the side for the second subjet,
    which has less pT and lies further away.
    """

    def total(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(jet, pt * values, minlength=n).astype(np.float64)

    angle = 0.5 * np.arctan2(2 * total(eta * phi), total(eta**2) - total(phi**2))
    side = np.sign(eta * np.cos(angle[jet]) + phi * np.sin(angle[jet]))
    return np.where(total(side) > 0, angle + np.pi, angle)


def turn(image: NDArray[np.float64], angle: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn images around their middle, with cubic interpolation.

    Args:
        image: Images, shape `(n, 25, 25)`.
        angle: Angles by which what is in them moves from +eta' towards +phi', shape `(n,)`.

    Returns:
        The images: none of them with a value beyond the least and the largest of the image before
        it was turned, and then scaled to its sum.
    """
    n, middle = len(image), (PIXELS - 1) / 2
    padded = np.pad(image, ((0, 0), (_MARGIN, _MARGIN), (_MARGIN, _MARGIN))).reshape(n, -1)
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    eta, phi = (grid.ravel() for grid in np.meshgrid(ETA, PHI))
    column = (eta * cos + phi * sin) / _WIDTH + middle + _MARGIN
    row = middle + _MARGIN - (phi * cos - eta * sin) / _WIDTH
    first_column, first_row = np.floor(column).astype(np.intp), np.floor(row).astype(np.intp)
    column_weights = _cubic_weights(column - first_column)
    row_weights = _cubic_weights(row - first_row)
    which, side = np.arange(n)[:, None], PIXELS + 2 * _MARGIN
    turned = np.zeros_like(column)
    for i, row_weight in enumerate(row_weights):
        for j, column_weight in enumerate(column_weights):
            place = (first_row + i - 1) * side + first_column + j - 1
            turned += row_weight * column_weight * padded[which, place]
    least, largest = image.min(axis=(1, 2)), image.max(axis=(1, 2))
    clipped = np.clip(turned, least[:, None], largest[:, None])
    before, after = image.sum(axis=(1, 2)), clipped.sum(axis=1)
    scale = np.divide(before, after, out=np.ones(n), where=after > 0)
    scaled: NDArray[np.float64] = clipped * scale[:, None]
    return scaled.reshape(image.shape)


def _cubic_weights(t: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Weights of the pixels at -1, 0, 1 and 2 for a place t in [0, 1) (Keys 1981, equation 4)."""
    return [
        0.5 * t * (t * (2 - t) - 1),
        0.5 * (t * t * (3 * t - 5) + 2),
        0.5 * t * (t * (4 - 3 * t) + 1),
        0.5 * t * t * (t - 1),
    ]


def mirror(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mirror images in eta' where the left half holds more than the right one.

    Args:
        image: Images, shape `(n, 25, 25)`; the middle column counts for neither half.
    """
    half = PIXELS // 2
    wrong = image[:, :, :half].sum(axis=(1, 2)) > image[:, :, -half:].sum(axis=(1, 2))
    return np.where(wrong[:, None, None], image[:, :, ::-1], image)
