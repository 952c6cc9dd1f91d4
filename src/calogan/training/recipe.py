"""A recipe: which showers a training learns from, and its settings, in one YAML file.

    particles:
      positron: [eplus_1.h5, eplus_2.h5]   # a file, a list of files, or a pattern: eplus_*.h5
    training:
      latent_size: 128                     # any field of `TrainingConfig`

With `network: flow` the network is a normalising flow, and the settings are those of `FlowConfig`.

The YAML of the published code, which holds nothing but `positron: 'data/eplus.hdf5'` and the like,
is a recipe too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from calogan.errors import ConfigurationError, IncidentError
from calogan.particles import particle_name, pdg_id
from calogan.training.configuration import TrainingConfig, make_config

if TYPE_CHECKING:
    from calogan.training.flow import FlowConfig

__all__ = ["Recipe", "check_header", "check_keys", "file_stem", "read_mapping", "read_recipe"]

_KEYS = ("name", "particles", "training", "network")
_NETWORKS = ("calogan", "flow")


@dataclass(frozen=True)
class Recipe:
    """What a YAML file asks for.

    Args:
        path: The file.
        particles: Files of the showers of each particle, by the name in the YAML.
        settings: Settings of the training that are not left to their defaults.
        name: Name of the model; None for `calogan-PARTICLE`, or `PARTICLE` of a flow.
        network: What is trained: `calogan` or `flow`.
    """

    path: Path
    particles: dict[str, tuple[Path, ...]]
    settings: dict[str, Any] = field(default_factory=dict)
    name: str | None = None
    network: str = "calogan"

    def config(self, **given: Any) -> TrainingConfig:
        """Settings of the recipe, with those `given` in their place.

        Raises:
            ConfigurationError: A setting that does not exist or makes no sense.
        """
        place = f"{self.path}: training."
        make_config(place, **{k: v for k, v in self.settings.items() if k not in given})
        return make_config(**{**self.settings, **given})

    def flow_config(self, **given: Any) -> FlowConfig:
        """The same for a recipe with `network: flow`."""
        from calogan.training.flow import make_flow_config

        place = f"{self.path}: training."
        make_flow_config(place, **{k: v for k, v in self.settings.items() if k not in given})
        return make_flow_config("network: flow: ", **{**self.settings, **given})


def read_recipe(path: str | Path) -> Recipe:
    """Read a recipe, or the original's YAML of particles and files.

    A relative file name is looked for from the current folder, as the original does, and then
    beside the YAML.

    Raises:
        ConfigurationError: The file is missing or no recipe; an unknown key, particle, or file.
    """
    path = Path(path)
    values = read_mapping(path, "positron: 'data/eplus.h5'")
    if not set(values) & set(_KEYS):  # the original's
        return Recipe(path, _particles(path, "", values))
    check_keys(path, values, _KEYS)
    particles = values.get("particles")
    if not isinstance(particles, dict) or not particles:
        msg = f"{path}: particles: expected lines such as positron: eplus.h5"
        raise ConfigurationError(msg)
    name, settings = check_header(path, values)
    network = values.get("network", _NETWORKS[0])
    if network not in _NETWORKS:
        msg = f"{path}: network: expected {' or '.join(_NETWORKS)}, found {network!r}"
        raise ConfigurationError(msg)
    files = _particles(path, "particles.", particles)
    return Recipe(path, files, settings, name, network)


def file_stem(label: str) -> str:
    """A particle in names of files and models: `eplus` for e+."""
    return particle_name(pdg_id(label)).replace("+", "plus").replace("-", "minus")


def read_mapping(path: Path, example: str) -> dict[Any, Any]:
    """Read a YAML file that holds names and values.

    Raises:
        ConfigurationError: It cannot be read, or holds something else than lines like `example`.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror or error}"
        raise ConfigurationError(msg) from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        msg = f"cannot read {path}: {' '.join(str(error).split())}"
        raise ConfigurationError(msg) from error
    if not isinstance(values, dict) or not values:
        msg = f"{path}: expected lines such as {example}"
        raise ConfigurationError(msg)
    return values


def check_keys(path: Path, values: Iterable[Any], known: Sequence[str]) -> None:
    """Refuse keys that a recipe does not have."""
    for key in values:
        if key not in known:
            near = get_close_matches(str(key), known, 1)
            hint = f"; did you mean {near[0]}?" if near else f"; known are {', '.join(known)}"
            msg = f"{path}: {key}: unknown{hint}"
            raise ConfigurationError(msg)


def check_header(path: Path, values: Mapping[Any, Any]) -> tuple[str | None, dict[str, Any]]:
    """Name of the model and settings of the training, as a recipe gives them."""
    name, settings = values.get("name"), values.get("training") or {}
    if not isinstance(settings, dict):
        msg = f"{path}: training: expected lines such as nb_epochs: 50"
        raise ConfigurationError(msg)
    if name is not None and not isinstance(name, str):
        msg = f"{path}: name: expected a text, found {name!r}"
        raise ConfigurationError(msg)
    return name, {str(k): v for k, v in settings.items()}


def _particles(path: Path, place: str, values: dict[Any, Any]) -> dict[str, tuple[Path, ...]]:
    files: dict[str, tuple[Path, ...]] = {}
    labels: dict[int, str] = {}
    for label, value in values.items():
        where = f"{path}: {place}{label}"
        try:
            number = pdg_id(label)
        except IncidentError as error:
            msg = f"{where}: {error}"
            raise ConfigurationError(msg) from error
        if number in labels:
            msg = f"{where}: the same particle as {labels[number]}; give one list of its files"
            raise ConfigurationError(msg)
        labels[number] = label
        names = value if isinstance(value, list) else [value]
        if not names or not all(isinstance(name, str) and name for name in names):
            msg = f"{where}: expected the name of a file, or a list of names, found {value!r}"
            raise ConfigurationError(msg)
        found = [file for name in names for file in _find(name, path.parent, where)]
        if len(set(found)) < len(found):
            msg = f"{where}: a file comes twice: {max(found, key=found.count)}"
            raise ConfigurationError(msg)
        files[str(label)] = tuple(found)
    return files


def _find(name: str, beside: Path, where: str) -> list[Path]:
    """Files of a name or a pattern, in the order of their names."""
    for folder in (Path(), beside):
        path = folder / Path(name).expanduser()
        if path.is_file():
            return [path]
        if any(sign in name for sign in "*?["):
            root = Path(path.anchor)
            pattern = str(path.relative_to(root)) if path.anchor else str(path)
            if files := sorted(file for file in root.glob(pattern) if file.is_file()):
                return files
    msg = f"{where}: no such file: {name}"
    raise ConfigurationError(msg)
