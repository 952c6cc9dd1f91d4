"""Where the showers of a comparison come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from calogan.files import open_showers_file
from calogan.incident import particle_name
from calogan.samples import sample_path
from calogan.showers import Showers

__all__ = ["Sample", "open_sample", "open_showers"]


@dataclass(frozen=True, eq=False)
class Sample:
    """Showers with a name, and what is known of their origin.

    Args:
        name: What they are called in legends and tables.
        showers: The showers.
        source: The file they were read from; empty if they were not.
        n_source: How many showers the source holds.
        made_with: What made them: configuration, versions, seed.
    """

    name: str
    showers: Showers
    source: str = ""
    n_source: int = 0
    made_with: Mapping[str, Any] = field(default_factory=dict)

    @property
    def particles(self) -> tuple[str, ...]:
        """Names of the incident particles; empty if the file does not say."""
        ids = [int(i) for i in np.unique(self.showers.incident.pdgid)]
        return tuple(particle_name(i) for i in ids if i != 0)

    @property
    def energy_range_gev(self) -> tuple[float, float]:
        """Lowest and highest incident energy [GeV]; zeros without showers."""
        energy = self.showers.incident.energy_gev
        return (float(energy.min()), float(energy.max())) if len(energy) else (0.0, 0.0)


def open_sample(source: str | Path, name: str | None = None, limit: int | None = None) -> Sample:
    """Read a sample for a comparison.

    Args:
        source: A file of showers, or `sample:NAME` for one that ships with the package.
        name: What to call it; the file's stem unless given.
        limit: Read at most so many showers, from the start.

    Raises:
        ShowerFileError: The file is missing, foreign or damaged, or holds impossible energies.
    """
    label, _, sample = str(source).partition(":")
    path = sample_path(sample) if label == "sample" else Path(source)
    with open_showers_file(path) as file:
        return Sample(
            name or path.stem,
            file.read(0, limit),
            source=str(source) if label == "sample" else path.name,
            n_source=len(file),
            made_with=file.made_with,
        )


def open_showers(source: str | Path) -> Showers:
    """Read the showers that a source stands for: see `open_sample`."""
    return open_sample(source).showers
