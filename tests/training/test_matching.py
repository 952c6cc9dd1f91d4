from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="needs the extra train")

import torch

from calogan.training.matching import shape_loss
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
