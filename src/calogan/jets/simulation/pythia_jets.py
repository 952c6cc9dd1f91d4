"""Jet images from simulated collisions: what one chunk of a production makes."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calogan.errors import SimulationError
from calogan.jets.images import JetImages
from calogan.jets.simulation.collisions import BACKGROUND, MAX_SEED, SIGNAL, Collisions, Process
from calogan.jets.simulation.pixels import images_of
from calogan.jets.simulation.trimming import TrimmedJets, n_subjettiness, trim
from calogan.jets.simulation.veto import describe_vetoes

__all__ = ["ETA_MAX", "MASS_GEV", "PT_GEV", "PythiaJets", "is_selected"]

PT_GEV, MASS_GEV, ETA_MAX = (250.0, 300.0), (60.0, 100.0), 2.0
"""Jets that are kept, after trimming (arXiv:1701.05927, section 2; |eta| from its code)."""

_SHARE = {SIGNAL: 0.14, BACKGROUND: 0.08}
"""About how many of the collisions that were not given up have such a jet."""

_MOST_COLLISIONS = 500
_PATIENCE = 100
"""Batches without any jet, one after another: then something is wrong with Pythia."""


def is_selected(jets: TrimmedJets) -> NDArray[np.bool_]:
    """Whether jets are within the selection of the data set, shape `(n,)`."""
    selected: NDArray[np.bool_] = (
        (jets.pt > PT_GEV[0])
        & (jets.pt < PT_GEV[1])
        & (jets.mass > MASS_GEV[0])
        & (jets.mass < MASS_GEV[1])
        & (abs(jets.eta) < ETA_MAX)
    )
    return selected


class PythiaJets:
    """Simulates jets with Pythia 8 and FastJet, and makes images of them."""

    name = "pythia"
    chunk_size = 500
    """Jets per chunk of a production: Pythia starts twice for each, in half a second."""

    resumable = True

    @property
    def provenance(self) -> dict[str, Any]:
        """What goes into the files."""
        return {
            "simulator": self.name,
            "pythia": version("pythia8mc"),
            "fastjet": version("fastjet"),
            "tune": "Monash 2013 (Tune:pp = 14)",
            "signal": {"process": SIGNAL.name, "settings": list(SIGNAL.settings)},
            "background": {"process": BACKGROUND.name, "settings": list(BACKGROUND.settings)},
            "veto": describe_vetoes(),
            "selection": {
                "jet_pt_gev": list(PT_GEV),
                "jet_mass_gev": list(MASS_GEV),
                "jet_eta_max": ETA_MAX,
            },
        }

    def simulate(
        self, signal: NDArray[np.bool_], rng: np.random.Generator | None = None
    ) -> JetImages:
        """Simulate one jet for each entry.

        Args:
            signal: True for a jet of a W boson, False for one of QCD, shape `(n,)`.
            rng: Source of all randomness; a fresh, unseeded one unless given.

        Returns:
            The n jets, in this order.

        Raises:
            SimulationError: Pythia does not start, or makes no such jets.
        """
        rng = np.random.default_rng() if rng is None else rng
        signal = np.asarray(signal, dtype=bool)
        seeds = rng.integers(1, MAX_SEED, size=2, endpoint=True)
        parts = [
            _simulated(process, int(seed), int(np.count_nonzero(signal == kind)), kind)
            for process, seed, kind in zip((SIGNAL, BACKGROUND), seeds, (True, False), strict=True)
        ]
        order = np.argsort(~signal, kind="stable")  # of the jets of W, and then of QCD
        return JetImages.concatenate([p for p in parts if len(p)])[np.argsort(order)]


def _simulated(process: Process, seed: int, n: int, kind: bool) -> JetImages:
    """Simulate n jets of one process."""
    if n == 0:
        return JetImages.concatenate([])
    collisions = Collisions(process, seed)
    parts: list[JetImages] = []
    found = without = 0
    while found < n:
        wanted = int(1.1 * (n - found) / _SHARE[process]) + 20
        jets = trim(collisions.towers(min(wanted, _MOST_COLLISIONS)))
        jets = jets[is_selected(jets)]
        without = 0 if len(jets) else without + 1
        if len(jets):
            parts.append(_imaged(jets, kind))
            found += len(jets)
        elif without == _PATIENCE:
            msg = (
                f"{process.name}: {_PATIENCE} batches of collisions, one after another, gave no jet"
            )
            raise SimulationError(msg)
    return JetImages.concatenate(parts)[:n]


def _imaged(jets: TrimmedJets, kind: bool) -> JetImages:
    variables = {
        "jet_pt": jets.pt,
        "jet_eta": jets.eta,
        "jet_phi": jets.phi,
        "jet_mass": jets.mass,
        "jet_delta_R": jets.delta_r,
        **n_subjettiness(jets),
    }
    return JetImages(
        images_of(jets),
        np.full(len(jets), kind),
        {name: values.astype(np.float32) for name, values in variables.items()},
    )
