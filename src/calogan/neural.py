"""Showers from a trained network, through ONNX Runtime; no torch."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from calogan.bundle import Bundle
from calogan.calorimeter import Calorimeter
from calogan.errors import ModelError
from calogan.incident import GUN_POSITION_MM, Incident, pdg_id
from calogan.showers import Showers

__all__ = ["NeuralSimulator"]


class NeuralSimulator:
    """A simulator that runs the network of a bundle on the CPU.

    The overflow of its showers is zero: the networks learn the cells.

    Args:
        path: Folder of the bundle.
        threads: Threads of ONNX Runtime; as many as cores unless given.

    Raises:
        ModelError: The bundle is damaged, or its network cannot be run.
    """

    chunk_size = 2000
    """Showers per chunk of a production: large enough to be fast, small enough for the cache."""

    def __init__(self, path: str | Path, threads: int | None = None) -> None:
        bundle = Bundle(path)
        self.card = bundle.card
        self._pdgid = pdg_id(self.card.particle)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or os.cpu_count() or 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                bundle.model_path.read_bytes(), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime raises classes of its own, without a common base
            reason = " ".join(str(error).split())[:200]
            msg = f"{bundle.model_path} cannot be run: {reason}"
            raise ModelError(msg) from error
        self._outputs = [f"layer_{k}" for k in range(len(self.card.calorimeter.layers))]
        self._warned = False
        sizes = {part.name: part.shape[1:] for part in self._session.get_inputs()}
        shapes = {part.name: tuple(part.shape[1:]) for part in self._session.get_outputs()}
        if sizes != {"noise": [self.card.architecture.latent_size], "energy": [1]} or (
            [shapes.get(name) for name in self._outputs] != list(self.calorimeter.layer_shapes)
        ):
            msg = f"{bundle.path}: the network and the card do not describe the same model"
            raise ModelError(msg)

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.card.name

    @property
    def particle(self) -> str:
        """The particle that the network was trained on."""
        return self.card.particle

    @property
    def calorimeter(self) -> Calorimeter:
        """The calorimeter that the network was trained in."""
        return self.card.calorimeter

    @property
    def provenance(self) -> dict[str, Any]:
        """What goes into the files that the simulator makes."""
        return {
            "model": self.card.name,
            "model_version": self.card.version,
            "model_sha256": self.card.sha256,
            "trained_on": self.card.data.made_with,
            "onnxruntime": onnxruntime.__version__,
        }

    def simulate(self, incident: Incident, rng: np.random.Generator | None = None) -> Showers:
        """Simulate one shower per incident particle.

        Energies outside the range of the training are extrapolated to, with a warning, once.

        Args:
            incident: The n particles, along the beam axis.
            rng: Source of the noise; a fresh, unseeded one unless given.

        Raises:
            ModelError: Another particle, or another beam, than the network was trained on.
        """
        self._check(incident)
        rng = rng or np.random.default_rng()
        noise = rng.standard_normal(
            (len(incident), self.card.architecture.latent_size), dtype=np.float32
        )
        energy = incident.energy_gev[:, None].astype(np.float32)
        layers = self._session.run(self._outputs, {"noise": noise, "energy": energy})
        overflow = np.zeros((len(incident), len(layers)), dtype=np.float32)
        return Showers(incident, tuple(layers), overflow, self.calorimeter)

    def _check(self, incident: Incident) -> None:
        if (incident.pdgid != self._pdgid).any():
            msg = f"the model {self.name} simulates {self.card.particle} and nothing else"
            raise ModelError(msg)
        if (incident.direction != (0.0, 0.0, 1.0)).any() or (
            incident.position_mm[:, :2] != GUN_POSITION_MM[:2]
        ).any():
            msg = f"the model {self.name} was trained on a beam along the axis and on no other"
            raise ModelError(msg)
        low, high = self.card.energy_range_gev
        outside = (incident.energy_gev < low) | (incident.energy_gev > high)
        if outside.any() and not self._warned:
            self._warned = True  # once: a production comes in many pieces
            msg = (
                f"energies such as {incident.energy_gev[outside][0]:g} GeV lie outside {low:g} to"
                f" {high:g} GeV, the range that {self.name} was trained on: it extrapolates"
            )
            warnings.warn(msg, UserWarning, stacklevel=3)
