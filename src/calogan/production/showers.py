"""Showers of incident particles, from any simulator, over many workers."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calogan.calorimeter import Calorimeter
from calogan.errors import SimulationError
from calogan.files import ShowerWriter
from calogan.incident import Incident
from calogan.production.chunks import Chunk
from calogan.production.cluster import Cluster
from calogan.production.goods import Goods, Writer, fingerprint
from calogan.production.outcome import Production
from calogan.production.producing import make
from calogan.showers import Showers
from calogan.simulator import Simulator

__all__ = ["ShowerGoods", "pack", "produce", "unpack"]

_INCIDENT = tuple(field.name for field in fields(Incident))


def pack(showers: Showers) -> bytes:
    """Showers as bytes: every array that they and their views hold, but not the calorimeter."""
    buffer = io.BytesIO()
    arrays: dict[str, Any] = dict(_named(showers))
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def _named(showers: Showers, prefix: str = "") -> Iterator[tuple[str, NDArray[Any]]]:
    for name in _INCIDENT:
        yield prefix + name, getattr(showers.incident, name)
    for k, layer in enumerate(showers.layers):
        yield f"{prefix}layer_{k}", layer
    yield f"{prefix}overflow", showers.overflow
    for k, view in enumerate(showers.views):
        yield from _named(view, f"{prefix}view_{k}_")


def unpack(data: bytes, calorimeter: Calorimeter) -> Showers:
    """Showers in a calorimeter from the bytes that `pack` made."""
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        arrays = dict(file)
    return _from_named(arrays, "", calorimeter)


def _from_named(
    arrays: Mapping[str, NDArray[Any]], prefix: str, calorimeter: Calorimeter
) -> Showers:
    views: list[Showers] = []
    while f"{prefix}view_{len(views)}_overflow" in arrays:
        views.append(_from_named(arrays, f"{prefix}view_{len(views)}_", calorimeter))
    return Showers(
        Incident(**{name: arrays[prefix + name] for name in _INCIDENT}),
        tuple(arrays[f"{prefix}layer_{k}"] for k in range(len(calorimeter.layers))),
        arrays[f"{prefix}overflow"],
        calorimeter,
        tuple(views),
    )


@dataclass(frozen=True)
class ShowerGoods(Goods[Showers]):
    """Showers in a calorimeter.

    Args:
        incident: The particles of all of them.
        calorimeter: The calorimeter.
    """

    incident: Incident
    calorimeter: Calorimeter
    noun = "showers"

    def identity(self) -> Mapping[str, Any]:
        """The calorimeter and a checksum of the particles."""
        incident = self.incident
        arrays = (incident.pdgid, incident.energy_gev, incident.position_mm, incident.direction)
        return {
            "calorimeter": self.calorimeter.model_dump(mode="json"),
            "incident_sha256": fingerprint(
                list(zip(arrays, ("<i8", "<f8", "<f8", "<f8"), strict=True))
            ),
        }

    def difference(self, key: str) -> str:
        """Say that the calorimeter or the particles differ."""
        return "another calorimeter" if key == "calorimeter" else "other incident particles"

    def checked(self, batch: Sized, chunk: Chunk) -> Showers:
        """Give showers back if they are as many as they should be, and in this calorimeter."""
        if not isinstance(batch, Showers):
            msg = f"{chunk}: the simulator returned {type(batch).__name__}, no showers"
            raise SimulationError(msg)
        if len(batch) != len(chunk) or batch.calorimeter != self.calorimeter:
            msg = (
                f"{chunk}: the simulator returned {len(batch)} showers of {batch.calorimeter.name}"
            )
            raise SimulationError(msg)
        return batch

    def pack(self, batch: Showers) -> bytes:
        """Showers as bytes."""
        return pack(batch)

    def unpack(self, data: bytes) -> Showers:
        """Showers of these bytes."""
        return unpack(data, self.calorimeter)

    def join(self, batches: Sequence[Showers]) -> Showers:
        """One after another."""
        return Showers.concatenate(batches)

    def writer(
        self, path: Path, made_with: Mapping[str, Any], first: Showers | None
    ) -> AbstractContextManager[Writer[Showers]]:
        """Open a file in the layout of the CaloGAN paper; the first showers tell of views."""
        n_views = 0 if first is None else len(first.views)
        return ShowerWriter(path, self.calorimeter, made_with, n_views=n_views)


def produce(
    factory: Callable[[], Simulator],
    incident: Incident,
    path: str | Path,
    *,
    seed: int,
    workers: int = 1,
    chunk_size: int | None = None,
    made_with: Mapping[str, Any],
    on_progress: Callable[[int], None] | None = None,
    executor: Executor | None = None,
    cluster: Cluster | None = None,
    resumable: bool | None = None,
) -> Production:
    """Simulate incident particles and write the showers, in their order, to a file.

    What `calogan.production.make` promises holds: the same file for any number of workers, and
    after any interruption.

    Args:
        factory: Opens the simulator, in each worker once; picklable, such as
            `functools.partial(open_simulator, "geant4")`.
        incident: The particles; `incident_rng(seed)` draws them reproducibly.
        path: The file to make. It appears when all showers are in it.
        seed: Fixes the showers, together with `chunk_size`.
        workers: Number of processes; with 1, everything runs in this one.
        chunk_size: Showers per task; the simulator's own `chunk_size`, or 1000, unless given.
        made_with: What the file says made it, JSON-like; seed and chunk size are added, and the
            simulator's `provenance`.
        on_progress: Called with the number of showers that are done; first with those of a
            production that is continued, if any.
        executor: Runs the tasks instead of local processes; stays open. `workers` says how many
            it has.
        cluster: Runs the tasks through Parsl instead of local processes.
        resumable: Whether finished chunks are kept; unless given, as the simulator's attribute
            `resumable` says (Geant4: yes; a network writes a file faster than it could keep
            parts of it, and starts over), and always on a cluster.

    Returns:
        What came of it.

    Raises:
        OutputError: The file cannot be written, or is being made by another process, or its
            `PATH.parts` belongs to another production.
        CaloganError: Anything else that the user can mend; no partial file stays behind.
    """
    return make(
        lambda simulator: ShowerGoods(incident, simulator.calorimeter),
        factory,
        incident,
        path,
        seed=seed,
        workers=workers,
        chunk_size=chunk_size,
        made_with=made_with,
        on_progress=on_progress,
        executor=executor,
        cluster=cluster,
        resumable=resumable,
    )
