"""A trained generator as a bundle."""

from __future__ import annotations

import logging
import math
import platform
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from calogan.bundle import (
    Architecture,
    Card,
    Condition,
    Figures,
    TrainingData,
    sha256,
    split_version,
    write_bundle,
)
from calogan.conditions import ENERGY
from calogan.files import open_showers_file
from calogan.networks import CaloganGenerator
from calogan.networks.flow import FlowGenerator
from calogan.training.configuration import FREE_TO_CHANGE, TrainingConfig
from calogan.training.data import MEV_PER_GEV, ShowerFileRows, ShowerSet
from calogan.training.loading import Validation

__all__ = ["export_bundle", "export_flow", "export_onnx", "to_onnx"]


class _InMev(nn.Module):
    """The generator of one particle, with its outputs in MeV."""

    def __init__(self, generator: nn.Module, label: int | None) -> None:
        super().__init__()
        self.generator = generator
        self.label = label

    def forward(self, noise: Tensor, condition: Tensor) -> tuple[Tensor, ...]:
        if self.label is None:
            images = self.generator(noise, condition)
        else:
            label = torch.full((noise.shape[0],), self.label, dtype=torch.int64)
            images = self.generator(noise, condition, label)
        return tuple(layer * MEV_PER_GEV for layer in images)


def export_onnx(
    generator: CaloganGenerator, n_conditions: int = 1, label: int | None = None
) -> bytes:
    """Return the network as ONNX: noise and condition to layers [MeV], for any batch size.

    Args:
        generator: The network.
        n_conditions: What it is told: the energy [GeV] alone, then the input is called `energy`;
            or more, then it is called `condition`.
        label: Index of the particle, of a network that knows several: it knows one from then on.
    """
    network = _InMev(generator.merged(), label).eval()
    outputs = [f"layer_{k}" for k in range(len(generator.streams))]
    return _shower_onnx(network, generator.latent_size, n_conditions, outputs)


def _shower_onnx(
    network: nn.Module, latent_size: int, n_conditions: int, outputs: list[str]
) -> bytes:
    told = "energy" if n_conditions == 1 else "condition"
    example = (torch.zeros(2, latent_size), torch.ones(2, n_conditions))
    return to_onnx(network, example, ["noise", told], outputs)


def to_onnx(
    network: nn.Module, example: tuple[Tensor, ...], inputs: list[str], outputs: list[str]
) -> bytes:
    """Return a network as ONNX, for any batch size.

    Args:
        network: In evaluation mode, without gradients.
        example: Inputs for a batch of two.
        inputs: Their names.
        outputs: Names of the outputs.
    """
    batch = torch.export.Dim("n", min=1)
    with _quiet():
        program = torch.onnx.export(
            network,
            example,
            input_names=inputs,
            output_names=outputs,
            dynamic_shapes=tuple({0: batch} for _ in example),
            dynamo=True,
            verbose=False,
        )
    if program is None:  # only without dynamo
        msg = "the exporter returned nothing"
        raise RuntimeError(msg)
    model = program.model_proto
    _forget_origin(model)
    return bytes(model.SerializeToString(deterministic=True))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep to itself what the exporter says to its own developers."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def _forget_origin(model: Any) -> None:
    """Remove the source lines of the exporting machine, which the exporter notes at each node."""
    for part in (model, model.graph, *model.graph.node, *model.graph.value_info):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")


def export_bundle(
    output: Path,
    generator: CaloganGenerator,
    name: str,
    held_out: Validation,
    training: ShowerSet,
    config: TrainingConfig,
    quality: Mapping[str, Mapping[str, float]],
    epoch: int,
) -> Path:
    """Write the bundle of one particle.

    Args:
        output: Folder to make.
        generator: The trained network.
        name: Name of the model, with its version unless that is 1: `calogan-eplus@2`.
        held_out: The particle, and its showers that no update saw.
        training: Showers that updates saw, of all particles.
        config: Settings of the training.
        quality: Figures for the card.
        epoch: Epoch whose weights these are.

    Returns:
        The folder.
    """
    several = training.n_classes > 1
    model = export_onnx(
        generator, len(training.condition_names), held_out.label if several else None
    )
    architecture = Architecture(
        kind="calogan",
        latent_size=config.latent_size,
        attention=not config.no_attn,
        parameters=sum(p.numel() for p in generator.parameters()),
        differs_from_paper=_differences(config),
    )
    settings = {**config.as_dict(), "stopped_at_epoch": epoch}
    return _write(output, model, architecture, name, held_out, training, settings, quality)


