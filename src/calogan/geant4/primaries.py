"""Which particles Geant4 can shoot."""

from __future__ import annotations

from collections.abc import Iterable

from calogan.errors import IncidentError
from calogan.particles import particle_name

__all__ = ["check_primaries"]

_NUCLEI = 1_000_000_000
_LIGHT_NUCLEI = frozenset({1000010020, 1000010030, 1000020030, 1000020040})
_GLUON = 21
_BOSONS = range(23, 100)


def check_primaries(pdgids: Iterable[int]) -> None:
    """Refuse particles that Geant4 does not shoot, before a production begins.

    Deuteron, triton, He3 and alpha are there from the start. Heavier nuclei Geant4 makes when a
    reaction does, so that calzone finds them by chance or not at all: they are refused. Of the
    hadrons that are known to physics, some excited ones are unknown to Geant4; that it says itself.

    Args:
        pdgids: PDG ids.

    Raises:
        IncidentError: One of them is a quark, a gluon, a heavy boson or a nucleus above alpha.
    """
    for pdgid in sorted(set(pdgids), key=abs):
        number = abs(pdgid)
        diquark = 1000 <= number < 10_000 and number // 10 % 10 == 0
        if number >= _NUCLEI and number not in _LIGHT_NUCLEI:
            why = "of nuclei it shoots deuteron, triton, He3 and alpha"
        elif 0 < number < 9 or number == _GLUON or diquark:
            why = "quarks and gluons are not free"
        elif number in _BOSONS:
            why = "it decays before it flies: shoot what it decays to"
        else:
            continue
        msg = f"Geant4 cannot shoot {particle_name(pdgid)} (PDG id {pdgid}): {why}"
        raise IncidentError(msg)
