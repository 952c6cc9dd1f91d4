"""A production in a process of its own, which is killed at a moment that the test chooses.

python -m tests.production.victim OUTPUT WORKERS PAUSE_S N MOMENT
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from calogan.errors import CaloganError
from calogan.files import ShowerWriter
from calogan.production import parts, produce
from tests.production.dice import Dice, incident_of

SEED = 11


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


_pwrite = os.pwrite


def torn_write(descriptor: int, data: bytes, place: int) -> int:
    """Write the first half of a record that is not the first, and no more."""
    if place > 0:
        _pwrite(descriptor, data[: len(data) // 2], place)
        die()
    return _pwrite(descriptor, data, place)


def half_removed(folder: parts.Parts[Any]) -> None:
    (folder.folder / "manifest.json").unlink()
    die()


def after(function: Callable[..., Any]) -> Callable[..., Any]:
    def both(*arguments: Any, **options: Any) -> Any:
        function(*arguments, **options)
        die()

    return both


MOMENTS: dict[str, Callable[[], Any]] = {
    "never": nullcontext,
    "before the manifest": lambda: mock.patch("calogan.production.parts.json.dumps", die),
    "before the first chunk": lambda: mock.patch.object(parts.Parts, "__contains__", die),
    "in a record": lambda: mock.patch("calogan.production.journal.os.pwrite", torn_write),
    "before the file": lambda: mock.patch.object(ShowerWriter, "__enter__", die),
    "in the file": lambda: mock.patch.object(ShowerWriter, "append", after(ShowerWriter.append)),
    "after the file": lambda: mock.patch.object(parts.Parts, "remove", die),
    "in the removal": lambda: mock.patch.object(parts.Parts, "remove", half_removed),
}


def main() -> None:
    output, workers, pause_s, n, moment = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
    with MOMENTS[moment]():
        try:
            produce(
                partial(Dice, pause_s=float(pause_s), resumable=True),
                incident_of(int(n)),
                Path(output),
                seed=SEED,
                workers=int(workers),
                made_with={"command": "victim"},
                on_progress=lambda done: print(done, flush=True),
            )
        except CaloganError as error:
            raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
