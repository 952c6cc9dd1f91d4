"""A training run of a jet image generator: open it, run its epochs, export its model."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from torch import Tensor, nn

from calogan.jets.card import AuxiliaryClassifier
from calogan.jets.images import JetImages
from calogan.jets.training.adversarial import update
from calogan.jets.training.configuration import JetTrainingConfig
from calogan.jets.training.export import export_jet_bundle
from calogan.jets.training.run import JetRun, open_jet_run, save
from calogan.jets.training.validation import Judge, confusion, generate_like, settle
from calogan.networks.lagan import JetImageGenerator
from calogan.training.checkpoint import load_checkpoint
from calogan.training.epochs import Course, OnBatch, is_drawn, run_epochs
from calogan.training.output import BEST, Resume
from calogan.training.record import RunRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["export", "fit", "train_jets"]


def train_jets(
    images: Path,
    output: Path,
    config: JetTrainingConfig,
    *,
    name: str | None = None,
    resume: Resume = False,
    on_batch: OnBatch | None = None,
) -> Path:
    """Train a generator of jet images and write it as a bundle.

    Args:
        images: File of jet images.
        output: Folder of the run: `checkpoint.safetensors`, `best.safetensors` (the best epoch by
            the distance of jet observables), `config.yaml`, `log.jsonl`, `tensorboard/`,
            `pictures/`, and the bundle `model/`.
        config: The settings.
        name: Name of the model; that of the network (`lagan`) unless given.
        resume: As for `open_jet_run`.
        on_batch: Called after every batch with the batches done, their total, and the losses.

    Returns:
        The folder of the bundle.

    Raises:
        CaloganError: Whatever the user can mend, see `open_jet_run`; or losses that are not
            numbers.
    """
    run = open_jet_run(images, output, config, name=name, resume=resume)
    fit(run, on_batch)
    return export(run)


def fit(run: JetRun, on_batch: OnBatch | None = None) -> None:
    """Run the epochs that are left, and write checkpoints and records after each."""
    config, state = run.config, run.state

    def batches(epoch: int, start: int) -> Iterator[tuple[Tensor, Tensor]]:
        return run.images.batches(epoch, config.batch_size, start=start)

    def one_update(batch: tuple[Tensor, Tensor]) -> dict[str, float]:
        return update(state, *batch, config, run.fabric)

    shown = ("discriminator_real", "discriminator_generated", "generator", "class_generator")
    judge = Judge(run.images.validation)
    course = Course(
        batches,
        one_update,
        partial(_validate, run, judge),
        partial(save, run),
        "image_distance",
        shown,
    )
    run_epochs(run, course, on_batch)


def _validate(run: JetRun, judge: Judge, record: RunRecord) -> dict[str, float]:
    """Compare the generator with the validation images, and draw both at times."""
    config, epoch = run.config, run.state.epoch
    chosen = _choose(run, judge)
    if is_drawn(config, epoch):

        def draw() -> Figure:
            from calogan.jets.training.pictures import draw_images

            return draw_images(judge.real, chosen.images, f"{run.name}, epoch {epoch}")

        record.figure("images", "images", epoch, run.state.step, draw)
    return {**chosen.distances, "average_is_nearer": float(chosen.weights == "averaged")}


class _Chosen(NamedTuple):
    """A generator, the images that it made for the validation, and their distances."""

    weights: str
    generator: JetImageGenerator
    images: JetImages
    distances: dict[str, float]


def _choose(run: JetRun, judge: Judge) -> _Chosen:
    """Take the averaged weights or the last ones, whichever are nearer to the validation images.

    The average is nearer while the rates are high, except where faint pixels get lost in it.
    """
    found = []
    for weights, generator in run.generators.items():
        settle(generator, run.config, run.fabric.device)
        images = generate_like(generator, judge.real, run.config, run.fabric.device)
        found.append(_Chosen(weights, generator, images, judge.distances(images)))
    return min(found, key=lambda chosen: chosen.distances["image_distance"])


def export(run: JetRun) -> Path:
    """Write the best epoch as a bundle, with its quality on the card."""
    load_checkpoint(run.output / BEST, run.state)
    judge = Judge(run.images.validation)
    chosen = _choose(run, judge)
    discriminator = cast(nn.Module, run.state.modules["discriminator"].module)
    named = {
        what: confusion(discriminator, images, run.config, run.fabric.device)
        for what, images in (("pythia", judge.real), ("generated", chosen.images))
    }
    return export_jet_bundle(
        run.output / "model",
        chosen.generator.cpu(),
        run.name,
        run.images,
        run.config,
        judge.figures(chosen.images),
        {"best_epoch": run.state.epoch, "best_weights": chosen.weights},
        AuxiliaryClassifier.model_validate({what: m.tolist() for what, m in named.items()}),
    )
