"""Each layer against a plain form of it: values to 1e-5, and gradients."""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytest.importorskip("torch", reason="needs the extra train")

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from calogan.errors import CalorimeterError
from calogan.networks.attention import InpaintingAttention, resize_matrix
from calogan.networks.connected import BatchLastNorm, Convolution2d, LocallyConnected2d
from calogan.networks.minibatch import MinibatchDiscrimination
from calogan.networks.sparsity import hit_share, rectify
from calogan.networks.windows import Window
from tests.networks import references

CASES = [
    ((5, 7), (2, 2), 1, 0),
    ((3, 8), (3, 3), 2, 1),
    ((4, 6), (2, 2), 2, 1),
    ((1, 4), (3, 3), 2, 1),  # kernels larger than the image without its margin
    ((2, 2), (3, 3), 1, 1),
    ((1, 1), (2, 2), 2, 1),
]


def assert_same_with_gradients(
    layer: nn.Module, plain: Callable[..., Tensor], *inputs: Tensor
) -> None:
    """Values and all gradients of a layer are those of its plain form, and without gradients too."""
    with torch.no_grad():
        unrecorded = layer(*inputs)
    inputs = tuple(x.requires_grad_() for x in inputs)
    wanted, found = plain(*inputs), layer(*inputs)
    torch.testing.assert_close(found.double(), wanted, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(unrecorded, found.detach(), rtol=1e-5, atol=1e-5)
    direction = torch.randn(wanted.shape, dtype=torch.float64)
    learnt = [*inputs, *layer.parameters()]
    for a, b in zip(
        torch.autograd.grad((wanted * direction).sum(), learnt),
        torch.autograd.grad((found * direction).sum(), learnt),
        strict=True,
    ):
        torch.testing.assert_close(b.double(), a.double(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("size", "kernel", "stride", "padding"), CASES)
@pytest.mark.parametrize("bias", [True, False])
def test_locally_connected(
    size: tuple[int, int], kernel: tuple[int, int], stride: int, padding: int, bias: bool
) -> None:
    torch.manual_seed(0)
    layer = LocallyConnected2d(4, 3, size, kernel, stride=stride, padding=padding, bias=bias)
    if layer.bias is not None:
        nn.init.normal_(layer.bias)
    assert_same_with_gradients(
        layer,
        lambda x: references.locally_connected(layer, x, stride, padding),
        torch.randn(*size, 4, 11),
    )


@settings(max_examples=50, deadline=None)
@given(
    size=st.tuples(st.integers(1, 5), st.integers(1, 7)),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.integers(1, 3),
    padding=st.tuples(*[st.integers(0, 2)] * 4),
)
def test_windows_laid_out_quickly_are_those_laid_out_plainly(
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: int,
    padding: tuple[int, int, int, int],
) -> None:
    try:
        window = Window(size, kernel, stride, padding)
    except CalorimeterError:
        assert (
            size[0] + padding[0] + padding[1] < kernel[0]
            or size[1] + padding[2] + padding[3] < kernel[1]
        )
        return
    image = torch.arange(1.0, 1 + size[0] * size[1]).view(*size, 1, 1)
    plain = window.lay_out(image)
    assert torch.equal(window.lay_out_quickly(image), plain)
    # and back: each element as often as it was taken
    counts = torch.autograd.functional.vjp(window.lay_out, image, torch.ones_like(plain))[1]
    assert torch.equal(window.gather_back(torch.ones_like(plain)), counts)


@pytest.mark.parametrize(("size", "kernel"), [((1, 4), (2, 2)), ((0, 4), (1, 1)), ((2, 2), (2, 3))])
def test_a_layer_smaller_than_the_kernel_is_refused(
    size: tuple[int, int], kernel: tuple[int, int]
) -> None:
    with pytest.raises(CalorimeterError, match=f"{size[0]} x {size[1]} cells is too small"):
        LocallyConnected2d(1, 1, size, kernel)


@pytest.mark.parametrize("channels", [(3, 5), (5, 3)])
@pytest.mark.parametrize("size", [(4, 6), (1, 2)])
def test_convolution_is_torch_s_with_keras_padding(
    channels: tuple[int, int], size: tuple[int, int]
) -> None:
    torch.manual_seed(0)
    layer = Convolution2d(*channels, size, (2, 2))
    nn.init.normal_(layer.bias)

    def plain(x: Tensor) -> Tensor:
        kernel = layer.weight.unflatten(1, (2, 2, channels[0])).permute(0, 3, 1, 2).double()
        padded = functional.pad(x.double().permute(3, 2, 0, 1), (0, 1, 0, 1))
        return functional.conv2d(padded, kernel, layer.bias[:, 0].double()).permute(2, 3, 1, 0)

    assert_same_with_gradients(layer, plain, torch.randn(*size, channels[0], 8))


def test_batch_norm_is_torch_s() -> None:
    x = torch.randn(4, 6, 3, 8) * 5 + 2
    expected = nn.BatchNorm2d(3, eps=1e-3)(x.permute(3, 2, 0, 1)).permute(2, 3, 1, 0)
    torch.testing.assert_close(BatchLastNorm(3)(x), expected, rtol=1e-5, atol=1e-5)


def test_minibatch_discrimination_is_the_formula() -> None:
    torch.manual_seed(0)
    layer = MinibatchDiscrimination(6, features=4, dimensions=3)
    assert_same_with_gradients(
        layer, lambda x: references.minibatch_discrimination(layer, x), torch.randn(5, 6)
    )


@pytest.mark.parametrize(
    ("before", "size"), [((3, 8), (4, 4)), ((4, 4), (4, 2)), ((1, 2), (2, 5)), ((3, 2), (1, 1))]
)
def test_attention_is_the_formula(before: tuple[int, int], size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    layer = InpaintingAttention(before, size, initial_bias=-0.5)
    assert_same_with_gradients(
        layer,
        lambda a, b: references.attention(layer, a, b),
        torch.randn(*size, 1, 7),
        torch.randn(*before, 1, 7),
    )


def test_attention_starts_with_the_layer_s_own_image() -> None:
    torch.manual_seed(0)
    layer = InpaintingAttention((4, 5), (4, 5))
    primary, in_front = torch.rand(4, 5, 1, 7) * 0.1, torch.rand(4, 5, 1, 7) * 0.1
    torch.testing.assert_close(layer(primary, in_front), primary, atol=1e-4, rtol=0)
    with torch.no_grad():
        layer.weigh.bias[:, 1] = 10  # type: ignore[index]
    torch.testing.assert_close(layer(primary, in_front), in_front, atol=1e-4, rtol=0)


@pytest.mark.parametrize(("n_in", "n_out"), [(3, 12), (96, 12), (12, 6), (5, 3), (4, 4)])
def test_resizing_averages(n_in: int, n_out: int) -> None:
    matrix = resize_matrix(n_in, n_out)
    torch.testing.assert_close(matrix.sum(1), torch.ones(n_out))
    x = torch.rand(n_in)
    fine = x.repeat_interleave(n_out)[None, None]
    torch.testing.assert_close(matrix @ x, functional.avg_pool1d(fine, n_in)[0, 0])


def test_rectify_is_relu_with_a_way_back_for_dead_cells() -> None:
    x = torch.tensor([[-1.0, 2.0], [-1.0, -2.0]], requires_grad=True)  # the second cell is dead
    out = rectify(x)
    torch.testing.assert_close(out, torch.relu(x))
    out.sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad, torch.tensor([[0.0, 1.0], [1.0, 1.0]]))
    x.grad = None
    on, off = -1.0, 1.0
    (rectify(x, upwards=True) * torch.tensor([[off, off], [on, off]])).sum().backward()
    torch.testing.assert_close(x.grad, torch.tensor([[0.0, off], [on, 0.0]]))


def test_hit_share_counts_and_has_the_smooth_gradient() -> None:
    image = torch.tensor([[[0.0, 1e-6], [1e-3, 5.0]]], requires_grad=True)
    share = hit_share(image)
    assert share.item() == 0.75
    share.sum().backward()
    smooth = image.detach().clone().requires_grad_()
    (smooth / (smooth + 1e-3)).mean().backward()
    torch.testing.assert_close(image.grad, smooth.grad)
