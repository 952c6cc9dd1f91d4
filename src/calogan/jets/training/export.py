"""A trained generator of jet images as a bundle."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import torch
from torch import Tensor, nn

from calogan.bundle import Figures, split_version, write_bundle
from calogan.jets.card import AuxiliaryClassifier, JetArchitecture, JetCard
from calogan.jets.training.configuration import JetTrainingConfig, differences
from calogan.jets.training.data import ImageSet
from calogan.networks.lagan import JetImageGenerator
from calogan.training.export import to_onnx

__all__ = ["export_jet_bundle", "export_jet_onnx"]


class _AboveThreshold(nn.Module):
    """A generator whose pixels below a threshold are zero, as those of its training images."""

    def __init__(self, generator: nn.Module, threshold_gev: float) -> None:
        super().__init__()
        self.generator, self.threshold_gev = generator, threshold_gev

    def forward(self, noise: Tensor, signal: Tensor) -> Tensor:
        image = self.generator(noise, signal)
        return torch.where(image < self.threshold_gev, torch.zeros_like(image), image)


def export_jet_onnx(generator: JetImageGenerator, threshold_gev: float = 0.0) -> bytes:
    """Return the network as ONNX: `noise` (n, latent) and `signal` (n,) to `image` [GeV].

    Args:
        generator: The network.
        threshold_gev: Pixels below it become zero [GeV].
    """
    network = _AboveThreshold(generator.merged(), threshold_gev).eval()
    example = (torch.zeros(2, generator.latent_size), torch.zeros(2, dtype=torch.int64))
    return to_onnx(network, example, ["noise", "signal"], ["image"])


def export_jet_bundle(
    output: Path,
    generator: JetImageGenerator,
    name: str,
    images: ImageSet,
    config: JetTrainingConfig,
    quality: Mapping[str, Mapping[str, float]],
    chosen: Mapping[str, int | str],
    auxiliary: AuxiliaryClassifier | None = None,
) -> Path:
    """Write a bundle.

    Args:
        output: Folder to make.
        generator: The trained network, on the CPU.
        name: Name of the model, with its version unless that is 1: `lagan@2`.
        images: What it was trained on.
        config: Settings of the training.
        quality: Figures for the card.
        chosen: Which weights these are, for the card.
        auxiliary: What the discriminator takes jets for, for the card.

    Returns:
        The folder.
    """
    model_name, model_version = split_version(name)
    card = JetCard(
        name=model_name,
        version=model_version or 1,
        threshold_gev=config.threshold_gev,
        architecture=JetArchitecture(
            kind=config.model,
            latent_size=config.latent_size,
            parameters=sum(p.numel() for p in generator.parameters()),
            differs_from_paper=differences(config),
        ),
        data=images.facts(),
        training={**config.as_dict(), **chosen},
        quality={name: Figures(**figures) for name, figures in quality.items()},
        auxiliary_classifier=auxiliary,
        sha256="",
        made_with={
            "calogan": version("calogan"),
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
    )
    return write_bundle(output, export_jet_onnx(generator, config.threshold_gev), card)
