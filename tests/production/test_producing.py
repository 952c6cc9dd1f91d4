from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from calogan.errors import ConfigurationError, OutputError
from calogan.files import ShowerFile, read_showers
from calogan.production import Production, chunks_of, incident_rng, produce
from tests.production.dice import Dice, incident_of, with_trouble


def test_chunks_cover_everything_once() -> None:
    chunks = chunks_of(10, 4, seed=1)
    assert [(c.index, c.start, c.stop) for c in chunks] == [(0, 0, 4), (1, 4, 8), (2, 8, 10)]
    assert [len(c) for c in chunks] == [4, 4, 2]
    draws = [c.rng().random() for c in chunks] + [incident_rng(1).random()]
    assert len(set(draws)) == 4
    assert chunks_of(0, 4, seed=1) == []


def test_streams_are_the_children_of_the_seed() -> None:
    children = np.random.SeedSequence(5).spawn(3)
    expected = [np.random.default_rng(child).random() for child in children]
    chunks = chunks_of(2, 1, seed=5)
    assert [incident_rng(5).random(), *(c.rng().random() for c in chunks)] == expected


def test_file_is_the_same_for_any_number_of_workers(tmp_path: Path) -> None:
    incident = incident_of(30)
    files = []
    for workers in (1, 3):
        path = tmp_path / f"{workers}.h5"
        seen: list[int] = []
        production = produce(
            Dice,
            incident,
            path,
            seed=7,
            workers=workers,
            made_with={"command": "test"},
            on_progress=seen.append,
        )
        assert production == Production(30)
        assert production.written == production.simulated == 30
        assert seen == [4, 8, 12, 16, 20, 24, 28, 30]
        files.append(path.read_bytes())
    assert files[0] == files[1]
    with ShowerFile(tmp_path / "1.h5") as file:
        assert file.made_with == {
            "simulator": "dice",
            "command": "test",
            "calogan": version("calogan"),
            "n": 30,
            "seed": 7,
            "chunk_size": 4,
        }
        showers = file.read()
    np.testing.assert_allclose(showers.total_energy, 1e3 * incident.energy_gev, rtol=1e-5)


def test_many_blocks_are_written_in_order(tmp_path: Path) -> None:
    incident = incident_of(2300)
    for resumable in (False, True):
        path = tmp_path / f"{resumable}.h5"
        produce(Dice, incident, path, seed=7, chunk_size=300, made_with={}, resumable=resumable)
    assert (tmp_path / "True.h5").read_bytes() == (tmp_path / "False.h5").read_bytes()
    np.testing.assert_allclose(
        read_showers(path).incident.energy_gev, incident.energy_gev, rtol=1e-6
    )


@pytest.mark.parametrize("resumable", [False, True])
def test_views_are_written(tmp_path: Path, *, resumable: bool) -> None:
    factory = partial(Dice, n_views=2, resumable=resumable)
    produce(factory, incident_of(10), tmp_path / "a.h5", seed=7, made_with={})
    chunk = chunks_of(10, Dice.chunk_size, seed=7)[1]
    expected = factory().simulate(incident_of(10)[4:8], chunk.rng())
    with ShowerFile(tmp_path / "a.h5") as file:
        assert file.n_views == 2
        for k, view in enumerate(expected.views, start=1):
            np.testing.assert_array_equal(file.read(4, 8, view=k).cells, view.cells)


def test_another_seed_gives_other_showers(tmp_path: Path) -> None:
    incident = incident_of(8)
    for seed in (1, 2):
        produce(Dice, incident, tmp_path / f"{seed}.h5", seed=seed, made_with={})
    one, two = (read_showers(tmp_path / f"{seed}.h5").cells for seed in (1, 2))
    assert not np.array_equal(one, two)


@pytest.mark.parametrize("resumable", [False, True])
def test_takes_any_executor_and_leaves_it_open(tmp_path: Path, *, resumable: bool) -> None:
    incident = incident_of(30)
    produce(Dice, incident, tmp_path / "a.h5", seed=1, made_with={})
    with ThreadPoolExecutor(3) as executor:
        produce(
            Dice,
            incident,
            tmp_path / "b.h5",
            seed=1,
            workers=3,
            made_with={},
            executor=executor,
            resumable=resumable,
        )
        assert executor.submit(int).result() == 0
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


@pytest.mark.parametrize("resumable", [False, True])
def test_no_showers(tmp_path: Path, *, resumable: bool) -> None:
    production = produce(
        Dice,
        incident_of(0),
        tmp_path / "a.h5",
        seed=1,
        workers=2,
        made_with={},
        resumable=resumable,
    )
    assert production.written == 0
    with ShowerFile(tmp_path / "a.h5") as file:
        assert len(file) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5"]


def test_bad_numbers(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="workers"):
        produce(Dice, incident_of(2), tmp_path / "a.h5", seed=1, workers=0, made_with={})
    with pytest.raises(ConfigurationError, match="chunk size"):
        produce(Dice, incident_of(2), tmp_path / "a.h5", seed=1, chunk_size=0, made_with={})


def test_unwritable_place_is_found_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="does not exist"):
        produce(
            partial(Dice, "sleep"),
            with_trouble(2, 0),
            tmp_path / "no" / "a.h5",
            seed=1,
            made_with={},
        )


def test_a_link_is_followed(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere" / "b.h5"
    target.parent.mkdir()
    target.write_bytes(b"")
    link = tmp_path / "a.h5"
    link.symlink_to(target)
    produce(Dice, incident_of(4), link, seed=1, made_with={}, resumable=True)
    assert link.is_symlink()
    assert len(read_showers(target)) == 4


def test_made_with_is_json(tmp_path: Path) -> None:
    produce(Dice, incident_of(1), tmp_path / "a.h5", seed=1, made_with={"detector": "barrel"})
    with ShowerFile(tmp_path / "a.h5") as file:
        assert json.loads(file.attributes["made_with"])["detector"] == "barrel"
