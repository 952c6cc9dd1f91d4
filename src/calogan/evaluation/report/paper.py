"""The report in the order of the CaloGAN paper (arXiv:1705.02355): its figures and its table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import AutoMinorLocator, MaxNLocator

from calogan.evaluation.pictures.binning import Binning, choose_binning
from calogan.evaluation.pictures.images import mean_images
from calogan.evaluation.pictures.plots import Series
from calogan.evaluation.pictures.style import COLOURS, new_figure, particle_symbol
from calogan.evaluation.report.against_energy import dependence
from calogan.evaluation.report.chapter import Chapter
from calogan.evaluation.report.comparison import Compared, Shape
from calogan.evaluation.report.figures import Drawing
from calogan.evaluation.report.findings import Findings
from calogan.evaluation.report.gallery import draw_neighbours, head_of, rng_of
from calogan.evaluation.report.particles import Pair
from calogan.evaluation.report.tables import with_error

__all__ = ["paper_contents"]

_SHAPES = ("E_", "E_tot", "f_", "E_ratio_", "d", "l_d", "s_d", "sigma_sd", "sigma_eta_", "response")
_SPARSITY = ("hits_",)
_ENERGY_WORDS = (
    "Does the measured energy follow the one that was asked for, inside and outside "
    "of the training range?"
)
_SHAPE_WORDS = (
    "The variables of the paper's table; filled: the reference, lines: generated. The "
    "lateral width sigma is the one along eta, in mm."
)
_NEIGHBOURS = (
    "Generated showers beside the most similar ones of the reference: a generator that "
    "had learnt its training by heart would show the same shower twice."
)


def paper_contents(findings: Findings) -> list[Chapter]:
    """The chapters of a report in the order of the paper, with all particles that are there."""
    pairs = all_pairs(findings)
    chapters = [
        Chapter(
            "images",
            "Average showers",
            tuple(_image(findings, pair, k) for pair in pairs for k in findings.layers),
            ("The mean shower of each particle, layer by layer, along the depth.",),
        ),
        Chapter(
            "neighbours",
            "Nearest neighbours",
            tuple(_neighbours(findings, pair) for pair in pairs),
            (_NEIGHBOURS,),
        ),
        Chapter(
            "shapes",
            "Shower shapes",
            tuple(_shape(findings, c) for c in _chosen(findings, _SHAPES)),
            (_SHAPE_WORDS,),
        ),
        Chapter(
            "sparsity",
            "Sparsity",
            tuple(_shape(findings, c) for c in _chosen(findings, _SPARSITY)),
            ("Share of the cells of each layer that hold energy.",),
        ),
        Chapter(
            "dependence",
            "Requested energy",
            dependence(findings),
            (_ENERGY_WORDS,),
        ),
        classification(findings),
    ]
    return [c for c in chapters if c.drawings or c.table or c.anchor == "classification"]


def all_pairs(findings: Findings) -> tuple[Pair, ...]:
    """The first candidate and its reference, and those of the further particles."""
    return Pair.of(findings.reference, findings.candidates[0]), *findings.others


def classification(findings: Findings) -> Chapter:
    """The paper's table: trained on the one, tested on the other."""
    title = "Classification"
    if not findings.physics:
        missing = (
            "The paper's table tells e+ from gamma and from pi+. It needs samples of a second "
            "particle: --beside sample:gamma,calogan-gamma"
        )
        return Chapter("classification", title, (), (missing,))
    head = ["Particles", "Trained on", "Tested on", "Accuracy", "AUC"]
    lines: list[Sequence[str]] = []
    words = ["Mean and spread of several trainings with shower shapes; never with the energy."]
    for table in findings.physics.values():
        if isinstance(table, str):
            words.append(f"Not done: {table}.")
            continue
        lines += [
            [
                f"{table.signal} against {table.background}",
                entry.trained_on,
                entry.tested_on,
                with_error(entry.accuracy, entry.accuracy_spread),
                with_error(entry.auc, entry.auc_spread),
            ]
            for entry in table.entries
        ]
        if not table.conclusive:
            words.append(f"Not conclusive: {table.reason}.")
    return Chapter("classification", title, (), tuple(words), (head, *lines) if lines else ())


def _chosen(findings: Findings, beginnings: tuple[str, ...]) -> list[Compared]:
    def wanted(name: str) -> bool:
        stem = name.rstrip("0123456789")
        return stem in beginnings or name in beginnings

    return [c for c in findings.observables if wanted(c.shape.name)]


def _image(findings: Findings, pair: Pair, layer: int) -> Drawing:
    return Drawing(
        f"mean_image_{_stem(findings, pair)}layer_{layer}",
        f"{pair.particle}: average shower in layer {layer}, reference and generated",
        mean_images,
        (pair.reference.images[layer], [pair.candidate.images[layer]]),
        wide=True,
    )


