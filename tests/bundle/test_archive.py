from __future__ import annotations

import io
import os
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from calogan.bundle import find_bundle
from calogan.bundle.archive import install_bundle, pack_bundle
from calogan.errors import DownloadError, ModelError, OutputError
from tests.servers import serving
from tests.tiny_models import make_bundle, make_network

ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz")


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def zipped(path: Path, files: Iterable[tuple[str, bytes]]) -> str:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return str(path)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_bundle_goes_into_one_file_and_comes_back(
    tiny: Path, tmp_path: Path, ending: str
) -> None:
    (tiny / "README.md").write_text("# Ours")
    archive = pack_bundle(tiny, tmp_path / f"tiny{ending}")
    bundle = install_bundle(str(archive))
    assert bundle.path == tmp_path / "home" / "calogan" / "models" / "tiny@1"
    assert contents(bundle.path) == contents(tiny)
    assert find_bundle("tiny") == bundle.path


def test_the_same_bundle_gives_the_same_zip(tiny: Path, tmp_path: Path) -> None:
    one, two = (pack_bundle(tiny, tmp_path / f"{k}.zip").read_bytes() for k in "ab")
    assert one == two


def test_a_folder_is_installed(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALOGAN_MODELS", f"{tmp_path / 'first'}{os.pathsep}{tmp_path / 'second'}")
    assert install_bundle(str(tiny)).path == tmp_path / "first" / "tiny@1"
    assert install_bundle(str(tiny), tmp_path / "third").path == tmp_path / "third" / "tiny@1"


def test_from_the_network(tiny: Path, tmp_path: Path) -> None:
    seen: list[int] = []
    with serving() as site:
        archive = pack_bundle(tiny, tmp_path / "tiny.zip").read_bytes()
        site.files["tiny.zip?download=1"] = archive
        site.break_after = [1000, 2000]
        bundle = install_bundle(
            f"{site.url}/tiny.zip?download=1", on_bytes=lambda done, _: seen.append(done)
        )
        assert contents(bundle.path) == contents(tiny)
        assert seen[-1] == len(archive)
        with pytest.raises(DownloadError, match="404"):
            install_bundle(f"{site.url}/nothing.zip")
        site.files["page.zip"] = b"<html>please log in</html>"
        with pytest.raises(ModelError, match=r"page\.zip is no archive"):
            install_bundle(f"{site.url}/page.zip")


def test_versions_lie_side_by_side(tmp_path: Path) -> None:
    for version in (1, 2):
        install_bundle(str(make_bundle(tmp_path / "ours", name="ours", version=version)))
    one, two = find_bundle("ours@1"), find_bundle("ours")
    assert one is not None
    assert two is not None
    assert (one.name, two.name) == ("ours@1", "ours@2")


def test_what_is_there_is_not_replaced_by_another(tiny: Path, tmp_path: Path) -> None:
    path = install_bundle(str(tiny)).path
    assert install_bundle(str(tiny)).path == path  # the same again
    other = make_bundle(tmp_path / "other", license="MIT")
    with pytest.raises(ModelError, match=r"another tiny of version 1 is in .*: give one of them"):
        install_bundle(str(other))
    assert contents(path) == contents(tiny)


@pytest.mark.parametrize(
    "name",
    ["../evil.py", "/etc/card.json", "a/b/card.json", "../card.json", "evil.py", "a/../card.json"],
)
def test_paths_and_other_files_in_an_archive_are_refused(
    tiny: Path, tmp_path: Path, name: str
) -> None:
    files = [("model.onnx", (tiny / "model.onnx").read_bytes()), (name, b"{}")]
    with pytest.raises(
        ModelError, match=r"is no model bundle: it holds|more than one|damaged|card"
    ):
        install_bundle(zipped(tmp_path / "evil.zip", files))
    assert not (tmp_path / "home").exists()
    assert not (tmp_path / "evil.py").exists()


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE]
)
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    archive = tmp_path / "evil.tar"
    with tarfile.open(archive, "w") as tar:
        member = tarfile.TarInfo("tiny/card.json")
        member.type, member.linkname = kind, "/etc/passwd"
        tar.addfile(member)
    with pytest.raises(ModelError, match=r"no ordinary file"):
        install_bundle(str(archive))


def test_two_bundles_in_one_archive_are_refused(tiny: Path, tmp_path: Path) -> None:
    files = [(f"{top}/{name}", data) for top in "ab" for name, data in contents(tiny).items()]
    with pytest.raises(ModelError, match="holds more than one model bundle"):
        install_bundle(zipped(tmp_path / "two.zip", files))


def test_a_bomb_is_not_unpacked(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("calogan.bundle.archive._LIMITS", {"card.json": 10**6, "model.onnx": 10**6})
    files = [("card.json", (tiny / "card.json").read_bytes()), ("model.onnx", bytes(10**7))]
    archive = zipped(tmp_path / "bomb.zip", files)
    assert Path(archive).stat().st_size < 30_000
    with pytest.raises(ModelError, match=r"model\.onnx is larger than 1 MB"):
        install_bundle(archive)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_truncated_archive_is_one_line(tiny: Path, tmp_path: Path, ending: str) -> None:
    archive = pack_bundle(tiny, tmp_path / f"tiny{ending}")
    whole = archive.read_bytes()
    for size in (0, 10, min(3000, len(whole) // 2)):
        archive.write_bytes(whole[:size])
        with pytest.raises(
            ModelError, match=r"no archive of a model bundle|no model bundle"
        ) as caught:
            install_bundle(str(archive))
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "home").exists()


def test_a_damaged_bundle_is_neither_packed_nor_installed(tiny: Path, tmp_path: Path) -> None:
    archive = pack_bundle(tiny, tmp_path / "tiny.zip")
    (tiny / "model.onnx").write_bytes(make_network(n=1).SerializeToString())
    with pytest.raises(ModelError, match="damaged"):
        pack_bundle(tiny, tmp_path / "damaged.zip")
    with pytest.raises(ModelError, match="damaged"):
        install_bundle(str(tiny))
    files = [(f"tiny/{name}", data) for name, data in contents(tiny).items()]
    with pytest.raises(ModelError, match=r"^\S*evil\.zip/model\.onnx is damaged"):
        install_bundle(zipped(tmp_path / "evil.zip", files))
    assert archive.exists()
    assert not (tmp_path / "damaged.zip").exists()
    assert not (tmp_path / "home").exists()


def test_other_endings_and_sources(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"must end with \.zip, \.tar"):
        pack_bundle(tiny, tmp_path / "tiny.rar")
    with pytest.raises(ModelError, match="no model bundle nothing: give a folder, a file"):
        install_bundle("nothing")
    with pytest.raises(ModelError, match="no model bundle ftp://"):
        install_bundle("ftp://example.org/tiny.zip")
    archive = zipped(tmp_path / "half.zip", [("card.json", b"{}")])
    with pytest.raises(ModelError, match=r"is no model bundle: it holds no model\.onnx"):
        install_bundle(archive)


def test_a_tar_within_memory_only(tiny: Path, tmp_path: Path) -> None:
    """A member that says it is somewhere else is never written there."""
    archive = tmp_path / "evil.tar"
    with tarfile.open(archive, "w") as tar:
        for name, content in contents(tiny).items():
            member = tarfile.TarInfo(f"../{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    with pytest.raises(ModelError, match=r"it holds '\.\./"):
        install_bundle(str(archive))
