"""The models of a server, by name and version; a changed bundle takes the place of the old one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from calogan.bundle import (
    Card,
    find_bundle,
    installed,
    list_bundles,
    read_card,
    search_path,
    split_version,
)
from calogan.errors import CaloganError, ConfigurationError, ModelError
from calogan.serving.batching import Batcher
from calogan.serving.engine import ServedModel
from calogan.serving.metrics import Metrics
from calogan.serving.refusals import Refusal, Why
from calogan.serving.tensors import quoted

__all__ = ["Repository", "Served", "resolve"]

_LOG = logging.getLogger("calogan")

Wanted = dict[str, dict[int, tuple[Path, Card]]]
"""Folder and card of each version, by each name that a model is served under."""


@dataclass(frozen=True, eq=False)
class Served:
    """A version of a model that is loaded."""

    model: ServedModel
    batcher: Batcher

    @property
    def card(self) -> Card:
        """The card of its bundle."""
        return self.model.card


def resolve(names: Sequence[str]) -> Wanted:
    """Find the bundles that names stand for.

    Args:
        names: `eplus` stands for all installed versions of that model, `eplus@2` for one; a
            folder for the bundle that is in it. A model is served under the name of its card.

    Raises:
        ModelError: There is no such model, it cannot be read, or two folders hold the same one.
    """
    wanted: Wanted = {}
    for name in names:
        path = find_bundle(name)
        if path is None:
            msg = (
                f"no model {name!r}: give one of {', '.join(list_bundles())}, or a bundle's folder"
            )
            raise ModelError(msg)
        card = read_card(path)
        found = {card.version: (path, card)}
        if path != Path(name) and split_version(name)[1] is None:
            found = _versions(card.name)
        there = wanted.setdefault(card.name, {})
        for version, (folder, other) in found.items():
            if there.get(version, (folder,))[0] != folder:
                msg = f"{card.name}@{version} is both in {there[version][0]} and in {folder}"
                raise ModelError(msg)
            there[version] = folder, other
    return wanted


def _versions(name: str) -> dict[int, tuple[Path, Card]]:
    return {
        one.card.version: (one.path, one.card)
        for one in installed()
        if one.card and one.card.name == name and not one.hidden_by
    }


class Repository:
    """Models that are loaded, and a watch over their bundles.

    A version that changed on disk is loaded beside the old one, takes new requests when it is
    ready, and the old one ends when its queue is empty. A bundle that cannot be read leaves the old
    one where it is. A version that is removed from the disk is served until the server ends.

    Args:
        names: What to serve, see `resolve`.
        start: Makes the queue of a model.
        metrics: Where reloads are counted.
        warm_up: Showers that a new model makes before it serves.
    """

    def __init__(
        self,
        names: Sequence[str],
        start: Callable[[ServedModel], Batcher],
        metrics: Metrics,
        warm_up: int,
    ) -> None:
        if not names:
            msg = "name a model at least, such as eplus"
            raise ConfigurationError(msg)
        self._names, self._start, self._metrics = names, start, metrics
        self._warm_up = warm_up
        self._served: dict[str, dict[int, Served]] = {}
        self._seen: object = None
        self._ending: set[asyncio.Task[None]] = set()

    def find(self, name: str, version: str = "") -> Served:
        """The model that a request names.

        Args:
            name: Name of the model.
            version: Its version; the highest one if empty.

        Raises:
            Refusal: There is none.
        """
        if not self._served:
            msg = "the server is starting or stopping: try again, or another one"
            raise Refusal(Why.STOPPING, msg)
        versions = self._served.get(name)
        if versions is None:
            msg = f"no model {quoted(name)}: this server has {', '.join(self._served)}"
            raise Refusal(Why.NOT_FOUND, msg)
        if not version:
            return versions[max(versions)]
        found = versions.get(int(version)) if version.isdecimal() and len(version) < 8 else None
        if found is None:
            known = ", ".join(map(str, sorted(versions)))
            msg = f"no version {quoted(version)} of the model {name}: there is {known}"
            raise Refusal(Why.NOT_FOUND, msg)
        return found

    @property
    def sound(self) -> bool:
        """Whether all models make showers."""
        served = (one for found in self._served.values() for one in found.values())
        return not any(one.batcher.ended for one in served)

    def versions(self, name: str) -> list[str]:
        """Versions of a model, as text, lowest first."""
        return [str(version) for version in sorted(self._served.get(name, {}))]

    def index(self) -> list[tuple[str, str]]:
        """Names and versions of all models."""
        return [(name, version) for name in self._served for version in self.versions(name)]

    async def load(self) -> None:
        """Load what there is.

        Raises:
            ModelError: A model that cannot be found, read or run.
        """
        self._seen = await asyncio.to_thread(self._stamp)
        await self._update()

    async def watch(self, interval_s: float) -> None:
        """Look for changed bundles, again and again."""
        while True:
            await asyncio.sleep(interval_s)
            seen = await asyncio.to_thread(self._stamp)
            if seen == self._seen:
                continue
            self._seen = seen
            try:
                changed = await self._update()
            except CaloganError as error:
                self._metrics.reloads.labels("failed").inc()
                _LOG.warning("models stay as they were: %s", error)
                continue
            except Exception:  # noqa: BLE001 - the log has it, and the watch goes on
                self._metrics.reloads.labels("failed").inc()
                _LOG.exception("models stay as they were")
                continue
            if changed:
                self._metrics.reloads.labels("done").inc()

    def _stamp(self) -> object:
        """What changes when a bundle does: cheap to look at."""
        folders = [*search_path(), *(Path(name) for name in self._names)]
        files = {
            file
            for folder in folders
            # both files: a network may arrive after its card
            for pattern in ("card.json", "*/card.json", "model.onnx", "*/model.onnx")
            for file in _glob(folder, pattern)
        }
        return frozenset((file, *_state(file)) for file in files)

    async def _update(self) -> bool:
        """Load versions that are new or changed; tell whether there were any."""
        wanted = await asyncio.to_thread(resolve, self._names)
        loaded = {
            (served.card.name, served.card.version): served
            for versions in self._served.values()
            for served in versions.values()
        }
        present = {
            (card.name, version) for v in wanted.values() for version, (_, card) in v.items()
        }
        for name, version in sorted(set(loaded) - present):
            _LOG.warning("%s@%d is gone or damaged on disk: served as it was", name, version)
        found_there = {p: card for found in wanted.values() for p, card in found.values()}
        fresh: dict[Path, Served] = {}
        models: list[ServedModel] = []
        for path, card in found_there.items():
            old = loaded.get((card.name, card.version))
            if old is not None and old.card == card and old.model.path == path:
                fresh[path] = old
            else:
                models.append(await asyncio.to_thread(self._open, path))
        for model in models:  # now that nothing can go wrong any more
            fresh[model.path] = Served(model, self._start(model))
        before = {served for found in self._served.values() for served in found.values()}
        for name, found in wanted.items():
            there = self._served.setdefault(name, {})
            there |= {version: fresh[path] for version, (path, _) in found.items()}
        after = {served for found in self._served.values() for served in found.values()}
        for old in before - after:
            self._end(old)
        for new in after - before:
            card = new.card
            _LOG.info("serving %s@%d (%s...)", card.name, card.version, card.sha256[:12])
            labels = (card.name, str(card.version), card.sha256)
            self._metrics.models.labels(*labels).set(1)
        return before != after

    def _open(self, path: Path) -> ServedModel:
        model = ServedModel(path)
        model.warm_up(self._warm_up)
        return model

    def _end(self, served: Served) -> None:
        """Let a model that was replaced finish its queue."""
        card = served.card
        self._metrics.models.remove(card.name, str(card.version), card.sha256)
        task = asyncio.create_task(served.batcher.close())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def close(self) -> None:
        """Finish all queues."""
        for served in {one for found in self._served.values() for one in found.values()}:
            self._end(served)
        self._served = {}
        while self._ending:
            await asyncio.wait(self._ending)


def _glob(folder: Path, pattern: str) -> list[Path]:
    try:
        return list(folder.glob(pattern))
    except (OSError, ValueError):
        return []


def _state(path: Path) -> tuple[int, ...]:
    try:
        state = path.stat()
    except OSError:
        return ()
    return state.st_mtime_ns, state.st_size, state.st_ino
