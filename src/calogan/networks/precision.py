"""Which numbers stay in 32 bits when the rest is computed in fewer."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

__all__ = ["full_precision", "lowered", "raised"]


def full_precision(device: torch.device) -> AbstractContextManager[object]:
    """Context in which nothing is rounded to fewer than 32 bits, whatever the training's precision.

    bfloat16 has three digits: an energy of 99.6 GeV becomes 99.5 GeV. Energies, distances between
    showers and exponentials are computed inside this context.
    """
    if torch.is_autocast_enabled(device.type):
        return torch.autocast(device.type, enabled=False)
    return nullcontext()


def raised(x: Tensor) -> Tensor:
    """`x` in 32 bits if it has fewer."""
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x


def lowered(x: Tensor) -> Tensor:
    """`x` as matrix products take it in the precision that is in force."""
    kind = x.device.type
    return x.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else x
