"""calogan train: showers to a trained network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["EPILOG", "train"]

EPILOG = "Example: calogan train particles.yaml --nb-epochs 2 --latent-size 64 -o runs/first"


def train(
    dataset: Annotated[
        Path, typer.Argument(help="YAML with a particle and its file: positron: 'data/eplus.h5'")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder of the run: checkpoints, log, model.")
    ] = Path("run"),
    name: Annotated[
        str | None, typer.Option(help="Name of the model; calogan-PARTICLE unless given.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last epoch.")] = False,
    nb_epochs: Annotated[int, typer.Option(help="Passes over the training showers.")] = 50,
    batch_size: Annotated[int, typer.Option(help="Showers per update.")] = 256,
    latent_size: Annotated[int, typer.Option(help="Length of the noise vector.")] = 1024,
    disc_lr: Annotated[float, typer.Option(help="Learning rate of the discriminator.")] = 2e-5,
    gen_lr: Annotated[float, typer.Option(help="Learning rate of the generator.")] = 2e-4,
    adam_beta: Annotated[float, typer.Option(help="Adam's beta_1.")] = 0.5,
    prog_bar: Annotated[
        bool, typer.Option("--prog-bar/--no-prog-bar", help="Show a progress bar.")
    ] = True,
    no_attn: Annotated[
        bool, typer.Option("--no-attn", help="Leave the attention between layers out.")
    ] = False,
    d_pfx: Annotated[
        str, typer.Option(help="Name of the discriminator's weights after each epoch; '' for none.")
    ] = "params_discriminator_epoch_",
    g_pfx: Annotated[
        str, typer.Option(help="Name of the generator's weights after each epoch; '' for none.")
    ] = "params_generator_epoch_",
    energy_weight: Annotated[
        float, typer.Option(help="Weight of |E_tot - E| in the generator's loss.")
    ] = 0.05,
    shape_weight: Annotated[
        float, typer.Option(help="Weight of the shower shapes in its loss; 0 in the paper.")
    ] = 0.0,
    warmup_epochs: Annotated[
        int, typer.Option(help="Epochs of energy and shapes alone, before the discriminator.")
    ] = 0,
    scale_cells: Annotated[
        bool, typer.Option("--scale-cells", help="Learn faint cells as fast as bright ones.")
    ] = False,
    views: Annotated[
        bool, typer.Option(help="Use the further readings of each shower, if the file has them.")
    ] = True,
    reflections: Annotated[
        bool, typer.Option(help="Mirror the showers in x and y at random.")
    ] = True,
    validation_share: Annotated[
        float, typer.Option(help="Share of the showers kept for validation.")
    ] = 0.1,
    precision: Annotated[
        str, typer.Option(help="32-true, bf16-mixed, ... (Lightning Fabric).")
    ] = "32-true",
    seed: Annotated[int, typer.Option(min=0, help="Fixes the run.")] = 0,
) -> None:
    """Train a CaloGAN (arXiv:1705.02355) on the showers of one particle.

    Options and defaults of the published training script work as they did.
    """
    from calogan.cli.extras import needs_extra
    from calogan.cli.progress import progress_bar

    with needs_extra("training", "train"):
        import torch  # noqa: F401

        from calogan.training import make_config, read_particles
        from calogan.training import train as fit

    config = make_config(
        nb_epochs=nb_epochs,
        batch_size=batch_size,
        latent_size=latent_size,
        disc_lr=disc_lr,
        gen_lr=gen_lr,
        adam_beta=adam_beta,
        no_attn=no_attn,
        energy_weight=energy_weight,
        shape_weight=shape_weight,
        warmup_epochs=warmup_epochs,
        scale_cells=scale_cells,
        views=views,
        reflections=reflections,
        validation_share=validation_share,
        precision=precision,
        seed=seed,
    )
    particles = read_particles(dataset)
    prefixes = {"discriminator": d_pfx, "generator": g_pfx}
    with progress_bar("batches", enabled=prog_bar) as progress:
        task = progress.add_task("training", total=None)

        def on_batch(done: int, total: int, losses: dict[str, float]) -> None:
            shown = {"D": "discriminator_real", "G": "generator", "shapes": "shapes"}
            text = " ".join(f"{k} {losses[v]:.3f}" for k, v in shown.items() if v in losses)
            progress.update(task, completed=done, total=total, description=text)

        bundle = fit(
            particles,
            output,
            config,
            name=name,
            resume=resume,
            prefixes={k: v for k, v in prefixes.items() if v},
            on_batch=on_batch,
        )
    typer.echo(f"model -> {bundle}")
    typer.echo(f"try it: calogan simulate --with {bundle} --energy 50 -n 1000 -o fast.h5")
