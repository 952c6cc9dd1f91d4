"""Trained generators of jet images by name; those that ship lie in folders beside this file."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from calogan.bundle import read_card_as, split_version
from calogan.bundle.folder import CARD
from calogan.bundle.search import Found, find_version, own_search_path, scan
from calogan.errors import ModelError
from calogan.jets.card import JetCard
from calogan.jets.generator import JetGenerator

__all__ = ["find_jet_model", "jet_models", "open_jet_generator"]

BUNDLED = Path(__file__).parent


def jet_models() -> list[Found[JetCard]]:
    """All jet models by name, the highest version first; those that cannot be read last.

    They are looked for in the folders of CALOGAN_MODELS, in the user's, and in the package.
    """
    return scan(partial(read_card_as, JetCard), [*own_search_path(), BUNDLED])


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
    there = jet_models()
    found = find_version(there, str(name))
    if found is None:
        for one in there:
            if one.problem and one.path.name == split_version(str(name))[0]:
                raise ModelError(one.problem)
        known = ", ".join(dict.fromkeys(one.card.name for one in there if one.card))
        is_there = f"there is {known}" if known else "none is installed"
        inside = Path(name) / "model"
        hint = f"; the folder of a training has its model in {inside}" if inside.is_dir() else ""
        msg = f"no model of jet images {str(name)!r}: {is_there}, or give the folder of one{hint}"
        raise ModelError(msg)
    return found


def open_jet_generator(name: str | Path, threads: int | None = None) -> JetGenerator:
    """Open a trained generator of jet images.

    Args:
        name: Its name (`lagan`), with a version (`lagan@2`), or the folder of its bundle.
        threads: Threads of ONNX Runtime; as many as cores unless given.

    Raises:
        ModelError: There is no such model, or it is damaged.
    """
    return JetGenerator.open(find_jet_model(name), threads)
