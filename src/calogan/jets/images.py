"""Jet images: what a jet of many particles leaves in 25 x 25 pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calogan.errors import JetError

__all__ = ["ETA", "HALF_WIDTH", "PHI", "PIXELS", "VARIABLES", "JetImages"]

PIXELS = 25
"""Pixels along each axis (arXiv:1701.05927, section 2)."""

HALF_WIDTH = 1.25
"""An image covers [-1.25, 1.25] in eta' and in phi', so that a pixel is 0.1 x 0.1."""

ETA: NDArray[np.float64] = np.linspace(-1.2, 1.2, PIXELS)
"""Centre eta' of each column `image[:, :, j]`: it grows to the right of a drawn image."""

PHI: NDArray[np.float64] = ETA[::-1].copy()
"""Centre phi' of each row `image[:, i, :]`: it falls from the top of a drawn image downwards."""

ETA.flags.writeable = PHI.flags.writeable = False

VARIABLES = (
    "jet_pt",
    "jet_eta",
    "jet_phi",
    "jet_mass",
    "jet_delta_R",
    "tau_1",
    "tau_2",
    "tau_3",
    "tau_21",
    "tau_32",
)
"""What the published data set says of each jet, by the names that it has there."""


@dataclass(frozen=True, eq=False)
class JetImages:
    """Images of n jets, with the leading subjet in the middle and the second one below it.

    `image[:, i, j]` is the transverse energy at phi' = `PHI[i]` and eta' = `ETA[j]`, as in the
    published data set: drawn with row 0 on top, eta' runs to the right and phi' upwards. The
    leading subjet is at (0, 0), the second one at the angle -pi/2, in the rows below the middle;
    the right half, eta' > 0, holds more transverse energy than the left one.

    Args:
        image: Transverse energies of the pixels, shape `(n, 25, 25)` [GeV].
        signal: Whether a jet comes from a W boson (True) or from QCD (False), shape `(n,)`.
        variables: Of each jet, shape `(n,)` each: `jet_pt`, `jet_mass` [GeV], `jet_eta`,
            `jet_phi`, `jet_delta_R` (distance of the two subjets), `tau_1`, `tau_2`, `tau_3`,
            `tau_21`, `tau_32`. They are those of the trimmed jet before it became an image. Empty
            for images that no jet was behind.

    Raises:
        JetError: Shapes that do not fit, an unknown variable, or pixels that are negative or not
            finite.
    """

    image: NDArray[np.float32]
    signal: NDArray[np.bool_]
    variables: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check shapes and values."""
        object.__setattr__(self, "image", np.asarray(self.image))
        object.__setattr__(self, "signal", np.asarray(self.signal))
        n = len(self.image)
        if self.image.shape != (n, PIXELS, PIXELS):
            msg = f"jet images: shape {self.image.shape}, not (n, {PIXELS}, {PIXELS})"
            raise JetError(msg)
        if self.signal.shape != (n,):
            msg = f"jet images: {n} images, but signal has the shape {self.signal.shape}"
            raise JetError(msg)
        if not np.isin(self.signal, (0, 1)).all():
            msg = "jet images: signal must be 1 for W or 0 for QCD"
            raise JetError(msg)
        unknown = [name for name in self.variables if name not in VARIABLES]
        if unknown:
            msg = f"jet images: unknown variable {unknown[0]!r}: there are {', '.join(VARIABLES)}"
            raise JetError(msg)
        for name, values in self.variables.items():
            if values.shape != (n,):
                msg = f"jet images: {n} images, but {name} has the shape {values.shape}"
                raise JetError(msg)
        if n and not (np.isfinite(self.image).all() and self.image.min() >= 0):
            msg = "jet images: transverse energies must be finite and not negative"
            raise JetError(msg)
        object.__setattr__(self, "image", np.asarray(self.image, np.float32))
        object.__setattr__(self, "signal", self.signal.astype(bool))
        kept = {name: np.asarray(self.variables[name], np.float32) for name in self.variables}
        object.__setattr__(self, "variables", MappingProxyType(kept))

    def __len__(self) -> int:
        """Number of jets."""
        return len(self.image)

    def __getitem__(self, index: slice | NDArray[Any]) -> JetImages:
        """Select jets by a slice, a mask or indices."""
        variables = {name: values[index] for name, values in self.variables.items()}
        return JetImages(self.image[index], self.signal[index], variables)

    def __reduce__(self) -> tuple[Any, ...]:
        """Let images travel between processes."""
        return JetImages, (self.image, self.signal, dict(self.variables))

    @classmethod
    def concatenate(cls, parts: Sequence[JetImages]) -> JetImages:
        """Join images one after another; variables that not all parts know are left out."""
        if not parts:
            empty = np.empty((0, PIXELS, PIXELS), np.float32)
            return cls(empty, np.empty(0, bool))
        names = [name for name in parts[0].variables if all(name in p.variables for p in parts)]
        return cls(
            np.concatenate([part.image for part in parts]),
            np.concatenate([part.signal for part in parts]),
            {name: np.concatenate([part.variables[name] for part in parts]) for name in names},
        )
