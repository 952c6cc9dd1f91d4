"""Names of particles: those of the `particle` package, of Geant4, of files, and PDG ids."""

from __future__ import annotations

from functools import cache

from calogan.errors import IncidentError

__all__ = ["FILE_STEMS", "particle_name", "pdg_id"]

_COMMON = {"e+": -11, "e-": 11, "gamma": 22, "pi+": 211, "pi-": -211, "mu-": 13, "mu+": -13}
_ALIASES = {
    "eplus": "e+",
    "positron": "e+",
    "eminus": "e-",
    "electron": "e-",
    "photon": "gamma",
    "piplus": "pi+",
    "pion": "pi+",
    "piminus": "pi-",
    "proton": "p",
    "neutron": "n",
    "muon": "mu-",
}

FILE_STEMS = frozenset({*_COMMON, *_ALIASES})
"""Names of files, without their ending, that say which particle is in them: `eplus`, `gamma`."""

# Geant4's own names, where the particle package spells them differently
_GEANT4_WITH_ANTI = {
    "nu_e": 12,
    "nu_mu": 14,
    "nu_tau": 16,
    "kaon0": 311,
    "D0": 421,
    "B0": 511,
    "Bs0": 531,
    "proton": 2212,
    "neutron": 2112,
    "lambda": 3122,
    "sigma+": 3222,
    "sigma0": 3212,
    "sigma-": 3112,
    "xi0": 3322,
    "xi-": 3312,
    "omega-": 3334,
    "lambda_c+": 4122,
    "sigma_c++": 4222,
    "sigma_c+": 4212,
    "sigma_c0": 4112,
    "xi_c+": 4232,
    "xi_c0": 4132,
    "omega_c0": 4332,
    "lambda_b": 5122,
    "sigma_b+": 5222,
    "sigma_b-": 5112,
    "xi_b0": 5232,
    "xi_b-": 5132,
    "omega_b-": 5332,
    "deuteron": 1000010020,
    "triton": 1000010030,
    "He3": 1000020030,
    "alpha": 1000020040,
}
_GEANT4 = {
    "kaon+": 321,
    "kaon-": -321,
    "kaon0L": 130,
    "kaon0S": 310,
    "eta_prime": 331,
    "Ds+": 431,
    "Ds-": -431,
    "Bc+": 541,
    "Bc-": -541,
    "etac": 441,
    "J/psi": 443,
    "Upsilon": 553,
    **_GEANT4_WITH_ANTI,
    **{f"anti_{name}": -number for name, number in _GEANT4_WITH_ANTI.items()},
}


def pdg_id(particle: str | int) -> int:
    """PDG id of a particle.

    Args:
        particle: Its name in the `particle` package (`e+`, `K(L)0`) or in Geant4 (`kaon0L`,
            `anti_proton`), the stem of a file (`eplus`), or its PDG id.

    Raises:
        IncidentError: No such particle.
    """
    text = str(particle).strip()
    text = _ALIASES.get(text, text)
    if text in _COMMON:
        return _COMMON[text]
    if text in _GEANT4:
        return _GEANT4[text]
    from particle import InvalidParticle, Particle, ParticleNotFound

    try:
        if text.lstrip("+-").isdigit():
            return int(Particle.from_pdgid(int(text)).pdgid)
        return _names()[text]
    except (ParticleNotFound, InvalidParticle, ValueError, KeyError):
        msg = f"unknown particle {particle!r}: give a name such as e+, gamma, pi+, or a PDG id"
        raise IncidentError(msg) from None


@cache
def _names() -> dict[str, int]:
    """PDG ids by the names of the particle package, which searches its whole list for each name."""
    from particle import Particle

    # p and n are nuclei as well: the particle, with the smaller number, counts
    ordered = sorted((abs(int(p.pdgid)), int(p.pdgid), p.name) for p in Particle.all())
    return {name: pdgid for _, pdgid, name in reversed(ordered)}


def particle_name(pdgid: int) -> str:
    """Name of a particle by its PDG id, as the `particle` package spells it; the id if it has none."""
    for name, number in _COMMON.items():
        if number == pdgid:
            return name
    from particle import InvalidParticle, Particle, ParticleNotFound

    try:
        return str(Particle.from_pdgid(pdgid).name)
    except (ParticleNotFound, InvalidParticle):
        return str(pdgid)
