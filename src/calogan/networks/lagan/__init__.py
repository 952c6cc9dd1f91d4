"""The four GANs of the LAGAN paper (arXiv:1701.05927): LAGAN, DCGAN, FCGAN, HYBRIDGAN."""

from __future__ import annotations

from calogan.networks.lagan.discriminators import JetDiscriminator, make_discriminator
from calogan.networks.lagan.generators import JetImageGenerator, make_generator

__all__ = ["JetDiscriminator", "JetImageGenerator", "make_discriminator", "make_generator"]
