"""A figure of real and generated images: means of both classes, and a few images one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from calogan.jets.images import HALF_WIDTH, JetImages
from calogan.jets.observables import THRESHOLD_GEV

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_images"]

_N_SINGLE = 3


def draw_images(real: JetImages, generated: JetImages, title: str) -> Figure:
    """Draw mean images and a few jets of each class, Pythia above network.

    Args:
        real: Images that no update sees.
        generated: Images of the same classes.
        title: What stands above.

    Returns:
        A figure with two rows for each class; columns are the mean and single images.
    """
    from matplotlib.colors import LogNorm
    from matplotlib.figure import Figure

    columns = 1 + _N_SINGLE
    figure = Figure(figsize=(2.1 * columns + 1, 8.6), layout="constrained")
    figure.suptitle(title, fontsize=11)
    axes: Any = figure.subplots(4, columns)
    top = max(float(images.image.max(initial=1.0)) for images in (real, generated))
    norm = LogNorm(THRESHOLD_GEV, top)
    edge = (-HALF_WIDTH, HALF_WIDTH, -HALF_WIDTH, HALF_WIDTH)
    rows = [
        (f"{kind}, {who}", images.image[images.signal == wanted])
        for kind, wanted in (("W", True), ("QCD", False))
        for who, images in (("Pythia", real), ("network", generated))
    ]
    for row, (label, sample) in enumerate(rows):
        panels = [sample.mean(0), *sample[:_N_SINGLE]] if len(sample) else []
        for ax, image in zip(axes[row], panels, strict=False):
            # empty pixels stay white
            drawn = ax.imshow(np.ma.masked_less(image, THRESHOLD_GEV), norm=norm, extent=edge)
        for column, ax in enumerate(axes[row]):
            ax.set(xticks=(-1, 0, 1), yticks=(-1, 0, 1))
            ax.tick_params(labelsize=7, labelbottom=row == 3, labelleft=column == 0)
        axes[row, 0].set_ylabel(f"{label}\n$\\phi'$", fontsize=8)
    for column, ax in enumerate(axes[0]):
        ax.set_title(f"one jet, no. {column}" if column else "mean of all", fontsize=9)
    for column in range(columns):
        axes[3, column].set_xlabel("$\\eta'$", fontsize=8)
    bar = figure.colorbar(drawn, ax=list(axes.flat), pad=0.01, aspect=50)
    bar.set_label("pixel $p_T$ [GeV]", fontsize=8)
    return figure
