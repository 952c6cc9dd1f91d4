"""Files of jet images, from any simulator of jets, over many workers."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence, Sized
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from calogan.errors import ConfigurationError, SimulationError
from calogan.jets.files import JetImageWriter
from calogan.jets.images import VARIABLES, JetImages
from calogan.production import Chunk, Cluster, Goods, Production, fingerprint, incident_rng, make
from calogan.production.goods import Writer

__all__ = ["JetGoods", "JetSimulator", "draw_signal", "produce_jets"]


class JetSimulator(Protocol):
    """Pythia or a network: whatever makes jet images."""

    def simulate(
        self, signal: NDArray[np.bool_], rng: np.random.Generator | None = None, /
    ) -> JetImages:
        """Make one jet for each entry, True for a jet of a W boson and False for one of QCD."""
        ...


def draw_signal(n: int, signal_fraction: float, seed: int) -> NDArray[np.bool_]:
    """Say for each of n jets whether it is signal, in a random order that the seed fixes.

    Args:
        n: How many jets.
        signal_fraction: Share of signal, to the nearest jet.
        seed: Of the production.

    Raises:
        ConfigurationError: No jets, or no such share.
    """
    if n < 1:
        msg = f"{n} jets: there must be at least 1"
        raise ConfigurationError(msg)
    if not 0 <= signal_fraction <= 1:
        msg = f"signal fraction {signal_fraction:g}: must be from 0 (QCD only) to 1 (W only)"
        raise ConfigurationError(msg)
    signal = np.arange(n) < round(signal_fraction * n)
    return incident_rng(seed).permutation(signal)


@dataclass(frozen=True, eq=False)
class JetGoods(Goods[JetImages]):
    """Images of jets.

    Args:
        signal: Which of all jets are signal, shape `(n,)`.
    """

    signal: NDArray[np.bool_]
    noun = "jets"

    def identity(self) -> Mapping[str, Any]:
        """A checksum of which jets are signal."""
        return {"signal_sha256": fingerprint([(self.signal, "u1")])}

    def difference(self, key: str) -> str:
        """Say that other jets are signal."""
        return f"other jets are {key.removesuffix('_sha256')}"

    def checked(self, batch: Sized, chunk: Chunk) -> JetImages:
        """Give images back if they are as many as they should be, of signal and of background."""
        wanted = self.signal[chunk.start : chunk.stop]
        if not isinstance(batch, JetImages) or not np.array_equal(batch.signal, wanted):
            msg = f"{chunk}: the simulator returned other jets than it was asked for"
            raise SimulationError(msg)
        return batch

    def pack(self, batch: JetImages) -> bytes:
        """Images as bytes."""
        buffer = io.BytesIO()
        arrays: dict[str, Any] = {
            "image": batch.image,
            "signal": batch.signal,
            **batch.variables,
        }
        np.savez_compressed(buffer, **arrays)
        return buffer.getvalue()

    def unpack(self, data: bytes) -> JetImages:
        """Images of these bytes."""
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            variables = {name: file[name] for name in VARIABLES if name in file}
            return JetImages(file["image"], file["signal"], variables)

    def join(self, batches: Sequence[JetImages]) -> JetImages:
        """One after another."""
        return JetImages.concatenate(batches)

    def writer(
        self, path: Path, made_with: Mapping[str, Any], first: JetImages | None
    ) -> AbstractContextManager[Writer[JetImages]]:
        """Open a file in the layout of the published data set."""
        variables = VARIABLES if first is None else tuple(first.variables)
        return JetImageWriter(path, made_with, variables)


def produce_jets(
    factory: Callable[[], JetSimulator],
    n: int,
    path: str | Path,
    *,
    seed: int,
    signal_fraction: float = 0.5,
    workers: int = 1,
    chunk_size: int | None = None,
    made_with: Mapping[str, Any],
    on_progress: Callable[[int], None] | None = None,
    cluster: Cluster | None = None,
) -> Production:
    """Simulate jets and write their images to a file, signal and background in random order.

    What `calogan.production.make` promises holds: the same file for any number of workers, and
    after any interruption.

    Args:
        factory: Opens the simulator, in each worker once; picklable, such as `PythiaJets`.
        n: Number of jets.
        path: The file to make. It appears when all jets are in it.
        seed: Fixes the jets, together with `chunk_size`.
        signal_fraction: Share of jets of W bosons.
        workers: Number of processes; with 1, everything runs in this one.
        chunk_size: Jets per task; as the simulator says unless given.
        made_with: What the file says made it, JSON-like; seed and chunk size are added, and the
            simulator's `provenance`.
        on_progress: Called with the number of jets that are done.
        cluster: Runs the tasks through Parsl instead of local processes.

    Returns:
        What came of it.

    Raises:
        CaloganError: Whatever the user can mend; no partial file stays behind.
    """
    signal = draw_signal(n, signal_fraction, seed)
    return make(
        lambda _: JetGoods(signal),
        factory,
        signal,
        path,
        seed=seed,
        workers=workers,
        chunk_size=chunk_size,
        made_with={**made_with, "signal_fraction": signal_fraction},
        on_progress=on_progress,
        cluster=cluster,
    )
