"""Geant4's text formats of tabulated functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = [
    "log_grid",
    "read_spectra",
    "read_vector",
    "vector_text",
    "write_spectra",
    "write_vector",
]


def log_grid(first: float, last: float, points_per_decade: float) -> NDArray[np.float64]:
    """Logarithmically spaced values from `first` to `last`, both exact, at least two.

    Args:
        first: Smallest value, above zero.
        last: Largest value, above `first`.
        points_per_decade: How many values a factor of ten is divided into, at least.
    """
    steps = max(1, int(np.ceil(np.log10(last / first) * points_per_decade)))
    return np.geomspace(first, last, steps + 1)


def vector_text(energies: NDArray[np.float64], values: NDArray[np.float64]) -> str:
    """One line `energy value` for each point of a function, as Geant4 reads them."""
    return "".join(map("%.8e %.6e\n".__mod__, zip(energies, values, strict=True)))


def write_vector(path: Path, energies: NDArray[np.float64], values: NDArray[np.float64]) -> None:
    """Write a tabulated function as a Geant4 physics vector.

    Args:
        path: File to write.
        energies: Ascending energies [MeV], shape `(n,)`.
        values: The function there, shape `(n,)`.
    """
    n = len(energies)
    head = f"{energies[0]:.8e} {energies[-1]:.8e} {n}\n{n}\n"
    path.write_text(head + vector_text(energies, values), encoding="ascii", newline="\n")


def read_vector(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Energies and values, shapes `(n,)`, of a tabulated function: see `write_vector`."""
    words = path.read_text(encoding="ascii").split()
    points = np.array(words[4:], dtype=np.float64).reshape(int(words[2]), 2)
    return points[:, 0], points[:, 1]


def write_spectra(
    path: Path, x: NDArray[np.float64], y: NDArray[np.float64], values: NDArray[np.float64]
) -> None:
    """Write a function of two variables as Geant4 reads its bremsstrahlung spectra.

    Args:
        path: File to write.
        x: First axis, shape `(nx,)`.
        y: Second axis, shape `(ny,)`.
        values: The function, shape `(ny, nx)`.
    """
    rows = [x, y, *values]
    lines = [f"0 {len(x)} {len(y)}", *(" ".join(f"{v:.6e}" for v in row) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="ascii", newline="\n")


def read_spectra(
    path: Path,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Axes and values of a function of two variables: see `write_spectra`."""
    words = path.read_text(encoding="ascii").split()
    nx, ny = int(words[1]), int(words[2])
    numbers = np.array(words[3:], dtype=np.float64)
    return numbers[:nx], numbers[nx : nx + ny], numbers[nx + ny :].reshape(ny, nx)
