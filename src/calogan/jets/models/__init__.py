"""Trained generators of jet images by name; those that ship lie in folders beside this file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from calogan.bundle import read_card_as, split_version
from calogan.bundle.folder import CARD
from calogan.bundle.reading import OtherModelError
from calogan.bundle.search import bundles_in, own_search_path
from calogan.errors import ModelError
from calogan.jets.card import JetCard
from calogan.jets.generator import JetGenerator

__all__ = ["find_jet_model", "jet_models", "open_jet_generator"]

BUNDLED = Path(__file__).parent


def jet_models() -> dict[Path, JetCard | ModelError]:
    """Folders of all jet models, with their cards, or why a card cannot be read.

    They are looked for in the folders of CALOGAN_MODELS, in the user's, and in the package. Of
    the same name and version, the first one counts.
    """
    found: dict[Path, JetCard | ModelError] = {}
    seen: set[tuple[str, int]] = set()
    for path in _folders():
        try:
            card = read_card_as(JetCard, path)
        except OtherModelError:
            continue
        except ModelError as error:
            found[path] = error
            continue
        if (card.name, card.version) not in seen:
            seen.add((card.name, card.version))
            found[path] = card
    return found


def _folders() -> Iterator[Path]:
    paths = (path for folder in [*own_search_path(), BUNDLED] for path in bundles_in(folder))
    yield from dict.fromkeys(paths)


def find_jet_model(name: str | Path) -> Path:
    """Folder of a jet model.

    Args:
        name: A folder with a card; else the name of a model, `lagan` or `lagan@2`. Without a
            version the highest one is taken.

    Raises:
        ModelError: There is no such model.
    """
    if (Path(name) / CARD).is_file():
        return Path(name)
    short, wanted = split_version(str(name))
    found = jet_models()
    versions = {
        card.version: path
        for path, card in found.items()
        if isinstance(card, JetCard) and card.name == short
    }
    if versions and wanted is not None and wanted not in versions:
        known = sorted(f"{short}@{version}" for version in versions)
        msg = f"no version {wanted} of the model {short}: there is {', '.join(known)}"
        raise ModelError(msg)
    if not versions:
        for path, problem in found.items():
            if isinstance(problem, ModelError) and path.name == short:
                raise problem
        known = sorted({card.name for card in found.values() if isinstance(card, JetCard)})
        there = f"there is {', '.join(known)}" if known else "none is installed"
        inside = Path(name) / "model"
        hint = f"; the folder of a training has its model in {inside}" if inside.is_dir() else ""
        msg = f"no model of jet images {str(name)!r}: {there}, or give the folder of one{hint}"
        raise ModelError(msg)
    return versions[max(versions) if wanted is None else wanted]


def open_jet_generator(name: str | Path, threads: int | None = None) -> JetGenerator:
    """Open a trained generator of jet images.

    Args:
        name: Its name (`lagan`), with a version (`lagan@2`), or the folder of its bundle.
        threads: Threads of ONNX Runtime; as many as cores unless given.

    Raises:
        ModelError: There is no such model, or it is damaged.
    """
    return JetGenerator.open(find_jet_model(name), threads)
