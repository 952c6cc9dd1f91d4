"""A trained generator as a bundle."""

from __future__ import annotations

import logging
import math
import platform
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from calogan.bundle import Architecture, Card, TrainingData, sha256, write_bundle
from calogan.calorimeter import Calorimeter
from calogan.files import ShowerFile
from calogan.networks import CaloganGenerator
from calogan.training.configuration import TrainingConfig
from calogan.training.data import MEV_PER_GEV, ShowerSet

__all__ = ["export_bundle", "export_onnx"]


class _InMev(nn.Module):
    """The generator with its outputs in MeV."""

    def __init__(self, generator: CaloganGenerator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, noise: Tensor, energy: Tensor) -> tuple[Tensor, ...]:
        return tuple(layer * MEV_PER_GEV for layer in self.generator(noise, energy))


def export_onnx(generator: CaloganGenerator) -> bytes:
    """Return the network as ONNX: noise and energy [GeV] to layers [MeV], for any batch size."""
    network = _InMev(generator.merged()).eval()
    outputs = [f"layer_{k}" for k in range(len(generator.streams))]
    example = (torch.zeros(2, generator.latent_size), torch.ones(2, 1))
    batch = torch.export.Dim("n", min=1)
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # notes of the exporter to its own developers
        logger.setLevel(logging.ERROR)
        try:
            program = torch.onnx.export(
                network,
                example,
                input_names=["noise", "energy"],
                output_names=outputs,
                dynamic_shapes={"noise": {0: batch}, "energy": {0: batch}},
                dynamo=True,
                verbose=False,
            )
        finally:
            logger.setLevel(level)
    if program is None:  # only without dynamo
        msg = "the exporter returned nothing"
        raise RuntimeError(msg)
    model = program.model_proto
    _forget_origin(model)
    return bytes(model.SerializeToString(deterministic=True))


def _forget_origin(model: Any) -> None:
    """Remove the source lines of the exporting machine, which the exporter notes at each node."""
    for part in (model, model.graph, *model.graph.node, *model.graph.value_info):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")


def export_bundle(
    output: Path,
    generator: CaloganGenerator,
    name: str,
    particle: str,
    data: Path,
    training: ShowerSet,
    validation: ShowerSet,
    calorimeter: Calorimeter,
    config: TrainingConfig,
    quality: dict[str, Any],
    epoch: int,
) -> Path:
    """Write a bundle.

    Args:
        output: Folder to make.
        generator: The trained network.
        name: Name of the model.
        particle: Name of the particle.
        data: File of the training showers.
        training: Those of its showers that updates saw.
        validation: Those that no update saw.
        calorimeter: Their calorimeter.
        config: Settings of the training.
        quality: Figures for the card.
        epoch: Epoch whose weights these are.

    Returns:
        The folder.
    """
    model = export_onnx(generator)
    with ShowerFile(data) as file:
        made_with = file.made_with or {
            key: str(value) for key, value in file.attributes.items() if key != "calorimeter"
        }
    energy = torch.cat([training.energy, validation.energy])
    card = Card(
        name=name,
        particle=particle,
        energy_range_gev=_round_range(float(energy.min()), float(energy.max())),
        calorimeter=calorimeter,
        architecture=Architecture(
            kind="calogan",
            latent_size=config.latent_size,
            attention=not config.no_attn,
            parameters=sum(p.numel() for p in generator.parameters()),
            differs_from_paper=_differences(config),
        ),
        data=TrainingData(
            file=data.name,
            sha256=sha256(data),
            n_training=len(training),
            n_validation=len(validation),
            made_with=made_with,
        ),
        training={**config.model_dump(), "stopped_at_epoch": epoch},
        quality=quality,
        sha256="",
        made_with={
            "calogan": version("calogan"),
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
    )
    return write_bundle(output, model, card)


def _round_range(low: float, high: float) -> tuple[float, float]:
    """Round outwards by at most 2 %: 1.004 to 99.98 GeV means 1 to 100."""
    for digits in (1, 2, 3):
        low_step = 10.0 ** (math.floor(math.log10(low)) + 1 - digits)
        high_step = 10.0 ** (math.floor(math.log10(high)) + 1 - digits)
        rounded = math.floor(low / low_step) * low_step, math.ceil(high / high_step) * high_step
        if rounded[0] > 0.98 * low and rounded[1] < 1.02 * high:
            return float(f"{rounded[0]:.6g}"), float(f"{rounded[1]:.6g}")
    return low, high


def _differences(config: TrainingConfig) -> str:
    """Settings that are not the published ones, for the card."""
    paper = {name: field.default for name, field in TrainingConfig.model_fields.items()}
    paper |= {"ema_decay": 0, "reflections": False, "views": False}
    ignored = {"nb_epochs", "seed", "validation_share", "precision"}
    return "; ".join(
        f"{name} {value} (paper {paper[name]})"
        for name, value in config.model_dump().items()
        if name not in ignored and value != paper[name]
    )
