"""Figures go into files, in other processes too; one that cannot be drawn says why."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="needs the extra evaluate")

from matplotlib.figure import Figure

from calogan.errors import ShowerFileError
from calogan.evaluation.pictures.binning import Binning
from calogan.evaluation.pictures.plots import Series
from calogan.evaluation.pictures.style import new_figure
from calogan.evaluation.report.comparison import Shape
from calogan.evaluation.report.figures import Drawing, draw_all
from calogan.evaluation.report.paper import draw_particles
from calogan.evaluation.report.parallel import Crew, open_crew


def one(*, log: bool = False) -> Figure:
    figure = new_figure(1, 1)
    axes = figure.add_subplot()
    axes.plot([1, 10], [1, 10])
    axes.set_yscale("log" if log else "linear")
    return figure


def two() -> tuple[Figure, Figure, dict[str, int]]:
    return new_figure(1, 1), new_figure(1, 1), {"n": 2}


def none() -> Figure:
    msg = "3 showers: nearest neighbours need at least 20"
    raise ShowerFileError(msg)


def test_drawings_become_files_and_pictures(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    drawings = [
        Drawing("one", "One.", one, log_twin=True),
        Drawing("two", "Two.", two, wide=True, further=(("three", "Three."),)),
        Drawing("none", "None.", none, further=(("never", "Never."),)),
    ]
    pictures = draw_all(drawings, tmp_path, Crew(None), lambda *call: told.append(call))
    names = {"one", "one_log", "two", "three"}
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{name}.{ending}" for name in names for ending in ("png", "pdf")
    }
    assert told[-1] == ("figures", 4, 4)
    (first,), (second, third), (lost,) = pictures
    assert (first.name, first.log_name, first.problem) == ("one", "one_log", "")
    assert (second.found, third.found, second.wide) == ({"n": 2}, None, True)
    assert lost.problem == "3 showers: nearest neighbours need at least 20"
    assert (tmp_path / "one.png").read_bytes() != (tmp_path / "one_log.png").read_bytes()


def test_a_quick_report_has_no_pdf(tmp_path: Path) -> None:
    draw_all([Drawing("one", "One.", one)], tmp_path, Crew(None), lambda *_: None, pdf=False)
    assert [path.name for path in tmp_path.iterdir()] == ["one.png"]


def test_other_processes_return_results_in_order() -> None:
    told: list[int] = []
    with open_crew(2) as crew:
        calls = [(2, k) for k in range(5)]
        results = crew.map(pow, calls, "powers", lambda _, done, __: told.append(done))
        with pytest.raises(ZeroDivisionError):
            crew.map(divmod, [(1, 0)], "fractions", lambda *_: None)
    assert results == [1, 2, 4, 8, 16]
    assert told == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("log", [False, True])
def test_all_particles_are_in_one_figure(tmp_path: Path, log: bool) -> None:
    rng = np.random.default_rng(1)
    binning = Binning(np.linspace(-3, 3, 21))
    particles = [
        (
            name,
            Series("", binning.count(rng.normal(k, 1, 500))),
            Series("", binning.count(rng.normal(k, 1, n))),
        )
        for k, (name, n) in enumerate([("e+", 500), ("gamma", 400), ("pi+", 0)])
    ]
    figure = draw_particles(Shape("x", "$x$", "mm", "x", "widths"), binning, particles, log=log)
    (axes,) = figure.axes
    legend = axes.get_legend()
    assert legend is not None
    words = [text.get_text() for text in legend.get_texts()]
    assert words[:2] == ["$e^+$ reference", "$e^+$ generated"]
    assert len(words) == 6
    assert axes.get_yscale() == ("log" if log else "linear")
    figure.savefig(tmp_path / "figure.png", dpi=40)
