"""Draw the networks, and count their numbers, from the networks themselves.

python scripts/draw_architecture.py            # docs/figures/architecture.png
python scripts/draw_architecture.py --tables   # the tables of docs/architecture.md
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from calogan.calorimeter import CALOGAN
from calogan.conditions import CONDITIONS
from calogan.networks import CaloganDiscriminator, CaloganGenerator

SHAPES = CALOGAN.layer_shapes
LATENT = 1024
FIGURE = Path(__file__).parent.parent / "docs" / "figures" / "architecture.png"

TIMES, MINUS, ARROW = "\N{MULTIPLICATION SIGN}", "\N{MINUS SIGN}", "\N{RIGHTWARDS ARROW}"
BLUE, TEAL, ORANGE, PURPLE, GREY = "#dbe7f6", "#d3eee6", "#fde3c8", "#e7dcf5", "#eeeeee"
EDGES = {BLUE: "#4a78b5", TEAL: "#2f8f76", ORANGE: "#cf7a1f", PURPLE: "#7d56b0", GREY: "#8a8a8a"}


def count(module: Any) -> int:
    """Numbers that a module learns."""
    return sum(parameter.numel() for parameter in module.parameters())


def table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    """A Markdown table; whole numbers with thousands apart."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    cells = [[f"{x:,}".replace(",", " ") if isinstance(x, int) else x for x in r] for r in lines]
    return [f"| {' | '.join(row)} |" for row in cells]


def tables() -> list[str]:
    """Lines of the tables of docs/architecture.md."""
    generator, discriminator = CaloganGenerator(SHAPES, LATENT), CaloganDiscriminator(SHAPES)
    names = [f"layer {k}, {rows} x {columns}" for k, (rows, columns) in enumerate(SHAPES)]
    streams: Any = generator.streams
    attention = [0, *map(count, generator.attentions)]
    rows: list[list[Any]] = [
        ["dense", *(count(s.dense) for s in streams)],
        ["convolution 2 x 2", *(count(s.conv) for s in streams)],
        ["batch normalisation", *(count(s.norm) for s in streams)],
        ["locally connected 2 x 2, 6 channels", *(count(s.local) for s in streams)],
        ["locally connected 2 x 2, 1 channel", *(count(s.out) for s in streams)],
        ["attention", *attention],
        ["**sum**", *(count(s) + a for s, a in zip(streams, attention, strict=True))],
    ]
    lines = ["Generator:", "", *table(["block", *names], rows)]
    lines += ["", f"All layers: {count(generator):,} numbers.".replace(",", " "), ""]
    streams = discriminator.streams
    rows = [
        ["convolution 2 x 2, 64 channels", *(count(s.conv) for s in streams)],
        ["locally connected 3 x 3, 16 channels", *(count(s.locals[0]) for s in streams)],
        ["locally connected 2 x 2, 8 channels", *(count(s.locals[1]) for s in streams)],
        ["locally connected 2 x 2, 8 channels", *(count(s.locals[2]) for s in streams)],
        ["batch normalisations", *(count(s.norms) for s in streams)],
        ["minibatch discrimination, features", *map(count, discriminator.closeness)],
        ["minibatch discrimination, sparsity", *map(count, discriminator.sparsity_closeness)],
    ]
    sums = [sum(row[k] for row in rows) for k in range(1, len(names) + 1)]
    lines += ["Discriminator:", "", *table(["block", *names], [*rows, ["**sum**", *sums]])]
    over_all = [count(discriminator.energy_closeness), count(discriminator.real)]
    words = [f"{n:,}".replace(",", " ") for n in (*over_all, count(discriminator))]
    sentence = (
        f"Over all layers: {words[0]} in the minibatch discrimination of the layer energies and"
        f" {words[1]} in the last layer. Together: {words[2]} numbers."
    )
    lines += ["", sentence, ""]
    rows = []
    variants: list[tuple[str, int, dict[str, Any]]] = [
        ("the paper's", LATENT, {}),
        ("without attention", LATENT, {"attention": False}),
        ("`condition_features`", LATENT, {"condition_features": True}),
        ("3 particles", LATENT, {"n_classes": 3}),
        ("place and angle", LATENT, {"condition_names": CONDITIONS}),
        ("latent size 128", 128, {}),
    ]
    for name, latent, options in variants:
        made = CaloganGenerator(SHAPES, latent, **options)
        told = {k: v for k, v in options.items() if k in ("n_classes", "condition_names")}
        opponent = CaloganDiscriminator(SHAPES, **told)
        rows.append([name, count(made), count(made.merged()), count(opponent)])
    return lines + table(["variant", "generator", "exported", "discriminator"], rows)


