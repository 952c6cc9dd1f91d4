"""A figure of real and generated showers: mean images, and a few showers one by one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from calogan.files.output import whole_file
from calogan.showers import Showers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_samples", "save_figure"]

_N_SINGLE = 3
_DECADES = 5


def draw_samples(real: Showers, generated: Showers, title: str) -> Figure:
    """Draw mean images and a few showers of the same incident energies, data above network.

    Args:
        real: Showers that no update sees.
        generated: Showers of the same incident particles.
        title: What stands above.

    Returns:
        A figure with two rows per readout layer; columns are the mean and single showers.
    """
    from matplotlib.colors import LogNorm
    from matplotlib.figure import Figure

    n_layers, columns = len(real.layers), 1 + _N_SINGLE
    # showers of low, middle and high energy
    order = np.argsort(real.incident.energy_gev, kind="stable")
    picked = order[(np.linspace(0.1, 0.9, _N_SINGLE) * (len(order) - 1)).astype(int)]
    figure = Figure(figsize=(2.6 * columns + 1, 1.5 * 2 * n_layers + 0.6), layout="constrained")
    figure.suptitle(title, fontsize=11)
    axes: Any = figure.subplots(2 * n_layers, columns, squeeze=False)
    for k in range(n_layers):
        samples = (real.layers[k], generated.layers[k])
        panels = [[sample.mean(0), *sample[picked]] for sample in samples]
        top = max(float(image.max()) for row in panels for image in row) or 1.0
        norm = LogNorm(top * 10.0**-_DECADES, top)
        for row, (images, who) in enumerate(zip(panels, ("data", "network"), strict=True)):
            for column, image in enumerate(images):
                ax = axes[2 * k + row, column]
                # empty cells stay white
                drawn = ax.imshow(
                    np.ma.masked_less_equal(image, 0),
                    norm=norm,
                    aspect="auto",
                    origin="lower",
                    interpolation="nearest",
                )
                ax.set(xticks=[], yticks=[])
                if k == 0 and row == 0:
                    energy = real.incident.energy_gev[picked[column - 1]] if column else 0
                    ax.set_title(f"one of {energy:.0f} GeV" if column else "mean", fontsize=9)
            axes[2 * k + row, 0].set_ylabel(f"layer {k}\n{who}", fontsize=8)
        bar = figure.colorbar(drawn, ax=list(axes[2 * k : 2 * k + 2].flat), pad=0.01)
        bar.set_label("MeV", fontsize=8)
        bar.ax.tick_params(labelsize=7)
    return figure


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG; the file appears whole or not at all."""
    path.parent.mkdir(exist_ok=True)
    with whole_file(path) as part:
        figure.savefig(part, format="png", dpi=80)
