"""The card of a model that makes jet images, in `card.json` of its bundle."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from calogan.bundle.card import Checksum, Figures, FileName, ModelName, Number
from calogan.calorimeter.fields import Frozen

__all__ = ["AuxiliaryClassifier", "JetArchitecture", "JetCard", "JetData"]

Share = Annotated[Number, Field(ge=0, le=1)]
Confusion = tuple[tuple[Share, Share], tuple[Share, Share]]


class _Part(Frozen):
    model_config = ConfigDict(use_attribute_docstrings=True)


class JetArchitecture(_Part):
    """What the network is."""

    kind: Literal["lagan", "dcgan", "fcgan", "hybrid"]
    """Which network of the paper (arXiv:1701.05927)."""
    latent_size: Annotated[int, Field(gt=0, le=65_536)]
    """Length of the noise vector."""
    parameters: Annotated[int, Field(ge=0)]
    """Trained numbers of the generator."""
    differs_from_paper: str = ""
    """Settings that are not the published ones; one after another, parted by semicolons."""


class JetData(_Part):
    """The file of jet images that the network was trained on."""

    file: FileName
    """Name of the file."""
    sha256: Checksum
    """Its checksum."""
    size_bytes: Annotated[int, Field(ge=0)]
    """Its size."""
    n_training: Annotated[int, Field(ge=0)]
    """Images that updates saw."""
    n_validation: Annotated[int, Field(ge=0)]
    """Images at the end of the file that no update saw."""
    made_with: dict[str, Any]
    """What made them: version and settings of Pythia."""


class AuxiliaryClassifier(_Part):
    """How the discriminator's second answer names jets.

    Matrices: shares of the true QCD jets (first row) and of the true W jets that it calls QCD and
    W.
    """

    pythia: Confusion
    """Images of Pythia that no update saw."""
    generated: Confusion
    """As many images of the network; true is the class that was asked for."""


class JetCard(_Part):
    """What a bundle of a jet image generator says about itself."""

    schema_version: Literal[1] = 1
    """Version of this schema."""
    makes: Literal["jet images"] = "jet images"
    """What the model makes."""
    name: ModelName
    """Name of the model."""
    version: Annotated[int, Field(gt=0, le=1_000_000)] = 1
    """Version of the model: 1, 2, 3, ..."""
    threshold_gev: Annotated[Number, Field(ge=0)]
    """Pixels below it are zero, in the images of the training and in those of the model [GeV]."""
    architecture: JetArchitecture
    """Family and size of its network."""
    data: JetData
    """What it was trained on."""
    training: dict[str, Any]
    """Configuration of the training, and its best epoch."""
    quality: dict[str, Figures]
    """Observables against images of Pythia that no update saw, as `signal/mass` or
    `background/mass`. Those images chose the best epoch, too."""
    auxiliary_classifier: AuxiliaryClassifier | None = None
    """What the discriminator of the same epoch, which is not in the bundle, takes jets for."""
    license: Annotated[str, Field(min_length=1, max_length=100)] = "BSD-3-Clause"
    """Licence of the bundle, as an SPDX identifier."""
    sha256: Checksum
    """Checksum of `model.onnx`; empty until the bundle is written."""
    made_with: dict[str, str]
    """Versions of the programs that made the bundle."""
