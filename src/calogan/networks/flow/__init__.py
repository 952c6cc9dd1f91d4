"""A normalising flow over the cells of a shower, sampled in one pass."""

from __future__ import annotations

from calogan.networks.flow.coordinates import CellCoordinates, Layout
from calogan.networks.flow.couplings import CouplingFlow
from calogan.networks.flow.energies import LayerEnergies
from calogan.networks.flow.generator import FlowGenerator
from calogan.networks.flow.imputation import fill_empty
from calogan.networks.flow.marginals import CellMarginals
from calogan.networks.flow.mixtures import MixtureChain
from calogan.networks.flow.orientation import LayerOrientation
from calogan.networks.flow.overflow import LayerOverflow
from calogan.networks.flow.summaries import SUMMARIES, LayerSummaries

__all__ = [
    "SUMMARIES",
    "CellCoordinates",
    "CellMarginals",
    "CouplingFlow",
    "FlowGenerator",
    "LayerEnergies",
    "LayerOrientation",
    "LayerOverflow",
    "LayerSummaries",
    "Layout",
    "MixtureChain",
    "fill_empty",
]
