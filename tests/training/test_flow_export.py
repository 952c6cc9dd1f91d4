"""A flow as a bundle: the same showers from ONNX, and from the command line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra train")

from typer.testing import CliRunner

from calogan.cli import app
from calogan.files import write_showers
from calogan.incident import Incident
from calogan.neural import NeuralSimulator
from calogan.training import read_recipe
from calogan.training.flow import make_flow_config
from calogan.training.flow.loop import export_run, fit_flow
from calogan.training.flow.run import open_flow
from tests.training.conftest import tiny_showers
from tests.training.test_flow import SMALL

RECIPES = Path(__file__).parents[2] / "recipes"


@pytest.fixture
def showers(tmp_path: Path) -> Path:
    path = tmp_path / "eplus.h5"
    write_showers(path, tiny_showers(60))
    return path


@pytest.mark.parametrize("settings", [{}, {"oriented": True, "summaries": ("hits", "width")}])
def test_the_bundle_makes_the_showers_of_the_network(
    showers: Path, tmp_path: Path, settings: dict[str, Any]
) -> None:
    config = make_flow_config(**SMALL, **settings)
    run = open_flow({"e+": showers}, tmp_path / "run", config, name="ours@2")
    fit_flow(run)
    simulator = NeuralSimulator(export_run(run))
    assert (simulator.name, simulator.card.version) == ("ours", 2)
    assert simulator.card.architecture.kind == "flow"
    assert set(simulator.card.quality) >= {"response", "sigma_eta_1"}
    energy = np.linspace(2, 90, 30)
    found = simulator.simulate(Incident.create("e+", energy), np.random.default_rng(5))
    noise = np.random.default_rng(5).standard_normal(
        (30, run.average.latent_size), dtype=np.float32
    )
    with torch.no_grad():
        expected = run.average.merged()(
            torch.from_numpy(noise), torch.from_numpy(energy).float()[:, None]
        )
    for layer, image in zip((*found.layers, found.overflow), expected, strict=True):
        np.testing.assert_allclose(layer, 1000 * image.numpy(), rtol=1e-3, atol=1e-2)


def test_calogan_train_takes_a_recipe_of_a_flow(showers: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    settings = ", ".join(f"{k}: {str(v).lower()}" for k, v in SMALL.items())
    text = f"network: flow\nname: ours\nparticles: {{e+: {showers}}}\ntraining: {{{settings}}}\n"
    recipe.write_text(text)
    output = tmp_path / "run"
    result = CliRunner().invoke(app, ["train", str(recipe), "-o", str(output), "--no-prog-bar"])
    assert result.exit_code == 0, result.output
    assert f"model -> {output / 'model'}" in result.output.replace("\n", "")
    assert read_recipe(output / "config.yaml").network == "flow"
    assert NeuralSimulator(output / "model").name == "ours"


@pytest.mark.parametrize("stem", ["eplus", "gamma", "piplus"])
def test_the_recipes_open(stem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not RECIPES.is_dir():
        pytest.skip("only in the repository")
    monkeypatch.chdir(tmp_path)
    particle = {"eplus": "e+", "gamma": "gamma", "piplus": "pi+"}[stem]
    made = tiny_showers(60, particle=particle)
    write_showers(tmp_path / f"{stem}.h5", replace(made, views=()))
    recipe = read_recipe(RECIPES / f"{stem}.yaml")
    config = recipe.flow_config(batch_size=16, couplings=2, width=8)
    run = open_flow(recipe.particles, tmp_path / "run", config, name=recipe.name)
    assert run.name == stem
