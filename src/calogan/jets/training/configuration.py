"""What a training of a jet image generator can be told."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Annotated, Any, Literal

from annotated_types import Ge

from calogan.jets.observables import THRESHOLD_GEV
from calogan.training.configuration import (
    Count,
    CountOrZero,
    Rate,
    Share,
    Weight,
    check_settings,
)

__all__ = ["FREE_TO_CHANGE", "JetTrainingConfig", "differences", "make_jet_config"]

FREE_TO_CHANGE = frozenset(
    [
        "nb_epochs",
        "prog_bar",
        "validate_every",
        "pictures_every",
        "log_every",
        "checkpoint_steps",
        "tensorboard",
        "accelerator",
    ]
)
"""Settings that a resumed training may have otherwise than it began with."""

_BESIDE_THE_PAPER = {"ema_decay": 0}
_BATCH_NORM = "images for the discriminator are made with the batch normalisation of their batch"
_WAY_BACK = "a pixel that is off in a whole batch gets the gradient that would turn it on"
_NO_DIFFERENCE = FREE_TO_CHANGE - {"nb_epochs"} | {
    "model",
    "seed",
    "validation_share",
    "validation_images",
}


@dataclass(frozen=True, kw_only=True)
class JetTrainingConfig:
    """Settings of a training; make one from what a user wrote with `make_jet_config`.

    Defaults are those of the published code of the LAGAN paper (arXiv:1701.05927), which has 50
    epochs where the paper has 40. The text beside each setting is its help.
    """

    __pydantic_config__ = {"extra": "forbid", "strict": False, "allow_inf_nan": False}  # noqa: RUF012

    model: Annotated[
        Literal["lagan", "dcgan", "fcgan", "hybrid"], "Which network of the paper is trained."
    ] = "lagan"

    # the published script's
    nb_epochs: Annotated[Count, "Passes over the training images."] = 50
    batch_size: Annotated[Annotated[int, Ge(2)], "Images per update."] = 100
    latent_size: Annotated[Count, "Length of the noise vector."] = 200
    disc_lr: Annotated[Rate, "Adam learning rate of the discriminator."] = 2e-4
    gen_lr: Annotated[Rate, "Adam learning rate of the generator."] = 2e-4
    adam_beta: Annotated[Rate, "Adam's beta_1, of both."] = 0.5
    prog_bar: Annotated[bool, "Show a progress bar."] = True

    # losses
    flip: Annotated[
        Share, "Share of the images that the discriminator is told wrongly to be real or generated."
    ] = 0.05
    class_flip: Annotated[
        Share, "Share of generated images whose class the discriminator is told wrongly."
    ] = 0.05
    generator_class_flip: Annotated[
        Share, "Share of images for which the generator is to show the class it was not asked for."
    ] = 0.09
    class_weight: Annotated[Weight, "Weight of naming the class, beside real or generated."] = 1.0
    generator_updates: Annotated[
        Count, "Updates of the generator per batch of real and generated images."
    ] = 2
    ema_decay: Annotated[
        Share,
        "Decay of the moving average of the generator's weights; it or the last weights are exported.",
    ] = 0.99
    lr_schedule: Annotated[
        Literal["constant", "cosine"], "Learning rates: constant, or falling to 0 as a cosine."
    ] = "constant"

    # data
    threshold_gev: Annotated[Weight, "Pixels below it are set to zero [GeV]."] = THRESHOLD_GEV
    validation_share: Annotated[
        Rate, "Share of the images, at the end of the file, that no update sees."
    ] = 0.15
    validation_images: Annotated[
        Count, "Of these, so many at most are looked at after an epoch."
    ] = 10_000
    seed: Annotated[CountOrZero, "Fixes the run."] = 0

    # the run
    validate_every: Annotated[Count, "Epochs between two validations; the last one is one."] = 1
    pictures_every: Annotated[
        CountOrZero, "Epochs between two figures of real and generated images; 0 for none."
    ] = 5
    log_every: Annotated[
        CountOrZero, "Batches between two points in TensorBoard; 0 for those of epochs alone."
    ] = 100
    checkpoint_steps: Annotated[
        CountOrZero, "Batches between two checkpoints within an epoch; 0 for its end alone."
    ] = 200
    tensorboard: Annotated[bool, "Write a log for TensorBoard too, if it is installed."] = True
    accelerator: Annotated[str, "Lightning Fabric's accelerator: auto, cpu, cuda, mps."] = "auto"
    precision: Annotated[
        Literal["32-true", "bf16-mixed", "auto"],
        "32-true, bf16-mixed, or auto: bf16-mixed on a GPU that has it.",
    ] = "32-true"

    @property
    def devices(self) -> int:
        """Devices: one, for these networks are small."""
        return 1

    @property
    def num_nodes(self) -> int:
        """Computers: one."""
        return 1

    def as_dict(self) -> dict[str, Any]:
        """The settings by name, as YAML and JSON hold them."""
        return asdict(self)


def make_jet_config(place: str = "", /, **settings: Any) -> JetTrainingConfig:
    """Make a configuration from settings by name.

    Args:
        place: Where the settings were written: what an error begins with.
        settings: The settings; the others have their defaults.

    Raises:
        ConfigurationError: An unknown setting, or a value that makes no sense.
    """
    return check_settings(JetTrainingConfig, place, settings)


def differences(config: JetTrainingConfig) -> str:
    """What is not as published, for the card of a model: of all trainings, and settings of this one."""
    paper = {field.name: field.default for field in fields(JetTrainingConfig)} | _BESIDE_THE_PAPER
    settings = (
        f"{name} {value} (published {paper[name]})"
        for name, value in config.as_dict().items()
        if name not in _NO_DIFFERENCE and value != paper[name]
    )
    way_back = [] if config.model == "dcgan" else [_WAY_BACK]
    return "; ".join([*way_back, _BATCH_NORM, *settings])
