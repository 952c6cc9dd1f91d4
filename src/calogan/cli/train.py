"""calogan train: showers to a trained network."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from calogan.training.configuration import TrainingConfig, help_of

if TYPE_CHECKING:
    from calogan.training import Recipe
    from calogan.training.output import Resume

__all__ = ["EPILOG", "train"]

EPILOG = "Example: calogan train particles.yaml --nb-epochs 2 --latent-size 64 -o runs/first"

_YAML_ONLY = {"debug"}  # on the command line, --debug shows tracebacks


def _option(name: str, default: Any) -> inspect.Parameter:
    """A setting as an option; None where it is not given, so that the recipe's value stays."""
    flag = f"--{name.replace('_', '-')}"
    if isinstance(default, bool) and not name.startswith("no_"):
        flag = f"{flag}/--no-{flag[2:]}"
    # whatever is no plain number is checked with the recipe's settings, in their words
    kind = type(default) if isinstance(default, int | float) else str
    shown = {True: "yes", False: "no", "": "none"}.get(default, default)
    option = typer.Option(flag, help=f"{help_of(name)} (default: {shown})", show_default=False)
    annotation = Annotated[kind | None, option]  # type: ignore[valid-type]
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation
    )


def _with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that takes `**settings` an option for each setting of a training."""
    own = [
        parameter
        for parameter in inspect.signature(command, eval_str=True).parameters.values()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    settings = [
        _option(field.name, field.default)
        for field in fields(TrainingConfig)
        if field.name not in _YAML_ONLY
    ]
    command.__signature__ = inspect.Signature([*own, *settings])  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in (*own, *settings)}
    return command


@_with_settings
def train(
    recipe: Annotated[
        Path,
        typer.Argument(
            help="YAML with particles and files (positron: 'data/eplus.h5'), or a recipe with"
            " settings too."
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder of the run: checkpoints, log, model.")
    ] = Path("run"),
    name: Annotated[
        str | None, typer.Option(help="Name of the model; calogan-PARTICLE unless given.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last checkpoint.")
    ] = False,
    auto_resume: Annotated[
        bool,
        typer.Option("--auto-resume", help="Go on if there is a checkpoint, otherwise start."),
    ] = False,
    resume_from: Annotated[
        Path | None, typer.Option(help="Go on from this checkpoint, in another folder.")
    ] = None,
    **settings: Any,
) -> None:
    """Train a CaloGAN (arXiv:1705.02355) on showers of one particle, or of several.

    Options and defaults of the published training script work as they did. An option counts more
    than the recipe, the recipe more than a default. A recipe with network: flow trains a
    normalising flow; its settings are in docs/generator.md.
    """
    from calogan.cli.extras import needs_extra
    from calogan.cli.progress import progress_bar

    with needs_extra("training", "train"):
        from lightning_fabric.utilities.rank_zero import rank_zero_only

        from calogan.training import read_recipe
        from calogan.training.loop import export, fit
        from calogan.training.run import open_run

    wanted = read_recipe(recipe)
    given = {k: v for k, v in settings.items() if v is not None}
    going_on: Resume = resume_from or ("auto" if auto_resume else resume)
    if wanted.network == "flow":
        _train_flow(wanted, output, given, name, going_on)
        return
    config = wanted.config(**given)
    run = open_run(wanted.particles, output, config, name=name or wanted.name, resume=going_on)
    first = getattr(rank_zero_only, "rank", 0) == 0  # of several processes, one speaks
    with progress_bar("batches", enabled=config.prog_bar and first) as progress:
        task = progress.add_task("training", total=None)

        def on_batch(done: int, total: int, losses: dict[str, float]) -> None:
            shown = {"D": "discriminator_real", "G": "generator", "shapes": "shapes"}
            text = " ".join(f"{k} {losses[v]:.3f}" for k, v in shown.items() if v in losses)
            progress.update(task, completed=done, total=total, description=text)

        fit(run, on_batch)
    bundles = export(run)
    if first:
        _tell(bundles)


def _train_flow(
    wanted: Recipe, output: Path, given: dict[str, Any], name: str | None, going_on: Resume
) -> None:
    """Train a normalising flow."""
    from calogan.cli.progress import progress_bar
    from calogan.training.flow.loop import train_flow

    config = wanted.flow_config(**given)
    with progress_bar("batches", enabled=config.prog_bar) as progress:
        task = progress.add_task("training", total=None)

        def on_batch(done: int, total: int, figures: dict[str, float]) -> None:
            text = " ".join(f"{stage} {figure:.2f}" for stage, figure in figures.items())
            progress.update(task, completed=done, total=total, description=text)

        bundle = train_flow(
            wanted.particles,
            output,
            config,
            name=name or wanted.name,
            resume=going_on,
            on_batch=on_batch,
        )
    _tell([bundle])


def _tell(bundles: Sequence[Path]) -> None:
    for bundle in bundles:
        typer.echo(f"model -> {bundle}")
    typer.echo(f"try it: calogan simulate --with {bundles[0]} --energy 50 -n 1000 -o fast.h5")
