"""Commands of Geant4's general particle source, and the beam that they describe.

Commands, default values and default units are those of Geant4 11; what is not here is refused.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from calogan.beam import Beam, Particles
from calogan.errors import ConfigurationError
from calogan.geant4.gps import Axes, GpsDirection, GpsPosition
from calogan.geant4.parameters import (
    ANGLE,
    ENERGY,
    LENGTH,
    Vector,
    number,
    only,
    quantities,
    three,
    vector_of,
)
from calogan.incident import pdg_id
from calogan.spectra import Exponential, Fixed, Gaussian, Linear, PowerLaw, Spectrum, Uniform

__all__ = ["ParticleSource"]

_MEV_PER_GEV = 1e3

_CHOICES = {
    "pos/type": ("Point", "Beam", "Plane", "Volume"),
    "pos/shape": (
        *("Circle", "Annulus", "Ellipse", "Square", "Rectangle"),
        *("Sphere", "Ellipsoid", "Cylinder", "Para"),
    ),
    "ang/type": ("planar", "iso", "cos", "beam1d", "beam2d", "focused"),
    "ene/type": ("Mono", "Lin", "Pow", "Exp", "Gauss"),
}
_NUMBERS = ("ene/alpha", "ene/ezero", "ene/gradient", "ene/intercept")
_QUANTITIES: dict[str, tuple[dict[str, float], str]] = {
    **dict.fromkeys(("pos/halfx", "pos/halfy", "pos/halfz"), (LENGTH, "cm")),
    **dict.fromkeys(("pos/radius", "pos/inner_radius"), (LENGTH, "cm")),
    **dict.fromkeys(("pos/sigma_x", "pos/sigma_y", "pos/sigma_r"), (LENGTH, "cm")),
    **dict.fromkeys(("ang/mintheta", "ang/maxtheta", "ang/minphi", "ang/maxphi"), (ANGLE, "rad")),
    **dict.fromkeys(("ang/sigma_r", "ang/sigma_x", "ang/sigma_y"), (ANGLE, "rad")),
    **dict.fromkeys(("ene/min", "ene/max", "ene/mono", "ene/sigma"), (ENERGY, "keV")),
    "energy": (ENERGY, "GeV"),
}
_POINTS = ("position", "pos/centre", "ang/focuspoint")
_VECTORS = ("direction", "pos/rot1", "pos/rot2", "ang/rot1", "ang/rot2")
_SHAPES = {
    "Plane": ("Circle", "Annulus", "Ellipse", "Square", "Rectangle"),
    "Volume": ("Sphere", "Ellipsoid", "Cylinder", "Para"),
}
_SIZES = {
    **dict.fromkeys(("Circle", "Sphere"), ("pos/radius",)),
    "Annulus": ("pos/radius", "pos/inner_radius"),
    **dict.fromkeys(("Ellipse", "Square", "Rectangle"), ("pos/halfx", "pos/halfy")),
    **dict.fromkeys(("Ellipsoid", "Para"), ("pos/halfx", "pos/halfy", "pos/halfz")),
    "Cylinder": ("pos/radius", "pos/halfz"),
}
_AXES: Axes = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
_DEFAULTS: dict[str, Any] = {
    "pos/type": "Point",
    "pos/shape": "NULL",
    "pos/centre": (0.0, 0.0, 0.0),
    "pos/axes": _AXES,
    "ang/axes": None,
    "ang/type": "planar",
    "direction": (0.0, 0.0, -1.0),
    "ang/maxtheta": math.pi,
    "ang/maxphi": 2 * math.pi,
    "ang/focuspoint": (0.0, 0.0, 0.0),
    "ene/type": "Mono",
}


class ParticleSource:
    """The general particle source while a macro describes it; commands without `/gps/`."""

    def __init__(self) -> None:
        self._given: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        """What was set, or Geant4's default."""
        return self._given.get(name, _DEFAULTS.get(name, 0.0))

    def apply(self, name: str, words: Sequence[str]) -> None:
        """Do what a command says.

        Args:
            name: The command, such as `pos/centre`.
            words: Its parameters.

        Raises:
            ConfigurationError: Not a command that is supported, or parameters that do not fit.
        """
        if name in _CHOICES:
            self._choose(name, words)
        elif name in _NUMBERS:
            self._given[name] = number(only(words))
        elif name in _QUANTITIES:
            self._quantity(name, words)
        elif name in _POINTS:
            self._point(name, words)
        elif name in _VECTORS:
            self._vector(name, vector_of(words))
        elif name == "particle":
            self._particle(only(words))
        elif name == "ion":
            self._ion(words)
        elif name == "number":
            _check_one(only(words))
        elif name == "ang/user_coor":
            self._user_axes(only(words))
        else:
            msg = "not supported: a source has a type, position, direction and energy here"
            raise ConfigurationError(msg)

    def _choose(self, name: str, words: Sequence[str]) -> None:
        word = only(words)
        if word not in _CHOICES[name]:
            msg = f"{word!r} is not supported: give one of {', '.join(_CHOICES[name])}"
            raise ConfigurationError(msg)
        self._given[name] = word
        if word == "cos":  # Geant4 does so too
            self._given["ang/maxtheta"] = math.pi / 2

    def _quantity(self, name: str, words: Sequence[str]) -> None:
        value = quantities(words, 1, *_QUANTITIES[name])[0]
        if value < 0 and not name.endswith(("theta", "phi")):
            msg = f"{' '.join(words)} is negative"
            raise ConfigurationError(msg)
        if name == "energy":
            self._given |= {"ene/type": "Mono", "ene/mono": value}
        elif name == "pos/sigma_r":
            self._given |= {"pos/sigma_x": value, "pos/sigma_y": value}
        else:
            self._given[name] = value

    def _point(self, name: str, words: Sequence[str]) -> None:
        point = three(quantities(words, 3, LENGTH, "cm"))
        if name == "position":
            self._given |= {"pos/type": "Point", "pos/centre": point}
        else:
            self._given[name] = point

    def _vector(self, name: str, vector: Vector) -> None:
        if name == "direction":
            self._given |= {"ang/type": "planar", "direction": vector}
            return
        # x', and a vector in the plane of x' and y': Geant4 makes axes of them at each command
        kind, row = name.partition("/")[0], int(name[-1]) - 1
        axes = np.array(self[f"{kind}/axes"] or _AXES)
        axes[row] = np.array(vector) / math.hypot(*vector)
        axes[2] = np.cross(axes[0], axes[1])
        if kind == "pos":
            axes[2] /= np.linalg.norm(axes[2]) or 1.0
        axes[1] = np.cross(axes[2], axes[0])
        self._given[f"{kind}/axes"] = tuple(map(three, axes.tolist()))

    def _particle(self, name: str) -> None:
        self._given["particle"] = None if name == "ion" else pdg_id(name)

    def _ion(self, words: Sequence[str]) -> None:
        try:
            z, a, *rest = (float(word) for word in words)
        except ValueError:
            msg = "give Z and A, two whole numbers"
            raise ConfigurationError(msg) from None
        if not (1 <= z <= a < 1000 and z == int(z) and a == int(a)):
            msg = f"no nucleus has Z = {z:g} and A = {a:g}"
            raise ConfigurationError(msg)
        if len(rest) > 2 or rest[:1] not in ([], [z]) or rest[1:] not in ([], [0.0]):
            msg = "an ion is bare and in its ground state here: leave Q and E out"
            raise ConfigurationError(msg)
        nucleus = 1_000_000_000 + int(z) * 10_000 + int(a) * 10
        self._given["particle"] = pdg_id("proton") if (z, a) == (1, 1) else nucleus

    def _user_axes(self, word: str) -> None:
        if word.lower() in {"false", "0", "f", "no", "n"}:
            self._given["ang/axes"] = None
        elif self["ang/axes"] is None:
            self._given["ang/axes"] = _AXES

    def beam(self) -> Beam:
        """The beam that the commands so far describe.

        Raises:
            ConfigurationError: No particle, no energy, or a shape without its size.
            IncidentError: Impossible energies.
        """
        if self._given.get("particle") is None:
            msg = "no particle was given: add /gps/particle, such as /gps/particle e+"
            raise ConfigurationError(msg)
        # Geant4's defaults, the origin and -z, lie inside the calorimeter and lead away from it
        self._needs("pos/centre", "where particles start, such as 0 0 -28.8 cm")
        if self["ang/type"] == "planar":
            self._needs("direction", "where particles fly to, such as 0 0 1")
        return Beam(
            Particles((self["particle"],)), self._spectrum(), self._position(), self._direction()
        )

    def _spectrum(self) -> Spectrum:
        kind = self["ene/type"]
        if kind in {"Mono", "Gauss"}:
            self._needs("ene/mono", f"an energy: add /gps/energy, for {kind}")
            mono = self["ene/mono"]
            return Fixed(mono) if kind == "Mono" else Gaussian(mono, self["ene/sigma"])
        self._needs("ene/min", f"the lower limit of the energies, for {kind}")
        self._needs("ene/max", f"the upper limit of the energies, for {kind}")
        low, high = self["ene/min"], self["ene/max"]
        if kind == "Pow":
            self._needs("ene/alpha", "the index of the power law")
            return PowerLaw(low, high, self["ene/alpha"])
        if kind == "Exp":
            self._needs("ene/ezero", "E0 of the exponential")
            return Exponential(low, high, self["ene/ezero"] / _MEV_PER_GEV)
        gradient, intercept = self["ene/gradient"] * _MEV_PER_GEV, self["ene/intercept"]
        if gradient == 0 and intercept > 0:
            return Uniform(low, high)
        return Linear(low, high, gradient, intercept)

    def _position(self) -> GpsPosition:
        kind, shape = self["pos/type"], self["pos/shape"]
        if kind in _SHAPES:
            if shape not in _SHAPES[kind]:
                msg = f"a {kind} needs /gps/pos/shape, one of {', '.join(_SHAPES[kind])}"
                raise ConfigurationError(msg)
            for name in _SIZES[shape]:
                self._needs(name, f"the size of the {shape}")
        if shape == "Annulus" and not 0 <= self["pos/inner_radius"] < self["pos/radius"]:
            msg = "the inner radius of the Annulus must be less than its radius"
            raise ConfigurationError(msg)
        return GpsPosition(
            kind=kind,
            shape="Rectangle" if kind == "Beam" and shape != "Circle" else shape,
            centre=self["pos/centre"],
            half=(self["pos/halfx"], self["pos/halfy"], self["pos/halfz"]),
            radius=self["pos/radius"],
            inner_radius=self["pos/inner_radius"],
            sigma=(self["pos/sigma_x"], self["pos/sigma_y"]),
            axes=_checked(self["pos/axes"], "pos"),
        )

    def _direction(self) -> GpsDirection:
        theta = (self["ang/mintheta"], self["ang/maxtheta"])
        phi = (self["ang/minphi"], self["ang/maxphi"])
        limit = math.pi / 2 if self["ang/type"] == "cos" else math.pi
        if not (0 <= theta[0] <= theta[1] <= limit + 1e-3 and phi[0] <= phi[1]):
            msg = (
                f"/gps/ang/ type {self['ang/type']}: theta must lie in 0 to"
                f" {math.degrees(limit):g} deg, and no minimum above its maximum"
            )
            raise ConfigurationError(msg)
        axes = self["ang/axes"]
        if axes is None:
            inward = self["pos/type"] == "Plane" and self["ang/type"] in {"iso", "cos"}
            axes = self._plane_axes() if inward else _AXES
        return GpsDirection(
            kind=self["ang/type"],
            vector=self["direction"],
            theta=(theta[0], min(theta[1], limit)),
            phi=phi,
            sigma=(self["ang/sigma_r"], self["ang/sigma_x"], self["ang/sigma_y"]),
            focus=self["ang/focuspoint"],
            axes=_checked(axes, "ang"),
        )

    def _plane_axes(self) -> Axes:
        """Axes of a plane, turned so that its z points away from the origin, as Geant4 does."""
        x, y, z = self["pos/axes"]
        towards = any(c * a < 0 for c, a in zip(self["pos/centre"], z, strict=True))
        if towards:
            return x, three(-a for a in y), three(-a for a in z)
        return x, y, z

    def _needs(self, name: str, what: str) -> None:
        if name not in self._given:
            msg = f"/gps/{name} is missing, {what}"
            raise ConfigurationError(msg)


def _checked(axes: Axes, kind: str) -> Axes:
    if any(math.hypot(*axis) < 1e-9 for axis in axes):
        msg = f"/gps/{kind}/rot1 and /gps/{kind}/rot2 are parallel"
        raise ConfigurationError(msg)
    return axes


def _check_one(word: str) -> None:
    if number(word) != 1:
        msg = f"{word} particles in one event: a shower has one, so give /run/beamOn more"
        raise ConfigurationError(msg)
