from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from calogan.errors import Geant4DataError
from calogan.geant4 import compact
from calogan.geant4.data import activate, environment, find_geant4_data, official_folder
from calogan.geant4.datasets import DATASETS


def write_folders(folder: Path, elements: range = range(1, 93), levels: bool = False) -> None:
    for dataset in DATASETS:
        (folder / dataset.folder).mkdir(parents=True, exist_ok=True)
    tables = folder / "G4EMLOW8.8" / "brem_SB"
    tables.mkdir(exist_ok=True)
    for z in elements:
        (tables / f"br{z}").write_text(str(z))
    if levels:
        (folder / "PhotonEvaporation6.1.2" / "z1.a2").write_text("0")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, and a compact data set that is made at once."""
    monkeypatch.delenv("GEANT4_DATA_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(compact, "write_compact_data", write_folders)
    return tmp_path


def test_compact_set_is_made_once_and_said_so(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "calogan"):
        first = find_geant4_data([1, 18, 82])
    assert first.kind == "compact"
    assert first.label == f"compact cross sections {compact.COMPACT_VERSION}"
    assert first.path.is_relative_to(home / "cache" / "calogan")
    assert first.digest is not None
    assert len(first.digest) == 16
    assert str(first.path) in caplog.text
    caplog.clear()
    assert find_geant4_data() == first
    assert caplog.text == ""
    assert [path.name for path in first.path.parent.iterdir()] == [first.path.name]


def test_damaged_compact_set_is_made_again(home: Path) -> None:
    data = find_geant4_data()
    (data.path / "G4NDL4.7.1").rmdir()
    assert find_geant4_data() == data
    assert (data.path / "G4NDL4.7.1").is_dir()


def test_official_data_in_their_usual_place(home: Path) -> None:
    folder = home / ".local" / "share" / "calzone" / "data"
    write_folders(folder, levels=True)
    data = find_geant4_data()
    assert (data.kind, data.path, data.label) == ("official", folder, "official Geant4 11.4 data")
    assert data.digest is None
    (folder / "G4PII1.3").rmdir()  # a download that is not finished does not count
    assert find_geant4_data().kind == "compact"


def test_chosen_folder_comes_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_folders(home / ".local" / "share" / "calzone" / "data", levels=True)
    write_folders(home / "chosen", range(1, 30))
    monkeypatch.setenv("GEANT4_DATA_DIR", str(home / "chosen"))
    data = find_geant4_data([1, 29])
    assert (data.kind, data.path) == ("custom", home / "chosen")
    with pytest.raises(Geant4DataError, match="no tables for atomic number 82"):
        find_geant4_data([1, 82])


def test_compact_set_keeps_its_name_where_it_is_chosen(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = find_geant4_data()
    monkeypatch.setenv("GEANT4_DATA_DIR", str(data.path))
    assert find_geant4_data() == data


def test_chosen_folder_that_is_incomplete(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEANT4_DATA_DIR", str(home / "nowhere"))
    with pytest.raises(Geant4DataError, match=r"nowhere\) holds no folder G4EMLOW8\.8: run"):
        find_geant4_data()


def test_what_calzone_sets_is_no_choice(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEANT4_DATA_DIR", str(home / ".local" / "share" / "calzone" / "data"))
    assert find_geant4_data().kind == "compact"


def test_unwritable_cache(home: Path) -> None:
    (home / "cache").write_text("a file")
    with pytest.raises(Geant4DataError, match="cannot make cross sections"):
        find_geant4_data()


def test_digest_is_of_names_and_contents(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digests = set()
    for name, last in (("a", 30), ("b", 30), ("c", 31)):
        write_folders(home / name, range(1, last))
        monkeypatch.setenv("GEANT4_DATA_DIR", str(home / name))
        digests.add(find_geant4_data().digest)
    assert len(digests) == 2


def test_environment_names_every_data_set(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = find_geant4_data()
    variables = environment(data)
    assert len(variables) == 13
    assert variables["G4LEDATA"] == str(data.path / "G4EMLOW8.8")
    for name in variables:
        monkeypatch.setenv(name, "before")
    activate(data)
    assert {name: os.environ[name] for name in variables} == variables
    assert official_folder() == data.path


_RACE = """
import time
from calogan.geant4 import compact
from test_data import write_folders

def slowly(folder):
    write_folders(folder)
    time.sleep(0.5)

compact.write_compact_data = slowly
from calogan.geant4.data import find_geant4_data
data = find_geant4_data([82])
print(data.path, data.digest)
"""


def test_processes_that_race(home: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", _RACE], env=environ, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    answers = [racer.communicate(timeout=60)[0] for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0, 0]
    assert len(set(answers)) == 1
    cache = home / "cache" / "calogan" / "geant4-data"
    assert [path.name for path in cache.iterdir()] == [f"compact-{compact.COMPACT_VERSION}"]
