"""Trained models on disk: `model.onnx` and `card.json`, nothing that can be executed.

The network takes `noise` (n, latent) and `energy` (n, 1) [GeV], or `condition` (n, c) whose first
column is the energy, and gives `layer_0`, `layer_1`, ... (n, eta, phi) [MeV]; all scaling is inside,
any n will do.
"""

from __future__ import annotations

from calogan.bundle.card import (
    SCHEMA_VERSION,
    Architecture,
    Card,
    Condition,
    Figures,
    HeldOutData,
    TrainingData,
    check_model_name,
    split_version,
)
from calogan.bundle.folder import (
    Bundle,
    check_replaceable,
    read_card,
    read_card_as,
    read_network,
    sha256,
    write_bundle,
    write_card,
)
from calogan.bundle.search import (
    DEFAULT_MODELS,
    Found,
    find_bundle,
    install_folder,
    installed,
    list_bundles,
    search_path,
)

__all__ = [
    "DEFAULT_MODELS",
    "SCHEMA_VERSION",
    "Architecture",
    "Bundle",
    "Card",
    "Condition",
    "Figures",
    "Found",
    "HeldOutData",
    "TrainingData",
    "check_model_name",
    "check_replaceable",
    "find_bundle",
    "install_folder",
    "installed",
    "list_bundles",
    "read_card",
    "read_card_as",
    "read_network",
    "search_path",
    "sha256",
    "split_version",
    "write_bundle",
    "write_card",
]
