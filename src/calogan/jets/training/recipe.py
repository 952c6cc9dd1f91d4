"""A recipe: which images a training learns from, and its settings, in one YAML file.

name: lagan            # of the model; that of the network unless given
images: jets.h5        # looked for from the current folder and from the YAML's
training:
  model: lagan         # any field of `JetTrainingConfig`
"""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from calogan.errors import ConfigurationError
from calogan.jets.training.configuration import JetTrainingConfig, make_jet_config

__all__ = ["JetRecipe", "read_jet_recipe"]

_KEYS = ("name", "images", "training")


@dataclass(frozen=True)
class JetRecipe:
    """What a YAML file asks for.

    Args:
        path: The file.
        images: File of the images.
        settings: Settings that are not left to their defaults.
        name: Name of the model.
    """

    path: Path
    images: Path
    settings: dict[str, Any] = field(default_factory=dict)
    name: str | None = None

    def config(self, **given: Any) -> JetTrainingConfig:
        """Settings of the recipe, with those `given` in their place.

        Raises:
            ConfigurationError: A setting that does not exist or makes no sense.
        """
        place = f"{self.path}: training."
        make_jet_config(place, **{k: v for k, v in self.settings.items() if k not in given})
        return make_jet_config(**{**self.settings, **given})


def read_jet_recipe(path: str | Path) -> JetRecipe:
    """Read a recipe.

    Raises:
        ConfigurationError: The file is missing or no recipe, or names a file that is missing.
    """
    path = Path(path)
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror or error}"
        raise ConfigurationError(msg) from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        msg = f"cannot read {path}: {' '.join(str(error).split())}"
        raise ConfigurationError(msg) from error
    if not isinstance(values, dict):
        msg = f"{path}: expected lines such as images: jets.h5"
        raise ConfigurationError(msg)
    for key in values:
        if key not in _KEYS:
            near = get_close_matches(str(key), _KEYS, 1)
            hint = f"; did you mean {near[0]}?" if near else f"; known are {', '.join(_KEYS)}"
            msg = f"{path}: {key}: unknown{hint}"
            raise ConfigurationError(msg)
    name, images, settings = values.get("name"), values.get("images"), values.get("training") or {}
    if not isinstance(images, str):
        msg = f"{path}: images: expected the name of a file such as jets.h5, found {images!r}"
        raise ConfigurationError(msg)
    if name is not None and not isinstance(name, str):
        msg = f"{path}: name: expected a text, found {name!r}"
        raise ConfigurationError(msg)
    if not isinstance(settings, dict):
        msg = f"{path}: training: expected lines such as nb_epochs: 40"
        raise ConfigurationError(msg)
    return JetRecipe(path, _find(images, path), {str(k): v for k, v in settings.items()}, name)


def _find(name: str, recipe: Path) -> Path:
    for folder in (Path(), recipe.parent):
        file = folder / Path(name).expanduser()
        if file.is_file():
            return file
    msg = f"{recipe}: images: no such file: {name}"
    raise ConfigurationError(msg)
