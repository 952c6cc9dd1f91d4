"""Geant4's physics lists by the names that its users know."""

from __future__ import annotations

from dataclasses import dataclass

from calogan.errors import ConfigurationError

__all__ = ["ELECTROMAGNETIC", "HADRONIC", "PhysicsList", "parse_physics_list"]

HADRONIC: tuple[str, ...] = (
    "FTFP_BERT",
    "FTFP_BERT_HP",
    "QGSP_BERT",
    "QGSP_BERT_HP",
    "QGSP_BIC",
    "QGSP_BIC_HP",
)
"""Hadronic physics that calzone offers."""

ELECTROMAGNETIC: dict[str, str] = {
    "": "standard",
    "_EMV": "option1",
    "_EMX": "option2",
    "_EMY": "option3",
    "_EMZ": "option4",
    "_LIV": "livermore",
    "_PEN": "penelope",
}
"""Geant4's suffix of each electromagnetic physics, and what calzone calls it."""


@dataclass(frozen=True)
class PhysicsList:
    """A physics list.

    Args:
        name: Such as `FTFP_BERT_EMV`.
        hadronic: What calzone calls its hadronic part.
        electromagnetic: What calzone calls its electromagnetic part.
    """

    name: str
    hadronic: str
    electromagnetic: str

    @property
    def needs_official_data(self) -> bool:
        """Whether it reads tables that a compact data set does not hold.

        Precise neutrons need G4NDL; options 3 and 4, Livermore and Penelope atomic shells.
        """
        return self.hadronic.endswith("_HP") or self.electromagnetic not in {
            "standard",
            "option1",
            "option2",
        }


def parse_physics_list(name: str) -> PhysicsList:
    """Read the name of a physics list: a hadronic part and, if any, an electromagnetic suffix.

    Raises:
        ConfigurationError: There is no such list here.
    """
    for hadronic in HADRONIC:
        suffix = name.upper().removeprefix(hadronic)
        if name.upper().startswith(hadronic) and suffix in ELECTROMAGNETIC:
            return PhysicsList(hadronic + suffix, hadronic, ELECTROMAGNETIC[suffix])
    suffixes = ", ".join(suffix for suffix in ELECTROMAGNETIC if suffix)
    msg = (
        f"unknown physics list {name!r}: give one of {', '.join(HADRONIC)}, "
        f"with one of {suffixes} behind it or nothing"
    )
    raise ConfigurationError(msg)
