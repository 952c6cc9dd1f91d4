"""The detector as frozen, validated values: what it is made of and how it is read out."""

from __future__ import annotations

from calogan.calorimeter.detector import Calorimeter
from calogan.calorimeter.materials import Material, interaction_length_mm, radiation_length_mm
from calogan.calorimeter.readout import AnyLayer, Axis, PolarLayer, ReadoutLayer
from calogan.calorimeter.structure import Section, Slab, SubLayer
from calogan.calorimeter.text import shipped_calorimeters

__all__ = [
    "CALOGAN",
    "AnyLayer",
    "Axis",
    "Calorimeter",
    "Material",
    "PolarLayer",
    "ReadoutLayer",
    "Section",
    "Slab",
    "SubLayer",
    "interaction_length_mm",
    "radiation_length_mm",
    "shipped_calorimeters",
]

CALOGAN = Calorimeter.load("calogan")
"""The calorimeter of the CaloGAN paper (arXiv:1705.02355): 80 x (2 mm Pb + 4 mm liquid argon)."""
