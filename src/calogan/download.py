"""Download of one file: goes on where it broke off, is checked, and appears whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from calogan.errors import DownloadError

__all__ = ["OnBytes", "download", "md5_of"]

OnBytes = Callable[[int, int | None], None]
"""Told of progress: bytes that are there, and bytes in all if they are known."""

_BLOCK = 1 << 18
_ATTEMPTS = 5
_TIMEOUT_S = 60.0
_RANGE_NOT_SATISFIABLE = 416


def download(
    url: str,
    path: Path,
    *,
    md5: str | None = None,
    size: int | None = None,
    on_bytes: OnBytes | None = None,
) -> None:
    """Download a file.

    Until it is complete and checked it is called `NAME.part`. That stays when the connection
    breaks off, and the next call goes on from there.

    Args:
        url: Where it is.
        path: Where to put it; an existing file is replaced at the end.
        md5: Its published checksum, if there is one.
        size: Its published size in bytes, if it is known.
        on_bytes: Told of progress.

    Raises:
        DownloadError: No network, no such file, wrong size or checksum, or no room on the disk.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        _complete(url, part, size, on_bytes)
        _check(url, part, md5, size)
        part.replace(path)
    except OSError as error:
        reason = "the disk is full" if error.errno == errno.ENOSPC else error.strerror or error
        msg = f"cannot write {part}: {reason}"
        raise DownloadError(msg) from error


def md5_of(path: Path) -> str:
    """MD5 of a file, as publishers of data give it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _complete(url: str, part: Path, size: int | None, on_bytes: OnBytes | None) -> None:
    for _ in range(_ATTEMPTS):
        there = part.stat().st_size if part.exists() else 0
        if size is not None and there == size:
            return
        try:
            if _fetch(url, part, there, on_bytes):
                return
        except urllib.error.HTTPError as error:
            error.close()
            if error.code != _RANGE_NOT_SATISFIABLE or not there:
                msg = f"{url}: the server answers {error.code} {error.reason}"
                raise DownloadError(msg) from error
            if _whole_size(error) == there:
                return
            part.unlink()  # longer than the file that it should be a part of
        except (ConnectionError, TimeoutError):
            continue
        except (urllib.error.URLError, http.client.HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            msg = f"cannot reach {url} ({reason}): is there a network?"
            raise DownloadError(msg) from error
    msg = f"{url}: the connection broke off {_ATTEMPTS} times; run the command again to go on"
    raise DownloadError(msg)


def _whole_size(error: urllib.error.HTTPError) -> int | None:
    """Size of the whole file, as a server that has nothing more to send gives it."""
    found = re.fullmatch(r"bytes \*/(\d+)", error.headers.get("Content-Range", ""))
    return int(found[1]) if found else None


def _fetch(url: str, part: Path, there: int, on_bytes: OnBytes | None) -> bool:
    """Fetch what is missing; return whether all is there."""
    headers = {"User-Agent": f"calogan/{version('calogan')}"}
    if there:
        headers["Range"] = f"bytes={there}-"
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
        if response.status != http.HTTPStatus.PARTIAL_CONTENT:
            there = 0  # the server sends all of it
        length = response.headers.get("Content-Length")
        total = None if length is None else there + int(length)
        with part.open("ab" if there else "wb") as file:
            while block := _read(response):
                file.write(block)
                there += len(block)
                if on_bytes is not None:
                    on_bytes(there, total)
    return total is None or there >= total


def _read(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read(_BLOCK)
    except (OSError, http.client.IncompleteRead) as error:  # not those of the file beside it
        msg = "the connection broke off"
        raise ConnectionAbortedError(msg) from error


def _check(url: str, part: Path, md5: str | None, size: int | None) -> None:
    found_size = part.stat().st_size
    if size is not None and found_size != size:
        part.unlink()
        msg = f"{url}: {found_size} bytes, published {size}: thrown away; run the command again"
        raise DownloadError(msg)
    if md5 is None:
        return
    found = md5_of(part)
    if found != md5:
        part.unlink()
        msg = (
            f"{url}: wrong checksum (MD5 {found}, published {md5}): "
            "thrown away; run the command again"
        )
        raise DownloadError(msg)
