"""Showers from a trained network, through ONNX Runtime; no torch."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from calogan.bundle import Bundle, Card
from calogan.calorimeter import Calorimeter
from calogan.conditions import BEAM_CONDITIONS, CONDITIONS, conditions_of
from calogan.errors import ModelError, ShowerFileError
from calogan.incident import Incident, pdg_id
from calogan.showers import Showers

__all__ = ["NeuralSimulator"]

_AT_ONCE = 128
"""Showers in one call of the network: its inner layers take some 100 kB for each, and those of
more would not stay in the cache. See docs/performance.md."""

_AT_ONCE_GPU = 2000
"""The same on a GPU, which is the faster the more it has to do."""

_PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
"""ONNX Runtime's names of the devices."""

_TOLERANCE = {"x_mm": 1e-3, "y_mm": 1e-3, "slope_x": 1e-6, "slope_y": 1e-6}
"""By how much a beam may miss what the network was trained on."""


class NeuralSimulator:
    """A simulator that runs the network of a bundle.

    The overflow of its showers is zero: the networks learn the cells.

    A network that was trained on a beam along the axis makes no other showers. One that was told
    positions or angles as well makes those of its card's ranges.

    Args:
        path: Folder of the bundle.
        threads: Threads of ONNX Runtime; as many as cores unless given.
        device: `cpu`, or `cuda` for a GPU, which needs the package onnxruntime-gpu. Showers of
            the same seed differ between the two by rounding.

    Raises:
        ModelError: The bundle is damaged, or its network cannot be run or is not the card's; or
            there is no such device.
    """

    chunk_size = 2000
    """Showers per chunk of a production: large enough to be fast, small enough for the cache."""

    def __init__(self, path: str | Path, threads: int | None = None, device: str = "cpu") -> None:
        bundle = Bundle(path)
        provider = _provider(device)
        self.device = device
        self.card = bundle.card
        self._pdgid = pdg_id(self.card.particle)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or len(os.sched_getaffinity(0))
        options.log_severity_level = 4  # what goes wrong is raised; it is not printed as well
        try:
            self._session = onnxruntime.InferenceSession(
                bundle.read_model(), options, providers=[provider]
            )
        except ModelError:
            raise
        except Exception as error:  # ONNX Runtime raises classes of its own, without a common base
            msg = f"{bundle.model_path} cannot be run: {_reason(error)}"
            raise ModelError(msg) from error
        if provider not in self._session.get_providers():  # it falls back to the CPU by itself
            msg = f"the device {device} cannot be used: its driver or libraries are missing"
            raise ModelError(msg)
        differences = _differences(self._session, self.card)
        if differences:
            msg = (
                f"{bundle.path}: the network and the card do not describe the same model:"
                f" {differences[0]}"
            )
            raise ModelError(msg)
        self._outputs = [f"layer_{k}" for k in range(len(self.card.calorimeter.layers))]
        self._warned = False

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.card.name

    @property
    def particle(self) -> str:
        """The particle that the network was trained on."""
        return self.card.particle

    @property
    def coverage(self) -> Mapping[int, tuple[float, float]]:
        """Range of energies [GeV] of the training, by the PDG id of the particle."""
        return {self._pdgid: self.card.energy_range_gev}

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
            incident: The n particles. Their lines of flight count, not where on them they start.
            rng: Source of the noise; a fresh, unseeded one unless given.

        Raises:
            ModelError: Another particle, or another beam, than the network was trained on; or a
                network that gives no energies.
            IncidentError: A particle flies away from the calorimeter.
        """
        condition = self.check(incident)
        rng = rng or np.random.default_rng()
        name = "condition" if self.card.conditions else "energy"
        layers = tuple(
            np.empty((len(incident), *shape), dtype=np.float32)
            for shape in self.calorimeter.layer_shapes
        )
        at_once = _AT_ONCE if self.device == "cpu" else _AT_ONCE_GPU
        for start in range(0, len(incident), at_once):
            part = condition[start : start + at_once]
            noise = rng.standard_normal(
                (len(part), self.card.architecture.latent_size), dtype=np.float32
            )
            for layer, image in zip(layers, self._run({"noise": noise, name: part}), strict=True):
                layer[start : start + len(part)] = image
        overflow = np.zeros((len(incident), len(layers)), dtype=np.float32)
        try:
            return Showers(incident, layers, overflow, self.calorimeter)
        except ShowerFileError as error:
            msg = f"the model {self.name} makes no showers: {error}"
            raise ModelError(msg) from error

    def _run(self, inputs: dict[str, NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        try:
            images: list[NDArray[np.float32]] = self._session.run(self._outputs, inputs)
        except Exception as error:
            msg = f"the network of {self.name} stopped: {_reason(error)}"
            raise ModelError(msg) from error
        n = len(inputs["noise"])
        expected = [(n, *shape) for shape in self.calorimeter.layer_shapes]
        for name, image, shape in zip(self._outputs, images, expected, strict=True):
            if image.shape != shape:  # the graph promised another
                msg = f"the network of {self.name} gives {name} as {image.shape}, expected {shape}"
                raise ModelError(msg)
        return images

    def check(self, incident: Incident) -> NDArray[np.float32]:
        """Check that the network was trained on such particles; return what it is told of them.

        Returns:
            Energy [GeV], and the conditions of the card; shape `(n, 1 + conditions)`.
        """
        if (incident.pdgid != self._pdgid).any():
            msg = f"the model {self.name} simulates {self.card.particle} and nothing else"
            raise ModelError(msg)
        told = conditions_of(incident, self.calorimeter)
        ranges: dict[str, tuple[float, float]] = {
            c.name: (c.low, c.high) for c in self.card.conditions
        }
        for name in BEAM_CONDITIONS:
            values = told[:, CONDITIONS.index(name)]
            low, high = ranges.get(name, (0.0, 0.0))
            beside = ~((values >= low - _TOLERANCE[name]) & (values <= high + _TOLERANCE[name]))
            if beside.any():
                raise ModelError(self._beam_message(name, float(values[beside][0])))
        self._warn_of_energies(incident.energy_gev)
        return told[:, [CONDITIONS.index(name) for name in self.card.condition_names]]

    def _beam_message(self, name: str, value: float) -> str:
        if not self.card.conditions:
            return f"the model {self.name} was trained on a beam along the axis and on no other"
        ranges = [f"{c.low:g} to {c.high:g}" for c in self.card.conditions if c.name == name]
        return (
            f"the model {self.name} was trained with {name} {(ranges or ['0'])[0]} at the front face:"
            f" not with {value:g}"
        )

    def _warn_of_energies(self, energy_gev: NDArray[np.float64]) -> None:
        low, high = self.card.energy_range_gev
        outside = (energy_gev < low) | (energy_gev > high)
        if outside.any() and not self._warned:
            self._warned = True  # once: a production comes in many pieces
            msg = (
                f"energies such as {energy_gev[outside][0]:g} GeV lie outside {low:g} to"
                f" {high:g} GeV, the range that {self.name} was trained on: it extrapolates"
            )
            warnings.warn(msg, UserWarning, stacklevel=4)


def _provider(device: str) -> str:
    """ONNX Runtime's name of a device, if it was built for it."""
    if device not in _PROVIDERS:
        msg = f"no device {device!r}: give {' or '.join(_PROVIDERS)}"
        raise ModelError(msg)
    provider = _PROVIDERS[device]
    if provider not in onnxruntime.get_available_providers():
        msg = f"this ONNX Runtime cannot use the device {device}: pip install onnxruntime-gpu"
        raise ModelError(msg)
    return provider


def _differences(session: onnxruntime.InferenceSession, card: Card) -> list[str]:
    """In what the inputs and outputs of a network are not those of its card."""
    told = ("condition", len(card.condition_names)) if card.conditions else ("energy", 1)
    wanted = {"noise": (card.architecture.latent_size,), told[0]: (told[1],)}
    promised = {f"layer_{k}": shape for k, shape in enumerate(card.calorimeter.layer_shapes)}
    differences = []
    for what, parts, expected in (
        ("takes", session.get_inputs(), wanted),
        ("gives", session.get_outputs(), promised),
    ):
        there = {part.name: part for part in parts}
        if set(there) != set(expected):
            one, other = (", ".join(sorted(names)) or "nothing" for names in (there, expected))
            differences.append(f"the network {what} {one}, the card {other}")
            continue
        for name, shape in expected.items():
            part = there[name]
            n, *rest = part.shape or [None]
            if tuple(rest) != shape or isinstance(n, int) or part.type != "tensor(float)":
                found = " x ".join(map(str, part.shape))
                card_shape = " x ".join(map(str, ("n", *shape)))
                differences.append(
                    f"the network {what} {name} as {part.type} {found},"
                    f" the card as tensor(float) {card_shape}"
                )
    return differences


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
