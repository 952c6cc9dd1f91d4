"""Which showers of two or more samples may be compared: those of the same incident energies.

Shower shapes depend on the energy, so samples of different spectra differ even if the simulations
do not. Here the samples are cut to what they have in common, and what remains is put in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from calogan.errors import CaloganError, CalorimeterError
from calogan.evaluation.distances import ks_distance
from calogan.evaluation.sources import Sample

__all__ = ["MIN_SHOWERS", "Selection", "select"]

MIN_SHOWERS = 50
"""Fewer showers in a sample, and no standard deviation or histogram means much."""

_WINDOWS = (0.1, 0.2)
_ENOUGH = 500
_CUT_SHARE = 0.01
_FIXED = 1e-4


@dataclass(frozen=True, eq=False)
class Selection:
    """Samples that may be compared.

    Args:
        reference: The reference, cut.
        candidates: The candidates, cut.
        mode: `all`, `overlap` of the energy ranges, or `window` around one energy.
        notes: What was done, and what to keep in mind: one sentence each.
    """

    reference: Sample
    candidates: tuple[Sample, ...]
    mode: str
    notes: tuple[str, ...]

    @property
    def samples(self) -> tuple[Sample, ...]:
        """The reference and the candidates."""
        return self.reference, *self.candidates


def select(reference: Sample, candidates: Sequence[Sample]) -> Selection:
    """Cut samples to the incident energies they have in common.

    Ranges that differ are cut to their overlap. Against samples of one fixed energy, the others
    are cut to a window around it: +-10 %, or +-20 % where that holds fewer than 500 showers.

    Raises:
        CalorimeterError: The samples are of different calorimeters.
        CaloganError: No candidate, too few showers, or no common energies.
    """
    samples = (reference, *candidates)
    if not candidates:
        msg = "nothing to compare with: give at least one candidate"
        raise CaloganError(msg)
    _check_calorimeters(samples)
    for sample in samples:
        _check_number(sample, "in it")
    fixed = [_is_fixed(sample) for sample in samples]
    if any(fixed) and not all(fixed):
        cut, note = _window(samples, fixed)
        mode = "window"
    else:
        cut, note = _overlap(samples)
        mode = "overlap" if note else "all"
    notes = [note] if note else []
    notes += _particle_notes(cut)
    if mode != "window":
        notes += _spectrum_notes(cut)
    return Selection(cut[0], tuple(cut[1:]), mode, tuple(notes))


def _check_calorimeters(samples: Sequence[Sample]) -> None:
    first = samples[0].showers.calorimeter
    for sample in samples[1:]:
        other = sample.showers.calorimeter
        if other != first:
            names = f"'{first.name}' and '{other.name}'"
            if first.name == other.name:
                names = f"two that are both called '{first.name}'"
            msg = (
                f"{samples[0].name} and {sample.name} are showers in different calorimeters "
                f"({names}): only showers in one calorimeter can be compared"
            )
            raise CalorimeterError(msg)


def _check_number(sample: Sample, where: str) -> None:
    if len(sample.showers) < MIN_SHOWERS:
        msg = (
            f"{sample.name}: {len(sample.showers)} showers {where} are too few to compare, "
            f"at least {MIN_SHOWERS} are needed"
        )
        raise CaloganError(msg)


def _is_fixed(sample: Sample) -> bool:
    low, high = sample.energy_range_gev
    return high - low <= _FIXED * high


def _cut(sample: Sample, low: float, high: float) -> Sample:
    energy = sample.showers.incident.energy_gev
    inside = (energy >= low) & (energy <= high)
    return sample if inside.all() else replace(sample, showers=sample.showers[inside])


def _no_overlap(samples: Sequence[Sample]) -> CaloganError:
    ranges = ", ".join(f"{s.name} {_range(*s.energy_range_gev)}" for s in samples)
    return CaloganError(f"the incident energies have nothing in common: {ranges}")


def _overlap(samples: Sequence[Sample]) -> tuple[list[Sample], str]:
    """Cut to the common range, unless the ranges are the same but for chance."""
    low = max(s.energy_range_gev[0] for s in samples)
    high = min(s.energy_range_gev[1] for s in samples)
    slack = _FIXED * max(s.energy_range_gev[1] for s in samples)
    if low > high + slack:
        raise _no_overlap(samples)
    cut = [_cut(s, low - slack, high + slack) for s in samples]
    # by chance, the smallest sample leaves out a few of its number at either end of the others
    chance = max(_CUT_SHARE, 6 / min(len(s.showers) for s in samples))
    if all(
        len(c.showers) >= (1 - chance) * len(s.showers) for s, c in zip(samples, cut, strict=True)
    ):
        return list(samples), ""
    for sample in cut:
        _check_number(sample, f"in the common energy range {_range(low, high)}")
    return cut, (
        f"The incident energies differ: only showers in the common range, {_range(low, high)}, "
        "are compared."
    )


def _window(samples: Sequence[Sample], fixed: Sequence[bool]) -> tuple[list[Sample], str]:
    """Cut the samples with a spectrum to a window around the energy of those without."""
    ones = [s for s, is_fixed in zip(samples, fixed, strict=True) if is_fixed]
    center = ones[0].energy_range_gev[0]
    spread = [s for s, is_fixed in zip(samples, fixed, strict=True) if not is_fixed]
    if any(abs(s.energy_range_gev[0] - center) > _FIXED * center for s in ones) or any(
        not s.energy_range_gev[0] <= center <= s.energy_range_gev[1] for s in spread
    ):
        raise _no_overlap(samples)
    cut: list[Sample] = []
    for width in _WINDOWS:
        low, high = center * (1 - width), center * (1 + width)
        cut = [s if f else _cut(s, low, high) for s, f in zip(samples, fixed, strict=True)]
        if all(len(s.showers) >= _ENOUGH for s, f in zip(cut, fixed, strict=True) if not f):
            break
    for sample in cut:
        _check_number(sample, f"within {width:.0%} of {center:g} GeV")
    names = _listed([s.name for s in spread])
    return cut, (
        f"{_listed([s.name for s in ones])} {'is' if len(ones) == 1 else 'are'} at one energy, "
        f"{center:.4g} GeV; of {names}, showers within {width:.0%} of it "
        f"({_range(low, high)}) are compared. Energies in MeV are left out, for they differ by "
        "this choice: E_tot/E tells the same."
    )


def _particle_notes(samples: Sequence[Sample]) -> list[str]:
    known = [s for s in samples if s.particles]
    if len({s.particles for s in known}) > 1:
        names = ", ".join(f"{s.name}: {', '.join(s.particles)}" for s in known)
        return [f"The incident particles differ ({names})."]
    return []


def _spectrum_notes(samples: Sequence[Sample]) -> list[str]:
    """Warn of candidates whose energies are spread otherwise than those of the reference."""
    reference = samples[0].showers.incident.energy_gev
    notes = []
    for sample in samples[1:]:
        energy = sample.showers.incident.energy_gev
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
