"""Jet images from a trained network, through ONNX Runtime; no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from calogan.bundle import read_card_as, read_network
from calogan.bundle.folder import check_files
from calogan.bundle.session import open_session, reason
from calogan.errors import JetError, ModelError
from calogan.jets.card import JetCard
from calogan.jets.images import PIXELS, JetImages

__all__ = ["JetGenerator"]

_AT_ONCE = 256
"""Images in one call of the network: the inner layers of more would not stay in the cache."""

_TAKES = {"noise": "tensor(float)", "signal": "tensor(int64)"}


class JetGenerator:
    """Makes jet images with the network of a bundle.

    Args:
        card: What the bundle says about itself.
        model: Content of its `model.onnx`.
        source: Where it is from, for messages.
        threads: Threads of ONNX Runtime; as many as cores unless given.

    Raises:
        ModelError: The network cannot be run, or is not the card's.
    """

    chunk_size = 5000
    """Images per chunk of a production."""

    def __init__(
        self, card: JetCard, model: bytes, source: object = "model", threads: int | None = None
    ) -> None:
        self.card = card
        self._session = open_session(model, source, threads)
        inputs = {part.name: part for part in self._session.get_inputs()}
        outputs = {part.name: part for part in self._session.get_outputs()}
        fits = (
            {name: part.type for name, part in inputs.items()} == _TAKES
            and inputs["noise"].shape[1:] == [card.architecture.latent_size]
            and list(outputs) == ["image"]
            and outputs["image"].shape[1:] == [PIXELS, PIXELS]
        )
        if not fits:
            msg = f"{source}: the network and the card do not describe the same model"
            raise ModelError(msg)

    @classmethod
    def open(cls, folder: str | Path, threads: int | None = None) -> Self:
        """Open the bundle in a folder.

        Raises:
            ModelError: It is no bundle of jet images, or is damaged.
        """
        folder = Path(folder)
        card = read_card_as(JetCard, folder)
        check_files(folder)
        return cls(card, read_network(folder, card.sha256), folder, threads)

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.card.name

    @property
    def provenance(self) -> dict[str, Any]:
        """What goes into the files that the generator makes."""
        auxiliary = self.card.auxiliary_classifier
        return {
            "model": self.card.name,
            "model_version": self.card.version,
            "model_sha256": self.card.sha256,
            "kind": self.card.architecture.kind,
            "trained_on": self.card.data.model_dump(mode="json"),
            **({"auxiliary_classifier": auxiliary.model_dump(mode="json")} if auxiliary else {}),
            "onnxruntime": onnxruntime.__version__,
        }

    def simulate(self, signal: NDArray[Any], rng: np.random.Generator | None = None) -> JetImages:
        """Make one image for each entry.

        Args:
            signal: Whether a W (true, 1) or a QCD jet (false, 0) is wanted, shape `(n,)`.
            rng: Source of the noise; a fresh, unseeded one unless given.

        Raises:
            JetError: Entries that are neither 0 nor 1.
            ModelError: The network stopped, or gives no energies.
        """
        signal = np.asarray(signal)
        if signal.ndim != 1 or not np.isin(signal, (0, 1)).all():
            msg = "signal: one entry per jet, 1 for W and 0 for QCD"
            raise JetError(msg)
        wanted = signal.astype(np.int64)
        rng = rng or np.random.default_rng()
        image = np.empty((len(wanted), PIXELS, PIXELS), np.float32)
        for start in range(0, len(wanted), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            n = len(wanted[part])
            noise = rng.standard_normal((n, self.card.architecture.latent_size), dtype=np.float32)
            image[part] = self.run(noise, wanted[part])
        try:
            return JetImages(image, wanted == 1)
        except JetError as error:
            msg = f"the model {self.name} makes no jet images: {error}"
            raise ModelError(msg) from error

    def run(self, noise: NDArray[np.float32], signal: NDArray[np.int64]) -> NDArray[np.float32]:
        """Run the network once.

        Args:
            noise: Shape `(n, latent)`.
            signal: Shape `(n,)`.

        Returns:
            Images, shape `(n, 25, 25)` [GeV].

        Raises:
            ModelError: The network stopped.
        """
        try:
            (image,) = self._session.run(["image"], {"noise": noise, "signal": signal})
        except Exception as error:
            msg = f"the network of {self.name} stopped: {reason(error)}"
            raise ModelError(msg) from error
        made: NDArray[np.float32] = image
        return made
