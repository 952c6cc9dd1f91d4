"""What the networks know of a shower before they look: energy, place and angle, particle."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from calogan.conditions import CONDITIONS, ENERGY
from calogan.errors import ConfigurationError

__all__ = ["ENERGY_UNIT_GEV", "BeamScale", "check_conditions", "energy_features"]

ENERGY_UNIT_GEV = 100.0
"""The requested energy enters the generator in units of this (published code)."""


def check_conditions(names: Sequence[str]) -> tuple[str, ...]:
    """Check the names of the columns of a condition.

    Raises:
        ConfigurationError: The energy is not first, or a name is unknown or stands there twice.
    """
    places = [CONDITIONS.index(name) for name in names if name in CONDITIONS]
    in_order = all(before < after for before, after in pairwise(places))
    if tuple(names[:1]) != (ENERGY,) or len(places) < len(names) or not in_order:
        msg = f"conditions {', '.join(names) or 'of none'}: expected {ENERGY}, then any of" + (
            f" {', '.join(CONDITIONS[1:])}, in this order"
        )
        raise ConfigurationError(msg)
    return tuple(names)


def energy_features(energy: Tensor) -> Tensor:
    """Simple functions of the energy, each between 0 and about 1, shape `(n, 3)`.

    Args:
        energy: Shape `(n, 1)` [GeV].
    """
    share = energy / ENERGY_UNIT_GEV
    return torch.cat([share, share.sqrt(), energy.log10() / 2], dim=1)


class BeamScale(nn.Module):
    """Where and how steeply the particle enters, in units of what the training showers do.

    Args:
        names: Columns of the condition, the energy first.

    Shapes:
        Condition `(n, c)`, output `(n, c - 1)`.
    """

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self.unit: Tensor
        self.register_buffer("unit", torch.ones(len(names) - 1))

    @torch.no_grad()
    def fit(self, condition: Tensor) -> None:
        """Take the largest size of each column as its unit; a column of zeros keeps 1.

        Args:
            condition: Those of the training showers, shape `(n, c)`.
        """
        largest = condition[:, 1:].abs().amax(0)
        self.unit.copy_(torch.where(largest > 0, largest, torch.ones_like(largest)))

    def forward(self, condition: Tensor) -> Tensor:
        """Return the columns behind the energy, each between about -1 and 1."""
        return condition[:, 1:] / self.unit
