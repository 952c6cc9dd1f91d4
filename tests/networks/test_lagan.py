"""The four GANs of jet images: one set of tests over all, and their new layers against plain ones."""

from __future__ import annotations

from typing import cast, get_args

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra train")

import onnxruntime
import torch
from torch import Tensor, nn

from calogan.bundle.graph import check_graph
from calogan.jets.training.export import export_jet_onnx
from calogan.networks.connected import DoubledLocallyConnected2d, LocallyConnected2d
from calogan.networks.lagan import make_discriminator, make_generator
from calogan.networks.lagan.generators import Model
from calogan.networks.lagan.layers import Dropout, FirstConvolution
from tests.networks.test_layers import assert_same_with_gradients

MODELS: tuple[Model, ...] = get_args(Model)
PARAMETERS = {
    # counted by hand from the published code; batch normalisation is 2 per channel
    "lagan": (
        400
        + 201 * 6272
        + 64 * (128 * 25 + 1)
        + 2 * 64
        + 196 * 6 * (64 * 25 + 1)
        + 2 * 6
        + 676 * 6 * (6 * 9 + 1)
        + 625 * 6 * 4,
        32 * 26
        + 169 * 8 * (32 * 25 + 1)
        + 169 * 8 * (8 * 25 + 1)
        + 49 * 8 * (8 * 9 + 1)
        + 3 * 16
        + 72 * 200
        + 2 * 93,
    ),
    "dcgan": (
        400
        + 201 * 6272
        + 64 * (128 * 25)
        + 64
        + 128
        + 32 * 64 * 25
        + 32
        + 64
        + 8 * (32 * 9 + 1)
        + 33,
        32 * 26
        + 64 * (32 * 25 + 1)
        + 128 * (64 * 25 + 1)
        + 256 * (128 * 9 + 1)
        + 2 * (64 + 128 + 256)
        + 2304 * 200
        + 2 * 2325,
    ),
    "fcgan": (
        400 + 201 * 256 + 257 * 512 + 513 * 625 + 626 * 625,
        626 * 1024 + 1025 * 512 + 513 * 128 + 128 * 200 + 2 * 149,
    ),
}
PARAMETERS["hybrid"] = (
    PARAMETERS["dcgan"][0] + PARAMETERS["fcgan"][0] - 400,
    # what follows the features sees those of both
    PARAMETERS["dcgan"][1] + PARAMETERS["fcgan"][1] - 2 * 21,
)


