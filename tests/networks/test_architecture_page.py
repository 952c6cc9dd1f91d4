"""The page on the architecture says what the networks are."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("torch", reason="needs the extra train")

from calogan.networks import FEATURES, CaloganDiscriminator

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    path = ROOT / "scripts" / "draw_architecture.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_numbers_are_counted(script: ModuleType) -> None:
    printed = script.tables()
    assert sum(line.startswith("|") for line in printed) == 9 + 10 + 8
    for line in printed:
        assert line in PAGE or line in ("Generator:", "Discriminator:")


def test_the_features_are_those_of_the_discriminator() -> None:
    rows = re.findall(r"^\| `(\w+)` \| .* \| (\d+) \|$", PAGE, re.MULTILINE)
    assert {name for name, _ in rows} == set(FEATURES)
    for name, width in rows:
        alone = CaloganDiscriminator([(3, 96), (12, 12), (12, 6)], features=[name])
        assert alone.real.in_features == int(width), name


def test_the_figure_is_drawn(script: ModuleType, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra evaluate")
    figure = tmp_path / "figures" / "architecture.png"
    script.draw(figure)
    assert 10_000 < figure.stat().st_size < 200_000
    assert (ROOT / "docs" / "figures" / "architecture.png").stat().st_size < 200_000
