"""The comparison of jet images finds what was done to them, and puts it on one page."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

for library in ("torch", "sklearn", "matplotlib", "jinja2"):
    pytest.importorskip(library, reason="needs the extras train and evaluate")

import calogan.jets.report
from calogan.errors import (
    CaloganError,
    ConfigurationError,
    JetError,
    MissingExtraError,
    OutputError,
)
from calogan.jets.files import write_jet_images
from calogan.jets.images import JetImages
from calogan.jets.report import JetSettings, compare_jet_files, compare_jets
from calogan.jets.report.contents import auxiliary_matrices, contents
from calogan.jets.report.intensities import Spectrum, spectrum_distance
from calogan.jets.report.samples import memory_samples, open_samples
from calogan.jets.report.study import Findings
from tests.jets.compared import ToyModel, make_jets

QUICK = JetSettings(quick=True, n_bootstrap=40)


def shuffled(images: JetImages, seed: int = 0) -> JetImages:
    """Each pixel exchanged among the images of a class, and a faint haze over all."""
    rng, image = np.random.default_rng(seed), images.image.copy()
    for signal in (True, False):
        rows = images.signal == signal
        image[rows] = rng.permuted(image[rows], axis=0)
    haze = rng.exponential(0.02, image.shape).astype(np.float32)
    return JetImages(image + haze, images.signal)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """All of a report: an independent sample, one of shuffled pixels, and a copy."""
    reference, other = make_jets(700, 1), make_jets(700, 2)
    other = JetImages(np.concatenate([reference.image[:70], other.image[70:]]), other.signal)
    labels = other.signal.copy()
    labels[:70] = reference.signal[:70]
    copies = JetImages(other.image, labels)
    candidates = {
        "lagan": make_jets(700, 3),
        "dc<gan>": shuffled(make_jets(700, 4)),
        "copy": copies,
    }
    folder = tmp_path_factory.mktemp("jets") / "report"
    settings = JetSettings(n_bootstrap=40, n_seeds=1, n_classified=300, n_neighbours=300)
    metrics = compare_jets(reference, candidates, folder, training=reference, settings=settings)
    return folder, metrics


def test_a_report_holds_page_figures_and_numbers(report: tuple[Path, dict[str, Any]]) -> None:
    folder, metrics = report
    assert {path.name for path in folder.iterdir()} == {"index.html", "metrics.json", "figures"}
    drawn = {path.stem for path in (folder / "figures").glob("*.png")}
    assert drawn == {path.stem for path in (folder / "figures").glob("*.pdf")}
    assert drawn >= {
        "average_images",
        "differences",
        "intensity",
        "mass",
        "mass_log",
        "pt",
        "tau_21",
        "hit",
        "single_signal",
        "neighbours",
        "neighbour_distances",
        "correlations_background",
        "roc_tested_on_reference",
        "roc_trained_on_reference",
        "confusion",
        "roc_real_or_generated",
    }
    assert set(metrics["figures"]) == {name.removesuffix("_log") for name in drawn}
    assert json.loads((folder / "metrics.json").read_text()) == metrics


def test_the_page_needs_nothing_else(report: tuple[Path, dict[str, Any]]) -> None:
    page = (report[0] / "index.html").read_text()
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)
    assert "dc&lt;gan&gt;" in page
    assert "<gan>" not in page
    figures = re.findall(r'<figure id="figure-(\w+)"', page)
    assert set(re.findall(r'href="#figure-(\w+)"', page)) <= set(figures)
    assert len(figures) == len(set(figures)) == len(report[1]["figures"])


def test_an_independent_sample_is_no_farther_than_chance(
    report: tuple[Path, dict[str, Any]],
) -> None:
    lights = report[1]["lights"]
    assert lights["lagan"]["red"] <= 1
    assert lights["lagan"]["green"] >= 14  # of 20, of which chance takes one in ten
    assert lights["dc<gan>"]["red"] >= 8
    for found in report[1]["observables"].values():
        one = found["mass"]["candidates"]
        assert one["lagan"]["distances"]["wasserstein"]["value"] < 0.25
        shuffled_pixels = found["pt"]["candidates"]["dc<gan>"]["distances"]["wasserstein"]
        assert shuffled_pixels["value"] > 3 * shuffled_pixels["floor"]


def test_classifiers_learn_classes_and_see_wrong_images(
    report: tuple[Path, dict[str, Any]],
) -> None:
    found = report[1]["classifiers"]
    classes = found["signal_or_background"]
    own = classes["reference/reference"]
    assert own["auc"] > 0.7
    assert np.sum(own["confusion"], axis=1) == pytest.approx([1, 1])
    lagan = classes["candidates"]["lagan"]
    assert lagan["generated/reference"]["auc"] > 0.7
    assert lagan["reference/generated"]["auc"] > 0.7
    real = found["real_or_generated"]
    assert real["dc<gan>"]["auc"] > real["lagan"]["auc"] + 0.2
    assert abs(found["floor"]["auc"] - 0.5) < 0.2


def test_copies_of_training_images_are_found(report: tuple[Path, dict[str, Any]]) -> None:
    found = report[1]["neighbours"]
    assert found["against"] == "training"
    assert found["candidates"]["lagan"]["copies"] == 0
    copied = found["candidates"]["copy"]
    assert copied["copies"] == pytest.approx(0.1 * copied["n"], abs=15)


def test_distances_over_all_observables_see_the_shuffled_pixels(
    report: tuple[Path, dict[str, Any]],
) -> None:
    for found in report[1]["overall"].values():
        assert found["dc<gan>"]["fpd"]["value"] > 5 * abs(found["lagan"]["fpd"]["value"])


def test_without_training_images_neighbours_are_those_of_one_half(tmp_path: Path) -> None:
    from calogan.jets.report.neighbours import find_neighbours

    reference = make_jets(200, 1)
    samples = memory_samples(
        reference,
        {"same": reference, "other": make_jets(200, 2)},
        reference_name="Pythia",
        training=None,
        threshold_gev=0,
    )
    result = find_neighbours(samples, rng=np.random.default_rng(1), most=200)
    assert (result.against, len(result.targets)) == ("reference", 100)
    assert result.baseline_copies == 0
    assert result.tests["same"].copies == 100
    assert result.tests["other"].copies == 0
    assert np.median(result.baseline.relative) == pytest.approx(1)


def test_energies_of_pixels_are_compared_on_a_logarithmic_scale() -> None:
    image = make_jets(300, 1).image
    rng = np.random.default_rng(0)
    own, other = Spectrum.of(image[:150]), Spectrum.of(image[150:])
    assert own.per_image.sum() == pytest.approx(np.count_nonzero(image[:150]) / 150)
    near = spectrum_distance(own, other, rng=rng, n_bootstrap=50)
    assert near.value < near.floor_high
    decade = Spectrum.of(10 * image[150:])
    far = spectrum_distance(own, decade, rng=rng, n_bootstrap=50)
    middles = np.log10(np.logspace(-3, 3, 61)[:-1])
    shares = own.per_image / own.per_image.sum()
    sd = np.sqrt(shares @ middles**2 - (shares @ middles) ** 2)
    assert far.value == pytest.approx(1 / sd, abs=2 * near.floor_high)  # one decade


def test_the_same_again_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calogan.jets.report.writing.contents", lambda f: contents(f)[:1])
    compared = make_jets(200, 1), {"other": make_jets(180, 2)}
    pages = []
    for name in ("once", "again"):
        compare_jets(*compared, tmp_path / name, settings=QUICK)
        pages.append((tmp_path / name / "index.html").read_bytes())
    assert pages[0] == pages[1]
    metrics = json.loads((tmp_path / "once" / "metrics.json").read_text())
    assert metrics["classifiers"] is None
    assert metrics["ranking"]["sentences"] == []


def test_a_model_makes_what_the_reference_has_and_its_training_images_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from calogan.files.reading import sha256

    path = tmp_path / "jets.h5"
    images = make_jets(500, 1)
    write_jet_images(path, images)
    size, checksum = path.stat().st_size, sha256(path)
    models = {
        "lagan": ToyModel("lagan", size_bytes=size, sha256=checksum, n_training=300),
        "dcgan": ToyModel("dcgan", size_bytes=size, sha256="other", n_training=400),
    }
    monkeypatch.setattr("calogan.jets.report.samples.open_jet_generator", models.__getitem__)
    found = open_samples(path, ["lagan", "dcgan"], seed=1, threshold_gev=0)
    assert len(found.reference) == 200
    assert np.array_equal(found.reference.images.image, images.image[300:])
    assert found.training is not None
    assert np.array_equal(found.training.image, images.image[:300])
    assert [len(one) for one in found.candidates] == [200, 200]
    for one in found.candidates:
        assert np.array_equal(one.images.signal, found.reference.images.signal)
    assert [one.kind for one in found.candidates] == ["lagan", "dcgan"]
    assert "last 200 images" in found.notes[0]
    made = tmp_path / "made.h5"
    write_jet_images(made, make_jets(200, 3), made_with=models["lagan"].provenance)
    of_file = open_samples(path, [made], seed=1, threshold_gev=0)  # a file that a model made
    assert len(of_file.reference) == 200
    assert of_file.training is not None
    assert of_file.candidates[0].kind == "lagan"
    again = open_samples(path, [made], training=path, seed=1, threshold_gev=0)
    assert again.training is not None
    assert len(again.training) == 300
    alone = open_samples(path, ["dcgan"], seed=1, threshold_gev=0, limit=150)
    assert (len(alone.reference), alone.training, alone.notes) == (150, None, ())


def test_a_reference_of_the_seed_of_the_training_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, seed = tmp_path / "jets.h5", {"simulator": "pythia", "seed": 3}
    write_jet_images(path, make_jets(200, 1), made_with=seed)
    models = {"lagan": ToyModel("lagan", made_with=seed)}
    monkeypatch.setattr("calogan.jets.report.samples.open_jet_generator", models.__getitem__)
    (note,) = open_samples(path, ["lagan"], seed=1, threshold_gev=0).notes
    assert "same seed (3)" in note
    models["lagan"] = ToyModel("lagan", made_with=seed | {"seed": 4})
    assert open_samples(path, ["lagan"], seed=1, threshold_gev=0).notes == ()


def test_what_discriminators_take_jets_for_is_shown_where_it_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, made, odd = (tmp_path / name for name in ("jets.h5", "made.h5", "odd.h5"))
    write_jet_images(path, make_jets(200, 1))
    named = {"pythia": [[0.8, 0.2], [0.3, 0.7]], "generated": [[1.0, 0.0], [0.1, 0.9]]}
    models = {"lagan": ToyModel("lagan", named), "dcgan": ToyModel("dcgan")}
    monkeypatch.setattr("calogan.jets.report.samples.open_jet_generator", models.__getitem__)
    write_jet_images(made, make_jets(200, 3), made_with=models["lagan"].provenance)
    wrong = {"auxiliary_classifier": {"pythia": [[2, 0]]}}
    write_jet_images(odd, make_jets(200, 4), made_with=wrong)
    found = open_samples(path, ["lagan", "dcgan", made, odd], seed=1, threshold_gev=0)
    drawings = auxiliary_matrices(cast(Findings, SimpleNamespace(samples=found)))
    assert [one.name for one in drawings] == ["auxiliary_pythia", "auxiliary_generated"]
    for one, what in zip(drawings, named, strict=True):
        assert [(name, m.tolist()) for name, m in one.arguments[0]] == [
            ("lagan", named[what]),
            ("made", named[what]),
        ]
    assert len(drawings[0].draw(*drawings[0].arguments).axes) == 2


def test_faint_pixels_are_left_out_of_all_samples() -> None:
    images = make_jets(200, 1)
    dim = JetImages(images.image * np.float32(1e-4), images.signal)
    samples = memory_samples(
        images, {"dim": dim}, reference_name="a", training=dim, threshold_gev=1e-3
    )
    assert samples.training is not None
    for kept in (samples.candidates[0].images.image, samples.training.image):
        assert kept[kept > 0].min() >= 1e-3
        assert np.count_nonzero(kept) < np.count_nonzero(dim.image)


def test_what_cannot_be_compared_is_said(tmp_path: Path) -> None:
    images = make_jets(200, 1)
    path = tmp_path / "jets.h5"
    write_jet_images(path, images)
    out = tmp_path / "report"
    with pytest.raises(JetError, match="no such file"):
        compare_jet_files(path, [tmp_path / "none.h5"], out, settings=QUICK)
    with pytest.raises(CaloganError, match="no model of jet images 'nothing'"):
        compare_jet_files(path, ["nothing"], out, settings=QUICK)
    with pytest.raises(JetError, match="at least one candidate"):
        compare_jet_files(path, [], out, settings=QUICK)
    with pytest.raises(JetError, match="name of its own"):
        compare_jet_files(path, [path], out, settings=QUICK)
    with pytest.raises(JetError, match="1 names for 2 samples"):
        compare_jet_files(path, [path], out, names=["a"], settings=QUICK)
    with pytest.raises(JetError, match=r"no sample of jet images 'x': give one of jets"):
        compare_jet_files("sample:x", [path], out, settings=QUICK)
    other = tmp_path / "other.h5"
    write_jet_images(other, images)
    with pytest.raises(JetError, match="is the reference itself"):
        compare_jet_files(path, [other], out, training=path, settings=QUICK)
    other.unlink()
    few = JetImages(images.image, np.arange(200) < 20)
    with pytest.raises(JetError, match="few: 20 signal images"):
        compare_jets(images, {"few": few}, out, settings=QUICK)
    assert not out.exists()
    out.mkdir()
    (out / "thesis.tex").touch()
    with pytest.raises(OutputError, match="holds something else"):
        compare_jet_files(path, ["nothing"], out, settings=QUICK)
    assert {one.name for one in tmp_path.iterdir()} == {"jets.h5", "report"}


@pytest.mark.parametrize("wrong", [{"n_seeds": 0}, {"n_bootstrap": 1}, {"threshold_gev": -1}])
def test_settings_that_make_no_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        JetSettings(**wrong)


def test_a_missing_library_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_spec(name: str) -> object | None:
        return None if name == "mplhep" else object()

    monkeypatch.setattr(calogan.jets.report, "find_spec", find_spec)
    with pytest.raises(MissingExtraError, match=r"calogan\[evaluate\]"):
        _ = calogan.jets.report.compare_jets
    with pytest.raises(AttributeError):
        _ = calogan.jets.report.nothing


def test_only_classifiers_need_torch(tmp_path: Path) -> None:
    """With `--quick` the extra `train` is not needed; without it, that is said at once."""
    code = """
import sys
sys.modules["torch"] = None
from calogan.errors import MissingExtraError
from calogan.jets.report import JetSettings, compare_jets
from tests.jets.compared import make_jets

jets = make_jets(120, 1), {"other": make_jets(120, 2)}
compare_jets(*jets, "quick", settings=JetSettings(quick=True, n_bootstrap=10))
try:
    compare_jets(*jets, "whole", settings=JetSettings(n_bootstrap=10))
except MissingExtraError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert "calogan[train]" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["quick"]
