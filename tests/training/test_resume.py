from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from calogan.errors import OutputError, TrainingError
from calogan.files import write_showers
from calogan.training import make_config
from calogan.training.checkpoint import load_checkpoint, save_checkpoint
from calogan.training.loop import fit
from calogan.training.run import open_run
from calogan.training.schedule import learning_rates
from tests.training.conftest import (
    SMALL,
    assert_same_log,
    log_of,
    run_to,
    tiny_showers,
)

_KILLED = """
import os, signal, sys
from pathlib import Path
from calogan.training import make_config
from calogan.training.loop import fit
from calogan.training.checkpoint import load_checkpoint, save_checkpoint
from calogan.training.run import open_run

def kill(done, total, losses):
    if done == 13:
        os.kill(os.getpid(), signal.SIGKILL)

settings = dict(batch_size=16, latent_size=4, validation_share=0.2, d_pfx="", g_pfx="",
    tensorboard=False, pictures_every=0, nb_epochs=3, checkpoint_steps=2)
run = open_run({"positron": Path(sys.argv[1])}, Path(sys.argv[2]), make_config(**settings))
fit(run, kill)
"""


def test_a_resumed_training_is_the_undisturbed_one(
    tmp_path: Path, tiny_file: Path, three_epochs: Path
) -> None:
    run_to(tiny_file, tmp_path, 1)
    run_to(tiny_file, tmp_path, 2, resume=True)
    run_to(tiny_file, tmp_path, 3, resume="auto")
    assert_same_log(tmp_path, three_epochs)
    # from a checkpoint in another folder, with what was best so far
    run_to(tiny_file, tmp_path / "new", 4, resume=tmp_path / "checkpoint.safetensors")
    assert [record["epoch"] for record in log_of(tmp_path / "new")] == [4]
    assert (tmp_path / "new" / "best.safetensors").exists()


