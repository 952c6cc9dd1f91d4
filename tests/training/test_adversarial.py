"""One adversarial update: who learns what from whom, in which order."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="needs the extra train")

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from calogan.errors import ConfigurationError
from calogan.files import write_showers
from calogan.networks import FEATURES
from calogan.training import make_config
from calogan.training.adversarial import _Asked, _flip, setup, update
from calogan.training.checkpoint import TrainingState
from calogan.training.configuration import TrainingConfig
from calogan.training.data import ShowerSet
from calogan.training.loading import load_showers
from tests.training.conftest import SMALL, tilted_showers, tiny_showers

FABRIC = Fabric(accelerator="cpu", devices=1)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("showers")
    made = {"e+": tiny_showers(60), "pi+": tiny_showers(60, 1, "pi+"), "beam": tilted_showers(60)}
    for name, showers in made.items():
        write_showers(folder / f"{name}.h5", showers)
    return {name: folder / f"{name}.h5" for name in made}


def showers_of(*paths: Path, config: TrainingConfig) -> ShowerSet:
    particles = dict(zip(("e+", "pi+"), [[path] for path in paths], strict=False))
    return load_showers(particles, config)[0]


def run(
    *paths: Path, n: int = 1, epoch: int = 0, **settings: Any
) -> tuple[TrainingState, list[dict[str, float]]]:
    config = make_config(**{**SMALL, **settings})
    training = showers_of(*paths, config=config)
    state = setup(config, training, FABRIC)
    state.epoch = epoch
    batches = [batch for e in range(n) for batch in training.batches(e, config.batch_size)][:n]
    losses = []
    for batch in batches:
        losses.append(update(state, batch, training, config, FABRIC))
        state.step += 1
    return state, losses


def network(state: TrainingState, name: str) -> Any:
    return state.modules[name]


def weights(module: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in module.parameters()])


def test_an_update_says_what_it_did(files: dict[str, Path]) -> None:
    state, (losses,) = run(files["e+"])
    assert set(losses) == {
        "discriminator_real",
        "accuracy_real",
        "gradient_discriminator_real",
        "discriminator_generated",
        "accuracy_generated",
        "gradient_discriminator_generated",
        "generator",
        "energy_error_gev",
        "gradient_generator",
    }
    gradients = [p.grad.flatten() for p in network(state, "generator").parameters()]
    assert losses["gradient_generator"] == pytest.approx(torch.cat(gradients).norm().item(), 1e-4)


def test_the_published_order_of_updates(
    files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Discriminator on real, on generated showers; then twice the generator, by fresh noise."""
    config = make_config(**SMALL)
    training = showers_of(files["e+"], config=config)
    state = setup(config, training, FABRIC)
    (batch, *_) = training.batches(0, config.batch_size)
    seen: list[tuple[str, float]] = []

    def watch(name: str) -> Any:
        return lambda _, inputs: seen.append((name, inputs[0][0].sum().item()))

    for name in ("generator", "discriminator"):
        state.modules[name].register_forward_pre_hook(watch(name))
        step = state.optimizers[name].step

        def stepped(*args: Any, name: str = name, step: Any = step, **kwargs: Any) -> Any:
            seen.append((f"{name} learns", 0.0))
            return step(*args, **kwargs)

        monkeypatch.setattr(state.optimizers[name], "step", stepped)
    update(state, batch, training, config, FABRIC)
    assert [name for name, _ in seen] == [
        "generator",
        *["discriminator", "discriminator learns"] * 2,
        *["generator", "discriminator", "generator learns"] * 2,
    ]
    assert seen[1][1] == pytest.approx(float(batch.layers[0].sum()))
    noises = [value for name, value in seen if name == "generator"]
    assert len(set(noises)) == 3


def test_each_network_learns_from_its_own_loss_alone(files: dict[str, Path]) -> None:
    """With a tiny rate for one network only the other one moves."""
    for moving, still in (("gen_lr", "disc_lr"), ("disc_lr", "gen_lr")):
        rates: dict[str, Any] = {moving: 1e-2, still: 1e-30}
        learner = {"gen_lr": "generator", "disc_lr": "discriminator"}
        before = run(files["e+"], n=0, **rates)[0]
        after = run(files["e+"], **rates)[0]
        for rate, name in learner.items():
            one, two = (weights(state.modules[name]) for state in (before, after))
            assert torch.allclose(one, two, rtol=0, atol=1e-20) == (rate == still)
        one, two = (weights(state.modules["average"]) for state in (before, after))
        assert torch.allclose(one, two, rtol=0, atol=1e-20) == (moving == "disc_lr")


