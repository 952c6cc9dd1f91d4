"""A recipe: which images a training learns from, and its settings, in one YAML file.

name: lagan            # of the model; that of the network unless given
images: jets.h5        # looked for from the current folder and from the YAML's
training:
  model: lagan         # any field of `JetTrainingConfig`
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from calogan.errors import ConfigurationError
from calogan.jets.samples import jet_file
from calogan.jets.training.configuration import JetTrainingConfig, make_jet_config
from calogan.training.recipe import check_header, check_keys, read_mapping

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
    values = read_mapping(path, "images: jets.h5")
    check_keys(path, values, _KEYS)
    images = values.get("images")
    if not isinstance(images, str):
        msg = f"{path}: images: expected the name of a file such as jets.h5, found {images!r}"
        raise ConfigurationError(msg)
    name, settings = check_header(path, values)
    return JetRecipe(path, _find(images, path), settings, name)


def _find(name: str, recipe: Path) -> Path:
    if name.startswith("sample:"):
        return jet_file(name)
    for folder in (Path(), recipe.parent):
        file = folder / Path(name).expanduser()
        if file.is_file():
            return file
    msg = f"{recipe}: images: no such file: {name}"
    raise ConfigurationError(msg)
