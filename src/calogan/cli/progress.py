"""Progress on the terminal: a bar with rate and time left; plain text where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, Task

__all__ = ["download_bar", "progress_bar"]


@contextmanager
def progress_bar(unit: str, *, enabled: bool = True) -> Iterator[Progress]:
    """Give a rich progress bar on stderr that counts `unit`s.

    Args:
        unit: What is counted, such as "showers".
        enabled: False for a bar that shows nothing.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        """How many per second."""

        def render(self, task: Task) -> Text:
            rate = task.finished_speed or task.speed
            digits = 0 if rate and rate > 20 else 2
            text = "" if rate is None else f"{rate:,.{digits}f} {unit}/s"
            return Text(text, style="cyan", no_wrap=True)

    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=Console(stderr=True),
        disable=not enabled,
    )
    with progress:
        yield progress


@contextmanager
def download_bar() -> Iterator[Progress]:
    """Give a rich progress bar on stderr that counts bytes."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield progress
