"""Incident particles from the options of a command: a beam in short notation, or a macro."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from calogan.incident import Incident
    from calogan.simulator import Simulator

__all__ = ["BeamOptions", "draw_incident"]

_DEFAULT_ENERGY = "1:100"


@dataclass(frozen=True)
class BeamOptions:
    """What the user said of the beam; None where nothing was said.

    Args:
        particle: Names or PDG ids.
        energy: A spectrum.
        position: Where particles enter or start.
        direction: Where they fly to.
        macro: A Geant4 macro that says it all.
        n: How many.
    """

    particle: str | None = None
    energy: str | None = None
    position: str | None = None
    direction: str | None = None
    macro: Path | None = None
    n: int | None = None


def draw_incident(
    options: BeamOptions, simulator: Simulator, seed: int
) -> tuple[Incident, dict[str, Any]]:
    """Draw the incident particles, and check that the simulator can do with them.

    Returns:
        The particles, and what the file says of them: `particle`, `energy_gev`, ... or `macro`.

    Raises:
        CaloganError: Options that make no sense, alone or together.
    """
    from calogan.production import incident_rng

    rng = incident_rng(seed)
    draw = _from_macro if options.macro else _from_notation
    incident, made_with = draw(options, simulator, rng)
    check = getattr(simulator, "check", None)
    if check is not None:
        check(incident)
    return incident, made_with


def _from_macro(options: BeamOptions, _: Simulator, rng: Any) -> tuple[Incident, dict[str, Any]]:
    from calogan.errors import ConfigurationError
    from calogan.geant4.macro import read_macro

    assert options.macro is not None
    beside = [
        f"--{name}"
        for name in ("particle", "energy", "position", "direction")
        if getattr(options, name) is not None
    ]
    if beside:
        msg = f"{' and '.join(beside)}: the macro {options.macro} says that; leave one of them out"
        raise ConfigurationError(msg)
    macro = read_macro(options.macro, options.n)
    if macro.notes:
        typer.echo(f"calogan: of no effect here: {', '.join(macro.notes)}", err=True)
    return macro.draw(rng), {"macro": macro.texts}


def _usual_energy(simulator: Simulator) -> str:
    """All energies that a model or a library knows; those of the paper for others."""
    ranges = list(getattr(simulator, "coverage", {}).values())
    if len(ranges) != 1:
        return _DEFAULT_ENERGY
    low, high = ranges[0]
    return f"{low:g}:{high:g}" if low < high else f"{low:g}"


def _from_notation(
    options: BeamOptions, simulator: Simulator, rng: Any
) -> tuple[Incident, dict[str, Any]]:
    from calogan.beam_notation import parse_beam
    from calogan.errors import ConfigurationError, IncidentError

    particle = options.particle or getattr(simulator, "particle", None)
    if particle is None:
        msg = f"{simulator.name} simulates any particle: name one with --particle, such as e+"
        raise IncidentError(msg)
    energy = options.energy or _usual_energy(simulator)
    given = {
        name: value
        for name, value in (("position", options.position), ("direction", options.direction))
        if value is not None
    }
    beam = parse_beam(simulator.calorimeter, particle=particle, energy=energy, **given)
    n = options.n or beam.size
    if n is None:
        msg = "how many showers? give their number with -n"
        raise ConfigurationError(msg)
    return beam.draw(n, rng), {"particle": particle, "energy_gev": energy, **given}
