"""The look of all figures: the HEP style of mplhep, made smaller, in colours for everybody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import matplotlib as mpl
import mplhep
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from calogan.incident import Incident

__all__ = [
    "COLOURS",
    "LINES",
    "hep_style",
    "new_figure",
    "particle_symbol",
    "plain",
    "save",
    "what_is_shown",
]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Colours of the candidates, told apart with any colour vision (Okabe and Ito)."""

LINES = ("-", "--", "-.", ":")
"""Lines of the candidates, told apart in grey."""

_SIZES: dict[Any, Any] = {
    "font.size": 13,
    "font.sans-serif": ["TeX Gyre Heros", "DejaVu Sans"],
    "axes.labelsize": 15,
    "axes.titlesize": 12,
    "axes.titley": 1.0,  # where it is anyway; to find that out takes a third of the time
    "axes.linewidth": 1.2,
    "xtick.labelsize": 12,
    "ytick.labelsize": 12,
    "xtick.major.size": 8,
    "xtick.minor.size": 4,
    "ytick.major.size": 8,
    "ytick.minor.size": 4,
    "legend.fontsize": 12,
    "axes.formatter.limits": (-3, 4),
    "axes.formatter.use_mathtext": True,
    "axes.formatter.useoffset": False,
    "figure.constrained_layout.use": False,
    "savefig.bbox": "standard",
}
_MATHTEXT = {
    "e+": "$e^+$",
    "e-": "$e^-$",
    "gamma": r"$\gamma$",
    "pi+": r"$\pi^+$",
    "pi-": r"$\pi^-$",
}


@contextmanager
def hep_style() -> Iterator[None]:
    """Draw in the style of the field, and leave matplotlib's settings as they were."""
    with mpl.rc_context():
        known = mpl.rcParams.keys()
        mpl.rcParams.update({k: v for k, v in mplhep.style.CMS.items() if k in known})
        mpl.rcParams.update(_SIZES)
        yield


def new_figure(width: float, height: float) -> Figure:
    """Make a figure [inch] that belongs to no window and no global state."""
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, path: Path, *, pdf: bool = False) -> None:
    """Write a figure as PNG, and as PDF beside it if wanted, and free it.

    Args:
        figure: The figure.
        path: The PNG.
        pdf: Whether to write a PDF as well.
    """
    # without names of programs and dates, so that the same figure is the same file
    figure.savefig(path, format="png", dpi=130, metadata={"Software": None})
    if pdf:
        metadata = {"Creator": None, "Producer": None, "CreationDate": None}
        figure.savefig(path.with_suffix(".pdf"), format="pdf", metadata=metadata)
    figure.clear()


def plain(text: str) -> str:
    """Protect a name, as of a file, from being read as a formula or left out of a legend."""
    text = text.replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text


def particle_symbol(name: str) -> str:
    """Symbol of a particle as mathtext; the name of one that has none here."""
    return _MATHTEXT.get(name, plain(name))


class _WithIncident(Protocol):
    """Showers, or what is known of them."""

    @property
    def incident(self) -> Incident:
        """The particles that made them."""


def what_is_shown(showers: _WithIncident, particles: tuple[str, ...]) -> str:
    """Particle and energies, for the head of a figure: `e+, 1 to 100 GeV`."""
    energy = showers.incident.energy_gev
    low, high = float(energy.min()), float(energy.max())
    energies = f"{low:.4g} GeV" if high - low < 1e-4 * high else f"{low:.3g} to {high:.3g} GeV"
    names = ", ".join(particle_symbol(name) for name in particles)
    return f"{names}, {energies}" if names else energies
