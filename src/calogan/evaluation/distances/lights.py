"""The traffic light of an observable: may a physicist live with this difference?"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, Protocol

import numpy as np

__all__ = ["LIMITS", "Light", "grade", "light"]

Light = Literal["green", "yellow", "red"]

LIMITS: Mapping[str, float] = MappingProxyType({"separation": 0.02, "wasserstein": 0.2})
"""How far above its floor a figure may be before the light is red.

Both say about the same of a distribution that is shifted as a whole: by 0.2 standard deviations
the 1-Wasserstein distance is 0.2 and the separation power of a normal distribution 0.010, by 0.28
it is 0.02. A difference of shape without a shift shows in the separation power only.
"""


class _Figure(Protocol):
    @property
    def value(self) -> float: ...
    @property
    def floor(self) -> float: ...
    @property
    def floor_high(self) -> float: ...


def light(measured: Mapping[str, _Figure]) -> Light:
    """Colour an observable by its separation power and its 1-Wasserstein distance.

    - green: neither is above its `floor_high`. Two samples of the reference would look like that.
    - red: one of them is above its `floor_high`, and above its `floor` by more than its limit in
      `LIMITS`. An analysis that cuts on this observable would notice.
    - yellow: what is between. The difference is seen, and it is small.

    `floor_high` is the 95 % quantile: of observables without any difference, one in 20 is above
    it in one figure, and about 10 % are not green.

    Args:
        measured: What `measure` gives. A figure that is NaN (not defined) does not count; with
            none left the light is yellow, for nothing was shown.
    """
    known = {
        name: measured[name]
        for name in LIMITS
        if name in measured and not np.isnan(measured[name].value)
    }
    if not known:
        return "yellow"
    # a figure of which the floor is not known (NaN) is above it
    above = {name: one for name, one in known.items() if not one.value <= one.floor_high}
    if any(one.value - np.nan_to_num(one.floor) > LIMITS[name] for name, one in above.items()):
        return "red"
    return "yellow" if above else "green"


def grade(separation_percent: float, noise_percent: float) -> str:
    """Colour a separation power of which only the mean floor is known: the rule of `light`.

    Args:
        separation_percent: Separation power [%].
        noise_percent: What two samples of one distribution have on average [%]; chance rarely
            reaches twice that.

    Returns:
        `noise`, `above` it, or `large`.
    """
    if separation_percent <= 2 * noise_percent:
        return "noise"
    large = separation_percent - noise_percent > 100 * LIMITS["separation"]
    return "large" if large else "above"