class Page:
    """Boxes and arrows on a page of 140 x 96 units."""

    def __init__(self) -> None:
        from matplotlib import pyplot as plt

        self.figure = plt.figure(figsize=(14, 9.6), dpi=100)
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set(xlim=(0, 140), ylim=(0, 96))
        self.axes.axis("off")

    def box(
        self, x: float, y: float, w: float, h: float, text: str, color: str, **style: Any
    ) -> None:
        """A rounded box around (x, y); the first line of its text is its name."""
        from matplotlib.patches import FancyBboxPatch

        self.axes.add_patch(
            FancyBboxPatch(
                (x - w / 2, y - h / 2),
                w,
                h,
                boxstyle="round,pad=0,rounding_size=0.8",
                facecolor=color,
                edgecolor=EDGES[color],
                linewidth=1.2,
                **style,
            )
        )
        name, *rest = text.split("\n")
        lines = len(rest)
        self.text(x, y + 1.05 * lines, name, size=9.5, weight="bold")
        for k, line in enumerate(rest):
            self.text(x, y + 1.05 * lines - 2.1 * (k + 1), line, size=8.5)

    def text(self, x: float, y: float, text: str, **style: Any) -> None:
        """Text around (x, y)."""
        style = {"ha": "center", "va": "center", "color": "#222222", **style}
        self.axes.text(x, y, text, **style)

    def arrow(self, start: tuple[float, float], end: tuple[float, float], **style: Any) -> None:
        """An arrow."""
        look = {"arrowstyle": "-|>", "color": "#555555", "linewidth": 1.1, "shrinkA": 0}
        self.axes.annotate("", end, start, arrowprops={**look, "shrinkB": 0, **style})

    def image(self, x: float, y: float, image: Any) -> None:
        """Cells of a layer around (x, y), on a log scale."""
        from matplotlib.colors import LogNorm

        inset = self.axes.inset_axes((x - 5.5, y - 4.2, 11, 8.4), transform=self.axes.transData)
        inset.imshow(
            image.T, aspect="auto", cmap="magma", norm=LogNorm(0.05, 2e4, clip=True), origin="lower"
        )
        inset.set(xticks=[], yticks=[])
        for side in inset.spines.values():
            side.set(color="#555555", linewidth=0.8)


def by(*sizes: int) -> str:
    """Sizes as they are written: 3 x 96."""
    return f" {TIMES} ".join(map(str, sizes))


def short(n: int) -> str:
    """A number of numbers, to three digits."""
    if n >= 999_500:
        return f"{n / 1e6:.3g} M"
    return f"{n / 1e3:.3g} k" if n >= 1000 else str(n)


def layer_text(name: str, kernel: int, size: Sequence[int], layer: Any) -> str:
    """What stands in the box of a layer."""
    return f"{name}\n{ARROW} {by(*size)}\n{by(kernel, kernel)}, {short(count(layer))}"


def sample_images() -> list[Any]:
    """One Geant4 shower of a 50 GeV positron or so, layer by layer [MeV]."""
    import numpy as np

    from calogan.files import read_showers
    from calogan.samples import sample_path

    showers = read_showers(sample_path("eplus"))
    index = int(np.abs(showers.incident.energy_gev - 50).argmin())
    return [layer[index] for layer in showers.layers]


def draw_generator(page: Page, network: CaloganGenerator, images: Sequence[Any]) -> None:
    """The upper half of the page."""
    streams: Any = network.streams
    heights = [83.0, 70.0, 57.0]
    page.text(3, 93, "Generator", size=17, weight="bold", ha="left")
    page.text(17.5, 92.8, f"{short(count(network))} numbers", size=11, color="#666666", ha="left")
    note = "leaky ReLU behind each convolution and locally connected layer but the generator's last"
    page.text(137, 93, note, size=8.5, color="#666666", ha="right")
    page.box(9, 81, 13, 6.4, f"noise\n{LATENT} normal", GREY)
    page.box(9, 70, 13, 6.4, "energy\nE / 100 GeV", GREY)
    page.box(9, 59, 13, 6.4, "particle\nlearnt vector", GREY, linestyle=(0, (4, 3)))
    page.text(22.5, 70, TIMES, size=26, weight="bold", color="#555555")
    for place in (81, 70, 59):
        page.arrow((15.6, place), (20.4, 70 + 0.14 * (place - 70)))
    columns = [35.5, 52.5, 69.5, 86.5, 103.5, 119]
    for k, (stream, image, y) in enumerate(zip(streams, images, heights, strict=True)):
        page.arrow((24.6, 70 + 0.14 * (y - 70)), (columns[0] - 7.1, y))
        canvas = stream.canvas
        texts = [
            (f"dense\n{ARROW} {by(*canvas)}\n{short(count(stream.dense))}", BLUE),
            (layer_text("convolution", 2, (*canvas[:2], 16), stream.conv), TEAL),
        ]
        for layer, channels in ((stream.local, 6), (stream.out, 1)):
            size = (*layer.out_size, channels)
            texts.append((layer_text("locally connected", 2, size, layer), ORANGE))
        for x, (text, color) in zip(columns, texts, strict=False):
            page.box(x, y, 14.2, 8.6, text, color)
        for a, b in pairwise(columns[:4]):
            page.arrow((a + 7.1, y), (b - 7.1, y))
        if k:
            attention: Any = network.attentions[k - 1]
            page.arrow((columns[3] + 7.1, y), (columns[4] - 6.6, y))
            text = layer_text("attention", 3, image.shape, attention)
            page.box(columns[4], y, 13.2, 8.6, text, PURPLE)
            # from the layer in front, through its attention
            start = heights[k - 1] - (4.3 if k > 1 else 0)
            page.arrow((columns[4], start), (columns[4], y + 4.3), color=EDGES[PURPLE])
            page.text(columns[4] + 1, y + 6.5, "averaged", size=8, color=EDGES[PURPLE], ha="left")
            page.arrow((columns[4] + 6.6, y), (columns[5] - 2.7, y))
        else:
            page.arrow((columns[3] + 7.1, y), (columns[5] - 2.7, y))
        page.box(columns[5], y, 5.4, 4.4, "ReLU", GREY)
        page.arrow((columns[5] + 2.7, y), (124.9, y))
        page.image(130.6, y, image)
        page.text(130.6, y - 5.4, f"layer {k}: {by(*image.shape)}", size=8.5)


