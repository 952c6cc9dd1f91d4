from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calogan.evaluation
from calogan.calorimeter import Calorimeter, ReadoutLayer, Section, SubLayer
from calogan.errors import (
    CaloganError,
    CalorimeterError,
    MissingExtraError,
    OutputError,
    ShowerFileError,
)
from calogan.evaluation import Settings, compare, compare_files, open_showers
from calogan.evaluation.report.contents import contents
from calogan.files import write_showers
from calogan.incident import Incident
from calogan.observables import select_observables
from calogan.showers import Showers

TOY = Calorimeter(
    name="toy",
    sections=(Section(sublayers=(SubLayer(material="G4_Pb", thickness_mm=100.0),)),),
    layers=(ReadoutLayer(z_min_mm=-50, z_max_mm=50, n_eta=6, n_phi=4, half_width_mm=60),),
)


def make_showers(
    n: int = 300,
    seed: int = 1,
    energy: str = "1:100",
    *,
    scale: float = 1.0,
    calorimeter: Calorimeter = TOY,
) -> Showers:
    """Draw showers that are a blob of cells whose energy follows that of the particle."""
    rng = np.random.default_rng(seed)
    incident = Incident.draw("e+", energy, n, seed=seed)
    layers = []
    for readout in calorimeter.layers:
        x, y = readout.x_mm, readout.y_mm
        blob = np.exp(-(x**2 + y**2) / 1200)
        cells = rng.gamma(2.0, blob / blob.sum(), (n, *readout.shape)) / 2
        layers.append((scale * 1e3 * incident.energy_gev[:, None, None] * cells).astype(np.float32))
    overflow = np.zeros((n, len(calorimeter.layers)), np.float32)
    return Showers(incident, tuple(layers), overflow, calorimeter)


SHOWN = Settings(observables=("response,sigma_eta_0", "hits_0"), n_bootstrap=50)
"""A few observables, for pictures take most of the time."""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A report of one candidate that is the reference and one that has 10 % too much energy."""
    folder = tmp_path_factory.mktemp("compare") / "report"
    return folder, compare(*_compared(), folder, reference_name="_Geant4 µ", settings=SHOWN)


def _compared() -> tuple[Showers, dict[str, Showers]]:
    reference = make_showers(1500)
    return reference, {"same": reference, "<b>$more_&": make_showers(1400, seed=2, scale=1.1)}


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the pictures out, for they take most of the time."""
    monkeypatch.setattr("calogan.evaluation.report.writing.contents", lambda _: [])


