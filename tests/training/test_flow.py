"""Training of a flow: stages in order, resumed runs, refusals, tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra train")

from calogan.errors import ConfigurationError, OutputError, TrainingError
from calogan.files import write_showers
from calogan.training import read_recipe
from calogan.training.flow import make_flow_config
from calogan.training.flow.loop import fit_flow
from calogan.training.flow.run import FlowRun, open_flow
from calogan.training.flow.stages import layout_of
from tests.training.conftest import log_of, tilted_showers, tiny_showers

SMALL: dict[str, Any] = {
    "energy_epochs": 2,
    "summary_epochs": 2,
    "marginal_epochs": 2,
    "coupling_epochs": 2,
    "orientation_epochs": 2,
    "overflow_epochs": 2,
    "batch_size": 16,
    "couplings": 2,
    "width": 8,
    "validation_share": 0.2,
    "validate_every": 1,
    "tensorboard": False,
}


def opened(path: Path, output: Path, resume: Any = False, **settings: Any) -> FlowRun:
    config = make_flow_config(**{**SMALL, **settings})
    return open_flow({"e+": path}, output, config, resume=resume)


@pytest.fixture
def showers(tmp_path: Path) -> Path:
    path = tmp_path / "eplus.h5"
    write_showers(path, tiny_showers(60))
    return path


PLAIN = ["energies", "marginals", "couplings", "overflow"]
FULL = ["energies", "summaries", "marginals", "couplings", "orientation", "overflow"]


@pytest.mark.parametrize(
    ("settings", "stages"),
    [({}, PLAIN), ({"oriented": True, "summaries": ("hits", "brightest")}, FULL)],
)
def test_the_stages_follow_each_other(
    showers: Path, tmp_path: Path, settings: dict[str, Any], stages: list[str]
) -> None:
    run = opened(showers, tmp_path / "run", **settings)
    before = {k: v.clone() for k, v in run.average.state_dict().items()}
    fit_flow(run)
    lines: list[dict[str, Any]] = [*log_of(tmp_path / "run")]
    assert [line["stage"] for line in lines] == [stage for stage in stages for _ in range(2)]
    assert "shape_distance" in lines[-1]
    after = run.average.state_dict()
    learnt = {k.split(".")[0] for k in after if not torch.equal(after[k], before[k])}
    assert learnt == {"flow" if stage == "couplings" else stage for stage in stages}


def test_more_training_is_likelier(showers: Path, tmp_path: Path) -> None:
    run = opened(showers, tmp_path / "run", energy_epochs=15, marginal_epochs=15, energy_lr=0.01)
    fit_flow(run)
    lines: list[dict[str, Any]] = [*log_of(tmp_path / "run")]
    for stage in ("energies", "marginals"):
        losses = [line[stage] for line in lines if line["stage"] == stage]
        assert losses[-1] < losses[0] - 0.1


@pytest.mark.parametrize("killed_after", [1, 3, 5, 7])
def test_a_killed_training_goes_on_with_the_same_losses(
    showers: Path, tmp_path: Path, killed_after: int
) -> None:
    fit_flow(opened(showers, tmp_path / "whole"))

    def kill(done: int, total: int, figures: dict[str, float]) -> None:
        if done == killed_after * total // 8 + 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_flow(opened(showers, tmp_path / "killed"), kill)
    assert len(log_of(tmp_path / "killed")) < 8
    run = opened(showers, tmp_path / "killed", resume=True)
    fit_flow(run)
    for one, two in zip(log_of(tmp_path / "killed"), log_of(tmp_path / "whole"), strict=True):
        assert one.pop("stage") == two.pop("stage")
        assert one == pytest.approx(two, rel=1e-6, nan_ok=True)


def test_another_training_is_not_gone_on_with(showers: Path, tmp_path: Path) -> None:
    fit_flow(opened(showers, tmp_path / "run"))
    with pytest.raises(TrainingError, match="width was 8, now 16"):
        opened(showers, tmp_path / "run", resume=True, width=16)
    with pytest.raises(OutputError, match="holds a training already"):
        opened(showers, tmp_path / "run")
    opened(showers, tmp_path / "run", resume=True, validate_every=3)


def test_a_flow_learns_one_particle_along_the_axis(showers: Path, tmp_path: Path) -> None:
    config = make_flow_config(**SMALL)
    with pytest.raises(TrainingError, match="one particle, not 2"):
        open_flow({"e+": showers, "gamma": showers}, tmp_path / "run", config)
    with pytest.raises(TrainingError, match="fewer than one batch"):
        opened(showers, tmp_path / "run", batch_size=100)
    beside = tmp_path / "beside.h5"
    write_showers(beside, tilted_showers(60))
    with pytest.raises(TrainingError, match="along the axis"):
        opened(beside, tmp_path / "run")


def test_the_layout_knows_mirrors_and_cells_that_are_always_hit(tmp_path: Path) -> None:
    showers = tiny_showers(60)
    for layer in showers.layers:
        layer[:] = np.where(layer > 0, layer, 0)
        layer[:, 0, 0] = 0.0
    showers.layers[1][:, 1:3, 1:3] = 5000.0
    showers.layers[1][:, 1, 1] = 6000.0
    path = tmp_path / "core.h5"
    write_showers(path, showers)
    layout = layout_of(opened(path, tmp_path / "run").training)
    begin = 3 * 8
    assert layout.cores[1] == (begin + 5, begin + 6, begin + 9, begin + 10)
    assert sorted(layout.orbits[:, 0].tolist()) == [0, 7, 16, 23]
    plain = layout_of(opened(path, tmp_path / "other", reflections=False).training)
    assert plain.cores == ((), (), ())
    assert len(plain.orbits) == 1


def test_a_recipe_chooses_the_network(showers: Path, tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    text = f"network: flow\nparticles: {{e+: {showers}}}\ntraining: {{couplings: 4}}\n"
    path.write_text(text)
    recipe = read_recipe(path)
    assert recipe.network == "flow"
    assert recipe.flow_config(seed=3).couplings == 4
    assert recipe.flow_config(seed=3).seed == 3
    with pytest.raises(ConfigurationError, match="network: flow: latent_size: unknown"):
        recipe.flow_config(latent_size=3)
    path.write_text(text.replace("couplings: 4", "couplings: 3"))
    with pytest.raises(
        ConfigurationError, match=r"recipe.yaml: training.couplings: .*multiple of 2"
    ):
        read_recipe(path).flow_config()
    path.write_text(text.replace("flow", "gan"))
    with pytest.raises(ConfigurationError, match="network: expected calogan or flow, found 'gan'"):
        read_recipe(path)
