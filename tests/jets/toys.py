"""Jets that are made by hand, and a simulator of jets that needs no Pythia."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calogan.jets.images import PIXELS, VARIABLES, JetImages


def make_jet_images(n: int, seed: int = 0, *, variables: bool = True) -> JetImages:
    """Images with a hard core and a softer second one below it."""
    rng = np.random.default_rng(seed)
    image = rng.exponential(0.1, (n, PIXELS, PIXELS)) * (rng.random((n, PIXELS, PIXELS)) < 0.1)
    image[:, 12, 12] += rng.uniform(150, 200, n)
    image[:, 18, 12] += rng.uniform(50, 80, n)
    values = {name: rng.random(n).astype(np.float32) for name in VARIABLES}
    return JetImages(image.astype(np.float32), rng.random(n) < 0.5, values if variables else {})


@dataclass
class ToyJets:
    """Makes images with `make_jet_images`, of the jets that it is asked for.

    Args:
        resumable: As for any simulator.
        wrong: Whether it makes other jets than those.
    """

    resumable: bool = False
    wrong: bool = False
    chunk_size = 4

    @property
    def provenance(self) -> dict[str, Any]:
        return {"simulator": "toy"}

    def simulate(
        self, signal: NDArray[np.bool_], rng: np.random.Generator | None = None
    ) -> JetImages:
        rng = rng or np.random.default_rng()
        images = make_jet_images(len(signal), int(rng.integers(2**32)))
        return JetImages(images.image, ~signal if self.wrong else signal, images.variables)
