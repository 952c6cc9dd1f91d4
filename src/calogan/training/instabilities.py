"""What goes wrong in adversarial trainings, seen early and said with advice."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from calogan.errors import TrainingError

__all__ = ["DISTANCE", "SPREAD", "Watch", "check_finite"]

DISTANCE = "distance/"
"""Records hold the distance of generated from real showers as `distance/<observable>`."""

SPREAD = "spread/"
"""Records hold the spread at one energy, generated over real, as `spread/<observable>`."""

_PATIENCE_EPOCHS = 5
_PATIENCE_VALIDATIONS = 2
_CERTAIN = 0.99
_LOST = 0.01
_COLLAPSED = 0.3


def check_finite(
    losses: Mapping[str, float], epoch: int, step: int, checkpoint: Path | None
) -> None:
    """Stop a training whose losses are no numbers any more.

    Args:
        losses: Losses of an update.
        epoch: Its epoch, from 1.
        step: Its number, from 1.
        checkpoint: The last good checkpoint, if there is one.

    Raises:
        TrainingError: With what to lower, and where to go on from.
    """
    for name, value in losses.items():
        if not math.isfinite(value):
            kind = "NaN" if math.isnan(value) else "infinite"
            rate = "disc_lr" if "discriminator" in name else "gen_lr"
            kept = f"the last good checkpoint is {checkpoint}" if checkpoint else "nothing is kept"
            msg = (
                f"{name} became {kind} in epoch {epoch}, step {step}: lower {rate} (to a third),"
                f" or use precision 32-true if it was bf16-mixed; {kept}"
            )
            raise TrainingError(msg)


@dataclass
class Watch:
    """Remembers for how long something has been wrong, and warns once per occurrence.

    Args:
        counts: For each problem the records in a row that showed it.
        noun: What is generated, for the messages.
    """

    counts: dict[str, int] = field(default_factory=dict)
    noun: str = "showers"

    def look(self, record: Mapping[str, Any]) -> list[str]:
        """Look at the record of an epoch and return warnings, each a sentence with advice."""
        found = []
        real, generated = record.get("accuracy_real"), record.get("accuracy_generated")
        if real is not None and generated is not None:
            if self._lasts("certain", min(real, generated) > _CERTAIN, _PATIENCE_EPOCHS):
                found.append(
                    f"the discriminator has been right about more than {_CERTAIN:.0%} of real and"
                    f" of generated {self.noun} for {_PATIENCE_EPOCHS} epochs: the generator learns"
                    " little from it; lower disc_lr, or raise gen_lr or generator_updates"
                )
            lost = min(real, generated) < _LOST
            if self._lasts("lost", lost, _PATIENCE_EPOCHS):
                which = "real" if real < generated else "generated"
                found.append(
                    f"the discriminator has been wrong about nearly all {which} {self.noun} for"
                    f" {_PATIENCE_EPOCHS} epochs: it has collapsed; raise disc_lr, lower gen_lr,"
                    " or go back to an earlier checkpoint with another seed"
                )
        for particle, narrow in _spreads(record).items():
            share = median(narrow.values())
            if self._lasts(f"narrow/{particle}", share < _COLLAPSED, _PATIENCE_VALIDATIONS):
                worst = min(narrow, key=lambda name: narrow[name])
                of = f" of {particle}" if particle else ""
                found.append(
                    f"mode collapse: at one energy, the shower shapes{of} spread {share:.2f} times"
                    f" as wide as those of the data (median; {worst} {narrow[worst]:.2f}); raise"
                    " shape_weight,"
                    " lower gen_lr, or raise batch_size, which lets the discriminator see more"
                    " showers at once"
                )
        return found

    def _lasts(self, problem: str, present: bool, patience: int) -> bool:
        """Count; true in the record in which the problem has lasted long enough."""
        self.counts[problem] = self.counts.get(problem, 0) + 1 if present else 0
        return self.counts[problem] == patience


def _spreads(record: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Spread of each observable by particle: `spread/sigma_eta_0`, `spread/e+/sigma_eta_0`."""
    spreads: dict[str, dict[str, float]] = {}
    for key, value in record.items():
        if key.startswith(SPREAD) and math.isfinite(value):
            particle, _, name = key.removeprefix(SPREAD).rpartition("/")
            spreads.setdefault(particle, {})[name] = value
    return spreads
