"""The page about distances does what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from calogan.evaluation.distances.lights import LIMITS

PAGE = Path(__file__).parents[2] / "docs" / "distances.md"

NUMBER = r"-?\d+\.?\d*(?:e[+-]\d+)?"


@pytest.fixture
def page() -> str:
    if not PAGE.exists():
        pytest.skip("only in the repository")
    return PAGE.read_text(encoding="utf-8")


def test_the_example_prints_what_the_page_shows(page: str) -> None:
    code, shown = (
        re.findall(rf"```{kind}\n(.*?)```", page, re.DOTALL) for kind in ("python", "text")
    )
    assert len(code) == len(shown) == 1
    done = subprocess.run(
        [sys.executable, "-c", code[0]], check=True, capture_output=True, text=True, timeout=300
    )
    for line, expected in zip(done.stdout.splitlines(), shown[0].splitlines(), strict=True):
        assert line.split()[:2] == expected.split()[:2] or line.split()[0] in {"fpd", "kpd"}
        # a network rounds a little differently on another processor
        values, wanted = (
            [float(v) for v in re.findall(rf"(?<![\w.]){NUMBER}", text)]
            for text in (line, expected)
        )
        assert values == pytest.approx(wanted, rel=0.1, abs=0.01)


def test_the_limits_of_the_page_are_those_of_the_code(page: str) -> None:
    (rule,) = re.findall(r"\| red \| .*", page)
    found = {name: float(value) for value, name in re.findall(r"([\d.]+) \(`(\w+)`\)", rule)}
    assert found == LIMITS
