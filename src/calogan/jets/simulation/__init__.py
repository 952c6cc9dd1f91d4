"""From proton collisions to jet images: Pythia, towers, FastJet, pixels (arXiv:1701.05927)."""

from __future__ import annotations
