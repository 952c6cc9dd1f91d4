"""The data sets of cross sections that Geant4 11.4 reads, as its own build lists them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BASE_URL", "DATASETS", "GEANT4_VERSION", "Dataset"]

GEANT4_VERSION = "11.4"
"""The Geant4 that `calzone` is built with, and that the versions below belong to."""

BASE_URL = "https://cern.ch/geant4-data/datasets"
"""Where CERN publishes the data sets."""


@dataclass(frozen=True)
class Dataset:
    """One data set.

    Args:
        name: What it is called.
        version: Its version; Geant4 refuses any other.
        variable: Environment variable that leads Geant4 to it.
        md5: Checksum of the archive, as published with Geant4.
    """

    name: str
    version: str
    variable: str
    md5: str

    @property
    def folder(self) -> str:
        """Name of the folder that the archive unpacks to."""
        return f"{self.name}{self.version}"

    @property
    def archive(self) -> str:
        """Name of the archive."""
        return f"G4{self.name.removeprefix('G4')}.{self.version}.tar.gz"


DATASETS: tuple[Dataset, ...] = (
    Dataset("G4EMLOW", "8.8", "G4LEDATA", "328330009df633f7e9b3a9f445745298"),
    Dataset("G4ENSDFSTATE", "3.0", "G4ENSDFSTATEDATA", "c500728534ce3e9fb2fefa0112eb3a74"),
    Dataset("G4PARTICLEXS", "4.2", "G4PARTICLEXSDATA", "b63341cc97a472b04ff607b094493174"),
    Dataset("PhotonEvaporation", "6.1.2", "G4LEVELGAMMADATA", "d80ba9bdefcf9e23487a26adfa273304"),
    Dataset("RadioactiveDecay", "6.1.2", "G4RADIOACTIVEDATA", "20d494f73d4bddabd7fab5c06a58895c"),
    Dataset("G4SAIDDATA", "2.0", "G4SAIDXSDATA", "d5d4e9541120c274aeed038c621d39da"),
    Dataset("G4ABLA", "3.3", "G4ABLADATA", "b25d093339e1e4532e31038653580ca6"),
    Dataset("G4INCL", "1.3", "G4INCLDATA", "72c3ff5f7f1e6f727f2ebf3b11ce784f"),
    Dataset("G4PII", "1.3", "G4PIIDATA", "05f2471dbcdf1a2b17cbff84e8e83b37"),
    Dataset("RealSurface", "2.2", "G4REALSURFACEDATA", "ea8f1cfa8d8aafd64b71fb30b3e8a6d9"),
    Dataset("G4CHANNELING", "2.0", "G4CHANNELINGDATA", "e853fbcba1e8640f7c3a437253955482"),
    Dataset("G4NDL", "4.7.1", "G4NEUTRONHPDATA", "54f0ed3995856f02433d42ec96d70bc6"),
)
"""Names, versions and MD5 sums of Geant4 11.4.0 (cmake/Modules/G4DatasetDefinitions.cmake)."""
