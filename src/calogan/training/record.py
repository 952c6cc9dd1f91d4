"""What a run leaves to be looked at: `log.jsonl`, a log for TensorBoard, figures."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from calogan.errors import OutputError
from calogan.files.output import whole_file
from calogan.showers import Showers
from calogan.training.instabilities import DISTANCE, SPREAD

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch.utils.tensorboard import SummaryWriter

__all__ = ["RunRecord"]

logger = logging.getLogger(__name__)


class RunRecord:
    """Writes the records of a run, to be used in a `with` statement.

    Args:
        folder: Folder of the run.
        tensorboard: Write a log for TensorBoard into `folder/tensorboard`.
        step: Updates that are done: what an earlier, killed run wrote of later ones is removed.
    """

    def __init__(self, folder: Path, *, tensorboard: bool, step: int) -> None:
        self.folder = folder
        self._path = folder / "log.jsonl"
        self._forget_after(step)
        self._writer = _open_tensorboard(folder / "tensorboard", step) if tensorboard else None
        self._can_draw = True

    def __enter__(self) -> Self:
        """Return the record."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Write what is left."""
        if self._writer is not None:
            self._writer.close()

    def _forget_after(self, step: int) -> None:
        """Remove lines of epochs that will be done again, and what is left of a torn line."""
        if not self._path.exists():
            return
        try:
            lines = self._path.read_text(encoding="utf-8").splitlines(keepends=True)
        except (OSError, UnicodeDecodeError) as error:
            msg = f"cannot read {self._path}: {error}"
            raise OutputError(msg) from error
        kept = [line for line in lines if _step_of(line) <= step]
        if len(kept) < len(lines):
            with whole_file(self._path) as part:
                part.write_text("".join(kept), encoding="utf-8")

    def batch(self, step: int, losses: Mapping[str, float]) -> None:
        """Note the losses of one update in TensorBoard."""
        self._scalars("batch", step, losses)

    def epoch(self, record: Mapping[str, Any]) -> None:
        """Add a line to the log; what is not defined is null, for NaN is no JSON."""
        line = json.dumps({key: _plain(value) for key, value in record.items()})
        try:
            with self._path.open("a", encoding="utf-8") as log:
                log.write(line + "\n")
        except OSError as error:
            msg = f"cannot write {self._path}: {error.strerror}"
            raise OutputError(msg) from error
        numbers = {k: v for k, v in record.items() if isinstance(v, float)}
        shapes = {k for k in numbers if k.startswith((SPREAD, DISTANCE))}
        step = int(record["step"])
        self._scalars("", step, {k: numbers[k] for k in shapes})
        self._scalars("epoch", step, {k: v for k, v in numbers.items() if k not in shapes})
        if self._writer is not None:
            for warning in record.get("warnings", ()):
                self._writer.add_text("warnings", warning, step)
            self._writer.flush()

    def _scalars(self, group: str, step: int, values: Mapping[str, float]) -> None:
        if self._writer is None:
            return
        for name, value in values.items():
            if math.isfinite(value):
                self._writer.add_scalar(f"{group}/{name}".removeprefix("/"), value, step)

    def picture(
        self, particle: str, epoch: int, step: int, real: Showers, generated: Showers
    ) -> None:
        """Draw real and generated showers to `pictures/`, and into TensorBoard."""

        def draw() -> Figure:
            from calogan.training.pictures import draw_samples

            return draw_samples(real, generated, f"{particle}, epoch {epoch}")

        stem = particle.replace("+", "plus").replace("-", "minus")
        self.figure("showers", stem, epoch, step, draw)

    def figure(
        self, group: str, stem: str, epoch: int, step: int, draw: Callable[[], Figure]
    ) -> None:
        """Put a figure into `pictures/`, and into TensorBoard.

        Args:
            group: What is drawn: showers, or images.
            stem: Beginning of the name of the file; the epoch follows.
            epoch: Epoch.
            step: Updates that are done.
            draw: Makes the figure.
        """
        if not self._can_draw:
            return
        try:
            from calogan.training.pictures import save_figure

            figure = draw()
        except ModuleNotFoundError as error:
            if error.name and error.name.split(".")[0] == "calogan":
                raise
            self._can_draw = False
            logger.warning("no pictures: they need matplotlib (pip install matplotlib)")
            return
        save_figure(figure, self.folder / "pictures" / f"{stem}_epoch_{epoch:04d}.png")
        if self._writer is not None:
            self._writer.add_figure(f"{group}/{stem}", figure, step)


def _step_of(line: str) -> float:
    """Step of a line of the log; infinite for one that is not whole."""
    try:
        return float(json.loads(line)["step"]) if line.endswith("\n") else math.inf
    except (ValueError, KeyError, TypeError):
        return math.inf


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _open_tensorboard(folder: Path, step: int) -> SummaryWriter | None:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ModuleNotFoundError:
        logger.warning(
            "no log for TensorBoard, log.jsonl has the numbers: pip install tensorboard, or"
            " --no-tensorboard"
        )
        return None
    return SummaryWriter(str(folder), purge_step=step + 1 if step else None)
