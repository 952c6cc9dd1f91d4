"""How the classifiers are trained, and what makes their figures count."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from calogan.errors import ConfigurationError
from calogan.evaluation.classifiers.inputs import Inputs

__all__ = ["ClassifierSettings"]


@dataclass(frozen=True)
class ClassifierSettings:
    """Settings of a classifier.

    Network and optimiser are those of CaloFlow and of the published code of the CaloChallenge:
    three hidden layers of 512 with LeakyReLU, no dropout, Adam, batches of 1000. The published
    number of epochs (30 to 50) suits 100 000 showers; with a few thousand it leaves the network
    untrained. So batches are smaller where showers are few, and a training goes on until the
    loss on the selection part has stopped improving.

    A ceiling below `required_auc` is that of a training which hardly sees what cells have to do
    with each other. Trainings that fail reach 0.5 to 0.6, those of a few thousand showers 0.75 and
    more; only a figure that is itself above the bound needs no such proof.

    Args:
        hidden: Sizes of the hidden layers.
        learning_rate: Of Adam; 1e-3 for `low` inputs, which are small, and 2e-4 for the others
            unless given.
        batch_size: Showers per update, at most.
        updates_per_epoch: An epoch has at least so many updates: batches shrink, down to 32.
        max_epochs: A training that goes on longer has not converged.
        patience: A training ends after so many epochs without improvement of the selection loss.
        min_improvement: What counts as an improvement [nats per shower].
        floor_seeds: Trainings of the floor, at most as many as of the candidate. The ceiling,
            which is no measurement, gets one.
        required_auc: The known bad candidate must be told apart at least that well.
        threads: Threads of the processor; those that torch has chosen unless given.

    Raises:
        ConfigurationError: A number that makes no sense.
    """

    hidden: tuple[int, ...] = (512, 512, 512)
    learning_rate: float | None = None
    batch_size: int = 1000
    updates_per_epoch: int = 25
    max_epochs: int = 300
    patience: int = 20
    min_improvement: float = 1e-3
    floor_seeds: int = 3
    required_auc: float = 0.75
    threads: int | None = None

    def __post_init__(self) -> None:
        """Check the numbers."""
        whole = {
            "batch_size": self.batch_size,
            "updates_per_epoch": self.updates_per_epoch,
            "max_epochs": self.max_epochs,
            "patience": self.patience,
            "floor_seeds": self.floor_seeds,
            "threads": 1 if self.threads is None else self.threads,
            "hidden": min(self.hidden, default=1),
        }
        for name, number in whole.items():
            if number < 1:
                msg = f"classifier: {name} of {number}: must be at least 1"
                raise ConfigurationError(msg)
        if self.learning_rate is not None and self.learning_rate <= 0:
            msg = f"classifier: learning_rate of {self.learning_rate:g}: must be above 0"
            raise ConfigurationError(msg)
        if not 0.5 < self.required_auc < 1:
            msg = f"classifier: required_auc of {self.required_auc:g}: must be between 0.5 and 1"
            raise ConfigurationError(msg)

    def rate(self, inputs: Inputs) -> float:
        """Learning rate for such inputs."""
        if self.learning_rate is not None:
            return self.learning_rate
        return 1e-3 if inputs == "low" else 2e-4

    def batch(self, n: int) -> int:
        """Showers per update when n are trained with."""
        return max(min(self.batch_size, n // self.updates_per_epoch), min(32, n))

    def as_dict(self) -> dict[str, Any]:
        """All settings, JSON-like."""
        return asdict(self) | {"hidden": list(self.hidden)}
