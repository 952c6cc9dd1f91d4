from __future__ import annotations

import pytest
import torch

from calogan.networks import CaloganDiscriminator, CaloganGenerator

PAPER = ((3, 96), (12, 12), (12, 6))
SHAPES = [PAPER, ((4, 6),), ((2, 3), (5, 4))]


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("attention", [True, False])
def test_generator_makes_images_and_every_parameter_learns(
    shapes: tuple[tuple[int, int], ...], attention: bool
) -> None:
    torch.manual_seed(0)
    generator = CaloganGenerator(shapes, latent_size=8, attention=attention)
    noise, energy = torch.randn(5, 8), torch.rand(5, 1) * 100
    images = generator(noise, energy)
    assert [tuple(image.shape) for image in images] == [(5, *shape) for shape in shapes]
    assert all((image >= 0).all() for image in images)
    sum(image.square().sum() for image in images).backward()
    for name, parameter in generator.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name
    assert any("attention" in name for name, _ in generator.named_parameters()) == (
        attention and len(shapes) > 1
    )


@pytest.mark.parametrize("shapes", SHAPES)
def test_discriminator_judges_and_every_parameter_learns(
    shapes: tuple[tuple[int, int], ...],
) -> None:
    torch.manual_seed(0)
    discriminator = CaloganDiscriminator(shapes)
    images = [torch.rand(6, *shape) * (torch.rand(6, *shape) > 0.5) for shape in shapes]
    logit, total = discriminator(images, torch.ones(6, 1))
    assert logit.shape == (6, 1)
    torch.testing.assert_close(total[:, 0], sum(image.sum((1, 2)) for image in images))
    logit.square().sum().backward()
    for name, parameter in discriminator.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


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
    generator = CaloganGenerator(PAPER, latent_size=8).eval()
    noise = torch.randn(3, 8)
    with torch.no_grad():
        one = generator(noise, torch.full((3, 1), 50.0))
        two = generator(noise / 2, torch.full((3, 1), 100.0))
    for a, b in zip(one, two, strict=True):
        torch.testing.assert_close(a, b)


def test_a_shower_does_not_depend_on_its_batch() -> None:
    generator = CaloganGenerator(PAPER, latent_size=8).eval()
    noise, energy = torch.randn(9, 8), torch.rand(9, 1) * 100
    with torch.no_grad():
        for whole, single in zip(
            generator(noise, energy), generator(noise[4:5], energy[4:5]), strict=True
        ):
            torch.testing.assert_close(whole[4:5], single, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("attention", [True, False])
def test_merged_for_inference_makes_the_same_images(attention: bool) -> None:
    torch.manual_seed(0)
    generator = CaloganGenerator(PAPER, latent_size=8, attention=attention)
    generator.set_cell_scale([torch.rand(*shape) + 0.1 for shape in PAPER])
    for name, tensor in (*generator.named_parameters(), *generator.named_buffers()):
        if ".norm." in name and tensor.is_floating_point():  # as after a training
            torch.nn.init.uniform_(tensor, 0.2, 3.0)
    generator.eval()
    noise, energy = torch.randn(9, 8), torch.rand(9, 1) * 100
    merged = generator.merged()
    assert sum(p.numel() for p in merged.parameters()) < sum(
        p.numel() for p in generator.parameters()
    )
    with torch.no_grad():
        for a, b in zip(generator(noise, energy), merged(noise, energy), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)
