"""What a user may choose of a comparison of jet images."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from calogan.errors import ConfigurationError
from calogan.jets.observables import THRESHOLD_GEV

__all__ = ["JetSettings"]


@dataclass(frozen=True)
class JetSettings:
    """What a report holds, and how it is made.

    Args:
        quick: The tables, average images and distributions only; small figures.
        n_seeds: Trainings of each classifier.
        seed: Fixes all that is random: generated images, bootstrap samples, trainings.
        n_bootstrap: Bootstrap samples for errors and floors.
        n_classified: Most images of each class that classifiers are trained and tested with.
        n_neighbours: Most images of each sample whose nearest neighbours are looked for.
        threshold_gev: Pixels below it are set to 0 in all samples [GeV].
        workers: Processes that draw, and threads of the classifiers; with more than one, a script
            must call this below `if __name__ == "__main__":`, for the processes import it.

    Raises:
        ConfigurationError: A number that makes no sense.
    """

    quick: bool = False
    n_seeds: int = 2
    seed: int = 1
    n_bootstrap: int = 200
    n_classified: int = 4000
    n_neighbours: int = 2000
    threshold_gev: float = THRESHOLD_GEV
    workers: int = 1

    def __post_init__(self) -> None:
        """Check the numbers."""
        least = {
            "n_seeds": 1,
            "seed": 0,
            "n_bootstrap": 2,
            "n_classified": 50,
            "n_neighbours": 20,
            "threshold_gev": 0,
            "workers": 1,
        }
        for name, value in least.items():
            if not getattr(self, name) >= value:
                msg = f"settings of a comparison: {name} of {getattr(self, name)}: at least {value}"
                raise ConfigurationError(msg)

    def as_dict(self) -> dict[str, Any]:
        """What can change a number of the report, JSON-like."""
        found = asdict(self)
        del found["workers"]
        return found
