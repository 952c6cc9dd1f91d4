"""What the arguments of a comparison stand for: files, samples that ship, simulators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from calogan.catalogue import open_simulator
from calogan.errors import CaloganError, IncidentError, ModelError, ShowerFileError
from calogan.evaluation.samples.sources import FileSource, SimulatorSource, Source
from calogan.files import open_showers_file
from calogan.incident import Incident, pdg_id
from calogan.samples import sample_path
from calogan.showers import Showers
from calogan.simulator import Simulator

__all__ = ["find_source", "names_of", "open_showers", "open_source"]


def find_source(text: str | Path) -> Path | Simulator:
    """Tell what a text stands for: a file, a sample that ships, or a simulator.

    Args:
        text: A file of showers; `sample:NAME`; or what `open_simulator` takes. What could be
            both is the file.

    Raises:
        ShowerFileError: Neither a file nor a simulator.
        ModelError: A simulator that cannot be opened.
    """
    kind, _, name = str(text).partition(":")
    if kind == "sample":
        return sample_path(name)
    path = Path(text)
    if path.is_file():
        return path
    if kind == "library" or path.is_dir():
        return open_simulator(str(text))
    try:
        return open_simulator(str(text))
    except ModelError as error:
        if "no simulator" not in str(error) and "no model bundle" not in str(error):
            raise
        known = str(error).partition("give one of ")[2].partition(", or the folder")[0]
        ending = f": {known}" if known else ""
        msg = f"no such file: {text}, and no simulator of this name{ending}"
        raise ShowerFileError(msg) from error


def open_source(
    text: str | Path,
    name: str,
    *,
    incident: Incident | None = None,
    limit: int | None = None,
    seed: int = 0,
    workers: int = 1,
) -> Source:
    """Open what a text stands for, see `find_source`.

    Args:
        text: A file of showers, `sample:NAME`, or a simulator.
        name: What to call the showers.
        incident: The particles whose showers a simulator makes.
        limit: Take at most so many showers of a file, from its start.
        seed: Fixes the showers of a simulator.
        workers: Processes of a slow simulator.

    Raises:
        CaloganError: Nothing of this name, or a simulator that does not make such showers.
    """
    found = find_source(text)
    if isinstance(found, Path):
        source = str(text) if str(text).startswith("sample:") else found.name
        return FileSource.open(found, name, source=source, limit=limit)
    if incident is None:
        msg = f"{name} is a simulator, and nothing says which particles it shall simulate"
        raise CaloganError(msg)
    told = _with_particles(incident, found, name)
    return SimulatorSource(name, found, told, seed, str(text), workers).check()


def _with_particles(incident: Incident, simulator: Simulator, name: str) -> Incident:
    """Give particles that a file does not name those that the simulator knows.

    Raises:
        IncidentError: The simulator makes showers of any particle.
    """
    if (incident.pdgid != 0).all():
        return incident
    particle = getattr(simulator, "particle", None)
    if particle is None:
        msg = (
            f"the reference does not say which particles are in it, and {name} needs to know: "
            "give it the name of its particle, such as eplus.h5"
        )
        raise IncidentError(msg)
    unknown = incident.pdgid == 0
    return replace(incident, pdgid=np.where(unknown, pdg_id(particle), incident.pdgid))


def open_showers(source: str | Path) -> Showers:
    """Read all showers of a file, or of a sample that ships with the package (`sample:NAME`)."""
    found = find_source(source)
    if not isinstance(found, Path):
        msg = f"{source} is a simulator: it holds no showers"
        raise ShowerFileError(msg)
    with open_showers_file(found) as file:
        return file.read()


def names_of(sources: Sequence[str | Path]) -> list[str]:
    """Names of sources: the stems of files, with the folder before those that are not unique.

    What is no path, as a sample that ships or a model by its name, gets a number instead.
    """
    texts = [str(source) for source in sources]
    stems = [_stem(text) for text in texts]
    names = [
        f"{Path(text).resolve().parent.name}/{stem}"
        if stems.count(stem) > 1 and Path(text).exists()
        else stem
        for text, stem in zip(texts, stems, strict=True)
    ]
    return [
        name if names.count(name) == 1 else f"{name} ({k})" for k, name in enumerate(names, start=1)
    ]


def _stem(text: str) -> str:
    kind, _, name = text.partition(":")
    if kind == "sample":
        return f"Geant4 {name}"
    if kind == "library":
        return f"library {_stem(name) if name.startswith('sample:') else Path(name).stem}"
    path = Path(text)
    if text == "geant4":
        return "Geant4"
    return path.stem if path.is_file() or path.suffix in {".h5", ".hdf5", ".root"} else path.name
