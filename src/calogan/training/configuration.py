"""What a training run can be told: the original's flags first, with its defaults, then ours.

A setting is written once, here: its type with its limits, what it does, and its default. The YAML
of a recipe, the options of `calogan train`, the card of a model and the checks all read this class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, get_type_hints

from annotated_types import Ge, Gt, Lt

from calogan.errors import ConfigurationError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["FREE_TO_CHANGE", "TrainingConfig", "check_settings", "help_of", "make_config"]

Rate = Annotated[float, Gt(0), Lt(1)]
Share = Annotated[float, Ge(0), Lt(1)]
Weight = Annotated[float, Ge(0)]
Count = Annotated[int, Gt(0)]
CountOrZero = Annotated[int, Ge(0)]
Config = TypeVar("Config", bound="DataclassInstance")

FREE_TO_CHANGE = frozenset(
    [
        "nb_epochs",
        "prog_bar",
        "debug",
        "d_pfx",
        "g_pfx",
        "validate_every",
        "pictures_every",
        "log_every",
        "checkpoint_steps",
        "tensorboard",
        "memory_mb",
        "accelerator",
        "devices",
        "num_nodes",
    ]
)
"""Settings that a resumed training may have otherwise than it began with."""


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Settings of a CaloGAN training; make one from what a user wrote with `make_config`.

    The text beside each setting is its help on the command line.
    """

    __pydantic_config__ = {"extra": "forbid", "strict": False, "allow_inf_nan": False}  # noqa: RUF012

    # the original's flags, with its defaults
    nb_epochs: Annotated[Count, "Passes over the training showers."] = 50
    batch_size: Annotated[
        Annotated[int, Gt(1)], "Showers per update, over all devices together."
    ] = 256
    latent_size: Annotated[Count, "Length of the noise vector."] = 1024
    disc_lr: Annotated[Rate, "Adam learning rate of the discriminator."] = 2e-5
    gen_lr: Annotated[Rate, "Adam learning rate of the generator."] = 2e-4
    adam_beta: Annotated[Rate, "Adam's beta_1, of both."] = 0.5
    prog_bar: Annotated[bool, "Show a progress bar."] = True
    no_attn: Annotated[bool, "Leave the attention from layer to layer out."] = False
    debug: Annotated[bool, "Write the losses of every tenth batch to the terminal."] = False
    d_pfx: Annotated[
        str,
        "Name of the discriminator's weights after each epoch, to which its number from 0 is"
        " added; '' for none.",
    ] = "params_discriminator_epoch_"
    g_pfx: Annotated[str, "The same for the generator's weights."] = "params_generator_epoch_"

    # networks
    normalize_noise: Annotated[
        bool, "Take the direction of the noise alone: its length blurs the energy asked for."
    ] = False
    condition_features: Annotated[
        bool, "Tell the generator the energy beside the noise too, not only as its length."
    ] = False
    ablate: Annotated[
        str, "Features to hide from the discriminator, with commas: sparsity, energy_error, ..."
    ] = ""

    # losses and optimisers
    energy_weight: Annotated[Weight, "Weight of |E_tot - E| [GeV] in the generator's loss."] = 0.05
    relative_energy_weight: Annotated[
        Weight, "Weight of |E_tot - E| / E in the generator's loss; 0 in the paper."
    ] = 0.0
    class_weight: Annotated[Weight, "Weight of naming the particle, in a training on several."] = (
        0.2
    )
    label_flip: Annotated[
        Share, "Of generated showers, the share whose particle the discriminator is told wrongly."
    ] = 0.3
    shape_weight: Annotated[
        Weight, "Weight of the shower shapes of a batch in the generator's loss; 0 in the paper."
    ] = 0.0
    warmup_epochs: Annotated[
        CountOrZero, "Epochs of energy and shapes alone, before the discriminator joins."
    ] = 0
    scale_cells: Annotated[
        bool, "Start from cells of their mean energy: faint cells learn as fast as bright ones."
    ] = False
    clip_gradients: Annotated[
        Weight, "Norm above which the generator's gradient is scaled down; 0 for never."
    ] = 0.0
    generator_updates: Annotated[
        Count, "Updates of the generator per batch of real and generated showers."
    ] = 2
    ema_decay: Annotated[
        Share, "Decay of the moving average of the generator's weights, which is exported."
    ] = 0.999
    lr_schedule: Annotated[
        Literal["constant", "cosine"], "Learning rates: constant, or falling to 0 as a cosine."
    ] = "constant"

    # data
    reflections: Annotated[
        bool, "Mirror the showers in x and y at random; the beam is mirrored with them."
    ] = True
    views: Annotated[bool, "Use the further readings of each shower, where a file has them."] = True
    validation_share: Annotated[
        Rate, "Share of the showers, at the end of each file, that no update sees."
    ] = 0.1
    validation_showers: Annotated[
        Count, "Of these, so many at most are looked at, per particle."
    ] = 10_000
    buffer_size: Annotated[
        Count, "Showers that are shuffled among each other; blocks of a file are read in any order."
    ] = 20_000
    memory_mb: Annotated[
        Count, "Showers up to this size are kept in memory; more are read again in each epoch."
    ] = 4096
    seed: Annotated[CountOrZero, "Fixes the run."] = 0

    # the run
    validate_every: Annotated[Count, "Epochs between two validations; the last one is one."] = 1
    pictures_every: Annotated[
        CountOrZero, "Epochs between two figures of real and generated showers; 0 for none."
    ] = 10
    log_every: Annotated[
        CountOrZero, "Batches between two points in TensorBoard; 0 for those of epochs alone."
    ] = 100
    checkpoint_steps: Annotated[
        CountOrZero, "Batches between two checkpoints within an epoch; 0 for its end alone."
    ] = 1000
    tensorboard: Annotated[bool, "Write a log for TensorBoard too, if it is installed."] = True
    accelerator: Annotated[str, "Lightning Fabric's accelerator: auto, cpu, cuda, mps."] = "auto"
    devices: Annotated[Count, "Devices (processes) per node; they share each batch."] = 1
    num_nodes: Annotated[Count, "Computers that train together."] = 1
    precision: Annotated[
        Literal["32-true", "bf16-mixed", "auto"],
        "32-true, bf16-mixed, or auto: bf16-mixed on a GPU that has it.",
    ] = "32-true"

    def __post_init__(self) -> None:
        """Check settings that need each other."""
        if self.warmup_epochs and not self.shape_weight:
            msg = "warmup_epochs needs a shape_weight above 0: there is nothing else to learn from"
            raise ConfigurationError(msg)
        if self.ablated:
            from calogan.networks import FEATURES  # with PyTorch, so only where it is needed

            unknown = [name for name in self.ablated if name not in FEATURES]
            if unknown or len(set(self.ablated)) == len(FEATURES):
                what = f"unknown feature {unknown[0]}" if unknown else "nothing is left to judge by"
                msg = f"ablate: {what}; features are {', '.join(FEATURES)}"
                raise ConfigurationError(msg)
        processes = self.devices * self.num_nodes
        if self.batch_size % processes or self.batch_size < 2 * processes:
            msg = f"batch_size: {self.batch_size} showers cannot be shared by {processes} processes"
            raise ConfigurationError(msg)

    @property
    def ablated(self) -> tuple[str, ...]:
        """Names of the features that the discriminator does not see."""
        return tuple(name.strip() for name in self.ablate.split(",") if name.strip())

    def as_dict(self) -> dict[str, Any]:
        """The settings by name, as YAML and JSON hold them."""
        return asdict(self)


