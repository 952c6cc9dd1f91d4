"""The samples of a classifier test: files, samples that ship, and showers that simulators make."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from calogan.errors import ConfigurationError
from calogan.evaluation.samples.opening import names_of, open_source
from calogan.evaluation.samples.sources import own_seed
from calogan.incident import Incident, particle_name
from calogan.showers import Showers

__all__ = ["read_candidates", "read_particles", "read_sample"]


def read_sample(
    text: str, limit: int | None = None, *, incident: Incident | None = None, seed: int = 0
) -> Showers:
    """Read a sample, or let a simulator make it.

    Args:
        text: A file of showers, `sample:NAME`, or a simulator.
        limit: Take at most so many showers of a file.
        incident: The particles of a simulator.
        seed: Fixes the showers of a simulator.

    Raises:
        CaloganError: No such source, or one that does not make such showers.
    """
    source = open_source(text, text, incident=incident, limit=limit, seed=seed)
    everything = np.ones(len(source.origin.incident), dtype=bool)
    pieces = list(source.pieces(everything))
    if not pieces:
        msg = f"{text} holds no showers"
        raise ConfigurationError(msg)
    return Showers.concatenate(pieces)


def read_candidates(
    texts: Sequence[str], reference: Showers, limit: int | None, seed: int
) -> dict[str, Showers]:
    """Read candidates, by their names; a simulator makes one shower per shower of the reference.

    Raises:
        CaloganError: No such source, or one that does not make such showers.
    """
    return {
        name: read_sample(text, limit, incident=reference.incident, seed=own_seed(seed, k))
        for k, (name, text) in enumerate(zip(names_of(texts), texts, strict=True), start=1)
    }


def read_particles(
    reference: tuple[str, str], generated: tuple[str, str], limit: int | None, seed: int
) -> tuple[tuple[str, str], dict[str, Showers], dict[str, Showers]]:
    """Read simulated and generated showers of two particles.

    Args:
        reference: Simulated showers of both.
        generated: Files of generated showers of both, or simulators, which make one shower per
            simulated one.
        limit: Take at most so many showers of each file.
        seed: Fixes the showers of simulators.

    Returns:
        Names of the particles, or of their files, and by them the simulated and the generated showers.

    Raises:
        CaloganError: No such source, or one that does not make such showers.
    """
    simulated = [read_sample(text, limit) for text in reference]
    found = [np.unique(showers.incident.pdgid) for showers in simulated]
    signal, background = names_of(reference)
    if all(len(ids) == 1 and ids[0] != 0 for ids in found) and found[0] != found[1]:
        signal, background = (particle_name(int(ids[0])) for ids in found)
    names = (signal, background)
    real = dict(zip(names, simulated, strict=True))
    made = {
        n: read_sample(text, limit, incident=real[n].incident, seed=own_seed(seed, k))
        for k, (n, text) in enumerate(zip(names, generated, strict=True), start=1)
    }
    return names, real, made
