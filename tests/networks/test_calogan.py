"""What is particular to the CaloGAN."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="needs the extra train")

import torch
from torch import Tensor

from calogan.errors import CalorimeterError, ConfigurationError
from calogan.networks import CaloganDiscriminator, CaloganGenerator

PAPER = ((3, 96), (12, 12), (12, 6))
SMALL = ((3, 8), (4, 4), (4, 2))


@torch.no_grad()
def images(generator: CaloganGenerator, *inputs: Tensor) -> Tensor:
    """All cells of all layers, `(n, cells)`."""
    return torch.cat([image.flatten(1) for image in generator.eval()(*inputs)], dim=1)


def test_sizes_are_those_of_the_paper() -> None:
    generator = CaloganGenerator(PAPER, latent_size=1024)
    dense = sum(
        weight.numel()
        for name, weight in generator.named_parameters()
        if name.endswith("dense.weight")
    )
    assert dense == 1024 * 36 * (5 * 98 + 14 * 14 + 14 * 8)
    first = CaloganDiscriminator(PAPER).streams[0]
    # (3, 96) -> stride (1, 2) -> (3, 48) -> (4, 49) -> (5, 25), 8 channels
    assert first.out_features == 8 * 5 * 25


def test_requested_energy_scales_the_noise() -> None:
    generator = CaloganGenerator(SMALL, latent_size=8)
    noise = torch.randn(3, 8)
    one = images(generator, noise, torch.full((3, 1), 50.0))
    two = images(generator, noise / 2, torch.full((3, 1), 100.0))
    torch.testing.assert_close(one, two)


def test_the_length_of_the_noise_counts_unless_it_is_normalized() -> None:
    noise, energy = torch.randn(3, 8), torch.full((3, 1), 50.0)
    for normalize in (False, True):
        torch.manual_seed(0)
        generator = CaloganGenerator(SMALL, latent_size=8, normalize_noise=normalize)
        one, two = (images(generator, scale * noise, energy) for scale in (1.0, 3.0))
        assert torch.allclose(one, two, rtol=1e-4, atol=1e-5) == normalize
        # noise of length sqrt(latent size) is left as it is
        unit = noise * (8 / noise.square().sum(1, keepdim=True)).sqrt()
        h = generator.latent_input(unit, 2 * energy, None)
        torch.testing.assert_close(h, unit.T)


def test_features_say_the_energy_beside_the_noise() -> None:
    energy = torch.tensor([[1.0], [10.0], [100.0]])
    generator = CaloganGenerator(SMALL, latent_size=8, condition_features=True)
    h = generator.latent_input(torch.zeros(3, 8), energy, None)
    assert h.shape == (11, 3)
    wanted = 3 * torch.cat([energy / 100, (energy / 100).sqrt(), energy.log10() / 2], 1).T
    torch.testing.assert_close(h[8:], wanted)


@pytest.mark.parametrize("condition_features", [False, True])
def test_particles_have_showers_of_their_own(condition_features: bool) -> None:
    torch.manual_seed(0)
    generator = CaloganGenerator(
        SMALL, latent_size=8, n_classes=3, condition_features=condition_features
    )
    noise, energy = torch.randn(3, 8), torch.full((3, 1), 50.0)
    first, second = (
        images(generator, noise, energy, torch.full((3,), k, dtype=torch.int64)) for k in (0, 2)
    )
    assert not torch.allclose(first, second, rtol=1e-2)
    # as published: a learnt vector times the noise
    h = generator.latent_input(noise, energy, torch.tensor([0, 1, 2]))
    assert generator.classes is not None
    torch.testing.assert_close(h[:8], (noise * generator.classes.weight * 0.5).T)
    with pytest.raises(ValueError, match="3 particles and label None"):
        generator(noise, energy)


def test_place_and_angle_are_told_to_both_networks() -> None:
    torch.manual_seed(0)
    names = ("energy_gev", "x_mm", "slope_y")
    generator = CaloganGenerator(SMALL, latent_size=8, condition_names=names)
    discriminator = CaloganDiscriminator(SMALL, condition_names=names)
    condition = torch.tensor([[50.0, 4.0, 0.1], [100.0, -8.0, 0.0]])
    for beam in (generator.beam, discriminator.beam):
        assert beam is not None
        beam.fit(condition)
        torch.testing.assert_close(beam.unit, torch.tensor([8.0, 0.1]))
    h = generator.latent_input(torch.zeros(2, 8), condition, None)
    beam_values = torch.tensor([[0.5, 1.0], [-1.0, 0.0]])
    wanted = 3 * torch.cat([beam_values, beam_values * condition[:, :1] / 100], 1).T
    torch.testing.assert_close(h[8:], wanted)
    fields = [torch.rand(2, *shape) for shape in SMALL]
    mirrored = condition * torch.tensor([1.0, -1.0, 1.0])
    with torch.no_grad():
        logits = [discriminator.eval()(fields, c)[0] for c in (condition, mirrored)]
    assert not torch.allclose(*logits)


def test_a_beam_column_of_zeros_does_no_harm() -> None:
    generator = CaloganGenerator(SMALL, 8, condition_names=("energy_gev", "x_mm"))
    assert generator.beam is not None
    generator.beam.fit(torch.tensor([[50.0, 0.0]]))
    assert generator.beam.unit.tolist() == [1.0]


def test_what_is_ablated_is_not_looked_at() -> None:
    """Without the energy features the requested energy says nothing, and so on."""
    torch.manual_seed(0)
    shown = [torch.rand(4, *shape) for shape in SMALL]
    sparse = [torch.where(image > 0.5, image, 0.0) for image in shown]
    low, high = torch.full((4, 1), 1.0), torch.full((4, 1), 90.0)
    blind = CaloganDiscriminator(SMALL, features=["sparsity", "layer_energies"]).eval()
    with torch.no_grad():
        torch.testing.assert_close(blind(shown, low)[0], blind(shown, high)[0])
        assert not torch.allclose(blind(shown, low)[0], blind(sparse, low)[0])
        seeing = CaloganDiscriminator(SMALL, features=["energy_error"]).eval()
        assert not torch.allclose(seeing(shown, low)[0], seeing(shown, high)[0])
        flag = CaloganDiscriminator(SMALL, features=["energy_error_flag"]).eval()
        assert torch.equal(flag(shown, high)[0], flag(shown, high + 1)[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"features": ["sparsity", "colour"]}, "unknown feature colour; known are cells, "),
        ({"features": []}, "nothing to judge by"),
        ({"condition_names": ["x_mm"]}, "conditions x_mm: expected energy_gev, then"),
        ({"condition_names": ["energy_gev", "y_mm", "x_mm"]}, "in this order"),
        ({"condition_names": ["energy_gev", "colour"]}, "conditions energy_gev, colour"),
        ({"condition_names": []}, "conditions of none"),
    ],
)
def test_options_are_checked(options: dict[str, list[str]], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        CaloganDiscriminator(SMALL, **options)  # type: ignore[arg-type]
    if "condition_names" in options:
        with pytest.raises(ConfigurationError, match=message):
            CaloganGenerator(SMALL, 8, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("network", [CaloganGenerator, CaloganDiscriminator])
def test_there_must_be_cells(network: type[CaloganGenerator | CaloganDiscriminator]) -> None:
    with pytest.raises(CalorimeterError, match="without readout layers"):
        network(())
    with pytest.raises(CalorimeterError, match="layer 1 has 0 x 3 cells"):
        network(((2, 2), (0, 3)))
