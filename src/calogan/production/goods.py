"""What a production makes, and of what: the one place where its machinery meets its subject."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence, Sized
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from calogan.production.chunks import Chunk

__all__ = ["Batch", "Goods", "Maker", "Orders", "Writer", "fingerprint"]

Batch = TypeVar("Batch", bound=Sized)
"""What one chunk becomes: `Showers`, for example."""

Batch_contra = TypeVar("Batch_contra", contravariant=True)


class Orders(Protocol):
    """What is to be made, one entry for each item: `Incident`, for example."""

    def __len__(self) -> int:
        """Number of items."""
        ...

    def __getitem__(self, index: slice, /) -> Any:
        """The part of a chunk; it travels to whoever makes it."""
        ...


class Maker(Protocol):
    """Makes a batch: a `Simulator`, for example.

    Its attributes `chunk_size`, `resumable` and `provenance`, where it has them, say how many
    items a chunk has, whether finished chunks are kept, and what goes into the file.
    """

    def simulate(self, part: Any, rng: np.random.Generator | None = None, /) -> Sized:
        """Make one item for each entry of a part."""
        ...


class Writer(Protocol[Batch_contra]):
    """Writes batches to a file that appears whole.

    Attributes:
        made_with: What the file says made it.
    """

    made_with: dict[str, Any]

    def append(self, batch: Batch_contra, /) -> None:
        """Add items at the end."""
        ...


class Goods(ABC, Generic[Batch]):
    """One kind of goods.

    Attributes:
        noun: What the items are called in messages: "showers".
    """

    noun: str

    @abstractmethod
    def identity(self) -> Mapping[str, Any]:
        """What fixes the bytes of a file beside `made_with`, JSON-like: the orders, for example."""

    @abstractmethod
    def difference(self, key: str) -> str:
        """Say in words that two productions differ in one entry of `identity`."""

    @abstractmethod
    def checked(self, batch: Sized, chunk: Chunk) -> Batch:
        """Give back what a maker made of a chunk, if it is that.

        Raises:
            SimulationError: It is something else.
        """

    @abstractmethod
    def pack(self, batch: Batch) -> bytes:
        """A batch as bytes, for the journal."""

    @abstractmethod
    def unpack(self, data: bytes) -> Batch:
        """The batch of the bytes that `pack` made."""

    @abstractmethod
    def join(self, batches: Sequence[Batch]) -> Batch:
        """One batch of several, which are at least one."""

    @abstractmethod
    def writer(
        self, path: Path, made_with: Mapping[str, Any], first: Batch | None
    ) -> AbstractContextManager[Writer[Batch]]:
        """Open the file.

        Args:
            path: The file.
            made_with: What it says made it.
            first: The first batch; None if there is none.
        """


def fingerprint(columns: Sequence[tuple[NDArray[Any], str]]) -> str:
    """Checksum of arrays, the same on every machine.

    Args:
        columns: Each array, and the type that its numbers are brought to before, such as `<f8`.
    """
    digest = hashlib.sha256()
    for array, kind in columns:
        for start in range(0, len(array), 100_000):
            digest.update(np.ascontiguousarray(array[start : start + 100_000], kind).tobytes())
    return digest.hexdigest()