def drawn(n: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(n, 200, generator=rng), torch.randint(2, (n,), generator=rng)


@pytest.mark.parametrize("model", MODELS)
def test_sizes_are_the_published_ones(model: Model) -> None:
    generator, discriminator = make_generator(model), make_discriminator(model)
    noise, signal = drawn(5)
    image = generator(noise, signal)
    assert image.shape == (5, 25, 25)
    assert (image >= 0).all()
    assert (image == 0).any()
    answers = discriminator(image)
    assert answers.real.shape == answers.signal.shape == (5,)
    counts = tuple(sum(p.numel() for p in net.parameters()) for net in (generator, discriminator))
    assert counts == PARAMETERS[model]


@pytest.mark.parametrize("model", MODELS)
def test_every_parameter_learns(model: Model) -> None:
    torch.manual_seed(0)
    generator, discriminator = make_generator(model), make_discriminator(model)
    answers = discriminator(generator(*drawn(40)))
    (answers.real.square().sum() + answers.signal.square().sum()).backward()
    for network in (generator, discriminator):
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
            assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("model", MODELS)
def test_evaluation_is_deterministic_and_knows_no_batch(model: Model) -> None:
    torch.manual_seed(0)
    generator, (noise, signal) = make_generator(model), drawn(6)
    with torch.no_grad():
        generator(*drawn(50, seed=1))  # statistics of batch normalisation
        generator.eval()
        image = generator(noise, signal)
        assert torch.equal(generator(noise, signal), image)
        torch.testing.assert_close(generator(noise[2:3], signal[2:3]), image[2:3])
        other = generator(noise, 1 - signal)
    assert not torch.allclose(other, image)
    discriminator = make_discriminator(model).eval()
    assert torch.equal(discriminator(image).real, discriminator(image).real)
    discriminator.train()
    assert not torch.equal(discriminator(image).real, discriminator(image).real)  # dropout


@pytest.mark.parametrize("model", MODELS)
def test_the_exported_network_makes_the_same_images(model: Model) -> None:
    torch.manual_seed(0)
    generator, (noise, signal) = make_generator(model), drawn(7)
    with torch.no_grad():
        generator(*drawn(50, seed=1))
        wanted = generator.eval()(noise, signal)
    onnx = export_jet_onnx(generator, threshold_gev=2.0)
    assert len(onnx) < 10_000_000
    check_graph(onnx)
    session = onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"])
    (image,) = session.run(None, {"noise": noise.numpy(), "signal": signal.numpy()})
    far = (wanted - 2).abs() > 1e-3  # rounding decides about the others
    wanted = torch.where(wanted < 2, 0, wanted)
    np.testing.assert_allclose(image[far.numpy()], wanted[far].numpy(), rtol=1e-4, atol=1e-3)
    assert ((image == 0) | (image >= 2)).all()
    assert generator.streams[0] is not None
    assert next(generator.parameters()).requires_grad  # the exported one was a copy


@pytest.mark.parametrize(("kernel", "padding"), [(5, 2), (3, 0), (3, 2), (1, 0)])
def test_a_doubled_layer_is_a_layer_over_the_doubled_image(kernel: int, padding: int) -> None:
    torch.manual_seed(0)
    layer = DoubledLocallyConnected2d(3, 2, (3, 4), kernel, padding=padding)
    nn.init.normal_(layer.bias)
    rows, columns = layer.out_size
    plain = LocallyConnected2d(3, 2, (6, 8), (kernel, kernel), padding=padding).double()
    assert plain.out_size == layer.out_size

    def over_the_doubled_image(x: Tensor) -> Tensor:
        def placed(parameter: Tensor) -> Tensor:  # (positions / 4, 4, ...) to (positions, ...)
            shape = (rows // 2, columns // 2, 2, 2, *parameter.shape[2:])
            return parameter.double().view(shape).transpose(1, 2).flatten(0, 3)

        state = {
            "weight": placed(layer.weight).flatten(2),
            "bias": placed(layer.bias.unflatten(1, (4, 2))),
        }
        doubled = x.double().repeat_interleave(2, 0).repeat_interleave(2, 1)
        return cast(Tensor, torch.func.functional_call(plain, state, (doubled,)))

    assert_same_with_gradients(layer, over_the_doubled_image, torch.randn(3, 4, 3, 5))


@pytest.mark.parametrize(
    ("size", "kernel", "padding"), [((7, 6), 5, 2), ((5, 5), 3, 1), ((4, 7), 2, 0), ((3, 3), 1, 0)]
)
def test_steps_along_both_axes(size: tuple[int, int], kernel: int, padding: int) -> None:
    """Every second row and column of the layer without steps."""
    torch.manual_seed(0)
    square = (kernel, kernel)
    layer = LocallyConnected2d(2, 3, size, square, stride=2, row_stride=2, padding=padding)
    every = LocallyConnected2d(2, 3, size, square, padding=padding).double()
    rows, columns = layer.out_size
    place = torch.arange(every.window.positions).view(every.out_size)[::2, ::2].flatten()
    assert len(place) == rows * columns

    def skipping(x: Tensor) -> Tensor:
        assert layer.bias is not None
        shape = (every.window.positions, *layer.weight.shape[1:])
        weight = torch.zeros(shape, dtype=torch.float64).index_copy(0, place, layer.weight.double())
        bias = torch.zeros((*shape[:2], 1), dtype=torch.float64)
        state = {"weight": weight, "bias": bias.index_copy(0, place, layer.bias.double())}
        stepless = cast(Tensor, torch.func.functional_call(every, state, (x.double(),)))
        return stepless[::2, ::2]

    assert_same_with_gradients(layer, skipping, torch.randn(*size, 2, 4))


def test_the_first_convolution_is_torch_s() -> None:
    torch.manual_seed(0)
    layer = FirstConvolution(4, 5)
    nn.init.normal_(layer.bias)

    def plain(x: Tensor) -> Tensor:
        kernel = layer.weight.double().view(4, 1, 5, 5).transpose(2, 3)
        image = x.double().permute(2, 0, 1)[:, None]
        out = nn.functional.conv2d(image, kernel, layer.bias.double().flatten(), padding=2)
        return out.permute(2, 3, 1, 0)

    assert_same_with_gradients(layer, plain, torch.randn(25, 25, 3))


def test_dropout_drops_a_fifth_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    layer, x = Dropout(), torch.ones(1000, 333)
    dropped = layer(x)
    assert (dropped == 0).float().mean().item() == pytest.approx(51 / 256, abs=0.003)
    assert dropped.mean().item() == pytest.approx(1, abs=0.005)
    assert len(dropped.unique()) == 2
    assert torch.equal(layer.eval()(x), x)


@pytest.mark.parametrize("model", MODELS)
def test_pixels_that_are_off_come_back_where_they_have_weights_of_their_own(model: Model) -> None:
    generator = make_generator(model)

    class Off(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.pixels = nn.Parameter(-torch.ones(25, 25))

        def forward(self, hidden: Tensor) -> Tensor:
            return self.pixels[..., None].expand(25, 25, len(hidden))

    off = Off()
    generator.streams = nn.ModuleList([off])
    noise, signal = drawn(4)
    wanted = torch.ones(25, 25)
    wanted[:, :5] = -1.0
    (-wanted * generator(noise, signal)).sum().backward()
    moved = cast(Tensor, off.pixels.grad) != 0
    expected = torch.zeros(25, 25, dtype=torch.bool) if model == "dcgan" else wanted > 0
    assert torch.equal(moved, expected)
