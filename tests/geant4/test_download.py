from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from calogan.cli.geant4_data import app
from calogan.errors import Geant4DataError
from calogan.geant4 import download
from calogan.geant4.datasets import DATASETS, Dataset
from calogan.geant4.download import install
from tests.servers import Site, serving


def archive_of(folder: str, size: int = 300_000, name: str = "table.dat") -> bytes:
    content = np.random.default_rng(size).bytes(size)  # does not compress
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        info = tarfile.TarInfo(f"{folder}/{name}")
        info.size = size
        tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture
def dataset(site: Site) -> Dataset:
    content = archive_of("G4TINY1.0")
    dataset = Dataset("G4TINY", "1.0", "G4TINYDATA", hashlib.md5(content).hexdigest())
    site.files[dataset.archive] = content
    return dataset


def test_names_of_the_official_archives() -> None:
    names = {dataset.folder: dataset.archive for dataset in DATASETS}
    assert len(names) == 12
    assert names["G4EMLOW8.8"] == "G4EMLOW.8.8.tar.gz"
    assert names["PhotonEvaporation6.1.2"] == "G4PhotonEvaporation.6.1.2.tar.gz"
    assert all(len(dataset.md5) == 32 for dataset in DATASETS)


def test_install(site: Site, dataset: Dataset, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    folder = install(
        tmp_path / "new",
        base_url=site.url + "/",
        datasets=[dataset],
        on_bytes=lambda _, done, total: seen.append((done, total)),
    )
    assert [path.name for path in folder.iterdir()] == ["G4TINY1.0"]
    assert (folder / "G4TINY1.0" / "table.dat").stat().st_size == 300_000
    size = len(site.files[dataset.archive])
    assert seen[-1] == (size, size)
    install(folder, base_url=site.url, datasets=[dataset])  # there already: no request
    assert len(site.ranges) == 1
    (folder / "G4TINY1.0" / "old").touch()
    install(folder, base_url=site.url, datasets=[dataset], force=True)
    assert not (folder / "G4TINY1.0" / "old").exists()


def test_goes_on_where_it_broke_off(site: Site, dataset: Dataset, tmp_path: Path) -> None:
    site.break_after = [100_000, 50_000]
    install(tmp_path, base_url=site.url, datasets=[dataset])
    assert site.ranges == [None, "bytes=100000-", "bytes=150000-"]
    assert (tmp_path / "G4TINY1.0" / "table.dat").is_file()


def test_goes_on_in_another_call(site: Site, dataset: Dataset, tmp_path: Path) -> None:
    site.break_after = [10_000] * 5
    with pytest.raises(Geant4DataError, match="broke off 5 times; run the command again"):
        install(tmp_path, base_url=site.url, datasets=[dataset])
    install(tmp_path, base_url=site.url, datasets=[dataset])
    assert site.ranges[-1] == "bytes=50000-"
    assert [path.name for path in tmp_path.iterdir()] == ["G4TINY1.0"]


def test_server_that_knows_no_ranges(site: Site, dataset: Dataset, tmp_path: Path) -> None:
    site.knows_ranges = False
    site.break_after = [100_000]
    install(tmp_path, base_url=site.url, datasets=[dataset])
    assert (tmp_path / "G4TINY1.0" / "table.dat").is_file()


def test_too_long_a_part_is_thrown_away(site: Site, dataset: Dataset, tmp_path: Path) -> None:
    (tmp_path / f"{dataset.archive}.part").write_bytes(bytes(1_000_000))
    install(tmp_path, base_url=site.url, datasets=[dataset])
    assert (tmp_path / "G4TINY1.0" / "table.dat").is_file()


def test_wrong_checksum(site: Site, dataset: Dataset, tmp_path: Path) -> None:
    site.files[dataset.archive] = archive_of("G4TINY1.0", 200_000)
    with pytest.raises(Geant4DataError, match="wrong checksum"):
        install(tmp_path, base_url=site.url, datasets=[dataset])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (archive_of("G4TINY0.9"), "holds no folder G4TINY1.0"),
        (archive_of("G4TINY1.0", name="../../evil"), "cannot be unpacked"),
        (b"no archive", "cannot be unpacked"),
    ],
)
def test_archive_that_is_not_what_it_should_be(
    site: Site, tmp_path: Path, content: bytes, text: str
) -> None:
    dataset = Dataset("G4TINY", "1.0", "G4TINYDATA", hashlib.md5(content).hexdigest())
    site.files[dataset.archive] = content
    with pytest.raises(Geant4DataError, match=text):
        install(tmp_path / "data", base_url=site.url, datasets=[dataset])
    assert not (tmp_path / "data" / "G4TINY1.0").exists()
    assert not (tmp_path / "evil").exists()


def test_no_such_archive(site: Site, dataset: Dataset, tmp_path: Path) -> None:
    site.files.clear()
    with pytest.raises(Geant4DataError, match=r"G4TINY.1.0.tar.gz: the server answers 404"):
        install(tmp_path, base_url=site.url, datasets=[dataset])


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "nonsense"])
def test_no_network(dataset: Dataset, tmp_path: Path, url: str) -> None:
    with pytest.raises(Geant4DataError, match=f"cannot reach {url}.*network"):
        install(tmp_path, base_url=url, datasets=[dataset])


def test_unwritable_folder(dataset: Dataset, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Geant4DataError, match="cannot install Geant4 data in"):
        install(tmp_path / "file", datasets=[dataset])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk(site: Site, dataset: Dataset, tmp_path: Path) -> None:
    (tmp_path / f"{dataset.archive}.part").symlink_to("/dev/full")
    with pytest.raises(Geant4DataError, match="the disk is full"):
        install(tmp_path, base_url=site.url, datasets=[dataset])


def test_command(
    site: Site, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEANT4_DATA_DIR", str(tmp_path / "chosen"))
    monkeypatch.setattr(download, "DATASETS", [dataset])
    result = CliRunner().invoke(app, ["install", "--url", site.url])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "chosen" / "G4TINY1.0" / "table.dat").is_file()
    assert f"Geant4 data -> {tmp_path / 'chosen'}" in result.output
    result = CliRunner().invoke(app, ["install", str(tmp_path / "other"), "--url", site.url])
    assert f"export GEANT4_DATA_DIR={tmp_path / 'other'}" in result.output


def test_path_and_info(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for dataset in DATASETS:
        (tmp_path / dataset.folder).mkdir()
    monkeypatch.setenv("GEANT4_DATA_DIR", str(tmp_path))
    assert CliRunner().invoke(app, ["path"]).output.strip() == str(tmp_path)
    info = CliRunner().invoke(app, ["info"]).output
    assert "custom Geant4 11.4 data" in info
    assert "calogan geant4-data install" in info
