from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from calogan.download import download, md5_of
from calogan.errors import DownloadError
from tests.servers import Site, serving

CONTENT = np.random.default_rng(0).bytes(300_000)
MD5 = hashlib.md5(CONTENT).hexdigest()


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        site.files["data.h5"] = CONTENT
        yield site


def test_whole_file(site: Site, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    download(
        f"{site.url}/data.h5",
        tmp_path / "data.h5",
        md5=MD5,
        size=len(CONTENT),
        on_bytes=lambda done, total: seen.append((done, total)),
    )
    assert (tmp_path / "data.h5").read_bytes() == CONTENT
    assert seen[-1] == (300_000, 300_000)
    assert [path.name for path in tmp_path.iterdir()] == ["data.h5"]
    assert md5_of(tmp_path / "data.h5") == MD5


def test_breaks_off_in_the_middle_and_goes_on(site: Site, tmp_path: Path) -> None:
    site.break_after = [100_000, 1, 50_000]
    download(f"{site.url}/data.h5", tmp_path / "data.h5", md5=MD5)
    assert site.ranges == [None, "bytes=100000-", "bytes=100001-", "bytes=150001-"]
    assert (tmp_path / "data.h5").read_bytes() == CONTENT


def test_goes_on_in_another_call(site: Site, tmp_path: Path) -> None:
    site.break_after = [10_000] * 5
    with pytest.raises(DownloadError, match="broke off 5 times; run the command again to go on"):
        download(f"{site.url}/data.h5", tmp_path / "data.h5", md5=MD5)
    assert [path.name for path in tmp_path.iterdir()] == ["data.h5.part"]
    download(f"{site.url}/data.h5", tmp_path / "data.h5", md5=MD5)
    assert site.ranges[-1] == "bytes=50000-"
    assert (tmp_path / "data.h5").read_bytes() == CONTENT


@pytest.mark.parametrize("size", [None, len(CONTENT)])
def test_a_part_that_is_complete_is_only_checked(
    site: Site, tmp_path: Path, size: int | None
) -> None:
    (tmp_path / "data.h5.part").write_bytes(CONTENT)
    download(f"{site.url}/data.h5", tmp_path / "data.h5", md5=MD5, size=size)
    assert site.ranges == ([] if size else ["bytes=300000-"])
    assert (tmp_path / "data.h5").read_bytes() == CONTENT


@pytest.mark.parametrize("states_size", [True, False])
def test_too_long_a_part_is_thrown_away(site: Site, tmp_path: Path, states_size: bool) -> None:
    site.states_size = states_size
    (tmp_path / "data.h5.part").write_bytes(CONTENT + b"more")
    download(f"{site.url}/data.h5", tmp_path / "data.h5", md5=MD5)
    assert (tmp_path / "data.h5").read_bytes() == CONTENT


def test_a_foreign_part_is_found_out(site: Site, tmp_path: Path) -> None:
    (tmp_path / "data.h5.part").write_bytes(bytes(1000))
    with pytest.raises(DownloadError, match="wrong checksum"):
        download(f"{site.url}/data.h5", tmp_path / "data.h5", md5=MD5)
    assert list(tmp_path.iterdir()) == []


def test_wrong_size(site: Site, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="300000 bytes, published 299999: thrown away"):
        download(f"{site.url}/data.h5", tmp_path / "data.h5", size=299_999)
    assert list(tmp_path.iterdir()) == []


def test_an_older_file_stays_until_the_new_one_is_there(site: Site, tmp_path: Path) -> None:
    (tmp_path / "data.h5").write_bytes(b"older")
    with pytest.raises(DownloadError, match="wrong checksum"):
        download(f"{site.url}/data.h5", tmp_path / "data.h5", md5="0" * 32)
    assert (tmp_path / "data.h5").read_bytes() == b"older"


def test_no_such_file(site: Site, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"other.h5: the server answers 404"):
        download(f"{site.url}/other.h5", tmp_path / "data.h5")


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/data.h5", "nonsense"])
def test_no_network(tmp_path: Path, url: str) -> None:
    with pytest.raises(DownloadError, match=f"cannot reach {url}.*network"):
        download(url, tmp_path / "data.h5")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk(site: Site, tmp_path: Path) -> None:
    (tmp_path / "data.h5.part").symlink_to("/dev/full")
    with pytest.raises(DownloadError, match=r"cannot write .*: the disk is full"):
        download(f"{site.url}/data.h5", tmp_path / "data.h5")


def test_no_folder(site: Site, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="cannot write"):
        download(f"{site.url}/data.h5", tmp_path / "nowhere" / "data.h5")