def test_report_holds_page_figures_and_numbers(report: tuple[Path, dict[str, Any]]) -> None:
    folder, metrics = report
    assert {p.name for p in folder.iterdir()} == {"index.html", "metrics.json", "figures"}
    pictures = {p.stem for p in (folder / "figures").glob("*.png")}
    names = {o.name for o in select_observables(TOY, SHOWN.observables)}
    assert len(names) == 3
    distributions = names | {"energy"}
    assert pictures >= distributions | {f"{name}_log" for name in distributions}
    assert pictures >= {
        "mean_image_layer_0",
        "single_showers",
        "nearest_neighbours",
        "neighbour_distances",
        "correlations",
        "cell_spectrum",
        "lateral_profiles",
        "energy_dependence",
        "resolution",
    }
    for name in pictures:
        assert (folder / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert (folder / "figures" / f"{name}.pdf").read_bytes().startswith(b"%PDF")
    assert json.loads((folder / "metrics.json").read_text("utf-8")) == metrics
    assert set(metrics["observables"]) == names
    assert list(folder.parent.iterdir()) == [folder]


def test_numbers_file_says_how_it_was_made(report: tuple[Path, dict[str, Any]]) -> None:
    metrics = report[1]
    assert metrics["settings"]["n_bootstrap"] == 50
    assert metrics["versions"]["numpy"] == np.__version__
    assert metrics["layers_shown"] == [0]
    found = metrics["figures"]["nearest_neighbours"]["found"]
    assert found["against"] == "reference"
    assert found["candidates"]["same"]["n"] > 50


def test_page_answers_the_question(report: tuple[Path, dict[str, Any]]) -> None:
    folder, metrics = report
    same, more = metrics["verdict"]["same"], metrics["verdict"]["<b>$more_&"]
    assert same["answer"] == "yes"
    assert "closer to the reference than an independent sample" in same["sentences"][-1]
    assert same["lights"] == {"green": 3, "yellow": 0, "red": 0}
    assert more["answer"] in {"in part", "no"}
    assert "response" in more["worst"]
    assert metrics["observables"]["response"]["candidates"]["<b>$more_&"]["light"] == "red"
    page = (folder / "index.html").read_text("utf-8")
    assert page.count('class="card ') == 2
    assert 'class="card yes"' in page


def test_page_needs_no_network(report: tuple[Path, dict[str, Any]]) -> None:
    folder, metrics = report
    page = (folder / "index.html").read_text("utf-8")
    references = re.findall(r"""(?:src|href)\s*=\s*["']?([^"'\s>]+)""", page)
    assert len(references) > len(metrics["observables"])
    assert all(r.startswith(("data:image/png;base64,", "#")) for r in references)
    assert "http:" not in page
    assert "https:" not in page
    assert "url(" not in page
    anchors = {r[1:] for r in references if r.startswith("#")}
    assert anchors <= set(re.findall(r'id="([^"]+)"', page))


def test_page_shows_names_as_they_are(report: tuple[Path, dict[str, Any]]) -> None:
    page = (report[0] / "index.html").read_text("utf-8")
    assert "&lt;b&gt;$more_&amp;" in page
    assert "<b>$more_" not in page
    assert "σ<sub>η,0</sub>" in page  # noqa: RUF001
    assert "E<sub>tot</sub>/E" in page
    assert "_Geant4 µ" in page


def test_reference_against_itself(report: tuple[Path, dict[str, Any]]) -> None:
    for name, found in report[1]["observables"].items():
        same = found["candidates"]["same"]
        assert same["separation_percent"] == pytest.approx(0, abs=1e-9), name
        assert same["wasserstein"] in {0, None}, name
        assert same["ratio_mean"] in {1, None}, name
        assert same["ratio_sd"] in {1, None}, name


def test_numbers_are_right(report: tuple[Path, dict[str, Any]]) -> None:
    reference, other = make_showers(1500), make_showers(1400, seed=2, scale=1.1)
    found = report[1]["observables"]["response"]
    mine = reference.total_energy / 1e3 / reference.incident.energy_gev
    theirs = other.total_energy / 1e3 / other.incident.energy_gev
    assert found["reference"]["mean"] == pytest.approx(mine.mean())
    assert found["reference"]["sd"] == pytest.approx(mine.std(ddof=1))
    candidate = found["candidates"]["<b>$more_&"]
    assert candidate["n"] == 1400
    assert candidate["ratio_mean"] == pytest.approx(theirs.mean() / mine.mean())
    assert abs(candidate["ratio_mean"] - 1.1) < 5 * candidate["ratio_mean_error"]
    distance = candidate["distances"]["separation"]
    assert distance["value"] > distance["floor_high"] > distance["floor"] > 0
    width = report[1]["observables"]["sigma_eta_0"]["candidates"]["<b>$more_&"]
    assert width["distances"]["separation"]["value"] < 0.05
    assert [s["role"] for s in report[1]["samples"]] == ["reference", "candidate", "candidate"]


def test_same_input_gives_the_same_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its random numbers too: excerpts, bootstrap samples, showers that are drawn by chance."""
    anchors = {"widths", "singles", "neighbours"}
    monkeypatch.setattr(
        "calogan.evaluation.report.writing.contents",
        lambda findings: [c for c in contents(findings) if c.anchor in anchors],
    )
    for name in ("one", "two"):
        compare(*_compared(), tmp_path / name, settings=SHOWN)
    files = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*.*"))
    assert len(files) == 2 + 2 * 5
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


@pytest.mark.usefixtures("no_pictures")
def test_files_bring_their_origin(tmp_path: Path) -> None:
    write_showers(tmp_path / "a.h5", make_showers(80), {"seed": 7})
    (tmp_path / "b").mkdir()
    write_showers(tmp_path / "b" / "a.h5", make_showers(90, seed=2), {"seed": 8})
    metrics = compare_files(
        tmp_path / "a.h5", [tmp_path / "b" / "a.h5"], tmp_path / "out", limit=70
    )
    first, second = metrics["samples"]
    assert (first["n"], first["n_source"], first["source"]) == (70, 80, "a.h5")
    assert second["name"] == "b/a"
    assert second["made_with"] == {"seed": 8}
    assert "seed" in (tmp_path / "out" / "index.html").read_text("utf-8")
    assert len(open_showers(tmp_path / "a.h5")) == 80
    with pytest.raises(CaloganError, match="3 names for 2"):
        compare_files(
            tmp_path / "a.h5", [tmp_path / "b" / "a.h5"], tmp_path / "out", names=["x", "y", "z"]
        )
    with pytest.raises(CaloganError, match="name of its own"):
        compare_files(
            tmp_path / "a.h5", [tmp_path / "b" / "a.h5"], tmp_path / "out", names=["x", "x"]
        )


def test_empty_showers_are_said_to_have_no_width(tmp_path: Path) -> None:
    showers = make_showers(100)
    layers = tuple(image.copy() for image in showers.layers)
    for image in layers:
        image[:50] = 0
    half = Showers(showers.incident, layers, showers.overflow, TOY)
    none = Showers(showers.incident, tuple(0 * image for image in layers), showers.overflow, TOY)
    settings = Settings(observables=("sigma_eta_0", "E_tot"), n_bootstrap=20)
    metrics = compare(showers, {"half": half, "none": none}, tmp_path / "out", settings=settings)
    width = metrics["observables"]["sigma_eta_0"]["candidates"]
    assert width["half"]["defined"] == 0.5
    assert width["none"]["defined"] == 0
    assert width["none"]["mean"] is None
    assert metrics["observables"]["E_tot"]["candidates"]["none"]["mean"] == 0


@pytest.mark.usefixtures("no_pictures")
def test_energy_ranges_are_cut_to_their_overlap(tmp_path: Path) -> None:
    metrics = compare(
        make_showers(400, energy="1:100"), {"c": make_showers(300, 2, "50:150")}, tmp_path / "out"
    )
    assert metrics["selection"]["mode"] == "overlap"
    assert "to 99.9 GeV" in metrics["selection"]["notes"][0]
    for sample in metrics["samples"]:
        assert sample["n"] < sample["n_source"]
        assert sample["energy_range_gev"][0] > 49
        assert sample["energy_range_gev"][1] < 101


@pytest.mark.usefixtures("no_pictures")
def test_equal_ranges_are_not_cut(tmp_path: Path) -> None:
    metrics = compare(make_showers(400), {"c": make_showers(300, 2)}, tmp_path / "out")
    assert metrics["selection"] == {"mode": "all", "notes": []}
    assert [s["n"] for s in metrics["samples"]] == [400, 300]


@pytest.mark.usefixtures("no_pictures")
def test_one_energy_is_compared_with_a_window_around_it(tmp_path: Path) -> None:
    metrics = compare(
        make_showers(600, energy="1:100"), {"c": make_showers(100, 2, "50")}, tmp_path / "out"
    )
    assert metrics["selection"]["mode"] == "window"
    low, high = metrics["samples"][0]["energy_range_gev"]
    assert 39.9 < low < high < 60.1
    assert metrics["samples"][1]["n"] == 100
    assert "E_tot" not in metrics["observables"]
    assert "response" in metrics["observables"]
    assert "50 GeV" in metrics["selection"]["notes"][0]


@pytest.mark.usefixtures("no_pictures")
def test_different_spectra_are_pointed_out(tmp_path: Path) -> None:
    metrics = compare(
        make_showers(400, energy="1:100"),
        {"c": make_showers(400, 2, "log:1:100")},
        tmp_path / "out",
    )
    assert any("spread otherwise" in note for note in metrics["selection"]["notes"])


@pytest.mark.parametrize(
    ("reference", "candidate"), [("1:10", "20:30"), ("1:10", "50"), ("40", "50")]
)
def test_no_common_energies(tmp_path: Path, reference: str, candidate: str) -> None:
    with pytest.raises(CaloganError, match="nothing in common"):
        compare(
            make_showers(energy=reference), {"c": make_showers(energy=candidate)}, tmp_path / "out"
        )
    assert list(tmp_path.iterdir()) == []


def test_too_few_showers(tmp_path: Path) -> None:
    with pytest.raises(CaloganError, match="c: 49 showers in it are too few"):
        compare(make_showers(), {"c": make_showers(49)}, tmp_path / "out")
    with pytest.raises(CaloganError, match="too few"):
        compare(make_showers(), {"c": make_showers(0)}, tmp_path / "out")
    with pytest.raises(CaloganError, match=r"reference: \d+ showers within 20% of 50 GeV"):
        compare(make_showers(60), {"c": make_showers(60, energy="50")}, tmp_path / "out")
    with pytest.raises(CaloganError, match="at least one candidate"):
        compare(make_showers(), {}, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_different_calorimeters(tmp_path: Path) -> None:
    other = TOY.model_copy(update={"name": "other"})
    with pytest.raises(CalorimeterError, match="'toy' and 'other'"):
        compare(make_showers(), {"c": make_showers(calorimeter=other)}, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ShowerFileError, match="no such file"):
        compare_files(tmp_path / "a.h5", [tmp_path / "b.h5"], tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_library_that_classifiers_lack_is_missed_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if "evaluation.classifiers" in name]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "calogan.evaluation.report.classifying", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr("calogan.evaluation.report.study.accumulate", None)
    settings = Settings(("f_0",), quick=True, classifiers=True)
    with pytest.raises(MissingExtraError, match=r"calogan\[train\]"):
        compare(make_showers(), {"c": make_showers(seed=2)}, tmp_path / "out", settings=settings)
    assert list(tmp_path.iterdir()) == []


def test_quick_report_with_classifiers(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs the extra train")
    settings = Settings(("f_0",), quick=True, classifiers=True, inputs=("high",), n_seeds=1)
    metrics = compare(
        make_showers(80), {"x": make_showers(80, 2)}, tmp_path / "out", settings=settings
    )
    assert metrics["classifiers"]["x"]["high"]["n_showers"] == 80


def test_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calogan.evaluation.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match="evaluate"):
        calogan.evaluation.compare  # noqa: B018
    with pytest.raises(AttributeError):
        calogan.evaluation.compere  # noqa: B018


@pytest.mark.usefixtures("no_pictures")
def test_older_report_is_replaced(tmp_path: Path) -> None:
    showers = make_showers(60)
    out = tmp_path / "out"
    out.mkdir()
    compare(showers, {"c": showers}, out)
    (out / "figures" / "stale.png").write_bytes(b"")
    compare(showers, {"d": showers}, out)
    assert not (out / "figures" / "stale.png").exists()
    assert json.loads((out / "metrics.json").read_text("utf-8"))["samples"][1]["name"] == "d"
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize("mine", ["thesis.tex", "metrics.json", "figures/photo.jpg"])
def test_folder_of_something_else_is_kept(tmp_path: Path, mine: str) -> None:
    showers = make_showers(60)
    out = tmp_path / "out"
    if mine == "figures/photo.jpg":
        compare(showers, {"c": showers}, out)
    (out / mine).parent.mkdir(parents=True, exist_ok=True)
    (out / mine).write_text("{}")
    with pytest.raises(OutputError, match="holds something else"):
        compare(showers, {"c": showers}, out)
    assert (out / mine).read_text() == "{}"
    assert list(tmp_path.iterdir()) == [out]


def test_output_that_cannot_be(tmp_path: Path) -> None:
    showers = make_showers(60)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match="it is a file"):
        compare(showers, {"c": showers}, tmp_path / "file")
    with pytest.raises(OutputError, match="does not exist"):
        compare(showers, {"c": showers}, tmp_path / "none" / "out")


def test_no_partial_report_after_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    showers = make_showers(60)
    with monkeypatch.context() as patch:
        patch.setattr("calogan.evaluation.report.writing.contents", lambda _: [])
        compare(showers, {"c": showers}, tmp_path / "out")
    before = (tmp_path / "out" / "metrics.json").read_bytes()

    def full_disk(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("calogan.evaluation.report.figures.save", full_disk)
    with pytest.raises(OutputError, match="No space left on device"):
        compare(showers, {"d": showers}, tmp_path / "out")
    assert (tmp_path / "out" / "metrics.json").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
