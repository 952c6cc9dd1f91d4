"""What a request asks for: n showers, and the noise that they are made of."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from calogan.errors import IncidentError
from calogan.serving.engine import ServedModel
from calogan.serving.refusals import Refusal, Why
from calogan.serving.tensors import Tensor, TensorKind, quoted
from calogan.spectra import check_energies

__all__ = ["Job", "make_job"]

_CONDITION_TOLERANCE = 1e-3


class Job:
    """n showers that a request waits for. Its rows may be made in several batches, on any thread.

    Args:
        told: What the network is told of each particle, shape `(n, 1 + conditions)`.
        latent_size: Length of the noise vector.
        noise: The client's own noise, shape `(n, latent)`.
        seed: Seed of all showers, shape `(1,)`, or of each one, shape `(n,)`.
    """

    def __init__(
        self,
        told: NDArray[np.float32],
        latent_size: int,
        noise: NDArray[np.float32] | None = None,
        seed: NDArray[np.int64] | None = None,
    ) -> None:
        self.told = told
        self.made_of_own_noise = noise is not None
        self._latent_size = latent_size
        self._noise = noise
        self._seed = seed
        self._lock = Lock()
        self.arrived = time.monotonic()
        self.taken = self.made = 0
        """Rows that are in a batch, or were, and rows that are done."""
        self.layers: list[NDArray[np.float32]] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def __len__(self) -> int:
        """Number of showers."""
        return len(self.told)

    def noise(self, rows: slice, rng: np.random.Generator) -> NDArray[np.float32]:
        """Noise of some showers, shape `(m, latent)`.

        Where the job has one seed, that is what `NeuralSimulator.simulate` draws for the n
        particles from `numpy.random.default_rng(seed)`; where each shower has its own, what it
        draws for that particle alone.

        Args:
            rows: Which showers.
            rng: Stream of a job without a seed.
        """
        m = rows.stop - rows.start
        if self._noise is not None:
            return self._noise[rows]
        if self._seed is None:
            return rng.standard_normal((m, self._latent_size), dtype=np.float32)
        if len(self._seed) == len(self) > 1:
            own = np.empty((m, self._latent_size), dtype=np.float32)
            for row, seed in zip(own, self._seed[rows].tolist(), strict=True):
                np.random.default_rng(seed).standard_normal(dtype=np.float32, out=row)
            return own
        with self._lock:  # the stream has an order, batches have none: all of it at the first
            if self._noise is None:
                stream = np.random.default_rng(int(self._seed[0]))
                self._noise = stream.standard_normal(
                    (len(self), self._latent_size), dtype=np.float32
                )
        return self._noise[rows]

    def keep(self, start: int, images: Sequence[NDArray[np.float32]]) -> None:
        """Take over the finished showers from `start` on; one `(m, n_eta, n_phi)` per layer."""
        m = len(images[0])
        if m == len(self):
            self.layers = [*images]
            return
        with self._lock:
            if not self.layers:
                self.layers = [np.empty((len(self), *x.shape[1:]), x.dtype) for x in images]
        for layer, image in zip(self.layers, images, strict=True):
            layer[start : start + m] = image


def make_job(model: ServedModel, tensors: Sequence[Tensor], most: int) -> Job:
    """Check the inputs of a request.

    Args:
        model: The model that is asked for.
        tensors: The inputs.
        most: Showers that a request may ask for.

    Raises:
        Refusal: Inputs that are missing, unknown, there twice, or do not fit to each other.
    """
    kinds = {kind.name: kind for kind in model.inputs}
    given: dict[str, Tensor] = {}
    for tensor in tensors:
        if tensor.name not in kinds:
            msg = f"no input {quoted(tensor.name)}: {model.name} takes {', '.join(kinds)}"
            raise Refusal(Why.INVALID, msg)
        if tensor.name in given:
            msg = f"input {quoted(tensor.name)} is there twice"
            raise Refusal(Why.INVALID, msg)
        given[tensor.name] = tensor
    if model.told not in given:
        msg = f"input {model.told!r} is missing"
        raise Refusal(Why.INVALID, msg)
    if "noise" in given and "seed" in given:
        msg = "inputs 'noise' and 'seed' exclude each other"
        raise Refusal(Why.INVALID, msg)
    n = len(given[model.told].values)
    if not 1 <= n <= most:
        msg = f"{n} showers in one request: this server makes 1 to {most}, send several requests"
        raise Refusal(Why.TOO_LARGE if n else Why.INVALID, msg)
    seed = given["seed"].values if "seed" in given else None
    if seed is not None:
        seed = _checked_seed(seed, n)
    told = _checked_floats(given[model.told], kinds[model.told], n)
    noise = _checked_floats(given["noise"], kinds["noise"], n) if "noise" in given else None
    _check_told(model, told)
    return Job(told, model.card.architecture.latent_size, noise, seed)


def _checked_seed(seed: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    if seed.shape not in {(1,), (n,), (1, 1), (n, 1)}:
        msg = f"input 'seed': shape {[*seed.shape]}, must be [1], or [{n}] for one per shower"
        raise Refusal(Why.INVALID, msg)
    if (seed < 0).any():
        msg = "input 'seed': must be 0 or above"
        raise Refusal(Why.INVALID, msg)
    return seed.reshape(-1)


def _checked_floats(tensor: Tensor, kind: TensorKind, n: int) -> NDArray[np.float32]:
    shape = (n, *kind.shape[1:])
    if tensor.values.dtype != np.float32:
        msg = f"input {tensor.name!r}: must be {kind.datatype}"
        raise Refusal(Why.INVALID, msg)
    if tensor.values.shape != shape:
        msg = f"input {tensor.name!r}: shape {[*tensor.values.shape]}, must be {[*shape]}"
        raise Refusal(Why.INVALID, msg)
    if not np.isfinite(tensor.values).all():
        msg = f"input {tensor.name!r}: must be finite"
        raise Refusal(Why.INVALID, msg)
    return tensor.values


def _check_told(model: ServedModel, told: NDArray[np.float32]) -> None:
    try:
        check_energies(told[:, 0].astype(np.float64))
    except IncidentError as error:
        raise Refusal(Why.INVALID, str(error)) from error
    for column, condition in enumerate(model.card.conditions, 1):
        values = told[:, column]
        low, high = condition.low, condition.high
        if (abs(values - values.clip(low, high)) > _CONDITION_TOLERANCE).any():
            msg = f"input 'condition': {condition.name} must be {low:g} to {high:g}"
            raise Refusal(Why.INVALID, msg)
