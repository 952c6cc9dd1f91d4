from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from calogan.calorimeter import PolarLayer
from calogan.conditions import BEAM_CONDITIONS, conditions_of
from calogan.errors import ConfigurationError, TrainingError
from calogan.files import write_showers
from calogan.incident import Incident
from calogan.training import make_config
from calogan.training.data import Batch, ShowerFileRows, ShowerSet
from calogan.training.loading import load_showers
from tests.training.conftest import TINY, tilted_showers, tiny_showers


def shower_set(
    files: list[Path], n: list[int], memory_mb: float, buffer_size: int, **options: int
) -> ShowerSet:
    rows = [ShowerFileRows(path, 0, k) for path, k in zip(files, n, strict=True)]
    # the condition is the number of the shower
    condition = torch.arange(sum(n), dtype=torch.float32)[:, None]
    keys = {"seed": 3, "block_size": 16} | options
    return ShowerSet(
        rows,
        condition,
        ("energy_gev",),
        TINY,
        reflections=True,
        buffer_size=buffer_size,
        memory_mb=memory_mb,
        **keys,
    )


def everything(batches: list[Batch]) -> list[torch.Tensor]:
    parts = [[*batch.layers, batch.condition, batch.label] for batch in batches]
    return [torch.cat(column) for column in zip(*parts, strict=True)]


@pytest.fixture(scope="module")
def two_files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("two")
    for k, n in enumerate((53, 30)):
        write_showers(folder / f"{k}.h5", tiny_showers(n, seed=k))
    return [folder / "0.h5", folder / "1.h5"]


@settings(max_examples=8, deadline=None)
@given(
    buffer_size=st.integers(1, 19),
    batch_size=st.integers(2, 20).map(lambda n: 2 * n),
    epoch=st.integers(0, 5),
    start=st.integers(0, 4),
)
def test_an_epoch_is_fixed_by_seed_and_number(
    two_files: list[Path], buffer_size: int, batch_size: int, epoch: int, start: int
) -> None:
    """In memory or from files, from the start or resumed, in one or two processes: the same."""
    kept = shower_set(two_files, [50, 29], 1000, buffer_size)
    read = shower_set(two_files, [50, 29], 0.015, buffer_size)
    assert kept.in_memory
    assert not read.in_memory
    batches = list(kept.batches(epoch, batch_size))
    assert len(batches) == 79 // batch_size
    numbers = torch.cat([batch.condition for batch in batches])[:, 0].tolist()
    assert len(set(numbers)) == len(numbers)  # nothing twice
    again = list(read.batches(epoch, batch_size))
    for whole, same in zip(everything(batches), everything(again), strict=True):
        assert torch.equal(whole, same)
    for one, two in zip(batches[start:], read.batches(epoch, batch_size, start=start), strict=True):
        assert torch.equal(one.condition, two.condition)
        assert torch.equal(one.layers[0], two.layers[0])
    shares = [list(read.batches(epoch, batch_size, rank=k, n_ranks=2)) for k in range(2)]
    for batch, *parts in zip(batches, *shares, strict=True):
        assert torch.equal(batch.condition, torch.cat([part.condition for part in parts]))


def test_epochs_and_seeds_differ(two_files: list[Path]) -> None:
    data = shower_set(two_files, [50, 29], 1000, 100)
    other = shower_set(two_files, [50, 29], 1000, 100, seed=4)
    orders = [
        torch.cat([batch.condition for batch in part])
        for part in (data.batches(0, 10), data.batches(1, 10), other.batches(0, 10))
    ]
    assert not torch.equal(orders[0], orders[1])
    assert not torch.equal(orders[0], orders[2])
    # a buffer that holds all of it shuffles all of it
    assert abs(float(torch.corrcoef(torch.stack([torch.arange(70), orders[0][:, 0]]))[0, 1])) < 0.4


def test_batches_hold_the_showers_of_the_files(two_files: list[Path]) -> None:
    data = shower_set(two_files, [50, 29], 0.015, 19)
    assert not data.in_memory
    showers = [tiny_showers(53, 0)[:50], tiny_showers(30, 1)[:29]]
    cells = np.concatenate([part.layers[1] for part in showers]) / 1000
    mirrored = 0
    for batch in data.batches(0, 10):
        for image, number in zip(batch.layers[1].numpy(), batch.condition[:, 0], strict=True):
            original = cells[int(number)]
            versions = [original, original[::-1], original[:, ::-1], original[::-1, ::-1]]
            match = [np.allclose(image, version, rtol=1e-5) for version in versions]
            assert any(match)
            mirrored += not match[0]
    assert 35 <= mirrored <= 68  # three of four of 70, on average


