"""Torch modules, nothing else: no data, no loops, no files."""

from __future__ import annotations

from calogan.networks.calogan import CaloganDiscriminator, CaloganGenerator

__all__ = ["CaloganDiscriminator", "CaloganGenerator"]
