from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="needs the extra train")

import torch

from calogan.training.matching import coordinates_of, shape_loss
from tests.conftest import make_showers


def batch(seed: int) -> tuple[list[torch.Tensor], torch.Tensor]:
    showers = make_showers(64, seed)
    layers = [torch.as_tensor(layer) / 1000 for layer in showers.layers]
    energy = torch.as_tensor(showers.incident.energy_gev, dtype=torch.float32)[:, None]
    return layers, energy


def test_a_batch_is_no_distance_from_itself() -> None:
    layers, energy = batch(0)
    assert shape_loss(layers, layers, energy).item() == 0


@pytest.mark.parametrize("change", ["half the energy", "shifted", "few cells", "one layer empty"])
def test_what_differs_is_farther_than_another_batch(change: str) -> None:
    real, energy = batch(0)
    other, _ = batch(1)
    other = [
        b * a.sum((1, 2), keepdim=True) / b.sum((1, 2), keepdim=True)
        for a, b in zip(real, other, strict=True)
    ]
    floor = shape_loss(real, other, energy)
    changed = [layer.clone() for layer in other]
    if change == "half the energy":
        changed = [layer / 2 for layer in changed]
    elif change == "shifted":
        changed = [layer.roll(2, dims=2) for layer in changed]
    elif change == "few cells":
        changed = [torch.where(layer > layer.mean(), layer, 0.0) for layer in changed]
    else:
        changed[2] = torch.zeros_like(changed[2])
    assert shape_loss(real, changed, energy).item() > 1.2 * floor.item()


def test_the_gradient_reaches_every_layer_and_is_finite() -> None:
    real, energy = batch(0)
    generated = [torch.zeros_like(layer).requires_grad_() for layer in real]
    shape_loss(real, generated, energy).backward()
    for layer in generated:
        assert layer.grad is not None
        assert torch.isfinite(layer.grad).all()
        assert layer.grad.abs().sum() > 0


def test_coordinates_of_what_is_asked_for() -> None:
    condition = torch.tensor([[10.0, -5.0], [35.0, 5.0], [35.0, 2.5]])
    t = coordinates_of(condition, torch.tensor([0, 1, 1]), 2)
    apart = torch.cdist(t, t).square()
    assert apart[0, 1].item() == pytest.approx(1 + 4**2 + 2**2)  # energy, place, particle
    assert apart[1, 2].item() == pytest.approx(1)  # a quarter of the reach in place
    energy = condition[:, :1]
    torch.testing.assert_close(coordinates_of(energy, None), energy / 25)


def test_showers_of_the_wrong_particle_are_far() -> None:
    """The same two kinds of showers, each as often as asked for, but for the wrong requests."""
    real, energy = batch(0)
    label = torch.arange(64) % 2
    kinds = [torch.where((label == 1)[:, None, None], x.roll(3, dims=2), x) for x in real]
    swapped = [torch.where((label == 0)[:, None, None], x.roll(3, dims=2), x) for x in real]
    told = coordinates_of(energy, label, 2)
    wrong = shape_loss(kinds, swapped, energy, told) - shape_loss(kinds, kinds, energy, told)
    blind = shape_loss(kinds, swapped, energy) - shape_loss(kinds, kinds, energy)
    assert wrong.item() > 1.2 * blind.item()