def export_flow(
    output: Path,
    generator: FlowGenerator,
    name: str,
    held_out: Validation,
    training: ShowerSet,
    settings: Mapping[str, Any],
    quality: Mapping[str, Mapping[str, float]],
) -> Path:
    """Write the bundle of a flow: arguments as for `export_bundle`, and its settings by name."""
    network = _InMev(generator.merged(), None).eval()
    layers = [f"layer_{k}" for k in range(len(generator.layout.layer_shapes))]
    model = _shower_onnx(network, generator.latent_size, 1, [*layers, "overflow"])
    architecture = Architecture.model_validate(
        {
            "kind": "flow",
            "latent_size": generator.latent_size,
            "attention": False,
            "overflow": True,
            "parameters": sum(p.numel() for p in generator.parameters()),
        }
    )
    return _write(output, model, architecture, name, held_out, training, settings, quality)


def _write(
    output: Path,
    model: bytes,
    architecture: Architecture,
    name: str,
    held_out: Validation,
    training: ShowerSet,
    settings: Mapping[str, Any],
    quality: Mapping[str, Mapping[str, float]],
) -> Path:
    model_name, model_version = split_version(name)
    label, names = held_out.label, training.condition_names
    condition = training.condition[training.label == label]
    energy = np.concatenate([condition[:, 0].numpy(), held_out.showers.incident.energy_gev])
    files = sorted(training.files, key=lambda file: file.label != label)  # its own first
    data = [_data(file, own=file.label == label) for file in files]
    card = Card(
        name=model_name,
        version=model_version or 1,
        particle=held_out.particle,
        energy_range_gev=_round_range(float(energy.min()), float(energy.max())),
        conditions=tuple(
            _condition(name, condition[:, column], mirrored=training.reflections)
            for column, name in enumerate(names)
            if name != ENERGY
        ),
        calorimeter=training.calorimeter,
        architecture=architecture,
        data=data[0],
        further_data=tuple(data[1:]),
        training=dict(settings),
        quality={name: Figures(**figures) for name, figures in quality.items()},
        sha256="",
        made_with={
            "calogan": version("calogan"),
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
    )
    return write_bundle(output, model, card)


def _data(file: ShowerFileRows, *, own: bool) -> TrainingData:
    """What a card says of a file."""
    with open_showers_file(file.path) as reader:
        made_with, particle = reader.made_with, reader.particle
    return TrainingData(
        file=file.path.name,
        sha256=sha256(file.path),
        size_bytes=file.path.stat().st_size,
        particle=None if own else particle,
        n_training=file.n,
        n_validation=file.n_validation,
        made_with=made_with,
    )


def _condition(name: str, values: Tensor, *, mirrored: bool) -> Condition:
    low, high = float(values.min()), float(values.max())
    if mirrored:  # showers were seen on both sides
        high = max(-low, high)
        low = -high
    return Condition.model_validate({"name": name, "low": low, "high": high})


def _round_range(low: float, high: float) -> tuple[float, float]:
    """Round outwards by at most 3 %: 1.02 to 99.98 GeV means 1 to 100."""
    for digits in (1, 2, 3):
        low_step = 10.0 ** (math.floor(math.log10(low)) + 1 - digits)
        high_step = 10.0 ** (math.floor(math.log10(high)) + 1 - digits)
        rounded = math.floor(low / low_step) * low_step, math.ceil(high / high_step) * high_step
        if rounded[0] > 0.97 * low and rounded[1] < 1.03 * high:
            return float(f"{rounded[0]:.6g}"), float(f"{rounded[1]:.6g}")
    return low, high


def _differences(config: TrainingConfig) -> str:
    """Settings that are not the published ones, for the card."""
    paper = {field.name: field.default for field in fields(TrainingConfig)}
    paper |= {"ema_decay": 0, "reflections": False, "views": False}
    ignored = {"seed", "validation_share", "validation_showers", "precision", "buffer_size"}
    return "; ".join(
        f"{name} {value} (paper {paper[name]})"
        for name, value in config.as_dict().items()
        if name not in ignored | FREE_TO_CHANGE and value != paper[name]
    )