def test_validation_is_the_end_of_each_file(tmp_path: Path) -> None:
    names = ("a.h5", "b.h5")
    for k, name in enumerate(names):
        write_showers(tmp_path / name, tiny_showers(50 - 10 * k, seed=k))
    particles = {"e+": [tmp_path / name for name in names]}
    training, (held_out,) = load_showers(particles, make_config(validation_share=0.2))
    assert len(training) == 40 + 32
    wanted = [tiny_showers(50, 0)[40:], tiny_showers(40, 1)[32:]]
    np.testing.assert_array_equal(
        held_out.showers.layers[1], np.concatenate([part.layers[1] for part in wanted])
    )
    seen = {round(e, 4) for e in training.condition[:, 0].tolist()}
    assert not seen & {round(e, 4) for e in held_out.showers.incident.energy_gev.tolist()}
    _, (few,) = load_showers(particles, make_config(validation_share=0.2, validation_showers=9))
    assert len(few.showers) == 5 + 4  # half of each file's


def test_views_are_drawn_and_can_be_left_out(tmp_path: Path) -> None:
    write_showers(tmp_path / "eplus.h5", tiny_showers(60, n_views=2))
    scales = {}
    for views in (True, False):
        config = make_config(views=views, reflections=False)
        data, _ = load_showers({"e+": [tmp_path / "eplus.h5"]}, config)
        original = dict(
            zip(
                data.condition[:, 0].tolist(),
                tiny_showers(60).layers[1].sum((1, 2)) / 1000,
                strict=False,
            )
        )
        scales[views] = {
            round(float(image.sum()) / float(original[float(energy)]), 2)
            for epoch in range(12)
            for batch in data.batches(epoch, 50)
            for image, energy in zip(batch.layers[1], batch.condition[:, 0], strict=True)
        }
    assert scales == {True: {1.0, 1.01, 1.02}, False: {1.0}}


def test_mean_images_are_those_of_all_readings_and_mirrors(tmp_path: Path) -> None:
    showers = tiny_showers(60, n_views=1)
    write_showers(tmp_path / "eplus.h5", showers)
    data, _ = load_showers({"e+": [tmp_path / "eplus.h5"]}, make_config(validation_share=0.5))
    mean = showers.layers[1][:30].mean(0) * 1.005 / 1000
    wanted = (mean + mean[::-1] + mean[:, ::-1] + mean[::-1, ::-1]) / 4
    np.testing.assert_allclose(data.mean_images()[1], wanted.clip(1e-7), rtol=1e-5)


def test_a_mirrored_shower_has_a_mirrored_beam(tmp_path: Path) -> None:
    showers = tilted_showers(60)
    write_showers(tmp_path / "eplus.h5", showers)
    data, _ = load_showers({"e+": [tmp_path / "eplus.h5"]}, make_config(validation_share=0.5))
    assert data.condition_names == ("energy_gev", *BEAM_CONDITIONS)
    truth = conditions_of(showers.incident, TINY)
    turned = set()
    for batch in data.batches(0, 30):
        for image, condition in zip(batch.layers[1].numpy(), batch.condition.numpy(), strict=True):
            row = int(np.abs(truth[:, 0] - condition[0]).argmin())
            signs = np.sign(condition[1:] / truth[row, 1:])
            np.testing.assert_allclose(np.abs(condition), np.abs(truth[row]), rtol=1e-6)
            assert signs[0] == signs[2]
            assert signs[1] == signs[3]
            original = showers.layers[1][row] / 1000
            mirror = original[:: int(signs[0]), :: int(signs[1])]
            np.testing.assert_allclose(image, mirror, rtol=1e-5)
            turned.add((signs[0], signs[1]))
    assert len(turned) == 4


def test_conditions_of_a_beam() -> None:
    incident = Incident.create(
        "e+", [10.0], position_mm=[[3.0, 0.0, -288.0]], direction=[[0.1, 0.0, 1.0]]
    )
    # the front face is at -240 mm, 48 mm from the gun
    np.testing.assert_allclose(conditions_of(incident, TINY), [[10, 7.8, 0, 0.1, 0]], atol=1e-5)


