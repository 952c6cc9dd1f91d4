"""Torch modules, nothing else: no data, no loops, no files."""

from __future__ import annotations

from calogan.networks.calogan import FEATURES, CaloganDiscriminator, CaloganGenerator

__all__ = ["FEATURES", "CaloganDiscriminator", "CaloganGenerator"]
