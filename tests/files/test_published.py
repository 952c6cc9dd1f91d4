from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from calogan.errors import DownloadError
from calogan.files.published import PUBLISHED, PublishedFile, download_set, find_set
from tests.servers import Site, serving


@pytest.fixture
def site(shower_file: Path) -> Iterator[Site]:
    with serving() as site:
        site.files["eplus.h5"] = site.files["gamma.h5"] = shower_file.read_bytes()
        shower_file.unlink()
        yield site


def published(site: Site, name: str = "eplus.h5", md5: str | None = "") -> PublishedFile:
    content = site.files[name]
    if md5 == "":
        md5 = hashlib.md5(content).hexdigest()
    return PublishedFile(name, f"{site.url}/{name}", md5, len(content) if md5 else None)


def test_the_table() -> None:
    names = [published.name for published in PUBLISHED]
    assert len(set(names)) == len(names) == 6
    assert {"10.17632/pvn3xc3wy5.1", "10.17632/4r4v785rgx.1"} < {p.doi for p in PUBLISHED}
    for file in (file for published in PUBLISHED for file in published.files):
        assert file.url.startswith("https://")
        assert file.name.endswith(".hdf5")
        assert file.md5 is None or re.fullmatch("[0-9a-f]{32}", file.md5)


def test_download_and_again(site: Site, tmp_path: Path) -> None:
    files = (published(site), published(site, "gamma.h5", md5=None))
    tiny = dataclasses.replace(PUBLISHED[0], files=files)
    seen: list[tuple[str, int, int | None]] = []
    site.break_after = [1000]
    paths = download_set(
        tiny, tmp_path / "data", on_bytes=lambda file, *numbers: seen.append((file.name, *numbers))
    )
    assert [path.name for path in paths] == ["eplus.h5", "gamma.h5"]
    assert site.ranges == [None, "bytes=1000-", None]
    size = len(site.files["eplus.h5"])
    assert seen[-1] == ("gamma.h5", size, size)
    download_set(tiny, tmp_path / "data")  # there already: no request
    assert len(site.ranges) == 3


def test_one_file_of_a_mirror(site: Site, tmp_path: Path) -> None:
    file = dataclasses.replace(published(site), url="https://nowhere.invalid/x")
    tiny = dataclasses.replace(PUBLISHED[0], files=(file, published(site, "gamma.h5")))
    paths = download_set(tiny, tmp_path / "m", names=["eplus.h5"], base_url=site.url + "/")
    assert [path.name for path in paths] == ["eplus.h5"]
    assert [path.name for path in (tmp_path / "m").iterdir()] == ["eplus.h5"]
    with pytest.raises(DownloadError, match=r"no file 'muon.h5': it has eplus.h5, gamma.h5"):
        download_set(tiny, tmp_path, names=["muon.h5"])


def test_what_is_there_and_is_another_file(site: Site, tmp_path: Path) -> None:
    tiny = dataclasses.replace(PUBLISHED[0], files=(published(site),))
    (tmp_path / "eplus.h5").write_bytes(b"mine")
    with pytest.raises(DownloadError, match="is there, but is not the published file"):
        download_set(tiny, tmp_path)
    assert (tmp_path / "eplus.h5").read_bytes() == b"mine"


def test_a_web_page_in_place_of_the_file(site: Site, tmp_path: Path) -> None:
    site.files["eplus.h5"] = b"<html>please sign in</html>"
    tiny = dataclasses.replace(PUBLISHED[0], files=(published(site, md5=None),))
    with pytest.raises(DownloadError, match="is not HDF5: thrown away"):
        download_set(tiny, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_no_such_set() -> None:
    with pytest.raises(DownloadError, match="no published set 'mnist': give one of calogan, lagan"):
        find_set("mnist")


def test_a_file_in_place_of_the_folder(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DownloadError, match="cannot make the folder"):
        download_set(find_set("calogan"), tmp_path / "file")