def help_of(name: str, kind: type[DataclassInstance] = TrainingConfig) -> str:
    """What a setting does, in a sentence.

    Args:
        name: The setting.
        kind: Class of settings that it belongs to.
    """
    return next(text for text in _hints(kind)[name].__metadata__[::-1] if isinstance(text, str))


@cache
def _hints(kind: type[DataclassInstance]) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def make_config(place: str = "", /, **settings: Any) -> TrainingConfig:
    """Make a configuration from settings by name.

    Args:
        place: Where the settings were written, such as `recipe.yaml: training.`: what an error
            begins with.
        settings: The settings; the others have their defaults.

    Raises:
        ConfigurationError: An unknown setting, or a value that makes no sense.
    """
    return check_settings(TrainingConfig, place, settings)


def check_settings(kind: type[Config], place: str, settings: Mapping[str, Any]) -> Config:
    """Make a configuration of any class of settings: see `make_config`."""
    from pydantic import (
        TypeAdapter,
        ValidationError,
    )  # slow, and the command line's help needs it not

    known = [field.name for field in fields(kind)]
    for name in settings:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"; did you mean {near[0]}?" if near else f"; known are {', '.join(known)}"
            msg = f"{place}{name}: unknown{hint}"
            raise ConfigurationError(msg)
    try:
        return TypeAdapter(kind).validate_python(settings)
    except ConfigurationError as error:
        msg = f"{place}{error}"
        raise ConfigurationError(msg) from error
    except ValidationError as error:
        first = error.errors()[0]
        msg = f"{place}{first['loc'][0]}: {first['msg']} (found {first['input']!r})"
        raise ConfigurationError(msg) from error