def _neighbours(findings: Findings, pair: Pair) -> Drawing:
    stem = _stem(findings, pair)
    return Drawing(
        f"nearest_neighbours_{stem}".rstrip("_"),
        f"{pair.particle}: showers drawn by chance, each beside its nearest neighbour",
        draw_neighbours,
        (
            pair.reference.name,
            pair.reference.excerpt,
            {pair.candidate.name: pair.candidate.excerpt},
        ),
        {
            "layers": findings.layers[:4],
            "rng": rng_of(findings, 2),
            "note": head_of(pair.reference),
        },
        wide=True,
        further=(
            (
                f"neighbour_distances_{stem}".rstrip("_"),
                f"{pair.particle}: distances to the nearest neighbour",
            ),
        ),
    )


def _stem(findings: Findings, pair: Pair) -> str:
    """What sets the files of a further particle apart."""
    if pair.reference is findings.reference:
        return ""
    number = next(k for k, other in enumerate(findings.others, 2) if other is pair)
    return f"particle_{number}_"


def _shape(findings: Findings, compared: Compared) -> Drawing:
    """All particles in one figure, as in the paper."""
    name, scale = compared.shape.name, 1e-3 if compared.shape.unit == "GeV" else 1.0
    pairs = all_pairs(findings)
    values = [
        (pair.particle, pair.reference.table[name] * scale, pair.candidate.table[name] * scale)
        for pair in pairs
    ]
    every = np.concatenate([ours for _, ours, _ in values])
    binning = choose_binning(
        every,
        [theirs for _, _, theirs in values],
        quantum=compared.shape.quantum,
        may_be_log=compared.shape.may_be_log,
    )
    drawn = [
        (particle, Series("", binning.count(ours)), Series("", binning.count(theirs)))
        for particle, ours, theirs in values
    ]
    description = compared.shape.description
    return Drawing(
        name,
        description[:1].upper() + description[1:],
        draw_particles,
        (compared.shape, binning, drawn),
        log_twin=True,
    )


def draw_particles(
    shape: Shape,
    binning: Binning,
    particles: Sequence[tuple[str, Series, Series]],
    *,
    log: bool = False,
) -> Figure:
    """Draw one observable of several particles: the reference filled, the candidate as a line.

    Args:
        shape: The observable.
        binning: The bins.
        particles: Name, reference and candidate of each particle.
        log: Shares on a logarithmic scale.
    """
    figure = new_figure(5.8, 5.0)
    axes = figure.add_axes((0.165, 0.135, 0.8, 0.8))
    edges, top, lowest = binning.edges, 0.0, 1.0
    handles: list[Artist] = []
    for k, (name, reference, candidate) in enumerate(particles):
        colour = COLOURS[k % len(COLOURS)]
        base = 1e-9 if log else 0.0
        axes.stairs(reference.shares, edges, baseline=base, fill=True, color=colour, alpha=0.3)
        axes.stairs(candidate.shares, edges, baseline=None, color=colour, linewidth=1.8)
        symbol = particle_symbol(name)
        handles.append(Patch(color=colour, alpha=0.3, label=f"{symbol} reference"))
        handles.append(Line2D([], [], color=colour, linewidth=1.8, label=f"{symbol} generated"))
        both = np.concatenate([reference.shares, candidate.shares])
        top = max(top, float(both.max(initial=0)))
        lowest = min(lowest, float(both[both > 0].min(initial=1.0)))
    top = top or 1.0
    room = 0.1 + 0.065 * len(particles)
    if log:
        floor = lowest / 2
        axes.set_yscale("log")
        axes.set_ylim(floor, top * (top / floor) ** (room / (1 - room)))
    else:
        axes.set_ylim(0, top * 1.05 / (1 - room))
        axes.yaxis.set_major_locator(MaxNLocator(6))
        axes.yaxis.set_minor_locator(AutoMinorLocator(2))
    axes.set_xlim(edges[0], edges[-1])
    if binning.log:
        axes.set_xscale("log")
    else:
        axes.xaxis.set_minor_locator(AutoMinorLocator(2))
    axes.set_ylabel("Share of showers / bin")
    axes.yaxis.set_label_coords(-0.15, 1.0)
    axes.set_xlabel(f"{shape.label} [{shape.unit}]" if shape.unit else shape.label)
    axes.xaxis.get_offset_text().set(x=0.0, horizontalalignment="left")
    axes.legend(handles=handles, loc="upper right", ncols=2, frameon=False, columnspacing=1.2)
    return figure
