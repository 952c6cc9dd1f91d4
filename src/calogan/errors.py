"""Errors that a user can cause, each a subclass of `CaloganError` with one clear line."""

from __future__ import annotations

__all__ = [
    "CaloganError",
    "CalorimeterError",
    "ConfigurationError",
    "DownloadError",
    "Geant4DataError",
    "IncidentError",
    "JetError",
    "MissingExtraError",
    "ModelError",
    "OutputError",
    "ShowerFileError",
    "SimulationError",
    "TrainingError",
]


class CaloganError(Exception):
    """Something that the user can mend: says what is wrong, where, and what to do."""


class CalorimeterError(CaloganError):
    """A calorimeter that cannot be built, or two that do not fit together."""


class ConfigurationError(CaloganError):
    """A configuration file with an unknown key or a value that makes no sense."""


class DownloadError(CaloganError):
    """A file that cannot be downloaded, or that is not what was published."""


class Geant4DataError(CaloganError):
    """Geant4's cross-section data: missing, damaged or not to be had."""


class IncidentError(CaloganError):
    """Incident particles that do not exist or have impossible energies, positions, directions."""


class MissingExtraError(CaloganError):
    """An optional dependency that the command needs is not installed.

    Args:
        what: What the user wanted to do.
        extra: The extra of this package that brings what is missing.
    """

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs an optional part: pip install 'calogan[{extra}]'")
        self.what, self.extra = what, extra

    def __reduce__(self) -> tuple[type[MissingExtraError], tuple[str, str]]:
        """Let the error come back from a worker process."""
        return type(self), (self.what, self.extra)


class JetError(CaloganError):
    """Jet images that do not exist, do not fit together, or hold impossible values."""


class ModelError(CaloganError):
    """A model bundle that does not exist, is damaged, or does not do what is asked of it."""


class OutputError(CaloganError):
    """An output file or folder that cannot be written."""


class ShowerFileError(CaloganError):
    """A file that is missing, truncated, foreign, or holds impossible showers."""


class SimulationError(CaloganError):
    """A simulation that stopped before its end."""


class TrainingError(CaloganError):
    """A training that cannot start or that broke down."""
