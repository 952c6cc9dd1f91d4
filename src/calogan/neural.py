"""Showers from a trained network, through ONNX Runtime; no torch."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from calogan.bundle import Bundle, Card
from calogan.errors import ModelError
from calogan.trained import TrainedSimulator

__all__ = ["NeuralSimulator"]

_AT_ONCE = 128
"""Showers in one call of the network: its inner layers take some 100 kB for each, and those of
more would not stay in the cache. See docs/performance.md."""

_AT_ONCE_GPU = 2000
"""The same on a GPU, which is the faster the more it has to do."""

_PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
"""ONNX Runtime's names of the devices."""


class NeuralSimulator(TrainedSimulator):
    """A simulator that runs the network of a bundle.

    The overflow of its showers is zero unless the card says that the network makes it.

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

    def __init__(self, path: str | Path, threads: int | None = None, device: str = "cpu") -> None:
        bundle = Bundle(path)
        super().__init__(bundle.card)
        provider = _provider(device)
        self.device = device
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

    @property
    def provenance(self) -> dict[str, Any]:
        """What goes into the files that the simulator makes."""
        return {**super().provenance, "onnxruntime": onnxruntime.__version__}

    def _fill(
        self,
        parts: tuple[NDArray[np.float32], ...],
        told: NDArray[np.float32],
        rng: np.random.Generator,
    ) -> None:
        at_once = _AT_ONCE if self.device == "cpu" else _AT_ONCE_GPU
        for start in range(0, len(told), at_once):
            wanted = told[start : start + at_once]
            noise = rng.standard_normal(
                (len(wanted), self.card.architecture.latent_size), dtype=np.float32
            )
            for part, values in zip(parts, self.run(noise, wanted), strict=True):
                part[start : start + len(wanted)] = values

    def run(
        self, noise: NDArray[np.float32], told: NDArray[np.float32]
    ) -> list[NDArray[np.float32]]:
        """Run the network once.

        Args:
            noise: Shape `(n, latent)`.
            told: Energy [GeV] and the conditions of the card, shape `(n, 1 + conditions)`.

        Returns:
            One `(n, n_eta, n_phi)` per layer [MeV], and the overflow `(n, n_layers)` if it gives that.

        Raises:
            ModelError: The network stopped, or gives other shapes.
        """
        names, inputs = list(self.card.outputs), {"noise": noise, self.told: told}
        try:
            images: list[NDArray[np.float32]] = self._session.run(names, inputs)
        except Exception as error:
            msg = f"the network of {self.name} stopped: {_reason(error)}"
            raise ModelError(msg) from error
        n = len(noise)
        expected = [(n, *shape) for shape in self.card.outputs.values()]
        for name, image, shape in zip(names, images, expected, strict=True):
            if image.shape != shape:  # the graph promised another
                msg = f"the network of {self.name} gives {name} as {image.shape}, expected {shape}"
                raise ModelError(msg)
        return images


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
    promised = card.outputs
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
