"""The page about jet images names every setting of a training, with its default."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from calogan.jets.training.configuration import JetTrainingConfig

PAGE = (Path(__file__).parents[2] / "docs" / "jets.md").read_text(encoding="utf-8")
SHOWN = {True: "yes", False: "no"}


def test_settings() -> None:
    table = PAGE.split("A recipe may set:")[1].split("A run leaves")[0]
    rows = [line.split("|")[1:3] for line in table.splitlines() if line.startswith("| `")]
    listed: dict[str, str] = {}
    for names, defaults in rows:
        found = re.findall(r"`(\w+)`", names)
        listed |= dict(zip(found, defaults.replace("`", "").split(","), strict=True))
    known = {one.name: one.default for one in fields(JetTrainingConfig)}
    assert set(listed) == set(known)
    for name, default in known.items():
        text = listed[name].strip()
        if isinstance(default, bool | str):
            assert text == (SHOWN[default] if isinstance(default, bool) else default)
        else:
            assert float(text) == default
