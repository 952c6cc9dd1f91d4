"""Reports and drawings of calorimeters other than the paper's: many layers, cells in angle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("matplotlib", reason="needs the extra evaluate")

from calogan.calorimeter import Calorimeter, Section, SubLayer
from calogan.evaluation import Settings, compare
from calogan.evaluation.pictures.depth import chosen_layers
from calogan.evaluation.pictures.drawing import draw_calorimeter
from calogan.evaluation.pictures.images import mean_images
from calogan.evaluation.pictures.style import hep_style
from calogan.evaluation.report.chapter import Chapter
from calogan.evaluation.report.contents import TITLES, contents
from calogan.evaluation.report.findings import Findings
from calogan.evaluation.report.study import chosen_observables
from calogan.evaluation.samples.accumulation import Sample
from calogan.incident import Incident
from calogan.showers import Showers

NAMES = ["calogan", "ecal-hcal", "si-w"]


def showers_in(calorimeter: Calorimeter, n: int = 60, seed: int = 1) -> Showers:
    """Draw deposits that look a little like showers."""
    rng = np.random.default_rng(seed)
    incident = Incident.draw("e+", "10:20", n, seed=seed)
    m = 1000
    half, depth = calorimeter.layers[0].half_extent_mm, calorimeter.depth_mm
    x, y = rng.normal(0, half / 6, (2, n * m))
    z = -depth / 2 + np.minimum(rng.gamma(4, depth / 16, n * m), depth)
    energy = np.repeat(incident.energy_gev, m)
    event = np.repeat(np.arange(n), m)
    images, overflow = calorimeter.bin_deposits(event, np.stack([x, y, z], axis=1), energy, n)
    return Showers(incident, images, overflow, calorimeter)


@pytest.fixture(scope="module")
def many_layers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A report in 14 layers of cells in angle and radius."""
    fine = Calorimeter.load("si-w")
    calorimeter = fine.model_copy(
        update={
            "layers": tuple(
                layer.model_copy(update={"z_max_mm": layer.z_min_mm + 10.2})
                for layer in fine.layers[:42:3]
            )
        }
    )
    folder = tmp_path_factory.mktemp("many") / "report"
    reference, other = showers_in(calorimeter), showers_in(calorimeter, seed=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("calogan.evaluation.pictures.depth._CHOSEN", 2)  # pictures take their time
        patch.setattr("calogan.evaluation.report.writing.contents", without_distributions)
        settings = Settings(n_bootstrap=20)
        return folder, compare(reference, {"other": other}, folder, settings=settings)


def without_distributions(findings: Findings) -> list[Chapter]:
    """The chapters of a report but for those with one figure per observable."""
    groups = set(TITLES) - {"energies"}
    return [chapter for chapter in contents(findings) if chapter.anchor not in groups]


def test_a_report_shows_some_of_many_layers(many_layers: tuple[Path, dict[str, Any]]) -> None:
    folder, metrics = many_layers
    layers = metrics["layers_shown"]
    assert len(layers) == 2
    names = set(metrics["observables"])
    assert names >= {f"sigma_eta_{k}" for k in layers} | {"E_tot", "s_d"}
    hidden = next(k for k in range(14) if k not in layers)
    assert f"E_{hidden}" not in names
    assert len(metrics["layer_energies_mev"]["other"]["mean"]) == 14
    text = f"Of 14 layers {', '.join(map(str, layers))} are compared one by one"
    assert text in metrics["selection"]["notes"][-1]
    figures = {path.stem for path in (folder / "figures").iterdir()}
    assert {name for name in figures if name.startswith("mean_image")} == {
        f"mean_image_layer_{k}" for k in layers
    }
    assert figures >= {"profile", "profile_log", "energy", "lateral_profiles", "cell_spectrum"}
    page = (folder / "index.html").read_text()
    assert 'id="figure-profile"' in page
    assert f"figure-E_{hidden}" not in page


def test_other_layers_are_compared_if_they_are_asked_for() -> None:
    calorimeter = Calorimeter.load("si-w")
    settings = Settings(observables=("sigma_eta_4*",))
    found = chosen_observables(calorimeter, (3, 7), settings, "all")
    assert [o.name for o in found] == ["sigma_eta_4", *(f"sigma_eta_{k}" for k in range(40, 45))]


def test_all_of_few_layers_are_shown() -> None:
    assert chosen_layers(showers_in(Calorimeter.load("ecal-hcal"), 3)) == tuple(range(6))


def test_layers_are_chosen_where_the_energy_is() -> None:
    showers = showers_in(Calorimeter.load("si-w"), 5)
    energy = showers.layer_energies.mean(axis=0)
    chosen = chosen_layers(showers)
    assert 5 <= len(chosen) <= 8
    assert energy[: chosen[0]].sum() < 0.1 * energy.sum()
    assert energy[chosen[-1] + 1 :].sum() < 0.1 * energy.sum()
    empty = Showers(
        showers.incident,
        tuple(np.zeros_like(layer) for layer in showers.layers),
        showers.overflow,
        showers.calorimeter,
    )
    assert len(chosen_layers(empty)) == 8


def test_polar_images_put_each_cell_where_it_is() -> None:
    """One cell with energy: what is drawn at its centre is its value, and nothing else is."""
    calorimeter = Calorimeter.load("si-w")
    image = np.zeros((50, 16, 9), np.float32)
    image[:, 3, 6] = 7.0
    others = tuple(np.zeros_like(image) for _ in range(44))
    showers = Showers(
        Incident.create("e+", np.full(50, 1.0)),
        (image, *others),
        np.zeros((50, 45), np.float32),
        calorimeter,
    )
    figure = mean_images(Sample.of("a", showers).images[0], [Sample.of("b", showers).images[0]])
    mesh = figure.axes[0].collections[0]
    values: NDArray[np.float64] = np.ma.filled(np.ma.asarray(mesh.get_array()), 0.0).reshape(-1, 9)
    corners = mesh.get_coordinates()  # type: ignore[attr-defined]
    centers = (corners[1:, 1:] + corners[:-1, :-1]) / 2
    there = centers[values > 0]
    assert set(values[values > 0]) == {7.0}
    layer = calorimeter.layers[0]
    expected = layer.x_mm[3, 6], layer.y_mm[3, 6]
    np.testing.assert_allclose(there.mean(axis=0), expected, rtol=0.02)


@pytest.mark.parametrize("name", NAMES)
def test_drawing(name: str, tmp_path: Path) -> None:
    calorimeter = Calorimeter.load(name)
    with hep_style():
        figure = draw_calorimeter(calorimeter)
        figure.savefig(tmp_path / "drawing.png", dpi=40)
    kinds = {"calogan": 3, "ecal-hcal": 5, "si-w": 1}[name]
    assert len(figure.axes) == 2 + kinds
    side = figure.axes[0]
    slabs = sum(len(collection.get_paths()) for collection in side.collections)
    assert slabs == len(calorimeter.slabs)
    assert len(side.patches) >= len(calorimeter.layers)
    low, high = side.get_xlim()
    assert low < -calorimeter.depth_mm / 2 < calorimeter.depth_mm / 2 < high


def test_drawing_of_a_strange_calorimeter(tmp_path: Path) -> None:
    """Long names, signs of mathtext, more kinds of cells than there is room for, one ring."""
    fine = Calorimeter.load("si-w").layers[0]
    strange = Calorimeter(
        name="_$strange$ " + 80 * "x",
        sections=(
            Section(sublayers=(SubLayer(material="G4_PLASTIC_SC_VINYLTOLUENE", thickness_mm=70),)),
        ),
        layers=tuple(
            fine.model_copy(
                update={"z_min_mm": -35.0 + 10 * k, "z_max_mm": -25.0 + 10 * k, "n_alpha": 1 + k}
            )
            for k in range(7)
        ),
    )
    with hep_style():
        figure = draw_calorimeter(strange)
        figure.savefig(tmp_path / "drawing.png", dpi=40)
    assert any("2 more kinds of cells" in text.get_text() for text in figure.texts)
