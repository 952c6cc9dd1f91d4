"""Jet images: the second system, of the LAGAN paper (arXiv:1701.05927)."""

from __future__ import annotations

from calogan.jets.files import open_jet_images, read_jet_images, write_jet_images
from calogan.jets.images import JetImages

__all__ = ["JetImages", "open_jet_images", "read_jet_images", "write_jet_images"]
