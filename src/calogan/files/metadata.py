"""What a file of showers says of itself beside the showers: calorimeter, particle, origin."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from calogan.calorimeter import Calorimeter
from calogan.errors import CaloganError, ShowerFileError
from calogan.incident import FILE_STEMS, particle_name, pdg_id

__all__ = ["describe", "stated_calorimeter", "stated_origin", "stated_particle"]


def describe(
    calorimeter: Calorimeter, made_with: Mapping[str, Any], pdgids: Iterable[int]
) -> dict[str, str]:
    """Say all of it in texts, as the attributes of a file: `particle`, `calorimeter`, `made_with`.

    Args:
        calorimeter: Calorimeter of all showers.
        made_with: Configuration, versions, seed.
        pdgids: PDG ids of the incident particles.
    """
    return {
        "particle": ",".join(particle_name(i) for i in sorted(set(pdgids))),
        "calorimeter": calorimeter.model_dump_json(),
        "made_with": json.dumps(dict(made_with), sort_keys=True),
    }


def stated_calorimeter(text: object, path: Path) -> Calorimeter | None:
    """Calorimeter that a file says it is of; None if it does not say.

    Raises:
        ShowerFileError: What it says is no calorimeter.
    """
    if text is None:
        return None
    try:
        values = json.loads(text)  # type: ignore[arg-type]
    except (ValueError, TypeError) as error:
        msg = f"{path}: the attribute 'calorimeter' is not readable"
        raise ShowerFileError(msg) from error
    if not isinstance(values, dict):
        msg = f"{path}: the attribute 'calorimeter' is not readable"
        raise ShowerFileError(msg)
    return Calorimeter.from_dict(values, f"{path}: calorimeter")


def stated_origin(text: object) -> dict[str, Any]:
    """What made a file; empty for that of another program, which means something else by it."""
    try:
        values = json.loads(text)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}


def stated_particle(text: object, path: Path) -> str | None:
    """Name of the particle, from the text or the name of the file: `eplus.h5`, `x_photons_1.h5`.

    None for several, and where neither says.
    """
    if not isinstance(text, str) or not text:
        parts = [part if part in FILE_STEMS else part.rstrip("s") for part in path.stem.split("_")]
        text = next((part for part in parts if part in FILE_STEMS), "")
    try:
        return particle_name(pdg_id(text)) if text else None
    except CaloganError:
        return None
