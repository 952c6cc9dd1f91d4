"""Geant4 showers: cross-section data, detector construction, physics."""

from __future__ import annotations

from calogan.geant4.simulator import Geant4Simulator

__all__ = ["Geant4Simulator"]
