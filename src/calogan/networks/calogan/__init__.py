"""The CaloGAN of arXiv:1705.02355: a generator and a discriminator of calorimeter showers.

Both work for any number of readout layers of any size, also for polar ones: the cells of a layer
are an image whose first axis is eta or alpha and whose second is phi or r. Energies are in GeV
throughout, as in the published training code, whose defaults (Keras') are kept.
"""

from __future__ import annotations

from calogan.networks.calogan.discriminator import FEATURES, CaloganDiscriminator
from calogan.networks.calogan.generator import CaloganGenerator

__all__ = ["FEATURES", "CaloganDiscriminator", "CaloganGenerator"]
