"""How observables depend on the energy that was asked for, within the training and beyond."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import (
    AutoMinorLocator,
    FuncFormatter,
    LogLocator,
    MaxNLocator,
    NullFormatter,
)
from numpy.typing import NDArray

from calogan.evaluation.pictures.binned import (
    Binned,
    ResolutionFit,
    bin_by_energy,
    energy_edges,
    fit_resolution,
)
from calogan.evaluation.pictures.pairs import Named
from calogan.evaluation.pictures.panels import (
    Curve,
    draw_points,
    draw_ratios,
    shade_outside,
)
from calogan.evaluation.pictures.sheets import (
    REFERENCE_LINE,
    Panel,
    legend_name,
    look,
    new_sheet,
    shortened,
)
from calogan.evaluation.pictures.style import hep_style
from calogan.showers import Showers

__all__ = ["energy_dependence", "extrapolation", "response_and_resolution"]

Values = NDArray[np.float64]
Table = Mapping[str, Values]
Range = tuple[float, float]

_WIDE = 6.0


@hep_style()
def energy_dependence(
    observables: Sequence[Named],
    reference_name: str,
    reference: Table,
    candidates: Mapping[str, Table],
    *,
    training_range_gev: Range | None = None,
    note: str = "",
) -> Figure:
    """Draw mean and standard deviation of observables in bins of the energy, with ratios.

    Args:
        observables: What is drawn: a line of panels for each, the mean at the left.
        reference_name: What the reference is called.
        reference: Values `(n,)` of the observables by name, and of `energy` [GeV].
        candidates: The same of the candidates, by name.
        training_range_gev: Energies that the candidates were trained with; what lies beyond is
            shaded.
        note: What is shown, for the head of the figure.
    """
    tables = {reference_name: reference, **candidates}
    edges = energy_edges([table["energy"] for table in tables.values()])
    names = [legend_name(name, len(table["energy"])) for name, table in tables.items()]
    sheet = new_sheet(2 * len(observables), names, note=note, points=True, per_line=2, width=_WIDE)
    for k, observable in enumerate(observables):
        binned = [
            bin_by_energy(table["energy"], table[observable.name], edges)
            for table in tables.values()
        ]
        x = [each.energy_gev for each in binned]
        unit = f" [{observable.unit}]" if observable.unit else ""
        means = [Curve(n, b.mean, b.mean_error) for n, b in zip(tables, binned, strict=True)]
        spreads = [Curve(n, b.sd, b.sd_error) for n, b in zip(tables, binned, strict=True)]
        for panel, curves, what in (
            (sheet.panels[2 * k], means, "Mean of "),
            (sheet.panels[2 * k + 1], spreads, "Std. dev. of "),
        ):
            _set_energy_axis(panel, edges)
            draw_points(panel.main, x, curves[0], curves[1:])
            draw_ratios(panel.below, curves[0], curves[1:], x=x)
            panel.main.set_ylabel(f"{what}{observable.label}{unit}")
            _finish(panel, edges, training_range_gev)
    return sheet.figure


@hep_style()
def response_and_resolution(
    reference_name: str,
    reference: Table,
    candidates: Mapping[str, Table],
    *,
    training_range_gev: Range | None = None,
    note: str = "",
) -> tuple[Figure, dict[str, ResolutionFit | None]]:
    r"""Draw response and resolution against the energy, with ratios and a fit of the resolution.

    The response is E_tot/E; the resolution is its standard deviation over its mean. The fit,
    $a/\sqrt{E} \oplus b/E \oplus c$, is drawn thin; see `fit_resolution`.

    Args:
        reference_name: What the reference is called.
        reference: Values `(n,)` of `energy` [GeV] and of `response`.
        candidates: The same of the candidates, by name.
        training_range_gev: Energies that the candidates were trained with.
        note: What is shown, for the head of the figure.

    Returns:
        The figure, and the fit of each sample; None where there are too few points.
    """
    tables = {reference_name: reference, **candidates}
    edges = energy_edges([table["energy"] for table in tables.values()])
    binned = [bin_by_energy(t["energy"], t["response"], edges) for t in tables.values()]
    resolutions = [_resolution(name, b) for name, b in zip(tables, binned, strict=True)]
    fits = {
        name: fit_resolution(b.energy_gev, curve.values, curve.errors)
        for (name, b, curve) in zip(tables, binned, resolutions, strict=True)
    }
    names = [
        legend_name(name, len(table["energy"])) + _fit_words(fits[name])
        for name, table in tables.items()
    ]
    sheet = new_sheet(2, names, note=note, points=True, per_line=2, width=_WIDE, columns=1)
    x = [each.energy_gev for each in binned]
    means = [Curve(name, b.mean, b.mean_error) for name, b in zip(tables, binned, strict=True)]
    percent = [Curve(c.name, 100 * c.values, 100 * c.errors) for c in resolutions]
    for panel, curves, label in (
        (sheet.panels[0], means, r"Response $E_{\mathrm{tot}}/E$"),
        (sheet.panels[1], percent, r"Resolution $\sigma/\mu$ [%]"),
    ):
        _set_energy_axis(panel, edges)
        draw_points(panel.main, x, curves[0], curves[1:])
        draw_ratios(panel.below, curves[0], curves[1:], x=x)
        panel.main.set_ylabel(label)
    _draw_fits(sheet.panels[1].main, list(fits.values()), edges)
    for panel in sheet.panels:
        _finish(panel, edges, training_range_gev)
    return sheet.figure, fits


def _resolution(name: str, binned: Binned) -> Curve:
    positive = binned.mean > 0
    mean = np.where(positive, binned.mean, np.nan)
    value = binned.sd / mean
    error = np.hypot(binned.sd_error / mean, value * binned.mean_error / mean)
    return Curve(name, value, error)


def _fit_words(fit: ResolutionFit | None) -> str:
    if fit is None:
        return ""
    parts = []
    for value, error, over in zip(
        (fit.stochastic, fit.noise, fit.constant),
        fit.errors,
        ("√E", "E", ""),
        strict=True,
    ):
        if value > 0:
            digits = 1 if 100 * error >= 0.2 else 2
            number = rf"({100 * value:.{digits}f} \pm {100 * error:.{digits}f})\,\%"
            parts.append(f"{number}/{over}" if over else number)
    terms = r" \oplus ".join(parts)
    return rf":  $\sigma/\mu = {terms}$,  $\chi^2$/ndf = {fit.chi2:.1f}/{fit.ndf}"


def _draw_fits(axes: Axes, fits: Sequence[ResolutionFit | None], edges: Values) -> None:
    energy = np.geomspace(edges[0], edges[-1], 100)
    limits = axes.get_ylim()
    for k, fit in enumerate(fits):
        if fit is not None:
            colour = look(k - 1)[0] if k else REFERENCE_LINE
            axes.plot(energy, 100 * fit(energy), color=colour, linewidth=0.9, linestyle=":")
    axes.set_ylim(limits)


@hep_style()
def extrapolation(
    reference_name: str,
    reference: Showers | None,
    candidates: Mapping[str, Showers],
    *,
    training_range_gev: Range | None,
    note: str = "",
) -> Figure:
    """Draw whether the measured energy follows the requested one, also outside of the training.

    At the left the measured energy against the requested one; below it the response, measured
    over requested energy. At the right the standard deviation of the response. What lies outside
    of the training is shaded.

    Args:
        reference_name: What the reference is called.
        reference: Geant4 showers of the same energies, or of some of them; None without any.
        candidates: Showers of energies inside and outside of the training range, by name.
        training_range_gev: Energies that the candidates were trained with.
        note: What is shown, for the head of the figure.
    """
    samples = {} if reference is None else {reference_name: reference}
    samples.update(candidates)
    energies = [showers.incident.energy_gev for showers in samples.values()]
    # bins of the candidates: theirs are the energies that were asked for
    edges = energy_edges([showers.incident.energy_gev for showers in candidates.values()])
    totals = [showers.total_energy / 1e3 for showers in samples.values()]
    measured = [bin_by_energy(e, t, edges) for e, t in zip(energies, totals, strict=True)]
    response = [bin_by_energy(e, t / e, edges) for e, t in zip(energies, totals, strict=True)]
    if reference is None:  # nothing, that the candidates keep their colours
        nothing = bin_by_energy(np.empty(0), np.empty(0), edges)
        measured, response = [nothing, *measured], [nothing, *response]
    names = [legend_name(name, len(showers)) for name, showers in samples.items()]
    if reference is None:
        names = ["", *names]
    sheet = new_sheet(2, names, note=note, points=True, per_line=2, width=_WIDE)
    left, right = sheet.panels
    x = [each.energy_gev for each in measured]
    first, *others = (Curve("", each.mean, each.mean_error) for each in measured)
    for panel in sheet.panels:
        _set_energy_axis(panel, edges, log=True)
    draw_points(left.main, x, first, others)
    left.main.set_yscale("log")
    line = np.array([edges[0], edges[-1]])
    scale = _typical_response(response, training_range_gev)
    left.main.plot(line, scale * line, color="black", linewidth=1, linestyle=":", zorder=2)
    left.main.set_ylabel(r"Mean of $E_{\mathrm{tot}}$ [GeV]")
    first, *others = (Curve("", each.mean, each.mean_error) for each in response)
    draw_points(left.below, x, first, others)
    left.below.yaxis.set_major_locator(MaxNLocator(4, prune="both"))
    left.below.axhline(scale, color="black", linewidth=1, linestyle=":", zorder=2)
    left.below.set_ylabel(r"$E_{\mathrm{tot}}/E$", loc="center")
    first, *others = (Curve("", 100 * b.sd, 100 * b.sd_error) for b in response)
    draw_points(right.main, x, first, others)
    draw_ratios(right.below, first, others, x=x)
    if not np.isfinite(first.values).any():
        words = f"no showers of {shortened(reference_name)} at these energies"
        right.below.text(
            0.5, 0.75, words, transform=right.below.transAxes, ha="center", va="center"
        )
    right.main.set_ylabel(r"Std. dev. of $E_{\mathrm{tot}}/E$ [%]")
    for panel in sheet.panels:
        panel.below.set_xlabel("Requested energy [GeV]")
        _finish(panel, edges, training_range_gev)
    return sheet.figure


def _typical_response(response: Sequence[Binned], inside: Range | None) -> float:
    """Median response of the first sample that has one, within the training range."""
    for each in response:
        has = np.isfinite(each.mean)
        if inside is not None:
            trained = has & (each.energy_gev >= inside[0]) & (each.energy_gev <= inside[1])
            has = trained if trained.any() else has
        if has.any():
            return float(np.median(each.mean[has]))
    return 1.0


def _set_energy_axis(panel: Panel, edges: Values, *, log: bool = False) -> None:
    """Energies along x; logarithmic if bins with equal numbers of showers are even there."""
    axes = panel.main
    low, high = float(edges[0]), float(edges[-1])
    middle = float(np.median(edges))
    if high > 8 * low and (log or middle < 0.25 * high):
        axes.set_xscale("log")
        axes.set_xlim(low / 1.15, high * 1.15)
        axes.xaxis.set_major_locator(
            LogLocator(10, subs=(1.0, 2.0, 5.0) if high < 150 * low else (1.0,))
        )
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        margin = 0.03 * (high - low)
        axes.set_xlim(max(low - margin, 0), high + margin)
        axes.xaxis.set_minor_locator(AutoMinorLocator(2))
    panel.below.set_xlabel("Incident energy [GeV]")


def _finish(panel: Panel, edges: Values, training_range_gev: Range | None) -> None:
    """Shade what lies outside of the training, if showers do, and say so."""
    if training_range_gev is None:
        return
    low, high = training_range_gev
    if edges[0] < 0.95 * low or edges[-1] > 1.05 * high:
        for axes in (panel.main, panel.below):
            shade_outside(axes, training_range_gev)
        panel.main.set_title("shaded: outside of the training", loc="right", fontsize=11)
