"""Models for NVIDIA's Triton inference server, for those who outgrow one machine.

A model repository is a folder with a folder per model, which holds `config.pbtxt` and a folder per
version: https://docs.nvidia.com/deeplearning/triton-inference-server (model repository, model
configuration). The folder of a version is the bundle itself, so `calogan` opens it too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from calogan.bundle.card import Card
from calogan.bundle.folder import CARD, MODEL, Bundle, read_card, write_files
from calogan.errors import ConfigurationError, ModelError, OutputError

__all__ = ["TritonOptions", "export_triton", "triton_config"]

_CONFIG = "config.pbtxt"
_HEAD = "# Made by calogan export. Another export to this folder writes it anew.\n"

Kind = Literal["auto", "cpu", "gpu"]


@dataclass(frozen=True)
class TritonOptions:
    """How Triton shall run the models.

    Args:
        max_batch_size: Most showers in one call of the network.
        delay_us: How long a request may wait for others to be batched with [microseconds].
        instances: Copies of each network that run side by side, on each device.
        kind: `cpu`, `gpu`, or `auto`: GPUs where there are any.
        threads: Threads of each copy on the CPU; as ONNX Runtime likes unless given.

    Raises:
        ConfigurationError: Numbers that make no sense.
    """

    max_batch_size: int = 1024
    delay_us: int = 500
    instances: int = 1
    kind: Kind = "auto"
    threads: int | None = None

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not 1 <= self.max_batch_size <= 1_000_000:
            msg = f"batches of {self.max_batch_size} showers: give 1 to 1000000"
            raise ConfigurationError(msg)
        if not 0 <= self.delay_us <= 10_000_000:
            msg = f"delay of {self.delay_us} microseconds: give 0 to 10000000"
            raise ConfigurationError(msg)
        if not 1 <= self.instances <= 1000:
            msg = f"{self.instances} instances: give 1 to 1000"
            raise ConfigurationError(msg)
        if self.threads is not None and not 1 <= self.threads <= 1000:
            msg = f"{self.threads} threads: give 1 to 1000"
            raise ConfigurationError(msg)
        if self.kind not in get_args(Kind):
            msg = f"kind {self.kind!r}: give {', '.join(get_args(Kind))}"
            raise ConfigurationError(msg)


def triton_config(card: Card, options: TritonOptions | None = None) -> str:
    """Return the `config.pbtxt` of a model; one for all of its versions.

    Shapes are those of one shower: Triton adds the batch, whose size is any up to the largest.
    """
    options = options or TritonOptions()
    blocks = [
        f'name: "{card.name}"',
        'backend: "onnxruntime"',
        f"max_batch_size: {options.max_batch_size}",
        *(_tensor("input", name, shape) for name, shape in _inputs(card).items()),
        *(_tensor("output", name, shape) for name, shape in card.outputs.items()),
        f"dynamic_batching {{ max_queue_delay_microseconds: {options.delay_us} }}",
        "# every version is served; a client that names none gets the highest",
        "version_policy { all {} }",
        f"instance_group [ {{ count: {options.instances}, kind: KIND_{options.kind.upper()} }} ]",
    ]
    if options.threads is not None:
        blocks.append(
            'parameters { key: "intra_op_thread_count"'
            f' value {{ string_value: "{options.threads}" }} }}'
        )
    return _HEAD + "\n".join(blocks) + "\n"


def export_triton(
    repository: str | Path,
    bundles: Sequence[str | Path],
    options: TritonOptions | None = None,
) -> list[Path]:
    """Put bundles into a model repository, beside those that are there.

    Each version appears whole or not at all, so a running Triton that polls the repository finds
    no half of a model. Other versions and other models stay.

    Args:
        repository: Folder of the repository; made if it does not exist.
        bundles: Folders of the bundles.
        options: How Triton shall run them.

    Returns:
        The folders of the versions, in the order of the bundles.

    Raises:
        ModelError: A bundle is damaged; or a version with the same number, or of other inputs or
            outputs, is there.
        OutputError: A folder cannot be written, or holds what no export has made.
    """
    repository = Path(repository)
    opened = [Bundle(path) for path in bundles]
    contents = [(bundle.card, bundle.read_model(), bundle.path / CARD) for bundle in opened]
    for k, (card, _, _) in enumerate(contents):  # all, before anything is written
        _check(repository / card.name, card, [other for other, _, _ in contents[:k]])
    written = []
    for card, model, path in contents:
        folder = repository / card.name
        version = folder / str(card.version)
        _write_config(folder, triton_config(card, options))
        if not version.exists():
            write_files(version, {MODEL: model, CARD: path.read_bytes()})
        written.append(version)
    return written


def _inputs(card: Card) -> dict[str, tuple[int, ...]]:
    told = "condition" if card.conditions else "energy"
    return {"noise": (card.architecture.latent_size,), told: (len(card.condition_names),)}


def _tensor(what: str, name: str, shape: tuple[int, ...]) -> str:
    dims = ", ".join(map(str, shape))
    return f'{what} [ {{ name: "{name}", data_type: TYPE_FP32, dims: [ {dims} ] }} ]'


def _check(folder: Path, card: Card, others: Sequence[Card]) -> None:
    """Check that a version can be added to the folder of its model, and to others of this export.

    Raises:
        ModelError: It does not fit to the others.
        OutputError: The folder is none of ours.
    """
    for other in (*_versions(folder), *others):
        if other.name != card.name:
            continue
        if other.version == card.version and other.sha256 != card.sha256:
            msg = (
                f"{folder}: holds another network as version {card.version} of {card.name}: give"
                " this one another version"
            )
            raise ModelError(msg)
        if (_inputs(other), other.outputs) != (_inputs(card), card.outputs):
            msg = (
                f"{folder}: version {other.version} of {card.name} has other inputs or outputs"
                f" than version {card.version}: Triton wants one of them under another name"
            )
            raise ModelError(msg)


def _versions(folder: Path) -> list[Card]:
    """Cards of the versions in the folder of a model.

    Raises:
        OutputError: It holds something that no export has made.
    """
    if not folder.exists() and not folder.is_symlink():
        return []
    msg = f"cannot write the model {folder}: it is no folder that calogan export has made"
    if not folder.is_dir():
        raise OutputError(msg)
    cards = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue  # of an export that was killed
        if path.name == _CONFIG:
            try:
                ours = path.read_text(encoding="utf-8").startswith(_HEAD)
            except (OSError, ValueError):
                ours = False
            if not ours:
                raise OutputError(msg)
        elif re.fullmatch(r"[1-9][0-9]*", path.name) and path.is_dir():
            try:
                cards.append(read_card(path))
            except ModelError as error:
                raise OutputError(msg) from error
        else:
            raise OutputError(msg)
    return cards


def _write_config(folder: Path, text: str) -> None:
    from calogan.files.output import whole_file  # whose room loads h5py

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"cannot write the model {folder}: {error.strerror}"
        raise OutputError(msg) from error
    with whole_file(folder / _CONFIG) as part:
        part.write_text(text, encoding="utf-8")
