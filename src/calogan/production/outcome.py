"""What came of a production, and of the chunks that failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from calogan.production.chunks import Chunk

__all__ = ["ATTEMPTS", "Failure", "Production"]

ATTEMPTS = 3
"""How often a chunk may fail."""


@dataclass(frozen=True)
class Failure:
    """A chunk that could not be made.

    Args:
        chunk: The chunk.
        cause: What happened, in one line.
    """

    chunk: Chunk
    cause: str

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.chunk} failed {ATTEMPTS} times: {self.cause}"

    def record(self) -> dict[str, Any]:
        """What the file says of it."""
        chunk = self.chunk
        return {
            "index": chunk.index,
            "start": chunk.start,
            "stop": chunk.stop,
            "seed": chunk.seed,
            "cause": self.cause,
        }


@dataclass(frozen=True)
class Production:
    """What came of a production.

    Args:
        n: Items that were wanted.
        resumed: Items that were finished before, by a production that was stopped.
        failed: Chunks that could not be made; the file lacks their items.
        resumable: Whether finished chunks were kept on the way; they still are if some failed.
    """

    n: int
    resumed: int = 0
    failed: tuple[Failure, ...] = ()
    resumable: bool = False

    @property
    def written(self) -> int:
        """Items in the file."""
        return self.n - sum(len(failure.chunk) for failure in self.failed)

    @property
    def simulated(self) -> int:
        """Items in the file that were made now."""
        return self.written - self.resumed
