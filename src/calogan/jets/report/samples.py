"""The samples of a comparison: images of a file, or of a model that is asked for as many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from calogan.errors import JetError
from calogan.files.reading import sha256
from calogan.jets.card import AuxiliaryClassifier
from calogan.jets.files import JetImageFile, open_jet_images
from calogan.jets.generator import JetGenerator
from calogan.jets.images import JetImages
from calogan.jets.models import open_jet_generator
from calogan.jets.observables import observe, without_faint
from calogan.jets.samples import jet_file

__all__ = ["CLASSES", "TITLES", "JetSample", "Samples", "memory_samples", "open_samples"]

Values = NDArray[np.float64]

CLASSES: Mapping[str, bool] = {"signal": True, "background": False}
"""Names of the two kinds of jets, and what `signal` says of them."""

TITLES: Mapping[str, str] = {"signal": "signal (W)", "background": "background (QCD)"}
"""What figures call them."""

_FEWEST = 50


@dataclass(frozen=True, eq=False)
class JetSample:
    """Images under a name.

    Args:
        name: Name in the report.
        images: The images; faint pixels are zero.
        source: File or model.
        n_source: Images in the file; none for a model.
        kind: Which network of the paper made them, if one is known to have.
        made_with: What made them.
    """

    name: str
    images: JetImages
    source: str = ""
    n_source: int | None = None
    kind: str = ""
    made_with: Mapping[str, Any] | None = None

    @cached_property
    def auxiliary(self) -> AuxiliaryClassifier | None:
        """What the discriminator of the model that made the images takes jets for, if known."""
        try:
            return AuxiliaryClassifier.model_validate(
                (self.made_with or {})["auxiliary_classifier"]
            )
        except (KeyError, ValidationError):  # Pythia, another program
            return None

    @cached_property
    def values(self) -> dict[str, Values]:
        """All observables, `(n,)` each."""
        return observe(self.images.image)

    def image(self, of: str) -> NDArray[np.float32]:
        """Images of a class, `(k, 25, 25)` [GeV]."""
        chosen: NDArray[np.float32] = self.images.image[self.images.signal == CLASSES[of]]
        return chosen

    def table(self, of: str) -> dict[str, Values]:
        """Observables of a class, `(k,)` each."""
        rows = self.images.signal == CLASSES[of]
        return {name: values[rows] for name, values in self.values.items()}

    def __len__(self) -> int:
        """Number of images."""
        return len(self.images)


@dataclass(frozen=True, eq=False)
class Samples:
    """What is compared.

    Args:
        reference: Images of Pythia, or what takes their place.
        candidates: What is compared with them.
        training: Images that candidates were trained with; None if they are not known.
        notes: What to keep in mind, one sentence each.
    """

    reference: JetSample
    candidates: tuple[JetSample, ...]
    training: JetImages | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that there is something to compare."""
        if not self.candidates:
            msg = "nothing to compare with: give at least one candidate"
            raise JetError(msg)
        names = [sample.name for sample in self.every]
        if len(set(names)) < len(names):
            msg = f"each sample needs a name of its own, not {', '.join(names)}: give --name"
            raise JetError(msg)
        for sample in self.every:
            for of in CLASSES:
                n = len(sample.image(of))
                if n < _FEWEST:
                    msg = (
                        f"{sample.name}: {n} {of} images, a comparison needs at least {_FEWEST} of"
                        " signal and of background"
                    )
                    raise JetError(msg)

    @property
    def every(self) -> tuple[JetSample, ...]:
        """The reference, and then the candidates."""
        return self.reference, *self.candidates


def memory_samples(
    reference: JetImages,
    candidates: Mapping[str, JetImages],
    *,
    reference_name: str,
    training: JetImages | None,
    threshold_gev: float,
) -> Samples:
    """Take images that are in memory.

    Args:
        reference: Images of Pythia.
        candidates: Others by name.
        reference_name: Name of the first ones.
        training: Images that candidates were trained with.
        threshold_gev: Pixels below it are set to 0 [GeV].
    """
    made = [
        JetSample(name, _cleaned(images, threshold_gev), kind=name.lower())
        for name, images in {reference_name: reference, **candidates}.items()
    ]
    kept = None if training is None else _cleaned(training, threshold_gev)
    return Samples(made[0], tuple(made[1:]), kept)