def test_generated_showers_are_asked_for_like_real_ones(tmp_path: Path) -> None:
    for name, particle, n in (("a.h5", "e+", 60), ("b.h5", "pi+", 20)):
        showers = tiny_showers(n, particle=particle)
        if particle == "pi+":
            incident = replace(showers.incident, energy_gev=showers.incident.energy_gev + 1000)
            showers = replace(showers, incident=incident)
        write_showers(tmp_path / name, showers)
    particles = {"e+": [tmp_path / "a.h5"], "pi+": [tmp_path / "b.h5"]}
    data, validation = load_showers(particles, make_config())
    condition, label = data.draw_conditions(2000, torch.Generator().manual_seed(1))
    assert 900 < int(label.sum()) < 1100  # classes are drawn alike, as in the published code
    assert torch.equal(condition[:, 0] > 500, label == 1)
    assert [held_out.particle for held_out in validation] == ["e+", "pi+"]
    assert set(data.label.tolist()) == {0, 1}


def test_what_does_not_fit_together_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "showers.h5"
    config = make_config(validation_share=0.5)
    write_showers(path, tiny_showers(20))
    with pytest.raises(TrainingError, match=r"showers of e\+, not of gamma"):
        load_showers({"gamma": [path]}, config)
    with pytest.raises(ConfigurationError, match="buffer_size: 20000 showers of 48 cells need"):
        shower_set([path], [10**6], 1, 20_000)
    with pytest.raises(TrainingError, match="too few to train on"):
        load_showers({"e+": [path]}, make_config(validation_share=0.01))
    other = tmp_path / "other.h5"
    write_showers(
        other, replace(tiny_showers(20), calorimeter=TINY.model_copy(update={"name": "x"}))
    )
    with pytest.raises(TrainingError, match="a network learns one"):
        load_showers({"e+": [path, other]}, config)
    tilted = tilted_showers(20)
    write_showers(path, replace(tilted, views=(tilted,)))
    with pytest.raises(TrainingError, match="train with views: false"):
        load_showers({"e+": [path]}, config)
    load_showers({"e+": [path]}, replace(config, views=False))
    upwards = Incident.create("e+", tilted.incident.energy_gev, direction=(1.0, 0.0, -0.1))
    write_showers(path, replace(tilted, incident=upwards))
    with pytest.raises(TrainingError, match=r"does not fly towards \+z"):
        load_showers({"e+": [path]}, config)


def test_cells_that_cannot_be_mirrored_are_refused() -> None:
    rings = PolarLayer(z_min_mm=-240, z_max_mm=0, n_alpha=3, r_edges_mm=(0, 10, 20))
    calorimeter = TINY.model_copy(update={"layers": (rings,)})
    rows = [ShowerFileRows(Path("never-read.h5"), 0, 10)]
    condition = torch.ones(10, 1)
    keys = {"buffer_size": 10, "memory_mb": 1, "seed": 0}
    with pytest.raises(TrainingError, match="train with reflections: false"):
        ShowerSet(rows, condition, ("energy_gev",), calorimeter, reflections=True, **keys)
    ShowerSet(rows, condition, ("energy_gev",), calorimeter, reflections=False, **keys)


_PEAK = """
import resource, sys
from pathlib import Path
from calogan.training import make_config
from calogan.training.loading import load_showers

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3

config = make_config(memory_mb=int(sys.argv[2]), buffer_size=2048, validation_showers=100)
data, _ = load_showers({"e+": [Path(sys.argv[1])] }, config)
next(data.batches(0, 64))
before = peak()
n = sum(len(batch.label) for batch in data.batches(1, 64))
print(data.in_memory, n, peak() - before)
"""


@pytest.mark.slow
def test_a_set_larger_than_memory_is_read_in_little_memory(tmp_path: Path) -> None:
    import h5py

    path, n = tmp_path / "eplus.h5", 50_000  # 101 MB of cells
    with h5py.File(path, "w") as file:
        file["energy"] = np.linspace(1, 100, n, dtype=np.float32)[:, None]
        for k, shape in enumerate(((3, 96), (12, 12), (12, 6))):
            name = f"layer_{k}"
            file.create_dataset(name, (n, *shape), np.float32, chunks=(512, *shape), fillvalue=1)
    done = subprocess.run(
        [sys.executable, "-c", _PEAK, str(path), "20"], check=True, capture_output=True, text=True
    )
    in_memory, seen, megabytes = done.stdout.split()
    assert (in_memory, int(seen)) == ("False", 45_000 // 64 * 64)
    assert float(megabytes) < 25
