"""What holds for every variant of the networks."""

from __future__ import annotations

import io
from typing import Any

import pytest

pytest.importorskip("torch", reason="needs the extra train")

import torch
from torch import Tensor, nn

from calogan.conditions import CONDITIONS
from calogan.networks import FEATURES, CaloganDiscriminator, CaloganGenerator

THREE = ((3, 8), (4, 4), (4, 2))
BEAM = {"condition_names": CONDITIONS}
GENERATORS: dict[str, tuple[tuple[tuple[int, int], ...], dict[str, Any]]] = {
    "paper": (THREE, {}),
    "no attention": (THREE, {"attention": False}),
    "direction of the noise": (THREE, {"normalize_noise": True}),
    "features of the energy": (THREE, {"condition_features": True}),
    "two particles": (THREE, {"n_classes": 2}),
    "beam": (THREE, BEAM),
    "all of it": (
        THREE,
        {"normalize_noise": True, "condition_features": True, "n_classes": 3, **BEAM},
    ),
    "one layer": (((4, 6),), {}),
    "smallest layers": (((1, 4), (2, 2), (1, 1)), {}),
    "polar layers": (((1, 3), (8, 5), (8, 2), (2, 2)), {}),
}
DISCRIMINATORS: dict[str, tuple[tuple[tuple[int, int], ...], dict[str, Any]]] = {
    "paper": (THREE, {}),
    "three particles": (THREE, {"n_classes": 3}),
    "beam": (THREE, BEAM),
    "all of it": (THREE, {"n_classes": 2, **BEAM}),
    "one layer": (((4, 6),), {}),
    "smallest layers": (((1, 4), (2, 2), (1, 1)), {}),
    **{f"without {f}": (THREE, {"features": [g for g in FEATURES if g != f]}) for f in FEATURES},
    **{f"{f} alone": (THREE, {"features": [f]}) for f in FEATURES},
}
N, LATENT = 6, 5


def inputs(options: dict[str, Any]) -> tuple[Tensor, ...]:
    condition = torch.rand(N, 1) * 99 + 1
    if "condition_names" in options:
        condition = torch.cat([condition, torch.randn(N, 4)], dim=1)
    several = "n_classes" in options
    label = (torch.arange(N) % options["n_classes"],) if several else ()
    return torch.randn(N, LATENT), condition, *label


def images_of(shapes: tuple[tuple[int, int], ...]) -> list[Tensor]:
    return [torch.rand(N, *shape) * (torch.rand(N, *shape) > 0.5) for shape in shapes]


def assert_all_learn(network: nn.Module) -> None:
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def saved_and_loaded(network: nn.Module, fresh: nn.Module) -> nn.Module:
    file = io.BytesIO()
    torch.save(network.state_dict(), file)
    file.seek(0)
    fresh.load_state_dict(torch.load(file, weights_only=True))
    return fresh.eval()


def like_after_training(network: nn.Module) -> None:
    for name, tensor in (*network.named_parameters(), *network.named_buffers()):
        if ".norm." in name and tensor.is_floating_point():
            nn.init.uniform_(tensor, 0.2, 3.0)


def assert_same(found: Any, wanted: Any, **tolerance: Any) -> None:
    for a, b in zip(found, wanted, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            torch.testing.assert_close(a, b, **tolerance)


@pytest.mark.parametrize("variant", GENERATORS)
def test_generator(variant: str) -> None:
    shapes, options = GENERATORS[variant]
    torch.manual_seed(0)
    generator = CaloganGenerator(shapes, LATENT, **options)
    given = inputs(options)
    images = generator(*given)
    assert [tuple(image.shape) for image in images] == [(N, *shape) for shape in shapes]
    assert all((image >= 0).all() for image in images)
    sum((image.square().sum() for image in images), torch.zeros(())).backward()
    assert_all_learn(generator)

    like_after_training(generator)
    generator.set_cell_scale([torch.rand(*shape) + 0.1 for shape in shapes])
    generator.eval()
    with torch.no_grad():
        once = generator(*given)
        assert_same(generator(*given), once, rtol=0, atol=0)
        assert_same(generator.merged()(*given), once, rtol=1e-4, atol=1e-4)
        # a shower does not depend on its batch
        assert_same(generator(*(x[2:3] for x in given)), [x[2:3] for x in once])
        loaded = saved_and_loaded(generator, CaloganGenerator(shapes, LATENT, **options))
        assert_same(loaded(*given), once, rtol=0, atol=0)


@pytest.mark.parametrize("variant", DISCRIMINATORS)
def test_discriminator(variant: str) -> None:
    shapes, options = DISCRIMINATORS[variant]
    torch.manual_seed(0)
    discriminator = CaloganDiscriminator(shapes, **options)
    images, condition = images_of(shapes), inputs(options)[1]
    logit, total, classes = discriminator(images, condition)
    assert logit.shape == (N, 1)
    torch.testing.assert_close(total[:, 0], sum(image.sum((1, 2)) for image in images))
    outputs = [logit] if classes is None else [logit, classes]
    assert (None if classes is None else classes.shape[1]) == options.get("n_classes")
    sum((x.square().sum() for x in outputs), torch.zeros(())).backward()
    assert_all_learn(discriminator)

    discriminator.eval()
    with torch.no_grad():
        once = discriminator(images, condition)
        assert_same(discriminator(images, condition), once, rtol=0, atol=0)
        loaded = saved_and_loaded(discriminator, CaloganDiscriminator(shapes, **options))
        assert_same(loaded(images, condition), once, rtol=0, atol=0)


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["all of it"])  # exporting takes seconds each
def test_onnx_makes_the_same_images(variant: str) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript", reason="needs the extra train")
    from calogan.training.export import export_onnx

    shapes, options = GENERATORS[variant]
    torch.manual_seed(0)
    generator = CaloganGenerator(shapes, LATENT, **options).eval()
    like_after_training(generator)
    noise, condition, *label = inputs(options)
    label = [torch.full_like(x, 1) for x in label]
    model = export_onnx(generator, condition.shape[1], 1 if label else None)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    names = [part.name for part in session.get_inputs()]
    for n in (N, 1):
        given = dict(zip(names, (noise[:n].numpy(), condition[:n].numpy()), strict=True))
        found = session.run(None, given)
        with torch.no_grad():
            wanted = generator(noise[:n], condition[:n], *(x[:n] for x in label))
        for a, b in zip(found, wanted, strict=True):
            torch.testing.assert_close(torch.from_numpy(a), 1000 * b, rtol=1e-4, atol=0.1)


@pytest.mark.parametrize("options", [{}, GENERATORS["all of it"][1]])
def test_in_bfloat16_energies_keep_their_digits(options: dict[str, Any]) -> None:
    torch.manual_seed(0)
    told = {k: v for k, v in options.items() if k in ("n_classes", "condition_names")}
    generator = CaloganGenerator(THREE, LATENT, **options)
    discriminator = CaloganDiscriminator(THREE, **told)
    given = inputs(options)
    exact = generator(*given)
    with torch.autocast("cpu", torch.bfloat16):
        images = generator(*given)
        logit, total, _ = discriminator(images, given[1])
    assert {x.dtype for x in (*images, logit, total)} == {torch.float32}
    assert not all(map(torch.equal, images, exact))  # something was computed in fewer bits
    assert_same(images, exact, rtol=0.1, atol=0.05 * max(x.max().item() for x in exact))
    torch.testing.assert_close(total[:, 0], sum(image.sum((1, 2)) for image in images))
    (logit.sum() + total.sum()).backward()
    for name, parameter in generator.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
