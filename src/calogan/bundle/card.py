"""The card of a model: what a bundle says about itself, in `card.json`."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from calogan.calorimeter import Calorimeter
from calogan.calorimeter.fields import Frozen, refuse
from calogan.errors import IncidentError, ModelError
from calogan.particles import pdg_id

__all__ = [
    "SCHEMA_VERSION",
    "Architecture",
    "Card",
    "Condition",
    "Figures",
    "HeldOutData",
    "TrainingData",
    "card_schema",
    "check_model_name",
]

SCHEMA_VERSION = 1
"""Version of the schema of cards that is written, and the highest one that is read."""

_MODEL_NAME = r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}"
_FILE_NAME = r"[^/\\\x00-\x1f\x7f]{1,255}"
_CHECKSUM = r"([0-9a-f]{64})?"


def _model_name(name: str) -> str:
    if not re.fullmatch(_MODEL_NAME, name):
        msg = (
            "must be 1 to 100 letters, digits, '.', '_', '+' or '-', and start with a letter or"
            f" digit, not {_shortened(name)!r}"
        )
        raise ValueError(msg)
    return name


def _particle(name: str) -> str:
    try:
        pdg_id(name)
    except IncidentError as error:
        raise ValueError(str(error)) from error
    return name


def _file_name(name: str) -> str:
    if not re.fullmatch(_FILE_NAME, name):
        msg = f"must be the name of a file, without folders, not {_shortened(name)!r}"
        raise ValueError(msg)
    return name


def _checksum(value: str) -> str:
    if not re.fullmatch(_CHECKSUM, value):
        msg = f"must be a SHA-256 checksum of 64 hexadecimal digits, not {_shortened(value)!r}"
        raise ValueError(msg)
    return value


def _finite(value: float) -> float:
    if not math.isfinite(value):
        msg = "must be finite"
        raise ValueError(msg)
    return value


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


def _pattern(pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern}$"})


ModelName = Annotated[str, AfterValidator(_model_name), _pattern(_MODEL_NAME)]
FileName = Annotated[str, AfterValidator(_file_name), _pattern(_FILE_NAME)]
Checksum = Annotated[str, AfterValidator(_checksum), _pattern(_CHECKSUM)]
Number = Annotated[float, AfterValidator(_finite)]
Figure = float | None
"""A number, or None where it is not defined: JSON has no NaN."""


class _Part(Frozen):
    model_config = ConfigDict(use_attribute_docstrings=True)


class Condition(_Part):
    """A number that the network is told beside the energy, and its range in the training."""

    name: Literal["x_mm", "y_mm", "slope_x", "slope_y"]
    """Where the line of flight crosses the front face [mm], or the tangent of its angle."""
    low: Number
    """Lowest value."""
    high: Number
    """Highest value."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.high < self.low:
            refuse(("high",), f"{self.high:g} lies below low ({self.low:g})", self.high)
        return self


class Architecture(_Part):
    """What the network is."""

    kind: Literal["calogan", "flow"]
    """Family of the network."""
    latent_size: Annotated[int, Field(gt=0, le=65_536)]
    """Length of the noise vector."""
    attention: bool
    """Whether layers are linked by in-painting attention."""
    parameters: Annotated[int, Field(ge=0)]
    """Trained numbers of the generator."""
    overflow: bool = False
    """Whether it gives the energy beside the cells of each layer as well: its output `overflow`."""
    differs_from_paper: str = ""
    """What is not as in arXiv:1705.02355; one thing after another, parted by semicolons."""


class TrainingData(_Part):
    """A file of showers that the network was trained on."""

    file: FileName
    """Name of the file."""
    sha256: Checksum
    """Its checksum."""
    size_bytes: Annotated[int, Field(ge=0)] | None = None
    """Its size."""
    particle: str | None = None
    """Its particle, where that is not the one of the model."""
    n_training: Annotated[int, Field(ge=0)]
    """Showers that updates saw."""
    n_validation: Annotated[int, Field(ge=0)]
    """Showers at the end of the file that no update saw."""
    made_with: dict[str, Any]
    """What made them: Geant4 version, physics, cross sections."""


class HeldOutData(_Part):
    """Showers that neither updates nor the choice of the best epoch saw."""

    file: FileName
    """Name of the file."""
    sha256: Checksum
    """Its checksum."""
    size_bytes: Annotated[int, Field(ge=0)] | None = None
    """Its size."""
    n_showers: Annotated[int, Field(ge=0)]
    """How many were compared with."""
    made_with: dict[str, Any] = Field(default_factory=dict)
    """What made them."""


