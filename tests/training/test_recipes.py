from __future__ import annotations

from pathlib import Path

import pytest

from calogan.files import write_showers
from calogan.training import read_recipe
from calogan.training.loop import fit
from calogan.training.run import open_run
from tests.training.conftest import (
    QUIET,
    tiny_showers,
)

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("calogan-*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_the_recipes_train(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each committed recipe with its own settings, in small, on other showers."""
    text = path.read_text()
    monkeypatch.chdir(tmp_path)
    import yaml

    ((label, files),) = yaml.safe_load(text)["particles"].items()
    for name in [files] if isinstance(files, str) else files:
        file = tmp_path / name.replace("*", "1")
        file.parent.mkdir(parents=True, exist_ok=True)
        write_showers(file, tiny_showers(60, particle=label))
    recipe = read_recipe(path)
    wanted = recipe.settings["nb_epochs"]
    config = recipe.config(batch_size=8, latent_size=3, nb_epochs=1, **QUIET)
    assert wanted > 1
    run = open_run(recipe.particles, tmp_path / "run", config, name=recipe.name)
    fit(run)
    assert run.models[0][1].partition("@")[0] == path.stem


def test_the_recipes_are_there() -> None:
    if not RECIPES:
        pytest.skip("only in the repository")
    names = {path.stem for path in RECIPES}
    assert {"calogan-eplus", "calogan-gamma", "calogan-piplus"} <= names
