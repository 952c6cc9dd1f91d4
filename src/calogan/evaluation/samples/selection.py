"""Which showers of two or more samples may be compared: those of the same incident energies.

Shower shapes depend on the energy, so samples of different spectra differ even if the simulations
do not. Here the samples are cut to what they have in common, and what remains is put in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calogan.errors import CaloganError, CalorimeterError
from calogan.evaluation.distances.measures import ks_distance
from calogan.evaluation.samples.sources import Mask, Origin

__all__ = ["MIN_SHOWERS", "Selection", "select"]

MIN_SHOWERS = 50
"""Fewer showers in a sample, and no standard deviation or histogram means much."""

_WINDOWS = (0.1, 0.2)
_ENOUGH = 500
_CUT_SHARE = 0.01
_FIXED = 1e-4


@dataclass(frozen=True, eq=False)
class Selection:
    """Which showers of each sample are compared.

    Args:
        keep: For each sample, the reference first, which of its showers: shape `(n,)`.
        mode: `all`, `overlap` of the energy ranges, or `window` around one energy.
        notes: What was done, and what to keep in mind: one sentence each.
    """

    keep: tuple[Mask, ...]
    mode: str
    notes: tuple[str, ...]


def select(samples: Sequence[Origin]) -> Selection:
    """Cut samples, the reference first, to the incident energies they have in common.

    Ranges that differ are cut to their overlap. Against samples of one fixed energy, the others
    are cut to a window around it: +-10 %, or +-20 % where that holds fewer than 500 showers.

    Raises:
        CalorimeterError: The samples are of different calorimeters.
        CaloganError: Too few showers, or no common energies.
    """
    _check_calorimeters(samples)
    for sample in samples:
        _check_number(sample, "in it")
    fixed = [_is_fixed(sample) for sample in samples]
    if any(fixed) and not all(fixed):
        keep, note = _window(samples, fixed)
        mode = "window"
    else:
        keep, note = _overlap(samples)
        mode = "overlap" if note else "all"
    cut = [sample.kept(mask) for sample, mask in zip(samples, keep, strict=True)]
    notes = [note] if note else []
    notes += _particle_notes(cut)
    if mode != "window":
        notes += _spectrum_notes(cut)
    return Selection(tuple(keep), mode, tuple(notes))


def _check_calorimeters(samples: Sequence[Origin]) -> None:
    first = samples[0].calorimeter
    for sample in samples[1:]:
        other = sample.calorimeter
        if other != first:
            names = f"'{first.name}' and '{other.name}'"
            if first.name == other.name:
                names = f"two that are both called '{first.name}'"
            msg = (
                f"{samples[0].name} and {sample.name} are showers in different calorimeters "
                f"({names}): only showers in one calorimeter can be compared"
            )
            raise CalorimeterError(msg)


def _check_number(sample: Origin, where: str) -> None:
    if len(sample) < MIN_SHOWERS:
        msg = (
            f"{sample.name}: {len(sample)} showers {where} are too few to compare, "
            f"at least {MIN_SHOWERS} are needed"
        )
        raise CaloganError(msg)


def _is_fixed(sample: Origin) -> bool:
    low, high = sample.energy_range_gev
    return high - low <= _FIXED * high


def _within(sample: Origin, low: float, high: float) -> Mask:
    energy = sample.incident.energy_gev
    inside: Mask = (energy >= low) & (energy <= high)
    return inside


def _all(sample: Origin) -> Mask:
    return np.ones(len(sample), dtype=np.bool_)


def _no_overlap(samples: Sequence[Origin]) -> CaloganError:
    ranges = ", ".join(f"{s.name} {_range(*s.energy_range_gev)}" for s in samples)
    return CaloganError(f"the incident energies have nothing in common: {ranges}")


def _overlap(samples: Sequence[Origin]) -> tuple[list[Mask], str]:
    """Cut to the common range, unless the ranges are the same but for chance."""
    low = max(s.energy_range_gev[0] for s in samples)
    high = min(s.energy_range_gev[1] for s in samples)
    slack = _FIXED * max(s.energy_range_gev[1] for s in samples)
    if low > high + slack:
        raise _no_overlap(samples)
    keep = [_within(s, low - slack, high + slack) for s in samples]
    # by chance, the smallest sample leaves out a few of its number at either end of the others
    chance = max(_CUT_SHARE, 6 / min(len(s) for s in samples))
    if all(mask.mean() >= 1 - chance for mask in keep):
        return [_all(s) for s in samples], ""
    for sample, mask in zip(samples, keep, strict=True):
        _check_number(sample.kept(mask), f"in the common energy range {_range(low, high)}")
    return keep, (
        f"The incident energies differ: only showers in the common range, {_range(low, high)}, "
        "are compared."
    )


def _window(samples: Sequence[Origin], fixed: Sequence[bool]) -> tuple[list[Mask], str]:
    """Cut the samples with a spectrum to a window around the energy of those without."""
    ones = [s for s, is_fixed in zip(samples, fixed, strict=True) if is_fixed]
    center = ones[0].energy_range_gev[0]
    spread = [s for s, is_fixed in zip(samples, fixed, strict=True) if not is_fixed]
    if any(abs(s.energy_range_gev[0] - center) > _FIXED * center for s in ones) or any(
        not s.energy_range_gev[0] <= center <= s.energy_range_gev[1] for s in spread
    ):
        raise _no_overlap(samples)
    keep: list[Mask] = []
    for width in _WINDOWS:
        low, high = center * (1 - width), center * (1 + width)
        keep = [
            _all(s) if f else _within(s, low, high) for s, f in zip(samples, fixed, strict=True)
        ]
        if all(mask.sum() >= _ENOUGH for mask, f in zip(keep, fixed, strict=True) if not f):
            break
    for sample, mask in zip(samples, keep, strict=True):
        _check_number(sample.kept(mask), f"within {width:.0%} of {center:g} GeV")
    names = _listed([s.name for s in spread])
    return keep, (
        f"{_listed([s.name for s in ones])} {'is' if len(ones) == 1 else 'are'} at one energy, "
        f"{center:.4g} GeV; of {names}, showers within {width:.0%} of it "
        f"({_range(low, high)}) are compared. Energies in MeV are left out, for they differ by "
        "this choice: E_tot/E tells the same."
    )


def _particle_notes(samples: Sequence[Origin]) -> list[str]:
    known = [s for s in samples if s.particles]
    if len({s.particles for s in known}) > 1:
        names = ", ".join(f"{s.name}: {', '.join(s.particles)}" for s in known)
        return [f"The incident particles differ ({names})."]
    return []


def _spectrum_notes(samples: Sequence[Origin]) -> list[str]:
    """Warn of candidates whose energies are spread otherwise than those of the reference."""
    reference = samples[0].incident.energy_gev
    notes = []
    for sample in samples[1:]:
        energy = sample.incident.energy_gev
        distance = ks_distance(reference, energy)
        # 1.63: the Kolmogorov-Smirnov test at 1 %, for large samples
        critical = 1.63 * np.sqrt(1 / len(reference) + 1 / len(energy))
        if distance > max(critical, 0.03):
            notes.append(
                f"The incident energies of {sample.name} are spread otherwise than those of "
                f"{samples[0].name} (mean {energy.mean():.3g} and {reference.mean():.3g} GeV, "
                f"Kolmogorov-Smirnov distance {distance:.2f}): part of every difference below "
                "comes from that."
            )
    return notes


def _range(low: float, high: float) -> str:
    return f"{low:.4g} GeV" if high - low <= _FIXED * high else f"{low:.3g} to {high:.3g} GeV"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(names) if len(names) < 3 else ", ".join(names[:-1]) + " and " + names[-1]
