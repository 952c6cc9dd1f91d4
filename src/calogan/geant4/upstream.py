"""What stands before the calorimeter: cryostat walls, dead material, planes of a tracker."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import BeforeValidator, Field, ValidationError, model_validator

from calogan.calorimeter import Material
from calogan.calorimeter.fields import (
    MAX_LENGTH_MM,
    Frozen,
    Length,
    Name,
    OwnName,
    complaint,
    refuse,
)
from calogan.calorimeter.materials import (
    atomic_numbers,
    geant4_material,
    is_geant4_material,
    unknown_material,
)
from calogan.errors import ConfigurationError

__all__ = ["Upstream", "UpstreamSlab"]

_MAX_BYTES = 1_000_000


def _gap(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        msg = f"must be a number, not {value!r}"
        raise ValueError(msg)  # noqa: TRY004 (pydantic expects this)
    if not 0 <= value <= MAX_LENGTH_MM:  # NaN is refused as well
        msg = f"must lie between 0 and {MAX_LENGTH_MM:g} mm, not {value:g}"
        raise ValueError(msg)
    return value


class UpstreamSlab(Frozen):
    """A square slab across the beam, and the empty space behind it."""

    material: Name
    """A name of Geant4's, such as G4_Al, or one of `materials`."""
    thickness_mm: Length
    """Along the beam [mm]."""
    gap_mm: Annotated[float, BeforeValidator(_gap)] = 0.0
    """Empty space to the next slab, or to the face of the calorimeter [mm]."""
    half_size_mm: Length | None = None
    """Half of the transverse size [mm]; that of the calorimeter unless given."""
    name: Name | None = None
    """What it is."""


class Upstream(Frozen):
    """Slabs before the calorimeter, in the order in which the beam meets them.

    Their energy deposits are not recorded.
    """

    name: Name
    """What it is called in files."""
    slabs: Annotated[tuple[UpstreamSlab, ...], Field(min_length=1, max_length=1000)]
    """The slabs; the last one is nearest to the calorimeter."""
    materials: dict[OwnName, Material] = Field(default_factory=dict)
    """Materials that Geant4 does not know by name."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for k, slab in enumerate(self.slabs):
            if slab.material not in self.materials and not is_geant4_material(slab.material):
                place = ("slabs", k, "material")
                refuse(place, unknown_material(slab.material), slab.material)
        if self.depth_mm > MAX_LENGTH_MM:
            what = f"{self.depth_mm:g} mm deep in all, at most {MAX_LENGTH_MM:g} mm are possible"
            refuse(("slabs",), what)
        return self

    @classmethod
    def from_dict(cls, values: dict[str, Any], source: str = "upstream") -> Upstream:
        """Build from plain values, as read from YAML or JSON.

        Raises:
            ConfigurationError: With the path of the first field that is wrong.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            place, what = complaint(error)
            where = ".".join(str(part) for part in place if part != "[key]") or "upstream"
            msg = f"{source}: {where}: {what}"
            raise ConfigurationError(msg) from error

    @classmethod
    def from_yaml(cls, path: str | Path) -> Upstream:
        """Read from a YAML file.

        Raises:
            ConfigurationError: The file cannot be read, or a field is wrong.
        """
        path = Path(path)
        try:
            with path.open("rb") as file:
                text = file.read(_MAX_BYTES + 1)
            if len(text) > _MAX_BYTES:
                msg = f"{path}: larger than {_MAX_BYTES / 1e6:g} MB, that is no upstream material"
                raise ConfigurationError(msg)
            values = yaml.safe_load(text.decode("utf-8"))
        except OSError as error:
            msg = f"cannot read the upstream material {path}: {error.strerror}"
            raise ConfigurationError(msg) from error
        except yaml.MarkedYAMLError as error:
            line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
            msg = f"{path}{line}: not valid YAML: {error.problem or 'cannot be understood'}"
            raise ConfigurationError(msg) from error
        except (ValueError, RecursionError, yaml.YAMLError) as error:
            msg = f"{path} is not valid YAML, or no text at all"
            raise ConfigurationError(msg) from error
        if not isinstance(values, dict):
            msg = f"{path}: expected a mapping with the fields name and slabs"
            raise ConfigurationError(msg)
        return cls.from_dict(values, str(path))

    @property
    def depth_mm(self) -> float:
        """Distance of the first surface from the face of the calorimeter [mm]."""
        return sum(slab.thickness_mm + slab.gap_mm for slab in self.slabs)

    @property
    def half_size_mm(self) -> float:
        """Half of the transverse size of the widest slab that gives one [mm]; else 0."""
        return max(slab.half_size_mm or 0.0 for slab in self.slabs)

    @property
    def elements(self) -> frozenset[int]:
        """Atomic numbers of all elements that the slabs are made of."""
        names = {slab.material for slab in self.slabs}
        return frozenset().union(
            *(atomic_numbers(self.materials.get(n) or geant4_material(n)) for n in names)
        )
