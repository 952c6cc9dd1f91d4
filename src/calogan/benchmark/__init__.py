"""Time per shower of any simulators, side by side: the computing table of the CaloGAN slides.

Each simulator runs in a process of its own, so that its memory is its own. They take turns, so
that whatever else the machine does falls on all of them.
"""

from __future__ import annotations

from calogan.benchmark.machine import describe_machine
from calogan.benchmark.plan import Plan
from calogan.benchmark.published import PUBLISHED
from calogan.benchmark.result import FileRow, Result, Row
from calogan.benchmark.running import run_benchmark

__all__ = [
    "PUBLISHED",
    "FileRow",
    "Plan",
    "Result",
    "Row",
    "describe_machine",
    "run_benchmark",
]
