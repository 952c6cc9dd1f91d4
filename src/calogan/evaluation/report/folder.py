"""Report folders that appear whole or not at all, and never take the place of something else."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from calogan.errors import OutputError

__all__ = ["FIGURES", "FORMAT", "METRICS", "PAGE", "check_report", "whole_report"]

PAGE = "index.html"
METRICS = "metrics.json"
FIGURES = "figures"
FORMAT = "calogan-report/1"
"""Value of `format` in the metrics file; by it a report is known as one."""


@contextmanager
def whole_report(path: str | Path) -> Iterator[Path]:
    """Give a temporary folder beside `path`; on success sync it and rename it to `path`.

    An older report at `path` is replaced. Whatever goes wrong, no partial report stays behind,
    and an older one stays as it was.

    Raises:
        OutputError: `path` is a file or a folder that is no report, or cannot be written.
    """
    path = Path(path).resolve()
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        check_report(path)
        temporary.mkdir()
        yield temporary
        for file in temporary.rglob("*"):
            if file.is_file():
                _sync(file)
        _put(temporary, path)
    except OSError as error:
        msg = f"cannot write the report {path}: {error.strerror or error}"
        raise OutputError(msg) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def check_report(path: str | Path) -> None:
    """Find out whether a report may be written to `path`, before the work for it begins.

    Raises:
        OutputError: `path` is a file or a folder that is no report.
    """
    path = Path(path).resolve()
    if not path.parent.is_dir():
        msg = f"cannot write the report {path}: the folder {path.parent} does not exist"
        raise OutputError(msg)
    if path.exists() and not path.is_dir():
        msg = f"cannot write the report {path}: it is a file, give a folder"
        raise OutputError(msg)
    if path.is_dir() and not _is_ours(path):
        msg = (
            f"cannot write the report {path}: the folder holds something else, "
            "give a new or an empty one"
        )
        raise OutputError(msg)


def _is_ours(path: Path) -> bool:
    """Whether a folder is empty, or holds a report and nothing but that."""
    names = {entry.name for entry in path.iterdir()}
    if not names:
        return True
    if not names <= {PAGE, METRICS, FIGURES} or METRICS not in names:
        return False
    figures = path / FIGURES
    if figures.is_dir() and any(
        figure.suffix not in {".png", ".pdf"} for figure in figures.iterdir()
    ):
        return False
    try:
        metrics = json.loads((path / METRICS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(metrics, dict) and str(metrics.get("format", "")).startswith(
        "calogan-report/"
    )


def _sync(file: Path) -> None:
    with file.open("rb+") as handle:
        os.fsync(handle.fileno())


def _put(temporary: Path, path: Path) -> None:
    """Rename; an older report is moved aside first, and back if that fails."""
    if not path.exists():
        temporary.replace(path)
        return
    old = path.with_name(f".{path.name}.{os.getpid()}.old")
    path.replace(old)
    try:
        temporary.replace(path)
    except OSError:
        old.replace(path)
        raise
    shutil.rmtree(old, ignore_errors=True)
