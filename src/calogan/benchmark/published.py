"""The computing table of the CaloGAN paper and slides, for comparison."""

from __future__ import annotations

__all__ = ["PUBLISHED", "PUBLISHED_HARDWARE"]

PUBLISHED: tuple[tuple[str, str, int | None, float], ...] = (
    ("Geant4", "CPU", None, 1772.0),
    ("CaloGAN", "CPU", 1, 13.1),
    ("CaloGAN", "CPU", 10, 5.11),
    ("CaloGAN", "CPU", 128, 2.19),
    ("CaloGAN", "CPU", 1024, 2.03),
    ("CaloGAN", "GPU", 1, 14.5),
    ("CaloGAN", "GPU", 4, 3.68),
    ("CaloGAN", "GPU", 128, 0.021),
    ("CaloGAN", "GPU", 512, 0.014),
    ("CaloGAN", "GPU", 1024, 0.012),
)
"""Simulator, hardware, batch size and time per shower [ms] (arXiv:1705.02355, table of the
computing performance), on the authors' machines."""

PUBLISHED_HARDWARE = {"CPU": "their CPU", "GPU": "their GPU"}
"""What these were."""
