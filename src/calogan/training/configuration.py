"""What a training run is made of: the original's flags, and a few of our own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from calogan.errors import ConfigurationError, IncidentError
from calogan.incident import pdg_id

__all__ = ["TrainingConfig", "make_config", "read_particles"]

Rate = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(gt=0)]


class TrainingConfig(BaseModel):
    """Settings of a CaloGAN training; names and defaults are those of the published code.

    Below the blank line stand settings that the published code does not have.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    nb_epochs: Count = 50
    """Passes over the training showers."""
    batch_size: Annotated[int, Field(gt=1)] = 256
    """Showers per update."""
    latent_size: Count = 1024
    """Length of the noise vector."""
    disc_lr: Rate = 2e-5
    """Adam learning rate of the discriminator."""
    gen_lr: Rate = 2e-4
    """Adam learning rate of the generator."""
    adam_beta: Rate = 0.5
    """First moment decay of both optimisers."""
    no_attn: bool = False
    """Leave the in-painting attention from layer to layer out."""

    energy_weight: float = Field(default=0.05, ge=0)
    """Weight of |E_tot - E_requested| [GeV] in the loss of the generator."""
    shape_weight: float = Field(default=0.0, ge=0)
    """Weight of the distance of shower shapes between a real and a generated batch, in the loss of
    the generator (`calogan.training.matching`)."""
    warmup_epochs: int = Field(default=0, ge=0)
    """Epochs in which the generator learns energies and shower shapes alone, before the
    discriminator joins; needs a `shape_weight`."""
    scale_cells: bool = False
    """Give the last layer of the generator weights of one size, by the mean energy of each cell in
    the training showers; the network is the same, it learns faint cells as fast as bright ones."""
    generator_updates: Count = 2
    """Updates of the generator per batch of real and generated showers."""
    ema_decay: float = Field(default=0.999, ge=0, lt=1)
    """Decay of the moving average of the generator's weights, which is what is exported."""
    reflections: bool = True
    """Mirror the showers in x and y at random: exact for a beam along the axis."""
    views: bool = True
    """Use the further readings of each shower (`views/layer_k`) where a file has them."""
    validation_share: float = Field(default=0.1, gt=0, lt=1)
    """Share of the showers, at the end of each file, that no update sees."""
    seed: int = 0
    """Fixes the run."""
    precision: Literal["32-true", "16-mixed", "bf16-mixed"] = "32-true"
    """Lightning Fabric's precision."""

    @model_validator(mode="after")
    def _warm_up_with_shapes(self) -> Self:
        if self.warmup_epochs and not self.shape_weight:
            msg = "warmup_epochs needs a shape_weight above 0: there is nothing else to learn from"
            raise ValueError(msg)
        return self


def read_particles(path: str | Path) -> dict[str, Path]:
    """Read the original's YAML: particle names and the files of their showers.

    A relative file name is looked for from the current folder, as the original does, and then
    beside the YAML.

    Returns:
        File of each particle, by the name in the YAML.

    Raises:
        ConfigurationError: The file is missing or no such mapping, or names no known particle.
    """
    path = Path(path)
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        msg = f"cannot read {path}: {' '.join(str(error).split())}"
        raise ConfigurationError(msg) from error
    if not isinstance(values, dict) or not values:
        msg = f"{path}: expected lines such as positron: 'data/eplus.h5'"
        raise ConfigurationError(msg)
    files: dict[str, Path] = {}
    for name, value in values.items():
        try:
            pdg_id(name)
        except IncidentError as error:
            msg = f"{path}: {name}: {error}"
            raise ConfigurationError(msg) from error
        if not isinstance(value, str):
            msg = f"{path}: {name}: expected the name of a file, found {value!r}"
            raise ConfigurationError(msg)
        file = Path(value).expanduser()
        files[str(name)] = file if file.exists() else path.parent / file
        if not files[str(name)].is_file():
            msg = f"{path}: {name}: no such file: {value}"
            raise ConfigurationError(msg)
    return files


def make_config(**settings: Any) -> TrainingConfig:
    """Make a configuration from settings by name.

    Raises:
        ConfigurationError: An unknown setting, or a value that makes no sense.
    """
    try:
        return TrainingConfig(**settings)
    except ValidationError as error:
        first = error.errors()[0]
        if not first["loc"]:  # about several settings at once
            raise ConfigurationError(first["msg"].removeprefix("Value error, ")) from error
        place = ".".join(str(part) for part in first["loc"])
        msg = f"{place}: {first['msg']} (found {first['input']!r})"
        raise ConfigurationError(msg) from error
