r"""Shower shapes: one number per shower, computed for all showers at once, in any calorimeter.

With $E_{k,ij}$ the energy in cell (i, j) of readout layer k, i along eta (x), j along phi (y); in
layers with cells in angle and radius i and j count those, and eta and phi are still x and y.
The definitions are those of the CaloGAN paper (arXiv:1705.02355, table of shower shape variables)
where it has them. Lengths are in mm and not in cells, so that calorimeters can be compared.

Where a layer, or the whole shower, holds no energy, a sum of energies is 0 and a share of cells
is 0, for that is what was measured; a fraction, a centroid, a width or a depth is NaN, for 0/0 is
no measurement, and a number in its place would show up as a spike that no shower has. (The
published analysis code adds 1e-6 to the denominators instead, which puts such showers at 0.)

`observables_of` lists what there is for a calorimeter, `select_observables` some of it by name, and
`observables_table` computes it.
"""

from __future__ import annotations

from calogan.calorimeter import Axis
from calogan.observables.correlation import correlation_matrix
from calogan.observables.depth import (
    deepest_layer,
    depth_weighted_energy,
    shower_depth,
    shower_depth_width,
)
from calogan.observables.energies import (
    incident_energy,
    layer_energy,
    layer_fraction,
    leakage,
    longitudinal_profile,
    overflow_share,
    response,
    total_energy,
)
from calogan.observables.lateral import centroid, lateral_width, lateral_width_cells
from calogan.observables.linearity import ResponseCurve, response_curve
from calogan.observables.listing import INCIDENT_ENERGY, observables_of, shape_observables_of
from calogan.observables.observable import GROUPS, Group, Observable
from calogan.observables.peaks import brightest_fraction, energy_ratio, hit_share
from calogan.observables.radial import (
    RadialProfile,
    containment_radius,
    layer_radius,
    mean_radius,
    radial_profile,
    ring_edges,
)
from calogan.observables.selection import select_observables
from calogan.observables.table import observables_table

__all__ = [
    "GROUPS",
    "INCIDENT_ENERGY",
    "Axis",
    "Group",
    "Observable",
    "RadialProfile",
    "ResponseCurve",
    "brightest_fraction",
    "centroid",
    "containment_radius",
    "correlation_matrix",
    "deepest_layer",
    "depth_weighted_energy",
    "energy_ratio",
    "hit_share",
    "incident_energy",
    "lateral_width",
    "lateral_width_cells",
    "layer_energy",
    "layer_fraction",
    "layer_radius",
    "leakage",
    "longitudinal_profile",
    "mean_radius",
    "observables_of",
    "observables_table",
    "overflow_share",
    "radial_profile",
    "response",
    "response_curve",
    "ring_edges",
    "select_observables",
    "shape_observables_of",
    "shower_depth",
    "shower_depth_width",
    "total_energy",
]
