from __future__ import annotations

import inspect
import string
from dataclasses import fields
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from calogan.cli.train import train as command
from calogan.errors import ConfigurationError
from calogan.training import TrainingConfig, make_config, read_recipe
from calogan.training.configuration import FREE_TO_CHANGE, help_of

NAMES = [field.name for field in fields(TrainingConfig)]


def test_defaults_are_the_published_ones() -> None:
    """The flags of hep-lbdl/CaloGAN, models/train.py, in their order."""
    config = TrainingConfig()
    published = {
        "nb_epochs": 50,
        "batch_size": 256,
        "latent_size": 1024,
        "disc_lr": 2e-5,
        "gen_lr": 2e-4,
        "adam_beta": 0.5,
        "no_attn": False,
        "debug": False,
        "d_pfx": "params_discriminator_epoch_",
        "g_pfx": "params_generator_epoch_",
    }
    assert {name: getattr(config, name) for name in published} == published
    assert set(NAMES[:11]) == {*published, "prog_bar"}
    assert (config.energy_weight, config.generator_updates) == (0.05, 2)


def test_every_setting_says_what_it_does_and_is_an_option() -> None:
    options = inspect.signature(command).parameters
    for name in NAMES:
        assert help_of(name)
        assert name in options or name == "debug"
    assert set(NAMES) >= FREE_TO_CHANGE


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"nb_epoch": 3}, "nb_epoch: unknown; did you mean nb_epochs?"),
        ({"qwertz": 3}, "qwertz: unknown; known are nb_epochs, "),
        ({"batch_size": 1}, "batch_size: .*(found 1)"),
        ({"disc_lr": -1.0}, "disc_lr: "),
        ({"gen_lr": float("nan")}, "gen_lr: .*finite"),
        ({"latent_size": "many"}, "latent_size: "),
        ({"nb_epochs": 1.5}, "nb_epochs: "),
        ({"lr_schedule": "sine"}, "lr_schedule: .*'cosine'"),
        ({"precision": "16-mixed"}, "precision: "),
        ({"warmup_epochs": 1}, "warmup_epochs needs a shape_weight"),
        ({"devices": 3}, "batch_size: 256 showers cannot be shared by 3 processes"),
    ],
)
def test_settings_are_checked(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        make_config("recipe.yaml: training.", **settings)
    assert str(caught.value).startswith("recipe.yaml: training.")
    assert "\n" not in str(caught.value)


@given(st.text(string.ascii_lowercase + "_", min_size=1).filter(lambda name: name not in NAMES))
def test_no_unknown_setting_gets_through(name: str) -> None:
    with pytest.raises(ConfigurationError, match="unknown"):
        make_config(**{name: 1})


def test_the_settings_survive_yaml() -> None:
    config = make_config(gen_lr=3e-4, lr_schedule="cosine", scale_cells=True)
    assert make_config(**yaml.safe_load(yaml.safe_dump(config.as_dict()))) == config
    # YAML 1.1 reads 4e-4 as a text
    assert make_config(**yaml.safe_load("gen_lr: 4e-4")).gen_lr == 4e-4


def test_the_original_yaml(tmp_path: Path, shower_file: Path) -> None:
    path = tmp_path / "particles.yaml"
    path.write_text(f"# put the paths to actual data here!\npositron: '{shower_file.name}'\n")
    recipe = read_recipe(path)
    assert recipe.particles == {"positron": (shower_file,)}
    assert recipe.config() == TrainingConfig()


def test_a_recipe_with_settings_lists_and_patterns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    for name in ("a_2.h5", "a_1.h5", "b.h5", "pion.h5"):
        (tmp_path / "data" / name).touch()
    path = tmp_path / "recipe.yaml"
    path.write_text(
        "name: mine\n"
        "particles:\n"
        "  positron: [data/b.h5, 'data/a_*.h5']\n"
        f"  pi+: {tmp_path}/data/pi*.h5\n"
        "training:\n  nb_epochs: 3\n  batch_size: 64\n"
    )
    recipe = read_recipe(path)
    names = {k: [file.name for file in files] for k, files in recipe.particles.items()}
    assert names == {"positron": ["b.h5", "a_1.h5", "a_2.h5"], "pi+": ["pion.h5"]}
    assert recipe.name == "mine"
    config = recipe.config(batch_size=32)
    assert (config.nb_epochs, config.batch_size, config.gen_lr) == (3, 32, 2e-4)
    # a name counts from the current folder first
    elsewhere = tmp_path / "elsewhere" / "data"
    elsewhere.mkdir(parents=True)
    (elsewhere / "b.h5").touch()
    monkeypatch.chdir(elsewhere.parent)
    assert read_recipe(path).particles["positron"][0].resolve() == elsewhere / "b.h5"


BAD = [
    ("", "expected lines such as"),
    ("- a\n- b\n", "expected lines such as"),
    ("positron: [", "cannot read"),
    ("unicorn: eplus.h5", "unicorn: unknown particle"),
    ("positron: nowhere.h5", "positron: no such file: nowhere.h5"),
    ("positron: 'nowhere_*.h5'", "positron: no such file"),
    ("positron: 3", "positron: expected the name of a file"),
    ("positron: []", "positron: expected the name of a file"),
    ("positron: [eplus.h5, eplus.h5]", "positron: a file comes twice"),
    ("positron: eplus.h5\ne+: eplus.h5", r"e\+: the same particle as positron"),
    ("particles: {e+: eplus.h5}\ntrainig: {}", "trainig: unknown; did you mean training?"),
    ("particles: {e+: eplus.h5}\nzzz: 1", "zzz: unknown; known are name, particles, training"),
    ("training: {nb_epochs: 3}", "particles: expected lines such as"),
    ("particles: {e+: eplus.h5}\ntraining: 3", "training: expected lines such as"),
    ("particles: {e+: eplus.h5}\nname: [a]", "name: expected a text"),
    (
        "particles: {e+: eplus.h5}\ntraining: {batch_sise: 3}",
        r"training\.batch_sise: unknown; did you mean batch_size\?",
    ),
    ("particles: {e+: eplus.h5}\ntraining: {batch_size: 0}", r"training\.batch_size: "),
]


@pytest.mark.parametrize(("text", "message"), BAD)
def test_a_bad_recipe_gets_one_clear_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "eplus.h5").touch()
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=message) as caught:
        read_recipe(path).config()
    assert "recipe.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)
