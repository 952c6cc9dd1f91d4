"""A tiny bundle to be damaged at will, and no models but the package's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tiny_models import make_bundle


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "tiny")


@pytest.fixture(autouse=True)
def _no_other_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CALOGAN_MODELS", raising=False)
