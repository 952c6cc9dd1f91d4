"""Download of Geant4's official data sets: checked, resumed where it broke off, whole or not."""

from __future__ import annotations

import errno
import hashlib
import http.client
import shutil
import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from calogan.errors import Geant4DataError
from calogan.geant4.data import official_folder
from calogan.geant4.datasets import BASE_URL, DATASETS, Dataset

__all__ = ["OnBytes", "install"]

OnBytes = Callable[[Dataset, int, int | None], None]
"""Told of progress: the data set, bytes that are there, and bytes in all if they are known."""

_BLOCK = 1 << 18
_ATTEMPTS = 5
_TIMEOUT_S = 60.0
_RANGE_NOT_SATISFIABLE = 416


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
    url = f"{base_url}/{dataset.archive}"
    archive = folder / f"{dataset.archive}.part"
    for _ in range(_ATTEMPTS):
        try:
            complete = _fetch(dataset, url, archive, on_bytes)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == _RANGE_NOT_SATISFIABLE and archive.stat().st_size:
                archive.unlink()  # longer than the file that it should be a part of
                continue
            msg = f"{url}: the server answers {error.code} {error.reason}"
            raise Geant4DataError(msg) from error
        except (urllib.error.URLError, http.client.HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            msg = f"cannot reach {url} ({reason}): is there a network?"
            raise Geant4DataError(msg) from error
        except (ConnectionError, TimeoutError):
            complete = False
        if complete:
            _check(dataset, archive, url)
            return archive
    msg = f"{url}: the connection broke off {_ATTEMPTS} times; run the command again to go on"
    raise Geant4DataError(msg)


def _fetch(dataset: Dataset, url: str, archive: Path, on_bytes: OnBytes | None) -> bool:
    """Fetch what is missing of an archive; return whether it is complete."""
    there = archive.stat().st_size if archive.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={there}-"} if there else {})
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
        if response.status != http.HTTPStatus.PARTIAL_CONTENT:
            there = 0
        length = response.headers.get("Content-Length")
        total = None if length is None else there + int(length)
        with archive.open("ab" if there else "wb") as file:
            while block := response.read(_BLOCK):
                file.write(block)
                there += len(block)
                if on_bytes is not None:
                    on_bytes(dataset, there, total)
    return total is None or there >= total


def _check(dataset: Dataset, archive: Path, url: str) -> None:
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if found != dataset.md5:
        archive.unlink()
        msg = (
            f"{url}: wrong checksum (MD5 {found}, published {dataset.md5}): "
            "thrown away; run the command again"
        )
        raise Geant4DataError(msg)


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
