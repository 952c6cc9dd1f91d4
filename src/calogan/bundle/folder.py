"""A bundle on disk: reading with verification, writing as a whole."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

from pydantic import BaseModel

from calogan.bundle.card import Card
from calogan.bundle.graph import check_graph
from calogan.bundle.reading import MAX_CARD_BYTES, CardT, parse_as
from calogan.errors import ModelError, OutputError
from calogan.files.reading import sha256

__all__ = [
    "Bundle",
    "check_replaceable",
    "read_card",
    "read_card_as",
    "read_network",
    "sha256",
    "write_bundle",
    "write_card",
]

CARD, MODEL = "card.json", "model.onnx"

TEXTS = ("LICENSE", "README.md")
"""What may lie beside card and network: words for people."""

MAX_MODEL_BYTES = 1_000_000_000
"""Largest network that is read; those of the paper's calorimeter take some 10 MB."""


class Bundle:
    """A bundle on disk, its card read and its checksum verified.

    Args:
        path: The folder.

    Raises:
        ModelError: Not a bundle, another schema, damaged, or with files that are no part of it.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.model_path = self.path / MODEL
        self.card = read_card(self.path)
        check_files(self.path)
        _check_sum(sha256(self.model_path), self.card.sha256, self.model_path)

    def read_model(self) -> bytes:
        """Content of `model.onnx`: verified, and nothing but standard operations.

        Raises:
            ModelError: It changed since, cannot be read, or holds more than a network needs.
        """
        return read_network(self.path, self.card.sha256)


def _check_sum(found: str, stated: str, model: Path) -> None:
    if found != stated:
        msg = f"{model} is damaged: its checksum is not the one on its card"
        raise ModelError(msg)


def read_network(path: Path, checksum: str) -> bytes:
    """Content of the `model.onnx` of a bundle: verified, and nothing but standard operations.

    Args:
        path: The folder.
        checksum: What its card says.

    Raises:
        ModelError: It is not the one of the card, cannot be read, or holds more than a network
            needs.
    """
    try:
        model = (path / MODEL).read_bytes()
    except OSError as error:
        msg = f"cannot read {path / MODEL}: {error.strerror}"
        raise ModelError(msg) from error
    _check_sum(hashlib.sha256(model).hexdigest(), checksum, path / MODEL)
    check_graph(model, path / MODEL)
    return model


def read_card(path: Path) -> Card:
    """Read the card of the bundle in a folder, and nothing else: see `read_card_as`."""
    return read_card_as(Card, path)


def read_card_as(kind: type[CardT], path: Path) -> CardT:
    """Read the card of the bundle in a folder, and nothing else.

    Args:
        kind: Class of the card.
        path: The folder.

    Raises:
        ModelError: No bundle, another schema, or a field that is wrong.
    """
    card = path / CARD
    try:
        with card.open("rb") as file:
            content = file.read(MAX_CARD_BYTES + 1)
    except OSError as error:
        msg = f"{path} is not a model bundle: cannot read {CARD} ({error.strerror})"
        raise ModelError(msg) from error
    return parse_as(kind, content, card)


def check_files(path: Path) -> None:
    """Check that the network is there, and nothing that is no part of a bundle.

    Raises:
        ModelError: What is missing, too large or foreign.
    """
    model = path / MODEL
    if not model.is_file():
        msg = f"{path} is not a model bundle: it holds no {MODEL}"
        raise ModelError(msg)
    size = model.stat().st_size
    if size > MAX_MODEL_BYTES:
        msg = f"{model}: {size / 1e6:,.0f} MB, a network is at most {MAX_MODEL_BYTES / 1e6:,.0f} MB"
        raise ModelError(msg)
    names = {file.name for file in path.iterdir() if not file.name.startswith(".")}
    foreign = names - {CARD, MODEL, *TEXTS}
    if foreign:
        msg = (
            f"{path} is not a model bundle: it holds {min(foreign)}, and only {CARD}, {MODEL},"
            f" {' and '.join(TEXTS)} belong there"
        )
        raise ModelError(msg)


def check_replaceable(path: Path) -> None:
    """Check that nothing but a bundle would be replaced by a bundle at `path`.

    Raises:
        OutputError: There is something else.
    """
    if path.is_dir():
        foreign = {file.name for file in path.iterdir()} - {CARD, MODEL}
        if foreign:
            msg = f"cannot write the bundle {path}: the folder holds {min(foreign)}"
            raise OutputError(msg)
    elif path.exists():
        msg = f"cannot write the bundle {path}: it is no folder"
        raise OutputError(msg)


def write_bundle(path: Path, model: bytes, card: BaseModel) -> Path:
    """Write a bundle; the folder appears whole, in the place of an older one.

    Args:
        path: The folder.
        model: Content of `model.onnx`.
        card: What it says; its checksum, the field `sha256`, is filled in.

    Raises:
        OutputError: The folder cannot be written, or holds something else than a bundle.
    """
    check_replaceable(path)
    card = card.model_copy(update={"sha256": hashlib.sha256(model).hexdigest()})
    text = card.model_dump_json(indent=2) + "\n"
    return write_files(path, {MODEL: model, CARD: text.encode("utf-8")})


def write_card(bundle: Bundle, card: Card) -> None:
    """Give a bundle another card for the same network; it is replaced whole or not at all.

    Raises:
        OutputError: It cannot be written.
    """
    from calogan.files.output import whole_file  # whose room loads h5py

    card = card.model_copy(update={"sha256": bundle.card.sha256})
    with whole_file(bundle.path / CARD) as part:
        part.write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")


def write_files(path: Path, contents: dict[str, bytes]) -> Path:
    """Write a folder of files; it appears whole, in the place of an older one.

    Raises:
        OutputError: It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        try:
            part.chmod(0o755)
            for name, content in contents.items():
                (part / name).write_bytes(content)
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
