"""Nearest neighbours of jet images: whether a network repeats images that it has seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calogan.evaluation.pictures.memorisation import (
    NeighbourResult,
    Neighbours,
    compare_neighbours,
    find_nearest,
)
from calogan.jets.images import JetImages
from calogan.jets.report.samples import Samples

__all__ = ["find_neighbours"]


def find_neighbours(
    samples: Samples, *, rng: np.random.Generator, most: int
) -> NeighbourResult[JetImages]:
    r"""Look for the image that is nearest to each one of the candidates.

    Targets are the training images; without them one half of the reference, and the other half is
    what independent images do. The distance is Euclid's of the vectors of $\sqrt{I}$: between
    distances of the energies, which see two bright pixels only, and of the hit pixels. A relative
    distance is one over the median of the independent images.

    Args:
        samples: Reference, candidates and training images.
        rng: Draws images, halves and samples of the bootstrap.
        most: Most images of each sample whose neighbours are looked for.
    """
    reference = samples.reference.images
    order = rng.permutation(len(reference))
    if samples.training is None:
        half = len(order) // 2
        targets, own = reference[order[:half]], order[half:][:most]
    else:
        targets, own = samples.training, order[:most]
    vectors = _roots(targets)
    rows = {samples.reference.name: own}
    for sample in samples.candidates:
        rows[sample.name] = rng.permutation(len(sample))[:most]
    found = {
        sample.name: find_nearest(_roots(sample.images[rows[sample.name]]), vectors)
        for sample in samples.every
    }
    typical = float(np.median(found[samples.reference.name][1])) or 1.0
    neighbours = {
        name: Neighbours(rows[name], index, distance, distance / typical)
        for name, (index, distance) in found.items()
    }
    baseline = neighbours.pop(samples.reference.name)
    return NeighbourResult(
        "reference" if samples.training is None else "training",
        targets,
        baseline,
        neighbours,
        {name: compare_neighbours(baseline, each, rng) for name, each in neighbours.items()},
        int(np.count_nonzero(baseline.distance == 0)),
    )


def _roots(images: JetImages) -> NDArray[np.float32]:
    return np.sqrt(images.image.reshape(len(images), -1))
