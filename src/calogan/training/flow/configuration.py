"""What the training of a flow can be told."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Lt, MultipleOf

from calogan.training.configuration import TrainingConfig, check_settings, make_config

__all__ = ["FREE_TO_CHANGE", "FlowConfig", "make_flow_config"]

Rate = Annotated[float, Gt(0), Lt(1)]
Share = Annotated[float, Ge(0), Lt(1)]
Count = Annotated[int, Gt(0)]
CountOrZero = Annotated[int, Ge(0)]

FREE_TO_CHANGE = frozenset(["prog_bar", "validate_every", "tensorboard", "memory_mb"])
"""Settings that a resumed training may have otherwise than it began with."""

_OF_THE_DATA = (
    *("reflections", "views", "validation_share", "validation_showers"),
    *("buffer_size", "memory_mb", "seed", "batch_size"),
)


@dataclass(frozen=True, kw_only=True)
class FlowConfig:
    """Settings of the training of a flow; make one with `make_flow_config`.

    An epoch is one pass over the training showers, in one of their readings each.
    """

    __pydantic_config__ = {"extra": "forbid", "strict": False, "allow_inf_nan": False}  # noqa: RUF012

    # the stages
    energy_epochs: Annotated[Count, "Epochs of the energies of the layers."] = 120
    summary_epochs: Annotated[
        Count, "Epochs of what else is drawn of each layer, where that is learnt."
    ] = 60
    marginal_epochs: Annotated[Count, "Epochs of the cells, each by itself."] = 200
    coupling_epochs: Annotated[Count, "Epochs of their correlations."] = 100
    orientation_epochs: Annotated[
        Count, "Epochs of which way round layers lie, where that is learnt."
    ] = 30
    overflow_epochs: Annotated[Count, "Epochs of the energy beside the cells."] = 100
    energy_lr: Annotated[Rate, "Learning rate of the energies, at its highest."] = 2e-3
    marginal_lr: Annotated[Rate, "Learning rate of the cells, at its highest."] = 2e-3
    coupling_lr: Annotated[Rate, "Learning rate of the correlations, at its highest."] = 5e-4
    last_lr: Annotated[Rate, "Learning rate of orientation and overflow, at its highest."] = 2e-3
    weight_decay: Annotated[Share, "AdamW's weight decay."] = 1e-3
    ema_decay: Annotated[
        Share, "Decay of the moving average of the weights, which is exported."
    ] = 0.998
    batch_size: Annotated[Annotated[int, Gt(1)], "Showers per update."] = 256

    # the network
    couplings: Annotated[Annotated[int, Gt(1), MultipleOf(2)], "Couplings of the flow."] = 8
    width: Annotated[Count, "Neurons in each hidden layer of couplings and cells."] = 256
    summaries: Annotated[
        tuple[Literal["hits", "brightest", "width"], ...],
        "What else of each layer is drawn before its cells: the number of hits, the share of the"
        " brightest cell, the width.",
    ] = ()
    oriented: Annotated[
        bool,
        "Learn each layer lying one way round, and which way it lies apart; reflections are off then.",
    ] = False

    # data, as for the CaloGAN
    reflections: Annotated[bool, "Mirror the showers in x and y at random."] = True
    views: Annotated[bool, "Use the further readings of each shower, where a file has them."] = True
    validation_share: Annotated[
        Rate, "Share of the showers, at the end of each file, that no update sees."
    ] = 0.1
    validation_showers: Annotated[Count, "Of these, so many at most are looked at."] = 10_000
    buffer_size: Annotated[Count, "Showers that are shuffled among each other."] = 20_000
    memory_mb: Annotated[Count, "Showers up to this size are kept in memory."] = 4096
    seed: Annotated[CountOrZero, "Fixes the run."] = 0

    # the run
    prog_bar: Annotated[bool, "Show a progress bar."] = True
    validate_every: Annotated[
        Count, "Epochs between two lines of the log, validations and checkpoints."
    ] = 10
    tensorboard: Annotated[bool, "Write a log for TensorBoard too, if it is installed."] = True

    @property
    def epochs(self) -> dict[str, int]:
        """Epochs of each stage, in order."""
        return {
            "energies": self.energy_epochs,
            "summaries": self.summary_epochs if self.summaries else 0,
            "marginals": self.marginal_epochs,
            "couplings": self.coupling_epochs,
            "orientation": self.orientation_epochs if self.oriented else 0,
            "overflow": self.overflow_epochs,
        }

    @property
    def rates(self) -> dict[str, float]:
        """Highest learning rate of each stage."""
        return {
            "energies": self.energy_lr,
            "summaries": self.last_lr,
            "marginals": self.marginal_lr,
            "couplings": self.coupling_lr,
            "orientation": self.last_lr,
            "overflow": self.last_lr,
        }

    @property
    def data(self) -> TrainingConfig:
        """What the reading of showers is told."""
        told = {name: getattr(self, name) for name in _OF_THE_DATA}
        return make_config(**{**told, "reflections": self.reflections and not self.oriented})

    def as_dict(self) -> dict[str, Any]:
        """The settings by name, as YAML and JSON hold them."""
        return {**asdict(self), "summaries": list(self.summaries)}


def make_flow_config(place: str = "", /, **settings: Any) -> FlowConfig:
    """Make a configuration from settings by name; the others have their defaults.

    Args:
        place: Where the settings were written: what an error begins with.
        settings: The settings.

    Raises:
        ConfigurationError: An unknown setting, or a value that makes no sense.
    """
    return check_settings(FlowConfig, place, settings)
