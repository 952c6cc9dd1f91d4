"""Reading a card: whatever is wrong with it, one clear line with the path of the field."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from calogan.bundle.card import SCHEMA_VERSION, Card
from calogan.calorimeter.fields import complaint
from calogan.calorimeter.readout import LAYER_KINDS
from calogan.errors import ModelError

__all__ = ["MAX_CARD_BYTES", "CardT", "OtherModelError", "parse_as", "parse_card"]

CardT = TypeVar("CardT", bound=BaseModel)

MAX_CARD_BYTES = 4_000_000
"""Largest card that is read: hundreds of times one with all shower shapes."""

_SHOWERS = "showers"


class OtherModelError(ModelError):
    """A model that makes something else, such as jet images instead of showers."""


def parse_card(content: bytes, source: str | Path = "card.json") -> Card:
    """Read the card of a model that makes showers: see `parse_as`."""
    return parse_as(Card, content, source)


def parse_as(kind: type[CardT], content: bytes, source: str | Path = "card.json") -> CardT:
    """Read a card.

    Args:
        kind: Class of the card. One whose models make something else than showers has a field
            `makes`, with what they make as its default.
        content: What is in `card.json`.
        source: Where it is from, for messages.

    Raises:
        ModelError: No JSON, another version of the schema, or a field that is wrong: with its path.
        OtherModelError: A model that makes something else.
    """
    values = _json(content, source)
    field = kind.model_fields.get("makes")
    wanted, made = field.default if field else _SHOWERS, values.get("makes", _SHOWERS)
    if made != wanted:
        msg = f"{source}: a model that makes {_shortened(str(made))}, not {wanted}"
        raise OtherModelError(msg)
    version = values.get("schema_version", SCHEMA_VERSION)
    if version != SCHEMA_VERSION or isinstance(version, bool):
        _refuse_version(version, source)
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        place, what = complaint(error)
        where = ".".join(str(part) for part in place if part not in (*LAYER_KINDS, "[key]"))
        msg = f"{source}: {where or 'card'}: {what}"
        raise ModelError(msg) from error


def _json(content: bytes, source: str | Path) -> dict[str, Any]:
    if len(content) > MAX_CARD_BYTES:
        msg = f"{source}: larger than {MAX_CARD_BYTES / 1e6:g} MB, that is no card"
        raise ModelError(msg)
    try:
        values = json.loads(
            content.decode("utf-8"), parse_constant=_no_number, object_pairs_hook=_unique
        )
    except (ValueError, RecursionError) as error:
        what = "not text" if isinstance(error, UnicodeDecodeError) else " ".join(str(error).split())
        msg = f"{source}: not valid JSON: {_shortened(what)}"
        raise ModelError(msg) from error
    if not isinstance(values, dict):
        msg = f"{source}: holds a {type(values).__name__}, expected the fields of a card"
        raise ModelError(msg)
    return values


def _no_number(text: str) -> NoReturn:
    msg = f"{text} is no number"
    raise ValueError(msg)


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [key for key, _ in pairs]
        twice = next(key for key in names if names.count(key) > 1)
        msg = f"the key {_shortened(twice)!r} comes twice"
        raise ValueError(msg)
    return values


def _refuse_version(version: Any, source: str | Path) -> NoReturn:
    msg = f"{source}: schema_version: "
    if not isinstance(version, int) or isinstance(version, bool):
        msg += f"must be a whole number, not {_shortened(repr(version))}"
    elif version > SCHEMA_VERSION:
        msg += f"{version} is newer than what this calogan reads ({SCHEMA_VERSION}): update calogan"
    else:
        msg += f"{version} is older than what this calogan reads ({SCHEMA_VERSION}): export again"
    raise ModelError(msg)


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
