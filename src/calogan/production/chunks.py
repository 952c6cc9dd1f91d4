"""What one task simulates, and the random stream that it draws from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calogan.errors import ConfigurationError

__all__ = ["Chunk", "chunks_of", "incident_rng"]


@dataclass(frozen=True)
class Chunk:
    """Items `start` to `stop` of a production: what one task makes.

    Args:
        index: Number of the chunk, k.
        start: First item.
        stop: One behind the last.
        seed: Seed of the production.
        noun: What the items are called.
    """

    index: int
    start: int
    stop: int
    seed: int
    noun: str = "showers"

    def rng(self) -> np.random.Generator:
        """Its own random stream: child k + 1 of the seed, as `SeedSequence.spawn` counts them."""
        return _stream(self.seed, self.index + 1)

    def __len__(self) -> int:
        """Number of items."""
        return self.stop - self.start

    def __str__(self) -> str:
        """Name it in a message."""
        numbers = f"{self.start} to {self.stop - 1}"
        return f"{self.noun} {numbers} (chunk {self.index}, seed {self.seed})"


def _stream(seed: int, child: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(child,)))


def incident_rng(seed: int) -> np.random.Generator:
    """Stream that the particles, or other orders, of a production are drawn from: child 0."""
    return _stream(seed, 0)


def chunks_of(n: int, size: int, seed: int, noun: str = "showers") -> list[Chunk]:
    """Cut n items into chunks of `size`; the last one may be smaller.

    Raises:
        ConfigurationError: A chunk must hold an item at least.
    """
    if size < 1:
        msg = f"chunk size {size}: must be at least 1"
        raise ConfigurationError(msg)
    return [
        Chunk(k, start, min(start + size, n), seed, noun)
        for k, start in enumerate(range(0, n, size))
    ]
