"""The page of an event display: showers and calorimeter as data, drawn by the page's own scripts."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jinja2
import matplotlib as mpl
import numpy as np
from markupsafe import Markup
from matplotlib.colors import to_hex
from plotly.offline import get_plotlyjs

import calogan
from calogan.calorimeter import AnyLayer, PolarLayer
from calogan.errors import CalorimeterError, ConfigurationError
from calogan.evaluation.display.events import MAX_EVENTS, check_events
from calogan.incident import Incident, particle_name
from calogan.showers import Showers

__all__ = ["Displayed", "event_display", "render"]

_DECADES = 5
_SHADES = 33
_MOST_SOLIDS = 10_000
"""Cells that a browser turns with ease; where more are hit, the faintest are hidden at first."""

_SYMBOLS = {
    "e+": "e\N{SUPERSCRIPT PLUS SIGN}",
    "e-": "e\N{SUPERSCRIPT MINUS}",
    "gamma": "\N{GREEK SMALL LETTER GAMMA}",
    "pi+": "\N{GREEK SMALL LETTER PI}\N{SUPERSCRIPT PLUS SIGN}",
    "pi-": "\N{GREEK SMALL LETTER PI}\N{SUPERSCRIPT MINUS}",
    "mu+": "\N{GREEK SMALL LETTER MU}\N{SUPERSCRIPT PLUS SIGN}",
    "mu-": "\N{GREEK SMALL LETTER MU}\N{SUPERSCRIPT MINUS}",
}


@dataclass(frozen=True, eq=False)
class Displayed:
    """Showers of one source.

    Args:
        name: What the source is called in the page.
        showers: The m showers to display.
        numbers: Their numbers in the source; none for showers that were made for the page.
        n_source: How many showers the source holds.
    """

    name: str
    showers: Showers
    numbers: tuple[int, ...] = ()
    n_source: int = 0


def event_display(
    showers: Showers | Mapping[str, Showers],
    index: int | Sequence[int] = 0,
    *,
    threshold_mev: float = 0.0,
) -> str:
    """Draw single showers in three dimensions.

    Example:
        ```python
        page = event_display({"Geant4": showers, "network": simulator.simulate(showers.incident)}, 3)
        Path("event.html").write_text(page, encoding="utf-8")
        ```

    Args:
        showers: Showers, or two samples of one calorimeter by their names, side by side.
        index: Number of the shower to display, or several, which the page steps through.
        threshold_mev: Cells below are hidden at first [MeV].

    Returns:
        A page, HTML, of about 5 MB, that needs no network and no other file.

    Raises:
        CalorimeterError: The samples are of different calorimeters.
        ConfigurationError: No such shower, or more than two samples.
    """
    samples = {"": showers} if isinstance(showers, Showers) else dict(showers)
    if not 1 <= len(samples) <= 2:
        msg = f"{len(samples)} samples: the event display shows one, or two side by side"
        raise ConfigurationError(msg)
    numbers = (index,) if isinstance(index, int) else tuple(int(number) for number in index)
    if not 1 <= len(numbers) <= MAX_EVENTS:
        msg = f"{len(numbers)} showers: a page shows 1 to {MAX_EVENTS}"
        raise ConfigurationError(msg)
    first = next(iter(samples.values()))
    rows = np.array(numbers, dtype=np.intp)
    displayed = []
    for name, sample in samples.items():
        if sample.calorimeter != first.calorimeter:
            msg = f"{name} is of another calorimeter ({sample.calorimeter.name}): show it by itself"
            raise CalorimeterError(msg)
        check_events(numbers, len(sample), name or "the sample")
        displayed.append(Displayed(name, sample[rows], numbers, len(sample)))
    return render(displayed, threshold_mev)


def render(displayed: Sequence[Displayed], threshold_mev: float = 0.0) -> str:
    """Set the page.

    Args:
        displayed: One or two sources, of one calorimeter and with equally many showers, one at
            least.
        threshold_mev: Cells below are hidden at first [MeV].

    Returns:
        HTML that needs nothing else: plotly.js, showers and scripts are inside.

    Raises:
        ConfigurationError: A threshold that is negative or not finite.
    """
    if not 0 <= threshold_mev < math.inf:
        msg = f"threshold of {threshold_mev:g} MeV: must be 0 or more"
        raise ConfigurationError(msg)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("calogan.evaluation.display", "template"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    calorimeter = displayed[0].showers.calorimeter
    layers = "1 layer" if len(calorimeter.layers) == 1 else f"{len(calorimeter.layers)} layers"
    return environment.get_template("display.html").render(
        version=calogan.__version__,
        title=_what(displayed[0].showers.incident, 0),
        about=f"Calorimeter {calorimeter.name}: {layers}, {calorimeter.n_cells:,} cells",
        linked=len(displayed) > 1,
        plotly=Markup(get_plotlyjs()),
        data=Markup(_json(_page_data(displayed, threshold_mev))),
    )


def _json(data: dict[str, Any]) -> str:
    """Write JSON that no name can turn into markup."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _page_data(displayed: Sequence[Displayed], threshold_mev: float) -> dict[str, Any]:
    calorimeter = displayed[0].showers.calorimeter
    cells = [d.showers.cells for d in displayed]
    top = max(float(energies.max()) for energies in cells)
    lowest = min(float(energies.min(initial=top, where=energies > 0)) for energies in cells)
    # more cells than a browser can draw: hide what is beyond the most energetic ones
    for energies in cells:
        if int(np.count_nonzero(energies, axis=1).max()) > _MOST_SOLIDS:
            faintest = float(np.partition(energies, -_MOST_SOLIDS, axis=1)[:, -_MOST_SOLIDS].max())
            threshold_mev = max(threshold_mev, faintest)
    return {
        "layers": [_layer(layer) for layer in calorimeter.layers],
        "n_cells": calorimeter.n_cells,
        "depth": calorimeter.depth_mm,
        "half_size": calorimeter.half_size_mm,
        "colours": [to_hex(mpl.colormaps["magma_r"](x)) for x in np.linspace(0.05, 1, _SHADES)],
        "scale": _scale(lowest, top),
        "threshold": _short(threshold_mev),
        "events": [
            _label(displayed[0], event) for event in range(len(displayed[0].showers.incident))
        ],
        "sources": [
            {
                "name": d.name or d.showers.calorimeter.name,
                "events": [_event(d, energies, event) for event in range(len(energies))],
            }
            for d, energies in zip(displayed, cells, strict=True)
        ],
    }


