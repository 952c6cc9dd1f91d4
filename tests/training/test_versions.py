"""A recipe may say which version of a model it makes."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the extra train")

from calogan.bundle import read_card
from calogan.errors import ModelError
from calogan.files import write_showers
from calogan.training import make_config, train
from tests.conftest import make_showers


def test_the_card_has_the_version(tmp_path: Path) -> None:
    showers = tmp_path / "eplus.h5"
    write_showers(showers, make_showers(40), {})
    config = make_config(
        nb_epochs=1, batch_size=8, latent_size=2, tensorboard=False, pictures_every=0, d_pfx=""
    )
    with pytest.raises(ModelError, match="a number from 1, as in mine@2"):
        train({"positron": showers}, tmp_path / "run", config, name="mine@two")
    (folder,) = train({"positron": showers}, tmp_path / "run", config, name="mine@2")
    card = read_card(folder)
    assert (card.name, card.version) == ("mine", 2)
