"""kt clustering of the pixels of jet images, down to two axes, all images at once.

With the winner-take-all scheme (D. Bertolini, T. Chan, J. Thaler, JHEP 04 (2014) 013): of two that
are joined, the direction of the brighter one stays, so that axes are pixels.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from calogan.jets.images import ETA, PIXELS

__all__ = ["pixel_distances", "two_axes"]

Values = NDArray[np.float64]

_CELLS = PIXELS**2
_CHUNK_VALUES = 2_000_000


@cache
def pixel_distances() -> NDArray[np.float32]:
    """Distance of each pixel to each other one in eta' and phi', `(625, 625)`.

    From whole numbers, so that distances that are equal on the grid are equal here.
    """
    row, column = np.divmod(np.arange(_CELLS), PIXELS)
    squares = (row - row[:, None]) ** 2 + (column - column[:, None]) ** 2
    distances: NDArray[np.float32] = ((ETA[1] - ETA[0]) * np.sqrt(squares)).astype(np.float32)
    return distances


def two_axes(flat: NDArray[np.float32]) -> NDArray[np.intp]:
    """Pixels that are the axes when kt clustering has left two, `(n, 2)`.

    Of images with less than two hit pixels any pixels take the place of the missing ones.

    Args:
        flat: Images, `(n, 625)`.
    """
    hits = np.count_nonzero(flat, axis=1)
    order = np.argsort(hits, kind="stable")  # images with as many pixels are clustered together
    axes = np.empty((len(flat), 2), np.intp)
    start = 0
    while start < len(flat):
        most = int(hits[order[min(start + 255, len(flat) - 1)]])
        number = int(np.clip(_CHUNK_VALUES // max(most, 2) ** 2, 1, 256))
        rows = order[start : start + number]
        n_pixels = max(int(hits[rows[-1]]), 2)
        # empty pixels fill the places of images with fewer: the clustering takes them first
        brightest = np.argpartition(-flat[rows], n_pixels - 1, axis=1)[:, :n_pixels]
        pixels = np.sort(brightest, axis=1)
        energies = np.take_along_axis(flat[rows], pixels, axis=1).astype(np.float64)
        left = _cluster(energies, pixels)
        axes[rows] = np.take_along_axis(pixels, left, axis=1)
        start += len(rows)
    return axes


def _cluster(energies: Values, pixels: NDArray[np.intp]) -> NDArray[np.intp]:
    r"""Join the pixels of images until two are left; which those are, `(n, 2)`.

    The kt distance is $\min(I_i, I_j)^2 \Delta R_{ij}^2$. Directions never change in the
    winner-take-all scheme, so it is enough to know the nearest neighbour of each: the pair of
    least distance is a pixel and its nearest neighbour (M. Cacciari, G. P. Salam, Phys. Lett. B
    641 (2006) 57), and a neighbour is looked for again only when it has gone. Of neighbours that
    are equally near, which is common on a grid, the first one in the image counts.

    Args:
        energies: `(n, k)`, k at least 2; changed.
        pixels: Number of each pixel in the image, `(n, k)`.
    """
    n, k = energies.shape
    every, one = np.arange(n), np.arange(k)
    between = pixel_distances()[pixels[:, :, None], pixels[:, None, :]]
    between[:, one, one] = np.inf
    nearest = between.argmin(axis=2)
    apart = np.take_along_axis(between, nearest[:, :, None], axis=2)[:, :, 0].astype(np.float64)
    cost = (energies * apart) ** 2
    for _ in range(k - 2):
        soft = cost.argmin(axis=1)
        hard = nearest[every, soft]
        energies[every, hard] += energies[every, soft]
        between[every, :, soft] = np.inf
        nearest[every, soft] = -1
        image, pixel = np.nonzero(nearest == soft[:, None])
        found = between[image, pixel].argmin(axis=1)
        nearest[image, pixel] = found
        apart[image, pixel] = between[image, pixel, found]
        cost[image, pixel] = (energies[image, pixel] * apart[image, pixel]) ** 2
        cost[every, hard] = (energies[every, hard] * apart[every, hard]) ** 2
        cost[every, soft] = np.inf
    return np.nonzero(nearest >= 0)[1].reshape(n, 2)