def _scale(lowest: float, top: float) -> tuple[float, float]:
    """Energies at the ends of the colours [MeV]: at most five decades, at least one."""
    if not top > 0:
        return 0.1, 100.0
    return max(min(lowest, top / 10), top / 10**_DECADES), top


def _layer(layer: AnyLayer) -> dict[str, Any]:
    described: dict[str, Any] = {"z": (layer.z_min_mm, layer.z_max_mm), "shape": layer.shape}
    if isinstance(layer, PolarLayer):
        described["r"] = layer.r_edges_mm
    else:
        described["half"] = layer.half_width_mm
    return described


def _event(source: Displayed, energies: np.ndarray[Any, Any], event: int) -> dict[str, Any]:
    incident = source.showers.incident
    (hit,) = np.nonzero(energies[event])
    return {
        "what": _what(incident, event),
        "number": source.numbers[event] if source.numbers else None,
        "n_source": source.n_source,
        "energy_gev": float(incident.energy_gev[event]),
        "position": incident.position_mm[event].tolist(),
        "direction": incident.direction[event].tolist(),
        "cells": hit.tolist(),
        "mev": [_short(energy) for energy in energies[event, hit].tolist()],
        "overflow": float(source.showers.overflow[event].sum(dtype=np.float64)),
    }


def _short(energy_mev: float) -> float:
    """Round to the digits that a float32 has, so that the page does not write those of a double."""
    return float(f"{energy_mev:.9g}")


def _what(incident: Incident, event: int) -> str:
    """Particle and energy, as in `e+, 50 GeV`."""
    pdgid = int(incident.pdgid[event])
    energy = f"{incident.energy_gev[event]:.4g} GeV"
    if not pdgid:
        return energy
    name = particle_name(pdgid)
    return f"{_SYMBOLS.get(name, name)}, {energy}"


def _label(source: Displayed, event: int) -> str:
    """What an event is called where one is chosen."""
    what = _what(source.showers.incident, event)
    return f"{source.numbers[event]}: {what}" if source.numbers else what
