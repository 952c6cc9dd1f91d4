"""A compact cross-section data set for Geant4 11.4, made from published formulas.

Geant4 reads its cross sections from data sets that are downloaded, gigabytes of them. A user
without a network gets this one instead: a few megabytes, made in seconds, that hold what the
standard electromagnetic physics (`standard`, `option1`, `option2`) and `FTFP_BERT` read. What it
is worth is measured in `docs/cross_sections.md`.

The same elements and the same versions of this room and of `xraylib` give the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from calogan.geant4.compact.bremsstrahlung import write_bremsstrahlung
from calogan.geant4.compact.elements import HEAVIEST_ELEMENT, checked_elements
from calogan.geant4.compact.hadronic import write_hadronic
from calogan.geant4.compact.photoelectric import write_photoelectric
from calogan.geant4.compact.rayleigh import write_rayleigh

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["COMPACT_VERSION", "ELEMENTS", "write_compact_data"]

COMPACT_VERSION = "1"
"""Version of the formulas: it changes whenever the tables do."""

ELEMENTS: tuple[int, ...] = tuple(range(1, HEAVIEST_ELEMENT + 1))
"""Atomic numbers of the elements of all materials: they cost little, so none has to be left out."""

_EMPTY_SETS = (
    "G4ABLA3.3",
    "G4CHANNELING2.0",
    "G4INCL1.3",
    "G4NDL4.7.1",
    "G4PII1.3",
    "G4SAIDDATA2.0",
    "PhotonEvaporation6.1.2",
    "RadioactiveDecay6.1.2",
    "RealSurface2.2",
)
"""Data sets that Geant4 asks for and that may be empty: it finds no levels, decays, surfaces."""


def write_compact_data(folder: Path, elements: Sequence[int] = ELEMENTS) -> None:
    """Write the data set into a folder, to be named to Geant4 as `GEANT4_DATA_DIR`.

    Args:
        folder: An existing folder; the data sets become its subfolders.
        elements: Atomic numbers, 1 to 92, of the elements of the materials in use. Nuclear
            fragments of any element are covered whatever this says.

    Raises:
        Geant4DataError: An atomic number that does not exist or is not covered.
        MissingExtraError: `xraylib` is not installed.
        OSError: The folder cannot be written.
    """
    numbers = checked_elements(elements)
    electromagnetic = folder / "G4EMLOW8.8"
    write_photoelectric(electromagnetic / "epics2017" / "phot", numbers)
    write_rayleigh(electromagnetic / "epics2017" / "rayl", numbers)
    write_bremsstrahlung(electromagnetic / "brem_SB", numbers)
    write_hadronic(folder / "G4PARTICLEXS4.2")
    for name in _EMPTY_SETS:
        (folder / name).mkdir(exist_ok=True)
    levels = folder / "G4ENSDFSTATE3.0"
    levels.mkdir(exist_ok=True)
    (levels / "ENSDFSTATE.dat").write_bytes(b"")
