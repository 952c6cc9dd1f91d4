"""What a user may choose of a comparison."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from calogan.errors import ConfigurationError

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """What a report holds, and how it is made.

    Args:
        observables: Names, patterns (`sigma_*`) or groups (`group:widths`) of the observables;
            the usual ones unless given.
        quick: The table and one-dimensional distributions only.
        paper: The figures and tables of the CaloGAN paper, in its order.
        classifiers: Train classifiers as well.
        inputs: What the classifiers are given; all kinds of inputs unless said.
        n_seeds: Trainings of each classifier.
        seed: Fixes all that is random: showers of simulators, excerpts, bootstrap samples.
        n_bootstrap: Bootstrap samples for errors and floors.
        n_excerpt: Showers of each sample in pictures of single showers and in classifiers.
        workers: Processes that draw and simulate; with more than one, a script must call this
            below `if __name__ == "__main__":`, for the processes import it.

    Raises:
        ConfigurationError: A number that makes no sense.
    """

    observables: tuple[str, ...] = ()
    quick: bool = False
    paper: bool = False
    classifiers: bool = False
    inputs: tuple[str, ...] = ()
    n_seeds: int = 3
    seed: int = 1
    n_bootstrap: int = 200
    n_excerpt: int = 5000
    workers: int = field(default=1)

    def __post_init__(self) -> None:
        """Check the numbers."""
        least = {"n_seeds": 1, "seed": 0, "n_bootstrap": 2, "n_excerpt": 1, "workers": 1}
        for name, value in least.items():
            if getattr(self, name) < value:
                msg = f"settings of a comparison: {name} of {getattr(self, name)}: at least {value}"
                raise ConfigurationError(msg)

    def as_dict(self) -> dict[str, Any]:
        """What can change a number of the report, JSON-like."""
        found = asdict(self)
        del found["workers"]
        return found
