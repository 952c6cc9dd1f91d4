"""Fields of a calorimeter: numbers within limits that make sense, and what is said if they do not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

__all__ = ["Count", "Frozen", "Length", "Name", "OwnName", "Place", "complaint", "refuse"]

MIN_LENGTH_MM, MAX_LENGTH_MM = 1e-4, 1e5
"""Lengths that make sense in a calorimeter: 0.1 micrometre to 100 m."""


class Frozen(BaseModel):
    """A value that never changes and has no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _number(value: Any) -> Any:
    if isinstance(value, bool):  # which Python takes for 0 or 1, and YAML makes of yes and no
        msg = "must be a number, not true or false"
        raise ValueError(msg)  # noqa: TRY004, pydantic does not take a TypeError
    return value


def _finite(value: float) -> float:
    if not math.isfinite(value):
        msg = "must be finite"
        raise ValueError(msg)
    return value


def _length(value: float) -> float:
    _finite(value)
    if value <= 0:
        msg = "must be above 0"
    elif value < MIN_LENGTH_MM:
        msg = f"must be at least {MIN_LENGTH_MM:g} mm"
    elif value > MAX_LENGTH_MM:
        msg = f"must be at most {MAX_LENGTH_MM:g} mm"
    else:
        return value
    raise ValueError(msg)


def _place(value: float) -> float:
    if abs(_finite(value)) > MAX_LENGTH_MM:
        msg = f"must lie within +-{MAX_LENGTH_MM:g} mm"
        raise ValueError(msg)
    return value


def _count(value: int) -> int:
    if value <= 0:
        msg = "must be above 0"
        raise ValueError(msg)
    return value


Length = Annotated[float, BeforeValidator(_number), AfterValidator(_length)]
"""A length [mm]."""

Place = Annotated[float, BeforeValidator(_number), AfterValidator(_place)]
"""A coordinate [mm]."""

Count = Annotated[int, BeforeValidator(_number), AfterValidator(_count)]
"""How many of something there are, at least 1."""

Name = Annotated[
    str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")
]
"""A name of one line."""


def _own_name(name: str) -> str:
    if name.startswith("G4_"):
        msg = "names that start with G4_ are Geant4's: give the material another"
        raise ValueError(msg)
    return name


OwnName = Annotated[Name, AfterValidator(_own_name)]
"""Name of a material that Geant4 does not know."""


def refuse(place: Sequence[str | int], what: str, value: Any = None) -> NoReturn:
    """Refuse a field from the validator of a model that holds it.

    Args:
        place: Path of the field in the model.
        what: What is wrong with it.
        value: What it is.
    """
    error = InitErrorDetails(
        type=PydanticCustomError("geometry", "{what}", {"what": what}),
        loc=tuple(place),
        input=value,
    )
    title = "calorimeter"
    raise ValidationError.from_exception_data(title, [error])


_COMPLAINTS = {
    "missing": "is missing",
    "extra_forbidden": "unknown field",
    "int_from_float": "must be a whole number, not {input!r}",
    "int_parsing": "must be a whole number, not {input!r}",
    "int_type": "must be a whole number, not {input!r}",
    "int_parsing_size": "is too large",
    "float_parsing": "must be a number, not {input!r}",
    "float_type": "must be a number, not {input!r}",
    "bool_parsing": "must be true or false, not {input!r}",
    "bool_type": "must be true or false, not {input!r}",
    "string_type": "must be a name, not {input!r}",
    "string_too_short": "must not be empty",
    "string_too_long": "must be at most 100 characters long",
    "string_pattern_mismatch": "must be a name of one line",
    "tuple_type": "must be a list, not {input!r}",
    "too_short": "must not be empty",
    "model_type": "must be a mapping of fields, not {input!r}",
    "model_attributes_type": "must be a mapping of fields, not {input!r}",
    "invalid_key": "keys must be names",
    "dict_type": "must be a mapping of fields, not {input!r}",
    "literal_error": "must be {expected}, not {input!r}",
}


class _Nothing:
    """What YAML reads where nothing stands behind the colon."""

    def __repr__(self) -> str:
        return "empty"


def complaint(error: ValidationError) -> tuple[tuple[str | int, ...], str]:
    """Give the path of the first field that is wrong, and what is wrong with it, in plain words."""
    first = error.errors(include_url=False)[0]
    text = _COMPLAINTS.get(first["type"], "{msg}")
    value = first["input"]
    if len(repr(value)) > 60:
        value = type(value).__name__
    what = text.format(
        input=_Nothing() if value is None else value,
        msg=first["msg"].removeprefix("Value error, "),
        **{k: v for k, v in first.get("ctx", {}).items() if k not in ("input", "msg")},
    )
    return first["loc"], what
