from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from calogan.errors import ConfigurationError, OutputError
from calogan.jets import open_jet_images, read_jet_images
from calogan.jets.production import JetGoods, draw_signal, produce_jets
from tests.jets.toys import ToyJets, make_jet_images


class Stop(Exception):
    """What a test raises in the middle of a production."""


def test_file_is_the_same_for_any_number_of_workers(tmp_path: Path) -> None:
    for workers in (1, 2):
        path = tmp_path / f"{workers}.h5"
        made_with = {"command": "test"}
        production = produce_jets(ToyJets, 30, path, seed=7, workers=workers, made_with=made_with)
        assert production.written == 30
    assert (tmp_path / "1.h5").read_bytes() == (tmp_path / "2.h5").read_bytes()
    with open_jet_images(path) as file:
        found = file.made_with
    assert found["seed"] == 7
    assert found["simulator"] == "toy"
    assert found["signal_fraction"] == 0.5


@pytest.mark.parametrize("resumable", [False, True])
def test_signal_and_background_are_mixed(tmp_path: Path, *, resumable: bool) -> None:
    path = tmp_path / "a.h5"
    factory = partial(ToyJets, resumable=resumable)
    produce_jets(factory, 50, path, seed=1, signal_fraction=0.3, made_with={})
    signal = read_jet_images(path).signal
    np.testing.assert_array_equal(signal, draw_signal(50, 0.3, 1))
    assert signal.sum() == 15
    assert not signal[:15].all()
    assert not np.array_equal(signal, draw_signal(50, 0.3, 2))


def test_stopped_and_continued(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def stop(done: int) -> None:
        if done >= 8:
            raise Stop

    factory = partial(ToyJets, resumable=True)
    path = tmp_path / "a.h5"
    with pytest.raises(Stop):
        produce_jets(factory, 20, path, seed=1, made_with={}, on_progress=stop)
    assert "8 of 20 jets are kept in" in caplog.text
    with pytest.raises(OutputError, match=r"signal_fraction 0\.5 there, 0\.25 here"):
        produce_jets(factory, 20, path, seed=1, signal_fraction=0.25, made_with={})
    assert produce_jets(factory, 20, path, seed=1, made_with={}).resumed == 8
    produce_jets(factory, 20, tmp_path / "b.h5", seed=1, made_with={})
    assert path.read_bytes() == (tmp_path / "b.h5").read_bytes()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.h5", "b.h5"]


@pytest.mark.parametrize("variables", [True, False])
def test_batches_come_back_from_the_journal(*, variables: bool) -> None:
    images = make_jet_images(5, variables=variables)
    goods = JetGoods(images.signal)
    back = goods.unpack(goods.pack(images))
    np.testing.assert_array_equal(back.image, images.image)
    np.testing.assert_array_equal(back.signal, images.signal)
    assert back.variables.keys() == images.variables.keys()
    for name in images.variables:
        np.testing.assert_array_equal(back.variables[name], images.variables[name])


def test_other_signal_is_another_production() -> None:
    one, other = (JetGoods(np.array(signal)) for signal in ([True, False], [False, True]))
    assert one.identity() != other.identity()
    assert one.difference("signal_sha256") == "other jets are signal"


def test_wrong_jets_are_noticed(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="other jets than it was asked for"):
        produce_jets(partial(ToyJets, wrong=True), 8, tmp_path / "a.h5", seed=1, made_with={})
    assert not (tmp_path / "a.h5").exists()


@pytest.mark.parametrize(
    ("n", "fraction", "text"), [(0, 0.5, "at least 1"), (5, 1.5, "from 0"), (5, -0.1, "from 0")]
)
def test_bad_numbers(tmp_path: Path, n: int, fraction: float, text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        produce_jets(ToyJets, n, tmp_path / "a.h5", seed=1, signal_fraction=fraction, made_with={})
