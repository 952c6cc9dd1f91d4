"""The leading trimmed jet of each event, its subjets and its N-subjettiness, with FastJet."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import awkward as ak
import fastjet
import numpy as np
from numpy.typing import NDArray

from calogan.jets.simulation.towers import Towers

__all__ = ["F_CUT", "RADIUS", "SUBJET_RADIUS", "TrimmedJets", "n_subjettiness", "trim"]

RADIUS, SUBJET_RADIUS, F_CUT = 1.0, 0.3, 0.05
"""anti-kt with R = 1.0; kt subjets with R = 0.3 stay with 5 % of its pT or more (arXiv:1701.05927,
section 2; D. Krohn, J. Thaler, L.-T. Wang, JHEP 02 (2010) 084)."""

_MOMENTUM = ("px", "py", "pz", "E")
_LEAST_PT_GEV = 50.0
"""Of a leading jet, before it is trimmed: far below all that is kept in the end."""

_TAU_BETA, _TAU_R0 = 1.0, 1.0
_TINY_TAU, _NO_RATIO = 1e-4, -10.0

fastjet._swig.ClusterSequence.set_fastjet_banner_stream(None)  # it writes to stdout


@dataclass(frozen=True, eq=False)
class TrimmedJets:
    """n trimmed jets.

    Args:
        event: Number of the event of each, shape `(n,)`.
        pt: Transverse momentum [GeV], shape `(n,)`.
        eta: Pseudorapidity, shape `(n,)`.
        phi: Azimuth in [0, 2 pi), shape `(n,)`.
        mass: Mass [GeV], shape `(n,)`.
        leading: Direction (eta, phi) of the subjet of most pT, shape `(n, 2)`.
        second: Direction (eta, phi) of the second subjet, NaN where there is none, `(n, 2)`.
        towers: Towers of each jet: records `eta`, `phi`, `pt`, `px`, `py`, `pz`, `E`, n lists.
    """

    event: NDArray[np.int64]
    pt: NDArray[np.float64]
    eta: NDArray[np.float64]
    phi: NDArray[np.float64]
    mass: NDArray[np.float64]
    leading: NDArray[np.float64]
    second: NDArray[np.float64]
    towers: ak.Array

    def __len__(self) -> int:
        """Number of jets."""
        return len(self.event)

    def __getitem__(self, index: NDArray[Any]) -> TrimmedJets:
        """Select jets by a mask or indices."""
        return TrimmedJets(*(getattr(self, field.name)[index] for field in fields(self)))

    @property
    def delta_r(self) -> NDArray[np.float64]:
        """Distance of the two leading subjets in eta and phi, 0 with one subjet, shape `(n,)`."""
        d_eta, d_phi = np.moveaxis(self.second - self.leading, -1, 0)
        distance = np.hypot(d_eta, (d_phi + np.pi) % (2 * np.pi) - np.pi)
        return np.where(np.isnan(distance), 0.0, distance)


def trim(towers: Towers) -> TrimmedJets:
    """Find the anti-kt jet of most pT in each event, and trim it.

    Events without any jet of 50 GeV are left out.

    Args:
        towers: Towers of the events.
    """
    particles = ak.unflatten(
        ak.zip(
            {
                "px": towers.pt * np.cos(towers.phi),
                "py": towers.pt * np.sin(towers.phi),
                "pz": towers.pt * np.sinh(towers.eta),
                "E": towers.energy,
                "eta": towers.eta,
                "phi": towers.phi,
                "pt": towers.pt,
            }
        ),
        towers.n_per_event,
    )
    event = np.flatnonzero(towers.n_per_event > 0)
    particles = particles[event]
    jets, members = _clustered(particles, fastjet.antikt_algorithm, RADIUS, _LEAST_PT_GEV)
    found = _numpy(ak.num(jets)) > 0
    event, particles, jets, members = event[found], particles[found], jets[found], members[found]
    hardest = ak.argmax(_pt(jets), axis=1, keepdims=True)
    jet_pt = _pt(jets)[hardest]
    particles = particles[ak.flatten(members[hardest], axis=2)]

    subjets, members = _clustered(particles, fastjet.kt_algorithm, SUBJET_RADIUS, 0.0)
    kept = _pt(subjets) >= F_CUT * jet_pt[:, 0]
    subjets, members = subjets[kept], members[kept]
    subjets = subjets[ak.argsort(_pt(subjets), axis=1, ascending=False)]
    px, py, pz, energy = (_numpy(ak.sum(subjets[name], axis=1)) for name in _MOMENTUM)
    pt = np.hypot(px, py)
    return TrimmedJets(
        event=event,
        pt=pt,
        eta=np.arcsinh(pz / pt),
        phi=np.arctan2(py, px) % (2 * np.pi),
        mass=np.sqrt(np.maximum(energy**2 - pt**2 - pz**2, 0.0)),
        leading=_direction(subjets, 0),
        second=_direction(subjets, 1),
        towers=particles[ak.flatten(members, axis=2)],
    )


def n_subjettiness(jets: TrimmedJets) -> dict[str, NDArray[np.float64]]:
    """N-subjettiness of jets: `tau_1`, `tau_2`, `tau_3`, and the ratios `tau_21` and `tau_32`.

    tau_N is the sum of pT times the distance to the nearest of N axes, over that of pT (J. Thaler,
    K. Van Tilburg, JHEP 03 (2011) 015, equation 3.1, with R_0 = 1 and beta = 1). The axes are
    those of kt clustering with the winner-take-all scheme, and one minimisation from there, as in
    the data set of the paper. A ratio to a tau below 1e-4 is -10, as there.

    Args:
        jets: The n jets.

    Returns:
        Each of shape `(n,)`.
    """
    if not len(jets):
        return {name: np.empty(0) for name in ("tau_1", "tau_2", "tau_3", "tau_21", "tau_32")}
    sequence = _sequence(jets.towers, fastjet.kt_algorithm, RADIUS)
    tau_1, tau_2, tau_3 = (
        _numpy(
            sequence.njettiness(
                measure_definition="NormalizedMeasure",
                axes_definition="OnePass_WTA_KT_Axes",
                njets=[1, 2, 3],
                beta=_TAU_BETA,
                R0=_TAU_R0,
            )
        )
        .reshape(len(jets), 3)
        .T
    )
    return {
        "tau_1": tau_1,
        "tau_2": tau_2,
        "tau_3": tau_3,
        "tau_21": _ratio(tau_2, tau_1),
        "tau_32": _ratio(tau_3, tau_2),
    }


def _ratio(numerator: NDArray[np.float64], denominator: NDArray[np.float64]) -> NDArray[np.float64]:
    missing = denominator < _TINY_TAU
    return np.where(missing, _NO_RATIO, numerator / np.where(missing, 1.0, denominator))


def _sequence(particles: ak.Array, algorithm: int, radius: float) -> Any:
    momenta = ak.to_packed(particles[list(_MOMENTUM)])
    return fastjet.ClusterSequence(momenta, fastjet.JetDefinition(algorithm, radius))


def _clustered(
    particles: ak.Array, algorithm: int, radius: float, least_pt: float
) -> tuple[ak.Array, ak.Array]:
    """Cluster each event: its jets, and which of its particles are in each."""
    sequence = _sequence(particles, algorithm, radius)
    return sequence.inclusive_jets(least_pt), sequence.constituent_index(least_pt)


def _pt(jets: ak.Array) -> ak.Array:
    return np.hypot(jets.px, jets.py)


def _direction(subjets: ak.Array, rank: int) -> NDArray[np.float64]:
    """Eta and phi of a subjet of each jet, `(n, 2)`; NaN where there is none."""
    px, py, pz = (
        _numpy(ak.fill_none(ak.pad_none(subjets[name], rank + 1)[:, rank], np.nan))
        for name in ("px", "py", "pz")
    )
    return np.stack([np.arcsinh(pz / np.hypot(px, py)), np.arctan2(py, px)], axis=-1)


def _numpy(array: ak.Array) -> NDArray[Any]:
    return np.ma.getdata(ak.to_numpy(array))
