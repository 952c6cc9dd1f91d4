"""The machine that a benchmark runs on, and the versions of what it runs."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = ["describe_machine", "gpu_devices", "peak_memory_mb"]

_PACKAGES = ("calogan", "numpy", "onnxruntime", "onnxruntime-gpu", "h5py", "calzone")


def describe_machine() -> dict[str, Any]:
    """Describe processor, memory, GPUs and versions; no names of hosts or users.

    Returns:
        `cpu`, `cores` that this process may use, `load` (what the machine is busy with: tasks
        that run, average of a minute), `memory_gb`, `gpus`, `system`, `versions` and `date`.
    """
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 2),
        "memory_gb": round(pages / 1e9, 1),
        "gpus": _gpus(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "versions": {"python": platform.python_version(), **_versions()},
    }


def gpu_devices() -> tuple[str, ...]:
    """The GPUs' names for ONNX Runtime: `("cuda",)` where it was built for them, or nothing."""
    import onnxruntime

    there = onnxruntime.get_available_providers()
    return ("cuda",) if "CUDAExecutionProvider" in there else ()


def peak_memory_mb() -> float | None:
    """Most memory that this process had so far [MB].

    From `/proc`, for `getrusage` counts that of the parent as well, which the process was before
    it became its own.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return None
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    words = fields.get("VmHWM", "").split()
    return round(int(words[0]) * 1024 / 1e6, 1) if words else None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _gpus() -> list[str]:
    command = shutil.which("nvidia-smi")
    if command is None:
        return []
    try:
        done = subprocess.run(
            [command, "--query-gpu=name", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [line.strip() for line in done.stdout.splitlines() if line.strip()][
        : 0 if done.returncode else None
    ]


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