def test_warming_up_leaves_the_discriminator_alone(files: dict[str, Path]) -> None:
    settings: dict[str, Any] = {"warmup_epochs": 1, "shape_weight": 1.0}
    before, _ = run(files["e+"], n=0, **settings)
    after, (losses,) = run(files["e+"], **settings)
    assert torch.equal(*(weights(s.modules["discriminator"]) for s in (before, after)))
    assert set(losses) == {"generator", "energy_error_gev", "shapes", "gradient_generator"}
    _, (losses,) = run(files["e+"], epoch=1, **settings)
    assert {"shapes", "discriminator_real"} <= set(losses)


def test_the_seed_fixes_an_update(files: dict[str, Path]) -> None:
    paths = files["e+"], files["pi+"]
    assert run(*paths, n=2)[1] == run(*paths, n=2)[1]
    assert run(*paths)[1] != run(*paths, seed=1)[1]


def test_several_particles(files: dict[str, Path]) -> None:
    """The auxiliary loss: both networks come to know one particle from the other."""
    state, losses = run(
        files["e+"],
        files["pi+"],
        n=2,
        condition_features=True,
    )
    assert {"class_real", "class_accuracy_real", "class_generated", "class_generator"} < set(
        losses[0]
    )
    for name in ("generator", "discriminator"):
        assert network(state, name).classes.weight.grad.abs().sum() > 0


def test_the_weight_of_naming_the_particle_counts(files: dict[str, Path]) -> None:
    paths = files["e+"], files["pi+"]
    (none,), (some,) = (run(*paths, class_weight=weight)[1] for weight in (0.0, 5.0))
    assert none["class_real"] == some["class_real"]  # before anything was learnt
    assert some["gradient_discriminator_real"] > 1.5 * none["gradient_discriminator_real"]


@pytest.mark.parametrize("n_classes", [2, 3])
def test_labels_are_flipped_to_other_particles(n_classes: int) -> None:
    rng = torch.Generator().manual_seed(0)
    label = torch.randint(n_classes, (3000,), generator=rng)
    asked = _Asked(torch.ones(3000, 1), label)
    for share in (0.0, 0.3, 1.0):
        flipped = _flip(asked, n_classes, share, rng).label
        assert flipped is not None
        assert (flipped != label).float().mean().item() == pytest.approx(share, abs=0.03)
        assert set(flipped.unique().tolist()) == set(range(n_classes))
    one = _Asked(torch.ones(2, 1), None)
    assert _flip(one, 1, 0.3, rng) is one


def test_place_and_angle_set_their_units(files: dict[str, Path]) -> None:
    config = make_config(**SMALL, reflections=False)
    training = showers_of(files["beam"], config=config)
    state = setup(config, training, FABRIC)
    largest = training.condition[:, 1:].abs().amax(0)
    for name in ("generator", "discriminator", "average"):
        torch.testing.assert_close(network(state, name).beam.unit, largest)
    fresh = setup(config, training, FABRIC, resumed=True)
    assert network(fresh, "generator").beam.unit.tolist() == [1.0] * 4
    _, (losses,) = run(files["beam"], shape_weight=1.0, reflections=False)
    assert all(map(math.isfinite, losses.values()))


def test_features_are_hidden_from_the_discriminator(files: dict[str, Path]) -> None:
    state, _ = run(files["e+"], ablate="sparsity, energy_error", normalize_noise=True)
    assert network(state, "discriminator").features == set(FEATURES) - {"sparsity", "energy_error"}
    assert network(state, "generator").normalize_noise


@pytest.mark.parametrize(
    ("ablate", "message"),
    [
        ("colour", "ablate: unknown feature colour; features are cells, "),
        (",".join(FEATURES), "ablate: nothing is left to judge by"),
    ],
)
def test_what_cannot_be_ablated_is_said(ablate: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make_config(ablate=ablate)


def test_in_bfloat16(files: dict[str, Path]) -> None:
    config = make_config(**SMALL, precision="bf16-mixed")
    training = showers_of(files["e+"], config=config)
    fabric = Fabric(accelerator="cpu", devices=1, precision="bf16-mixed")
    state = setup(config, training, fabric)
    (batch, *_) = training.batches(0, config.batch_size)
    losses = update(state, batch, training, config, fabric)
    _, (exact,) = run(files["e+"])
    assert losses["discriminator_real"] == pytest.approx(exact["discriminator_real"], rel=0.1)
    assert losses["energy_error_gev"] == pytest.approx(exact["energy_error_gev"], rel=0.1)
