"""Download of Geant4's official data sets: checked, resumed where it broke off, whole or not."""

from __future__ import annotations

import errno
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from calogan.download import download
from calogan.errors import DownloadError, Geant4DataError
from calogan.geant4.data import official_folder
from calogan.geant4.datasets import BASE_URL, DATASETS, Dataset

__all__ = ["OnBytes", "install"]

OnBytes = Callable[[Dataset, int, int | None], None]
"""Told of progress: the data set, bytes that are there, and bytes in all if they are known."""


def install(
    destination: Path | None = None,
    *,
    force: bool = False,
    base_url: str = BASE_URL,
    datasets: Sequence[Dataset] | None = None,
    on_bytes: OnBytes | None = None,
) -> Path:
    """Download and unpack the data sets that are not there yet.

    What was downloaded stays when the connection breaks off; another call goes on from there.

    Args:
        destination: Folder to put them in; `GEANT4_DATA_DIR` or calzone's own unless given.
        force: Install again what is there.
        base_url: Folder of the archives on the network.
        datasets: Which ones; all that Geant4 wants unless given.
        on_bytes: Told of progress.

    Returns:
        The folder.

    Raises:
        Geant4DataError: No network, no such archive, a wrong checksum, or no room on the disk.
    """
    folder = (destination or official_folder()).expanduser().resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for dataset in DATASETS if datasets is None else datasets:
            if force or not (folder / dataset.folder).is_dir():
                archive = _download(dataset, folder, base_url.rstrip("/"), on_bytes)
                _unpack(dataset, archive, folder)
                archive.unlink()
    except OSError as error:
        full = "the disk is full" if error.errno == errno.ENOSPC else error.strerror or error
        msg = f"cannot install Geant4 data in {folder}: {full}"
        raise Geant4DataError(msg) from error
    return folder


def _download(dataset: Dataset, folder: Path, base_url: str, on_bytes: OnBytes | None) -> Path:
    archive = folder / dataset.archive
    told = None if on_bytes is None else partial(on_bytes, dataset)
    try:
        download(f"{base_url}/{dataset.archive}", archive, md5=dataset.md5, on_bytes=told)
    except DownloadError as error:
        raise Geant4DataError(str(error)) from error
    return archive


def _unpack(dataset: Dataset, archive: Path, folder: Path) -> None:
    """Unpack beside the final place, then rename: a data set is there whole or not at all."""
    with tempfile.TemporaryDirectory(prefix=f"{dataset.folder}-", dir=folder) as part:
        try:
            with tarfile.open(archive, "r:gz") as tar:
                tar.extractall(part, filter="data")
        except (tarfile.TarError, EOFError) as error:
            msg = f"{dataset.archive}: cannot be unpacked: {error}"
            raise Geant4DataError(msg) from error
        unpacked = Path(part) / dataset.folder
        if not unpacked.is_dir():
            msg = f"{dataset.archive} holds no folder {dataset.folder}: not what Geant4 needs"
            raise Geant4DataError(msg)
        shutil.rmtree(folder / dataset.folder, ignore_errors=True)
        unpacked.rename(folder / dataset.folder)
