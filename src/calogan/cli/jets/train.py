"""calogan jets train: jet images to a trained network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from calogan.training.output import Resume

__all__ = ["EPILOG", "train"]

EPILOG = (
    "Examples: calogan jets train --model lagan jets.h5 -o runs/lagan; "
    "calogan jets train recipes/jets/lagan.yaml -o runs/lagan"
)


def train(
    images: Annotated[
        Path,
        typer.Argument(
            help="File of jet images (HDF5), or sample:jets; or a recipe (YAML): images and settings."
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder of the run: checkpoints, log, model.")
    ],
    model: Annotated[
        str | None, typer.Option(help="lagan, dcgan, fcgan or hybrid. (default: lagan)")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes over the images. (default: 50)")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=2, help="Images per update. (default: 100)")
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(help="32-true, bf16-mixed, or auto: bf16-mixed on a GPU. (default: 32-true)"),
    ] = None,
    accelerator: Annotated[
        str | None, typer.Option(help="auto, cpu, cuda or mps. (default: auto)")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Fixes the run. (default: 0)")] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the model; that of the network unless given.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last checkpoint.")
    ] = False,
    auto_resume: Annotated[
        bool,
        typer.Option("--auto-resume", help="Go on if there is a checkpoint, otherwise start."),
    ] = False,
) -> None:
    """Train a network of the LAGAN paper (arXiv:1701.05927) on jet images.

    Defaults are those of the published code. An option counts more than the recipe, the recipe
    more than a default; further settings are in docs/jets.md, and go into a recipe.
    """
    from calogan.cli.extras import needs_extra
    from calogan.cli.progress import progress_bar

    with needs_extra("training", "train"):
        from calogan.jets.training.loop import export, fit
        from calogan.jets.training.run import open_jet_run

    from calogan.jets.samples import jet_file
    from calogan.jets.training.configuration import make_jet_config
    from calogan.jets.training.recipe import read_jet_recipe

    wanted = {
        "model": model,
        "nb_epochs": epochs,
        "batch_size": batch_size,
        "precision": precision,
        "accelerator": accelerator,
        "seed": seed,
    }
    given: dict[str, Any] = {key: value for key, value in wanted.items() if value is not None}
    if images.suffix.lower() in (".yaml", ".yml"):
        recipe = read_jet_recipe(images)
        config, images, name = recipe.config(**given), recipe.images, name or recipe.name
    else:
        config, images = make_jet_config(**given), jet_file(images)
    going_on: Resume = "auto" if auto_resume else resume
    run = open_jet_run(images, output, config, name=name, resume=going_on)
    with progress_bar("batches", enabled=config.prog_bar) as progress:
        task = progress.add_task(config.model, total=None)

        def on_batch(done: int, total: int, losses: dict[str, float]) -> None:
            shown = {"D": "discriminator_real", "G": "generator"}
            text = " ".join(f"{key} {losses[loss]:.3f}" for key, loss in shown.items())
            progress.update(task, completed=done, total=total, description=f"{config.model} {text}")

        fit(run, on_batch)
    bundle = export(run)
    typer.echo(f"model -> {bundle}")
    typer.echo(f"try it: calogan jets simulate --with {bundle} -n 1000 -o fast.h5")
