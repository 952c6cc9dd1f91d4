"""Images whose two classes differ, and a model that makes them, for tests of the comparison."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from calogan.jets.generator import JetGenerator
from calogan.jets.images import PIXELS, JetImages

__all__ = ["ToyModel", "make_jets"]


def make_jets(
    n: int, seed: int = 0, *, scale: float = 1.0, signal: NDArray[np.bool_] | None = None
) -> JetImages:
    """Two cores that share 250 GeV, and faint pixels around them.

    The second core of a signal jet is harder and farther away.
    """
    rng = np.random.default_rng(seed)
    signal = rng.random(n) < 0.5 if signal is None else signal
    image = rng.exponential(0.2, (n, PIXELS, PIXELS)) * (rng.random((n, PIXELS, PIXELS)) < 0.01)
    share = np.where(signal, rng.uniform(0.25, 0.5, n), rng.uniform(0.1, 0.35, n))
    energy = rng.normal(250, 10, n)
    rows = np.where(signal, rng.integers(18, 20, n), rng.integers(15, 17, n))
    image[:, 12, 12] += energy * (1 - share)
    image[np.arange(n), rows, 12] += energy * share
    return JetImages((scale * np.maximum(image, 0)).astype(np.float32), signal)


class ToyModel(JetGenerator):
    """Makes toy images as a bundle would, and says what it was trained with.

    Args:
        name: Its name.
        auxiliary: What its card says of its discriminator.
        data: What its card says of the training file.
    """

    def __init__(self, name: str, auxiliary: Any = None, **data: Any) -> None:
        self._name, self._auxiliary = name, auxiliary
        known = {"size_bytes": 0, "sha256": "", "n_training": 0, "made_with": {}} | data
        self._known = known

    @property
    def name(self) -> str:
        return self._name

    @property
    def provenance(self) -> dict[str, Any]:
        known = {"model": self._name, "kind": self._name, "trained_on": self._known}
        return known | ({"auxiliary_classifier": self._auxiliary} if self._auxiliary else {})

    def simulate(self, signal: NDArray[Any], rng: np.random.Generator | None = None) -> JetImages:
        rng = rng or np.random.default_rng()
        return make_jets(len(signal), int(rng.integers(2**32)), signal=np.asarray(signal, bool))
