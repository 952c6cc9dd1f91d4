"""The computing table as a figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from calogan.benchmark.published import PUBLISHED, PUBLISHED_HARDWARE
from calogan.benchmark.result import Result, Row
from calogan.errors import OutputError
from calogan.evaluation.pictures.style import COLOURS, hep_style, new_figure, plain
from calogan.files.output import check_writable, whole_file

__all__ = ["check_figure", "plot_benchmark"]

_MARKERS = "osD^vP"


def check_figure(path: str | Path) -> str:
    """Check that a figure can be written at `path`; return its kind: `png`, `pdf` or `svg`.

    Raises:
        OutputError: The folder does not exist or is not writable, or the kind is unknown.
    """
    kind = check_writable(path).suffix.removeprefix(".").lower()
    if kind not in ("png", "pdf", "svg"):
        msg = f"cannot write {path}: give a figure the suffix .png, .pdf or .svg"
        raise OutputError(msg)
    return kind


def plot_benchmark(result: Result, path: str | Path, *, published: bool = False) -> Path:
    """Draw time per shower over batch size, one line per simulator and hardware.

    Args:
        result: What was measured.
        path: The PNG to write; the suffix `.pdf` or `.svg` makes another kind.
        published: Whether to draw the figures of the CaloGAN paper as well.

    Raises:
        OutputError: The file cannot be written, or its kind is unknown.
    """
    path = Path(path)
    kind = check_figure(path)
    with hep_style():
        figure = new_figure(8.6, 5.6)
        axes = figure.add_axes((0.11, 0.12, 0.52, 0.78))
        _draw(axes, result)
        if published:
            _draw_published(axes)
        _finish(axes, result)
        with whole_file(path) as part:
            figure.savefig(part, format=kind, dpi=130)
    return path


def _draw(axes: Any, result: Result) -> None:
    lanes: dict[tuple[str, str], list[Row]] = {}
    for row in result.rows:
        lanes.setdefault((row.simulator, row.hardware), []).append(row)
    for k, ((simulator, hardware), rows) in enumerate(lanes.items()):
        colour, label = COLOURS[k % len(COLOURS)], plain(f"{simulator}\n{hardware}")
        if rows[0].batch_size is None:
            (row,) = rows
            axes.axhline(row.ms_per_shower, color=colour, lw=1.8, label=label)
            if row.error_ms:
                low, high = row.ms_per_shower - row.error_ms, row.ms_per_shower + row.error_ms
                axes.axhspan(max(low, 0.1 * row.ms_per_shower), high, color=colour, alpha=0.2, lw=0)
            continue
        line = sorted(rows, key=lambda row: row.batch_size or 0)
        axes.errorbar(
            [row.batch_size for row in line],
            [row.ms_per_shower for row in line],
            yerr=[min(row.spread_ms, 0.9 * row.ms_per_shower) for row in line],
            color=colour,
            marker=_MARKERS[k % len(_MARKERS)],
            ms=6,
            lw=1.8,
            capsize=3,
            label=label,
        )


def _draw_published(axes: Any) -> None:
    for hardware, style in (("CPU", "--"), ("GPU", ":")):
        points = [(n, ms) for name, where, n, ms in PUBLISHED if where == hardware and n]
        axes.plot(
            *zip(*points, strict=True),
            color="0.45",
            ls=style,
            marker=".",
            lw=1.4,
            label=f"CaloGAN, paper\n{PUBLISHED_HARDWARE[hardware]}",
        )


def _finish(axes: Any, result: Result) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("showers per call")
    axes.set_ylabel("time per shower [ms]")
    sizes = sorted({row.batch_size for row in result.rows if row.batch_size} or {1, 1000})
    axes.set_xlim(0.7 * sizes[0], 1.4 * sizes[-1])
    axes.set_xticks(sizes, [f"{size:d}" for size in sizes])
    axes.minorticks_off()
    axes.grid(axis="y", color="0.9", lw=0.8)
    axes.set_axisbelow(True)
    handles, labels = axes.get_legend_handles_labels()
    order = sorted(range(len(labels)), key=lambda k: "paper" in labels[k])  # ours first
    axes.legend(
        [handles[k] for k in order],
        [labels[k] for k in order],
        loc="upper left",
        bbox_to_anchor=(1.02, 1.0),
        frameon=False,
        labelspacing=0.9,
    )
    low, high = axes.get_ylim()
    axes.set_ylim(low / 1.5, high * 1.5)
    head = f"{result.particle}, {result.plan.energy.replace(':', ' to ')} GeV"
    axes.set_title(head, loc="left")
    axes.set_title(result.machine["cpu"], loc="right", color="0.35")
