"""Bundles as single files: packing one, and installing one from a file, a folder or a URL."""

from __future__ import annotations

import io
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from calogan.bundle.folder import (
    CARD,
    MAX_MODEL_BYTES,
    MODEL,
    TEXTS,
    Bundle,
    check_replaceable,
    write_files,
)
from calogan.bundle.reading import MAX_CARD_BYTES
from calogan.bundle.search import install_folder
from calogan.download import OnBytes, download
from calogan.errors import ModelError, OutputError
from calogan.files.output import whole_file

__all__ = ["install_bundle", "pack_bundle"]

ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz")

_LIMITS = {CARD: MAX_CARD_BYTES, MODEL: MAX_MODEL_BYTES} | dict.fromkeys(TEXTS, MAX_CARD_BYTES)
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first that zip knows: the same bundle gives the same bytes


def pack_bundle(path: Path, archive: Path) -> Path:
    """Write a bundle as one file: a folder NAME@VERSION with its files.

    Args:
        path: The bundle; it is verified.
        archive: File to write, whose ending says as what: .zip, .tar, .tar.gz or .tgz.

    Raises:
        ModelError: The bundle is damaged.
        OutputError: Another ending, or the file cannot be written.
    """
    if not archive.name.endswith(ENDINGS):
        msg = f"cannot write {archive}: the name must end with {', '.join(ENDINGS)}"
        raise OutputError(msg)
    bundle = Bundle(path)
    bundle.read_model()
    top = f"{bundle.card.name}@{bundle.card.version}"
    names = _names_in(path)
    with whole_file(archive) as part:
        if archive.suffix == ".zip":
            with zipfile.ZipFile(part, "w") as zipped:
                for name in names:
                    info = zipfile.ZipInfo(f"{top}/{name}", _EPOCH)
                    info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                    zipped.writestr(info, (path / name).read_bytes())
        else:
            mode = "w" if archive.suffix == ".tar" else "w:gz"
            with tarfile.open(part, mode) as tar:  # type: ignore[call-overload]
                for name in names:
                    content = (path / name).read_bytes()
                    member = tarfile.TarInfo(f"{top}/{name}")
                    member.size = len(content)
                    tar.addfile(member, io.BytesIO(content))
    return archive


def _names_in(path: Path) -> list[str]:
    return [name for name in _LIMITS if (path / name).is_file()]


def install_bundle(
    source: str, folder: Path | None = None, *, on_bytes: OnBytes | None = None
) -> Bundle:
    """Put a bundle where it is found by name, into a folder NAME@VERSION.

    Nothing is installed that is not a whole, verified bundle.

    Args:
        source: The folder of a bundle, a file that `pack_bundle` wrote, or where on the network
            such a file is (http or https).
        folder: Where to put it; the first folder of CALOGAN_MODELS or the user's unless given.
        on_bytes: Told of the progress of a download.

    Raises:
        ModelError: No bundle, a damaged one, or another one of this name and version is there.
        DownloadError: It cannot be downloaded.
        OutputError: The folder cannot be written.
    """
    contents = _contents(source, on_bytes)
    folder = install_folder() if folder is None else folder
    with tempfile.TemporaryDirectory() as temporary:
        part = Path(temporary) / "bundle"
        write_files(part, contents)
        try:
            bundle = Bundle(part)
            bundle.read_model()
        except ModelError as error:
            msg = str(error).replace(str(part), source)
            raise ModelError(msg) from error
    path = folder / f"{bundle.card.name}@{bundle.card.version}"
    if (path / CARD).is_file():
        there = Bundle(path)
        if there.card != bundle.card:
            msg = (
                f"another {bundle.card.name} of version {bundle.card.version} is in {path}:"
                " give one of them another version, or remove the one that is there"
            )
            raise ModelError(msg)
        return there
    check_replaceable(path)
    return Bundle(write_files(path, contents))


def _contents(source: str, on_bytes: OnBytes | None) -> dict[str, bytes]:
    if source.startswith(("http://", "https://")):
        with tempfile.TemporaryDirectory() as temporary:
            archive = Path(temporary) / "archive"
            download(source, archive, on_bytes=on_bytes)
            return _unpacked(archive, source)
    path = Path(source).expanduser()
    if path.is_dir():
        Bundle(path)  # or one clear line
        return {name: (path / name).read_bytes() for name in _names_in(path)}
    if not path.is_file():
        msg = f"no model bundle {source}: give a folder, a file ({', '.join(ENDINGS)}) or a URL"
        raise ModelError(msg)
    return _unpacked(path, source)


def _unpacked(archive: Path, source: str) -> dict[str, bytes]:
    """Files of a bundle in an archive, in memory: no path in it is ever written to."""
    contents: dict[str, bytes] = {}
    tops = set()
    try:
        for member, content in _members(archive, source):
            path = PurePosixPath(member)
            if path.name not in _LIMITS or len(path.parts) > 2 or ".." in path.parts:
                msg = f"{source} is no model bundle: it holds {member[:100]!r}"
                raise ModelError(msg)
            tops.add(path.parent)
            if path.name in contents or len(tops) > 1:
                msg = f"{source} holds more than one model bundle"
                raise ModelError(msg)
            limit = _LIMITS[path.name]
            contents[path.name] = content.read(limit + 1)
            if len(contents[path.name]) > limit:
                msg = f"{source}: {member} is larger than {limit / 1e6:,.0f} MB"
                raise ModelError(msg)
    except (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile, zlib.error) as error:
        msg = f"{source} is no archive of a model bundle ({', '.join(ENDINGS)}), or is cut off"
        raise ModelError(msg) from error
    except (RuntimeError, NotImplementedError) as error:  # a password, or another compression
        msg = f"{source} cannot be unpacked: {' '.join(str(error).split())}"
        raise ModelError(msg) from error
    if not {CARD, MODEL} <= set(contents):
        missing = min({CARD, MODEL} - set(contents))
        msg = f"{source} is no model bundle: it holds no {missing}"
        raise ModelError(msg)
    return contents


def _members(archive: Path, source: str) -> Iterator[tuple[str, IO[bytes]]]:
    """Files in a zip or tar archive, one after another; no links, no devices."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as zipped:
            for info in zipped.infolist():
                if not info.is_dir():
                    with zipped.open(info) as file:
                        yield info.filename, file
        return
    with tarfile.open(archive, "r:*") as tar:
        for member in tar:
            if member.isdir():
                continue
            stream = tar.extractfile(member) if member.isfile() else None
            if stream is None:
                msg = f"{source} holds {member.name[:100]!r}, which is no ordinary file"
                raise ModelError(msg)
            yield member.name, stream
