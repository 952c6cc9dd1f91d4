"""A trained model on disk: `model.onnx` and `card.json`, nothing that can be executed.

The network takes `noise` (n, latent) and `energy` (n, 1) [GeV] and gives `layer_0`, `layer_1`, ...
(n, eta, phi) [MeV]; all scaling is inside, any n will do.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from calogan.calorimeter import Calorimeter
from calogan.errors import ModelError, OutputError

__all__ = [
    "DEFAULT_MODELS",
    "Architecture",
    "Bundle",
    "Card",
    "TrainingData",
    "check_replaceable",
    "find_bundle",
    "list_bundles",
    "sha256",
    "write_bundle",
]

DEFAULT_MODELS = {"eplus": "calogan-eplus"}
"""The default model of a particle, by the stem of its files."""

BUNDLED = Path(__file__).parent / "models"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Architecture(_Frozen):
    """What the network is."""

    kind: Literal["calogan"]
    """Family of the network."""
    latent_size: Annotated[int, Field(gt=0)]
    """Length of the noise vector."""
    attention: bool
    """Whether layers are linked by in-painting attention."""
    parameters: int
    """Trained numbers of the generator."""
    differs_from_paper: str = ""
    """What is not as in arXiv:1705.02355."""


class TrainingData(_Frozen):
    """Showers that the network was trained on."""

    file: str
    """Name of the file."""
    sha256: str
    """Its checksum."""
    n_training: int
    """Showers that updates saw."""
    n_validation: int
    """Showers at the end of the file that no update saw."""
    made_with: dict[str, Any]
    """What made them: Geant4 version, physics, cross sections."""


class Card(_Frozen):
    """What a bundle says about itself, in `card.json`."""

    schema_version: Literal[1] = 1
    """Version of this schema."""
    name: str
    """Name of the model."""
    version: int = 1
    """Version of the model."""
    particle: str
    """Particle that it simulates."""
    energy_range_gev: tuple[float, float]
    """Incident energies that it was trained on [GeV]."""
    calorimeter: Calorimeter
    """The calorimeter that its showers are in."""
    architecture: Architecture
    data: TrainingData
    training: dict[str, Any]
    """Configuration of the training, and when it was stopped."""
    quality: dict[str, Any]
    """Shower shapes against validation showers."""
    license: str = "BSD-3-Clause"
    """Licence of the bundle."""
    sha256: str
    """Checksum of `model.onnx`."""
    made_with: dict[str, str]
    """Versions of the programs that made the bundle."""


class Bundle:
    """A bundle on disk, its card read and its checksum verified.

    Args:
        path: The folder.

    Raises:
        ModelError: Not a bundle, an unknown schema, or damaged.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.model_path = self.path / "model.onnx"
        card = self.path / "card.json"
        try:
            self.card = Card.model_validate_json(card.read_bytes())
        except OSError as error:
            msg = f"{self.path} is not a model bundle: cannot read {card.name} ({error.strerror})"
            raise ModelError(msg) from error
        except ValidationError as error:
            first = error.errors()[0]
            msg = f"{card}: {'.'.join(map(str, first['loc']))}: {first['msg']}"
            raise ModelError(msg) from error
        if not self.model_path.is_file():
            msg = f"{self.path} is not a model bundle: it holds no {self.model_path.name}"
            raise ModelError(msg)
        if sha256(self.model_path) != self.card.sha256:
            msg = f"{self.model_path} is damaged: its checksum is not the one on its card"
            raise ModelError(msg)


def sha256(path: Path) -> str:
    """Checksum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_replaceable(path: Path) -> None:
    """Check that nothing but a bundle would be replaced by a bundle at `path`.

    Raises:
        OutputError: There is something else.
    """
    if path.is_dir():
        foreign = {file.name for file in path.iterdir()} - {"model.onnx", "card.json"}
        if foreign:
            msg = f"cannot write the bundle {path}: the folder holds {min(foreign)}"
            raise OutputError(msg)
    elif path.exists():
        msg = f"cannot write the bundle {path}: it is no folder"
        raise OutputError(msg)


def write_bundle(path: Path, model: bytes, card: Card) -> Path:
    """Write a bundle; the folder appears whole, in the place of an older one.

    Args:
        path: The folder.
        model: Content of `model.onnx`.
        card: What it says; its checksum is filled in.

    Raises:
        OutputError: The folder cannot be written, or holds something else than a bundle.
    """
    check_replaceable(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        try:
            part.chmod(0o755)
            (part / "model.onnx").write_bytes(model)
            card = card.model_copy(update={"sha256": sha256(part / "model.onnx")})
            (part / "card.json").write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
            older = part.with_name(f"{part.name}.older")
            if path.exists():
                path.replace(older)
            part.replace(path)
            shutil.rmtree(older, ignore_errors=True)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        msg = f"cannot write the bundle {path}: {error.strerror}"
        raise OutputError(msg) from error
    return path


def _folders() -> list[Path]:
    """Folders with bundles: those of CALOGAN_MODELS first, then the ones of the package."""
    own = os.environ.get("CALOGAN_MODELS", "")
    return [*(Path(part) for part in own.split(os.pathsep) if part), BUNDLED]


def list_bundles() -> list[str]:
    """Names of all bundles that can be opened by name."""
    cards = (card for folder in _folders() for card in sorted(folder.glob("*/card.json")))
    return list(dict.fromkeys(card.parent.name for card in cards))


def find_bundle(name: str) -> Path | None:
    """Folder of the bundle of this name or path; None if there is none."""
    if (Path(name) / "card.json").is_file():
        return Path(name)
    for folder in _folders():
        for candidate in (name, DEFAULT_MODELS.get(name, name)):
            if (folder / candidate / "card.json").is_file():
                return folder / candidate
    return None