class Figures(_Part):
    """An observable of Geant4's showers and of the model's, for the same incident energies."""

    validation_mean: Figure
    """Mean, Geant4."""
    generated_mean: Figure
    """Mean, model."""
    validation_std: Figure
    """Standard deviation, Geant4."""
    generated_std: Figure
    """Standard deviation, model."""
    distance: Figure
    """1-Wasserstein distance of the two samples, in standard deviations of Geant4's."""

    @property
    def ratio_of_means(self) -> float | None:
        """Mean of the model over Geant4's; None where that is about zero, as for a centroid."""
        mean, spread = self.validation_mean, self.validation_std
        if mean is None or self.generated_mean is None or abs(mean) <= 0.1 * (spread or 0.0):
            return None
        return self.generated_mean / mean

    @property
    def ratio_of_stds(self) -> float | None:
        """Standard deviation of the model over Geant4's; None where that is zero."""
        if not self.validation_std or self.generated_std is None:
            return None
        return self.generated_std / self.validation_std


class Card(_Part):
    """What a bundle says about itself, in `card.json`."""

    schema_version: Literal[1] = 1
    """Version of this schema."""
    name: ModelName
    """Name of the model."""
    version: Annotated[int, Field(gt=0, le=1_000_000)] = 1
    """Version of the model: 1, 2, 3, ..."""
    particle: Annotated[str, AfterValidator(_particle)]
    """Particle that it simulates."""
    energy_range_gev: tuple[Number, Number]
    """Incident energies that it was trained on [GeV]."""
    conditions: tuple[Condition, ...] = ()
    """What it is told beside the energy, in the order of the columns of its input `condition`,
    which the energy comes first in. Without any, the beam flies along the axis, and the input is
    `energy`."""
    calorimeter: Calorimeter
    """The calorimeter that its showers are in."""
    architecture: Architecture
    """Family and size of its network."""
    data: TrainingData
    """What it was trained on."""
    further_data: tuple[TrainingData, ...] = ()
    """Further files that the training read: more showers, or other particles."""
    training: dict[str, Any]
    """Configuration of the training, and when it was stopped."""
    quality: dict[str, Figures]
    """Shower shapes against showers of Geant4 that no update saw, by the observable's name."""
    held_out: HeldOutData | None = None
    """The showers that `quality` was measured with; the validation showers of `data` unless given."""
    license: Annotated[str, Field(min_length=1, max_length=100)] = "BSD-3-Clause"
    """Licence of the bundle, as an SPDX identifier."""
    sha256: Checksum
    """Checksum of `model.onnx`; empty until the bundle is written."""
    made_with: dict[str, str]
    """Versions of the programs that made the bundle."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        low, high = self.energy_range_gev
        if not 0 < low <= high:
            refuse(("energy_range_gev",), f"{low:g} to {high:g} GeV is no range of energies")
        names = [condition.name for condition in self.conditions]
        if len(set(names)) < len(names):
            refuse(("conditions",), f"{', '.join(names)}: each may be there once")
        return self

    @property
    def condition_names(self) -> tuple[str, ...]:
        """Columns of what the network is told: the energy first."""
        return ("energy_gev", *(condition.name for condition in self.conditions))

    @property
    def outputs(self) -> dict[str, tuple[int, ...]]:
        """Outputs of the network by name, and the shape of each for one shower: `layer_0`, ...

        All in MeV; `overflow`, of length n_layers, if the network makes it.
        """
        shapes = self.calorimeter.layer_shapes
        outputs: dict[str, tuple[int, ...]] = {f"layer_{k}": s for k, s in enumerate(shapes)}
        return {**outputs, "overflow": (len(shapes),)} if self.architecture.overflow else outputs


def check_model_name(name: str) -> str:
    """Check that a model may be called so, before hours of work.

    Raises:
        ModelError: With what names are possible.
    """
    try:
        return _model_name(name)
    except ValueError as error:
        msg = f"name of the model: {error}"
        raise ModelError(msg) from error


def split_version(name: str) -> tuple[str, int | None]:
    """Name and version of a model that is written as `eplus@2`; None for no version.

    Raises:
        ModelError: The version is no number from 1.
    """
    short, at, wanted = name.partition("@")
    if at and not re.fullmatch(r"[1-9][0-9]{0,6}", wanted):
        msg = f"{name}: the version of a model is a number from 1, as in {short or 'eplus'}@2"
        raise ModelError(msg)
    return short, int(wanted) if at else None


def card_schema() -> dict[str, Any]:
    """JSON schema of `card.json`; `card-v1.json` beside this module is a copy of it."""
    schema = Card.model_json_schema()
    about = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Card of a calogan model, schema version {SCHEMA_VERSION}",
    }
    return {**about, **{key: value for key, value in schema.items() if key != "title"}}
