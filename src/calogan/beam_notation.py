"""The short notation of beams, as options and configurations write it."""

from __future__ import annotations

from collections.abc import Iterable

from calogan.beam import Along, AngleRange, Beam, Box, Cone, Direction, Particles
from calogan.calorimeter import Calorimeter
from calogan.errors import IncidentError
from calogan.incident import pdg_id
from calogan.spectra import InOrder, Spectrum, parse_spectrum

__all__ = [
    "parse_beam",
    "parse_direction",
    "parse_energy",
    "parse_particles",
    "parse_position",
]


def parse_beam(
    calorimeter: Calorimeter,
    *,
    particle: str | int,
    energy: str,
    position: str = "0,0",
    direction: str = "0,0,1",
) -> Beam:
    """Read a beam in short notation.

    Args:
        calorimeter: The calorimeter that it meets: positions are on its front face.
        particle: See `parse_particles`.
        energy: See `parse_energy`.
        position: See `parse_position`.
        direction: See `parse_direction`.

    Raises:
        IncidentError: Something that is none of the notation, or makes no sense.
        ShowerFileError: A file of energies that cannot be read.
    """
    box, start_z_mm = parse_position(position, calorimeter)
    return Beam(
        particles=parse_particles(str(particle)),
        energy=parse_energy(energy),
        position=box,
        direction=parse_direction(direction),
        start_z_mm=start_z_mm,
    )


def parse_particles(text: str) -> Particles:
    """Read `e+`, `-11`, several with commas between them, or with weights: `e+:2,gamma:1`.

    Raises:
        IncidentError: No such particle, or a weight that is none.
    """
    names, weights = [], []
    for part in text.split(","):
        name, colon, weight = part.partition(":")
        names.append(pdg_id(name))
        try:
            weights.append(float(weight) if colon else 1.0)
        except ValueError:
            msg = f"particle {text!r}: the weight {weight!r} is no number"
            raise IncidentError(msg) from None
    if len(names) == 1:
        return Particles((names[0],))
    return Particles(tuple(names), tuple(weights))


def parse_energy(text: str) -> Spectrum:
    """Read a spectrum as `parse_spectrum` does, or `file:PATH[:COLUMN]`: energies of a file.

    The energies of a file, in GeV, are taken in their order.

    Raises:
        IncidentError: None of the notation, or impossible energies.
        ShowerFileError: The file or its column cannot be read.
    """
    if not text.strip().startswith("file:"):
        return parse_spectrum(text)
    from calogan.files.column import read_column

    place = text.strip().removeprefix("file:")
    if not place:
        msg = f"energy {text!r}: give file:FILE or file:FILE:COLUMN"
        raise IncidentError(msg)
    return InOrder(read_column(place), place)


def parse_position(text: str, calorimeter: Calorimeter) -> tuple[Box, float | None]:
    """Read where particles enter or start [mm].

    Args:
        text: `X,Y`, a point of the front face, where the particle enters; or `X,Y,Z`, the
            point where it starts. Each coordinate may be a range, `-20:20`: uniform.
        calorimeter: The calorimeter with the front face.

    Returns:
        The box of points, and the z where particles start that are to fly through them: the gun
        of the calorimeter for `X,Y`, None for `X,Y,Z`.

    Raises:
        IncidentError: None of the notation, or a point beside the front face.
    """
    parts = text.split(",")
    try:
        ranges = [_range(part) for part in parts]
    except ValueError:
        ranges = []
    if len(ranges) not in {2, 3}:
        msg = f"position {text!r}: give X,Y on the front face or X,Y,Z in mm, each 5 or -20:20"
        raise IncidentError(msg)
    on_face = len(ranges) == 2
    if on_face:
        ranges.append((-calorimeter.depth_mm / 2,) * 2)
    box = Box(_three(low for low, _ in ranges), _three(high for _, high in ranges))
    size = calorimeter.half_size_mm
    if on_face and max(abs(edge) for pair in ranges[:2] for edge in pair) > size:
        msg = f"position {text!r} lies beside the front face, which is +-{size:g} mm wide"
        raise IncidentError(msg)
    return box, calorimeter.gun_z_mm if on_face else None


def parse_direction(text: str) -> Direction:
    """Read a direction of flight; angles in degrees, theta to +z, phi from x towards y.

    `0,0.1,1` a vector; `theta=10,phi=90` angles; `theta=0:20,phi=0:360` uniform in both angles
    (phi from 0 to 360 unless given); `cone:5` and `cone:2:5` uniform in solid angle up to 5
    degrees, and between 2 and 5.

    Raises:
        IncidentError: None of the notation, or impossible angles.
    """
    msg = (
        f"direction {text!r}: give a vector such as 0,0.1,1, theta=0:20,phi=0:360 or cone:5,"
        " angles in degrees"
    )
    try:
        if text.startswith("cone:"):
            numbers = [float(part) for part in text.split(":")[1:]]
            if len(numbers) > 2:
                raise IncidentError(msg)
            return Cone(numbers[0] if len(numbers) == 2 else 0.0, numbers[-1])
        if "=" not in text:
            return Along(_three(float(part) for part in text.split(",")))
        angles = {"phi": (0.0, 360.0)}
        for part in text.split(","):
            name, _, values = part.partition("=")
            angles[name.strip()] = _range(values)
    except ValueError:
        raise IncidentError(msg) from None
    if angles.keys() != {"theta", "phi"}:
        raise IncidentError(msg)
    return AngleRange(angles["theta"], angles["phi"])


def _range(text: str) -> tuple[float, float]:
    """Read `5` or `-20:20`."""
    low, colon, high = text.partition(":")
    return float(low), float(high if colon else low)


def _three(values: Iterable[float]) -> tuple[float, float, float]:
    x, y, z = values
    return x, y, z
