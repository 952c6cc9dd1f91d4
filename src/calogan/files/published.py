"""Published sets of showers and jets: where they are, and their download."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import h5py

from calogan.download import download, md5_of
from calogan.errors import DownloadError

__all__ = ["PUBLISHED", "PublishedFile", "PublishedSet", "download_set", "find_set"]

OnBytes = Callable[["PublishedFile", int, int | None], None]
"""Told of progress: the file, bytes that are there, and bytes in all if they are known."""


@dataclass(frozen=True)
class PublishedFile:
    """A file of a published set.

    Args:
        name: Its name.
        url: Where it is.
        md5: Its published checksum; None where none could be found.
        size: Its published size in bytes; None where it could not be found.
    """

    name: str
    url: str
    md5: str | None = None
    size: int | None = None


@dataclass(frozen=True)
class PublishedSet:
    """A published set.

    Args:
        name: What `calogan datasets download` calls it.
        title: What is in it.
        doi: Its identifier.
        licence: Its licence, where a source says it.
        layout: Format of its files, as `calogan convert` names it, or jet images.
        size: Size of all files together, as far as a source says.
        files: Its files.
    """

    name: str
    title: str
    doi: str
    licence: str
    layout: Literal["paper", "calochallenge", "jet images"]
    size: str
    files: tuple[PublishedFile, ...]


def _mendeley(dataset: str, name: str, identifier: str) -> PublishedFile:
    base = "https://data.mendeley.com/public-files/datasets"
    return PublishedFile(name, f"{base}/{dataset}/files/{identifier}/file_downloaded")


def _zenodo(record: int, name: str, md5: str, size: int | None = None) -> PublishedFile:
    return PublishedFile(name, f"https://zenodo.org/records/{record}/files/{name}", md5, size)


# Sources. CaloGAN: the set's page (names, contents, licence CC BY 4.0); its files have neither a
# published size nor a checksum that we found. LAGAN: the authors' own program downloads it from
# their copy at Zenodo, record 269622, with this MD5. CaloChallenge: calochallenge.github.io and the
# Zenodo records; MD5 and sizes as those records list them.
PUBLISHED: tuple[PublishedSet, ...] = (
    PublishedSet(
        "calogan",
        "CaloGAN: 100k showers each of e+, gamma, pi+ at 1-100 GeV, Pb/LAr, 504 cells",
        "10.17632/pvn3xc3wy5.1",
        "CC BY 4.0",
        "paper",
        "size unknown",
        (
            _mendeley("pvn3xc3wy5", "eplus.hdf5", "82030895-c680-432d-ac68-a6f2c8ed2641"),
            _mendeley("pvn3xc3wy5", "gamma.hdf5", "1141aa57-edc0-477a-a32c-a38e5934b453"),
            _mendeley("pvn3xc3wy5", "piplus.hdf5", "292fa8da-1877-482b-9fd3-df237d43b142"),
        ),
    ),
    PublishedSet(
        "lagan",
        "LAGAN: 872,666 jet images of 25 x 25 pixels, W bosons and QCD, 250-300 GeV",
        "10.17632/4r4v785rgx.1",
        "see the DOI",
        "jet images",
        "2 GB",
        (
            _zenodo(
                269622,
                "jet-images_Mass60-100_pT250-300_R1.25_Pix25.hdf5",
                "f9b11c46b6a0ff928bec2eccf865ecf0",
            ),
        ),
    ),
    PublishedSet(
        "calochallenge-1-photons",
        "CaloChallenge 1: photons at 256 MeV - 4 TeV in ATLAS, 368 voxels",
        "10.5281/zenodo.8099322",
        "CC BY 4.0",
        "calochallenge",
        "350 MB",
        (
            _zenodo(8099322, "dataset_1_photons_1.hdf5", "005d2adeda7db034b388112661265656"),
            _zenodo(8099322, "dataset_1_photons_2.hdf5", "4767715ed56e99565fd9c67340661e70"),
        ),
    ),
    PublishedSet(
        "calochallenge-1-pions",
        "CaloChallenge 1: charged pions at 256 MeV - 4 TeV in ATLAS, 533 voxels",
        "10.5281/zenodo.8099322",
        "CC BY 4.0",
        "calochallenge",
        "340 MB",
        (
            _zenodo(8099322, "dataset_1_pions_1.hdf5", "6a5f52722064a1bcd8a0bc002f16515d"),
            _zenodo(8099322, "dataset_1_pions_2.hdf5", "fee7457b40127bc23c8ab909e2638ca0"),
        ),
    ),
    PublishedSet(
        "calochallenge-2",
        "CaloChallenge 2: 2 x 100k electrons at 1-1000 GeV, Si/W, 45 x 16 x 9 voxels",
        "10.5281/zenodo.6366271",
        "see the DOI",
        "calochallenge",
        "2.7 GB",
        (
            _zenodo(6366271, "dataset_2_1.hdf5", "e590333e9a2da51b258288d74bd8357a", 1_356_475_617),
            _zenodo(6366271, "dataset_2_2.hdf5", "7a56fd68aa53ded37c2ac445694d9736", 1_366_708_391),
        ),
    ),
    PublishedSet(
        "calochallenge-3",
        "CaloChallenge 3: 4 x 50k electrons at 1-1000 GeV, Si/W, 45 x 50 x 18 voxels",
        "10.5281/zenodo.6366324",
        "see the DOI",
        "calochallenge",
        "size unknown",
        (
            _zenodo(6366324, "dataset_3_1.hdf5", "d33f03418aa311b0965452fcbef1ff87"),
            _zenodo(6366324, "dataset_3_2.hdf5", "911dec2c40aafa64a07b7450b80881bf"),
            _zenodo(6366324, "dataset_3_3.hdf5", "5ea62f6831a1821bb5035fafc9f030e8"),
            _zenodo(6366324, "dataset_3_4.hdf5", "5e8d82e6a6c28c6914a3b602a1cfa299"),
        ),
    ),
)
"""The published sets, with what a source says of them."""


def find_set(name: str) -> PublishedSet:
    """Find a published set by its name.

    Raises:
        DownloadError: No such set.
    """
    for published in PUBLISHED:
        if published.name == name:
            return published
    msg = f"no published set {name!r}: give one of {', '.join(p.name for p in PUBLISHED)}"
    raise DownloadError(msg)


def download_set(
    published: PublishedSet,
    folder: Path,
    *,
    names: Sequence[str] = (),
    base_url: str | None = None,
    on_bytes: OnBytes | None = None,
) -> list[Path]:
    """Download the files of a set that are not there yet; another call goes on with a broken one.

    Args:
        published: The set.
        folder: Where to put them; made if it is not there.
        names: Only these files.
        base_url: A folder on the network, such as a mirror, that holds them by their names.
        on_bytes: Told of progress.

    Returns:
        The files.

    Raises:
        DownloadError: No such file, no network, no room, or not what was published.
    """
    known = [file.name for file in published.files]
    unknown = [name for name in names if name not in known]
    if unknown:
        msg = f"{published.name} has no file {unknown[0]!r}: it has {', '.join(known)}"
        raise DownloadError(msg)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"cannot make the folder {folder}: {error.strerror}"
        raise DownloadError(msg) from error
    wanted = [file for file in published.files if not names or file.name in names]
    return [_download(file, folder, base_url, on_bytes) for file in wanted]


def _download(
    file: PublishedFile, folder: Path, base_url: str | None, on_bytes: OnBytes | None
) -> Path:
    path = folder / file.name
    url = f"{base_url.rstrip('/')}/{file.name}" if base_url else file.url
    if path.exists():
        if not path.is_file() or not _is_published(path, file):
            msg = f"{path} is there, but is not the published file: move it away"
            raise DownloadError(msg)
        return path

    def told(done: int, total: int | None) -> None:
        if on_bytes is not None:
            on_bytes(file, done, file.size or total)

    download(url, path, md5=file.md5, size=file.size, on_bytes=told)
    if not h5py.is_hdf5(path):  # a page of the server's, perhaps, in place of the file
        path.unlink()
        msg = f"{url}: what came is not HDF5: thrown away; look at the DOI's page in a browser"
        raise DownloadError(msg)
    return path


def _is_published(path: Path, file: PublishedFile) -> bool:
    if file.size is not None and path.stat().st_size != file.size:
        return False
    return h5py.is_hdf5(path) if file.md5 is None else md5_of(path) == file.md5
