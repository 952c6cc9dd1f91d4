"""A normalising flow over the cells of a shower, sampled in one pass."""

from __future__ import annotations

from calogan.networks.flow.coordinates import CellCoordinates, Layout
from calogan.networks.flow.couplings import CouplingFlow
from calogan.networks.flow.energies import LayerEnergies
from calogan.networks.flow.generator import FlowGenerator
from calogan.networks.flow.imputation import fill_empty
from calogan.networks.flow.marginals import CellMarginals

__all__ = [
    "CellCoordinates",
    "CellMarginals",
    "CouplingFlow",
    "FlowGenerator",
    "LayerEnergies",
    "Layout",
    "fill_empty",
]