@pytest.mark.slow
def test_a_killed_training_resumes_within_its_epoch(
    tmp_path: Path, tiny_file: Path, three_epochs: Path
) -> None:
    """SIGKILL at step 13: the last checkpoint is that of step 12, batch 2 of epoch 3."""
    output = tmp_path / "run"
    done = subprocess.run([sys.executable, "-c", _KILLED, str(tiny_file), str(output)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(log_of(output)) == 2
    # what a kill may leave: a torn line, and one of an epoch that will be done again
    with (output / "log.jsonl").open("a") as log:
        log.write('{"epoch": 3, "step": 15, "generator": 1.0}\n{"epoch": 4, "st')
    steps = []
    config = make_config(**SMALL, nb_epochs=3, checkpoint_steps=2)
    run = open_run({"positron": tiny_file}, output, config, resume=True)
    assert (run.state.epoch, run.state.batch, run.state.step) == (2, 2, 12)
    fit(run, lambda done, _, __: steps.append(done))
    assert steps == [13, 14, 15]
    assert_same_log(output, three_epochs)
    ours, theirs = (
        load_weights(folder / "checkpoint.safetensors") for folder in (output, three_epochs)
    )
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def load_weights(path: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(path)


def test_the_cosine_falls_to_nothing_and_survives_a_resume(tmp_path: Path, tiny_file: Path) -> None:
    config = make_config(lr_schedule="cosine", gen_lr=1e-3, disc_lr=1e-4)
    rates = [learning_rates(config, step, 100) for step in (0, 50, 100)]
    assert [rate["generator"] for rate in rates] == pytest.approx([1e-3, 5e-4, 0])
    assert [rate["discriminator"] for rate in rates] == pytest.approx([1e-4, 5e-5, 0])
    assert learning_rates(make_config(), 77, 100) == {"generator": 2e-4, "discriminator": 2e-5}
    run_to(tiny_file, tmp_path, 2, lr_schedule="cosine")
    log = log_of(tmp_path)
    assert [record["lr_generator"] for record in log] == pytest.approx([2e-4, 1e-4])
    with pytest.raises(TrainingError, match="nb_epochs was 2, now 3"):
        run_to(tiny_file, tmp_path, 3, resume=True, lr_schedule="cosine")


def test_resuming_refuses_another_training(
    tmp_path: Path, tiny_file: Path, three_epochs: Path
) -> None:
    with pytest.raises(TrainingError, match=r"nothing to resume: no .*checkpoint"):
        run_to(tiny_file, tmp_path / "new", 1, resume=True)
    with pytest.raises(TrainingError, match=r"nothing to resume: no .*elsewhere"):
        run_to(tiny_file, tmp_path / "new", 1, resume=tmp_path / "elsewhere")
    with pytest.raises(TrainingError, match=r"cannot resume: gen_lr was 0\.0002, now 0\.01"):
        run_to(tiny_file, three_epochs, 3, resume=True, gen_lr=0.01)
    with pytest.raises(OutputError, match="holds a training already"):
        run_to(tiny_file, three_epochs, 3)
    run_to(tiny_file, tmp_path, 1)
    with pytest.raises(OutputError, match="holds another training"):
        run_to(tiny_file, tmp_path, 3, resume=three_epochs / "checkpoint.safetensors")
    other = tmp_path / "other.h5"
    write_showers(other, tiny_showers(100, seed=5))
    with pytest.raises(TrainingError, match="other showers"):
        run_to(other, three_epochs, 3, resume=True)
    write_showers(other, tiny_showers(100, particle="gamma"))
    with pytest.raises(TrainingError, match="other particles"):
        open_run({"gamma": other}, three_epochs, make_config(**SMALL), resume=True)
    assert not (tmp_path / "new").exists()


def test_a_damaged_checkpoint_is_one_clear_line(
    tmp_path: Path, tiny_file: Path, three_epochs: Path
) -> None:
    whole = (three_epochs / "checkpoint.safetensors").read_bytes()
    (tmp_path / "checkpoint.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TrainingError, match="cannot continue from the checkpoint") as caught:
        run_to(tiny_file, tmp_path, 3, resume=True)
    assert "\n" not in str(caught.value)


_TWO = """
import sys
from pathlib import Path
import torch
from calogan.training import make_config
from calogan.training.loop import export, fit
from calogan.training.checkpoint import load_checkpoint, save_checkpoint
from calogan.training.run import open_run

settings = dict(batch_size=16, latent_size=4, validation_share=0.2, d_pfx="", g_pfx="",
    tensorboard=False, pictures_every=0, accelerator="cpu", devices=2)
output = Path(sys.argv[2])
config = make_config(nb_epochs=int(sys.argv[3]), **settings)
run = open_run({"e+": Path(sys.argv[1])}, output, config, resume="auto")
fit(run)
total = sum(p.double().abs().sum().item() for name in ("generator", "discriminator")
    for p in run.state.modules[name].parameters())
(output / f"weights_{run.fabric.global_rank}").write_text(repr(total))
(output / f"noise_{run.fabric.global_rank}").write_text(
    str(torch.randn(8, generator=run.state.rng).tolist())
)
"""


@pytest.mark.slow
def test_two_processes_train_one_network(tmp_path: Path, tiny_file: Path) -> None:
    """Gloo on the CPU: shares of each batch, one set of weights, one writer."""
    script, output = tmp_path / "script.py", tmp_path / "run"
    script.write_text(_TWO)
    subprocess.run(
        [sys.executable, str(script), str(tiny_file), str(output), "2"],
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        timeout=300,
    )
    weights = [(output / f"weights_{rank}").read_text() for rank in range(2)]
    assert weights[0] == weights[1]
    assert float(weights[0]) > 0
    log = log_of(output)
    assert [(record["epoch"], record["step"]) for record in log] == [(1, 5), (2, 10)]
    assert (output / "noise_0").read_text() != (output / "noise_1").read_text()
    # one process can go on with what two began
    run_to(tiny_file, output, 3, resume=True)
    assert len(log_of(output)) == 3


def test_each_process_goes_on_with_its_own_noise(tmp_path: Path, tiny_file: Path) -> None:
    run = open_run({"e+": tiny_file}, tmp_path / "run", make_config(**SMALL))
    rows = torch.stack([torch.Generator().manual_seed(rank).get_state() for rank in range(2)])
    save_checkpoint(tmp_path / "two.safetensors", run.state, {}, rows)
    for rank in (1, 0, 2):  # a third process is new: it keeps the noise that it has, of rank 0
        load_checkpoint(tmp_path / "two.safetensors", run.state, rank)
        assert torch.equal(run.state.rng.get_state(), rows[rank % 2])
