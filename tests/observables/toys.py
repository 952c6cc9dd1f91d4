"""A calorimeter with layers of all kinds, and showers in it of all kinds."""

from __future__ import annotations

import numpy as np

from calogan.calorimeter import Calorimeter, PolarLayer, ReadoutLayer, Section, SubLayer
from calogan.incident import Incident
from calogan.showers import Showers

MIXED = Calorimeter(
    name="mixed",
    sections=(Section(sublayers=(SubLayer(material="G4_Pb", thickness_mm=60.0),)),),
    layers=(
        ReadoutLayer(z_min_mm=-30, z_max_mm=-20, n_eta=3, n_phi=4, half_width_mm=30),
        PolarLayer(z_min_mm=-20, z_max_mm=-5, n_alpha=6, r_edges_mm=(0, 5, 12, 30)),
        PolarLayer(z_min_mm=-5, z_max_mm=0, n_alpha=1, r_edges_mm=(3, 10, 20)),
        ReadoutLayer(z_min_mm=0, z_max_mm=5, n_eta=1, n_phi=1, half_width_mm=30),
        ReadoutLayer(z_min_mm=5, z_max_mm=30, n_eta=2, n_phi=1, half_width_mm=20),
    ),
)
"""Rectangular cells, cells in angle and radius, rings, a single cell, and two."""


def make_mixed(n: int, seed: int, *, beams: bool) -> Showers:
    """Random cells, many of them 0; some layers and the last shower are empty.

    Args:
        n: How many showers.
        seed: Fixes them.
        beams: Give each a line of flight of its own, instead of the axis.
    """
    rng = np.random.default_rng(seed)
    layers = []
    for shape in MIXED.layer_shapes:
        image = rng.gamma(0.5, 20, (n, *shape)) * (rng.random((n, *shape)) < 0.6)
        image[rng.random(n) < 0.2] = 0
        image[-1] = 0
        layers.append(image.astype(np.float32))
    overflow = rng.gamma(0.5, 5, (n, len(layers))) * (np.arange(n) < n - 1)[:, None]
    position = np.c_[rng.normal(0, 10, (n, 2)), np.full(n, -50.0)]
    direction = np.c_[rng.normal(0, 0.2, (n, 2)), np.ones(n)]
    energy = rng.uniform(0.1, 1, n)
    incident = (
        Incident.create("e+", energy, position_mm=position, direction=direction)
        if beams
        else Incident.create("e+", energy)
    )
    return Showers(incident, tuple(layers), overflow.astype(np.float32), MIXED)