def open_samples(
    reference: str | Path,
    candidates: Sequence[str | Path],
    *,
    names: Sequence[str] = (),
    limit: int | None = None,
    training: str | Path | None = None,
    seed: int,
    threshold_gev: float,
) -> Samples:
    """Read files, and let models make as many images as the reference has, of the same classes.

    If a model, or what made a candidate's file, was trained with the file of the reference, only
    those images of it are the reference that no update saw, and the others are the training images.

    Args:
        reference: File of the reference, or `sample:jets`.
        candidates: Files, names of models, or their folders.
        names: Names in the report, the reference's first.
        limit: Most images of each sample.
        training: File of the images that candidates were trained with.
        seed: Fixes the images of models.
        threshold_gev: Pixels below it are set to 0 [GeV].

    Raises:
        CaloganError: A file or a model that cannot be read; too few images.
    """
    if names and len(names) != 1 + len(candidates):
        msg = f"{len(names)} names for {1 + len(candidates)} samples: give one for each, or none"
        raise JetError(msg)
    opened = [_open(text) for text in candidates]
    origins = [_origin(one) for one in opened]
    cards = [origin["trained_on"] for origin in origins if "trained_on" in origin]
    with open_jet_images(jet_file(reference)) as file:
        rows, seen, notes = _held_out(file, cards)
        stop = rows.stop if limit is None else min(rows.stop, rows.start + limit)
        images = file.read(rows.start, stop)
        own = JetSample(
            names[0] if names else file.path.stem,
            _cleaned(images, threshold_gev),
            str(reference),
            len(file),
            made_with=file.made_with,
        )
        trained_with = file.read(0, seen) if seen else None
        same = training is not None and file.path.samefile(jet_file(training))
    if same and not seen:
        msg = f"{training} is the reference itself: no candidate says which of it trained it"
        raise JetError(msg)
    if training is not None and not same:
        with open_jet_images(jet_file(training)) as file:
            trained_with = file.read()
    found = []
    for k, (text, one, origin) in enumerate(zip(candidates, opened, origins, strict=True), start=1):
        name = names[k] if names else (one.name if isinstance(one, JetGenerator) else one.stem)
        if isinstance(one, JetGenerator):
            made, n = one.simulate(own.images.signal, np.random.default_rng([seed, k])), None
        else:
            with open_jet_images(one) as file:
                made, n = file.read(0, limit), len(file)
        kind = origin.get("kind", "")
        found.append(JetSample(name, _cleaned(made, threshold_gev), str(text), n, kind, origin))
    kept = None if trained_with is None else _cleaned(trained_with, threshold_gev)
    return Samples(own, tuple(found), kept, notes)


def _cleaned(images: JetImages, threshold_gev: float) -> JetImages:
    return JetImages(without_faint(images.image, threshold_gev), images.signal, images.variables)


def _origin(one: Path | JetGenerator) -> Mapping[str, Any]:
    """What a model says of itself, or the file that it made."""
    if isinstance(one, JetGenerator):
        return one.provenance
    with open_jet_images(one) as file:
        return file.made_with


def _open(text: str | Path) -> Path | JetGenerator:
    """A file, or a model; what looks like a file and is not there is said to be missing."""
    path = jet_file(text)
    if path.is_file():
        return path
    if path.suffix in {".h5", ".hdf5"} and not path.is_dir():
        msg = f"no such file: {text}"
        raise JetError(msg)
    return open_jet_generator(text)


def _held_out(
    file: JetImageFile, cards: Sequence[Mapping[str, Any]]
) -> tuple[slice, int, tuple[str, ...]]:
    """Which images no model was trained with, how many the first ones are that some were.

    Args:
        file: The reference.
        cards: What models say of the file that they were trained with (`JetData`).
    """
    size = file.path.stat().st_size
    same = [card for card in cards if card["size_bytes"] == size]
    if same:
        checksum = sha256(file.path)
        same = [card for card in same if card["sha256"] == checksum]
    if not same:
        return slice(0, len(file)), 0, _same_seed(file, cards)
    seen = max(card["n_training"] for card in same)
    note = (
        f"{file.path.name} is what models were trained with: the reference is taken from its last "
        f"{len(file) - seen:,} images, which no update saw. They chose the best epoch, too."
    )
    return slice(seen, len(file)), seen, (note,)


def _same_seed(file: JetImageFile, cards: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """A note if a file comes from the same simulator and seed as the training of a model."""
    seed = file.made_with.get("seed")
    for card in cards:
        other = card["made_with"]
        if seed is not None and (seed, file.made_with.get("simulator")) == (
            other.get("seed"),
            other.get("simulator"),
        ):
            note = (
                f"{file.path.name} was made with the same seed ({seed}) as the images that models "
                "were trained with: some of its jets may be the same."
            )
            return (note,)
    return ()
