"""A training of a jet image generator that can be run: checked, opened, or read from a checkpoint."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml
from lightning_fabric import Fabric

from calogan.bundle import check_model_name, split_version
from calogan.files.output import whole_file
from calogan.jets.training.adversarial import setup
from calogan.jets.training.configuration import FREE_TO_CHANGE, JetTrainingConfig
from calogan.jets.training.data import ImageSet, load_images
from calogan.networks.lagan import JetImageGenerator
from calogan.training.checkpoint import TrainingState, load_checkpoint, save_checkpoint
from calogan.training.hardware import make_fabric
from calogan.training.instabilities import Watch
from calogan.training.output import (
    Resume,
    bring_best,
    check_same_training,
    find_checkpoint,
    prepare_output,
)

__all__ = ["JetRun", "open_jet_run", "save"]


@dataclass
class JetRun:
    """A training that can be run.

    Args:
        output: Its folder.
        config: Its settings.
        name: Name of the model.
        images: Images that updates see, and those that they do not.
        fabric: Where it runs.
        state: What changes in each update.
        facts: What checkpoints say of the training.
        best: Epoch and distances of the best epoch so far.
        watch: What has been going wrong, and for how long.
    """

    output: Path
    config: JetTrainingConfig
    name: str
    images: ImageSet
    fabric: Fabric
    state: TrainingState
    facts: dict[str, Any]
    best: dict[str, float]
    watch: Watch

    @property
    def n_batches(self) -> int:
        """Batches per epoch."""
        return len(self.images) // self.config.batch_size

    @property
    def generators(self) -> dict[str, JetImageGenerator]:
        """Copies of the generator to choose from: with averaged weights, and with the last ones."""
        average, last = self.state.modules["average"], self.state.modules["generator"]
        copies = copy.deepcopy({"averaged": average, "last": last.module})
        return cast(dict[str, JetImageGenerator], copies)


def open_jet_run(
    images: Path,
    output: Path,
    config: JetTrainingConfig,
    *,
    name: str | None = None,
    resume: Resume = False,
) -> JetRun:
    """Check everything, and make the networks or read them from a checkpoint.

    Args:
        images: File of jet images.
        output: Folder of the run.
        config: The settings.
        name: Name of the model; that of the network (`lagan`) unless given.
        resume: Go on from the checkpoint in `output` (True), from it if there is one ("auto"), or
            from this file.

    Raises:
        CaloganError: The images cannot be read, are too few, or are not those that the training
            began with; `output` cannot be written, or holds another training; nothing to resume.
    """
    name = name or config.model
    check_model_name(split_version(name)[0])
    checkpoint = find_checkpoint(output, resume)
    data = load_images(images, config)
    facts = {"images": data.checksum, "config": config.as_dict()}
    if checkpoint:
        check_same_training(load_checkpoint(checkpoint), facts, FREE_TO_CHANGE)
    fabric = make_fabric(config)
    prepare_output(output, [output / "model"])
    state = setup(config, fabric)
    run = JetRun(output, config, name, data, fabric, state, facts, {}, Watch(noun="images"))
    if checkpoint:
        about = load_checkpoint(checkpoint, state)
        run.best = bring_best(checkpoint, about["best"], output, fabric)
        run.watch.counts = about["watch"]
    recipe = {"name": name, "images": str(images.resolve()), "training": config.as_dict()}
    with whole_file(output / "config.yaml") as part:
        part.write_text(yaml.safe_dump(recipe, sort_keys=False), encoding="utf-8")
    return run


def save(run: JetRun, *names: str) -> None:
    """Write the state to files of the run."""
    about = {**run.facts, "best": run.best, "watch": run.watch.counts}
    for name in names:
        save_checkpoint(run.output / name, run.state, about)