def draw_discriminator(page: Page, network: CaloganDiscriminator, images: Sequence[Any]) -> None:
    """The lower half of the page."""
    small: dict[str, Any] = {"size": 8.5, "ha": "right", "color": "#666666"}
    streams: Any = network.streams
    heights = [35.0, 22.0, 9.0]
    page.text(3, 46, "Discriminator", size=17, weight="bold", ha="left")
    page.text(22.3, 45.8, f"{short(count(network))} numbers", size=11, color="#666666", ha="left")
    columns = [22.5, 39.5, 56.5, 73.5]
    for k, (stream, image, y) in enumerate(zip(streams, images, heights, strict=True)):
        page.image(8.5, y, image)
        page.text(8.5, y - 5.4, f"layer {k}", size=8.5)
        page.arrow((14.2, y), (columns[0] - 7.1, y))
        text = layer_text("convolution", 2, (*image.shape, 64), stream.conv)
        page.box(columns[0], y, 14.2, 8.6, text, TEAL)
        for x, layer, kernel, channels in zip(
            columns[1:], stream.locals, (3, 2, 2), (16, 8, 8), strict=True
        ):
            text = layer_text("locally connected", kernel, (*layer.out_size, channels), layer)
            page.arrow((x - 9.9, y), (x - 7.1, y))
            page.box(x, y, 14.2, 8.6, text, ORANGE)
        page.arrow((columns[3] + 7.1, y), (columns[3] + 9.9, y))
        text = f"features\n{stream.out_features}, and 10 of their\nlikeness in the batch"
        page.box(91, y, 15.2, 8.6, text, BLUE)
        page.arrow((98.6, y), (117.3, 22 + 0.35 * (y - 22)))
    page.box(108, 40, 15.6, 7.6, "sparsity\nper layer, and its\nlikeness", BLUE)
    page.box(108, 4, 15.6, 7.0, "energies\nper layer, their\nlikeness, their sum", BLUE)
    page.box(128, 40, 15.6, 7.6, f"energy error\n|E total {MINUS} E| and\nwhether > 5 GeV", BLUE)
    page.arrow((111, 36.2), (119.6, 29.2))
    page.arrow((126, 36.2), (123.6, 29.2))
    page.arrow((111, 7.5), (119.6, 14.8))
    page.box(122, 22, 9.4, 14.4, f"linear\n{short(count(network.real))}", BLUE)
    page.arrow((126.7, 25), (129.7, 27.4))
    page.arrow((126.7, 19), (129.7, 16.6), linestyle=(0, (4, 3)))
    page.box(134.4, 27.6, 9.2, 5.6, "real?", GREY)
    page.box(134.4, 16.4, 9.2, 5.6, "particle?", GREY, linestyle=(0, (4, 3)))
    page.text(137, 5.2, "likeness: minibatch discrimination", **small)
    page.text(137, 2.6, "dashed: several particles (ACGAN)", **small)


def draw(path: Path) -> None:
    """Draw the figure of docs/architecture.md."""
    import matplotlib as mpl
    from PIL import Image

    mpl.use("agg")
    page, images = Page(), sample_images()
    draw_generator(page, CaloganGenerator(SHAPES, LATENT), images)
    page.axes.plot((3, 137), (49, 49), color="#cccccc", linewidth=0.8)
    draw_discriminator(page, CaloganDiscriminator(SHAPES), images)
    path.parent.mkdir(parents=True, exist_ok=True)
    page.figure.savefig(drawn := io.BytesIO(), format="png")
    Image.open(drawn).convert("RGB").quantize(200).save(path, optimize=True)


def main() -> None:
    """Draw, or print the tables."""
    parser = argparse.ArgumentParser(description="Draw the networks and count their numbers.")
    parser.add_argument("--tables", action="store_true", help="print the tables instead")
    parser.add_argument("-o", "--output", type=Path, default=FIGURE, help="where the figure goes")
    arguments = parser.parse_args()
    if arguments.tables:
        print("\n".join(tables()))
    else:
        draw(arguments.output)
        print(arguments.output)


if __name__ == "__main__":
    main()
