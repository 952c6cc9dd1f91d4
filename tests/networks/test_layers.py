"""Each layer against a plain reference: a loop, or torch's own layer."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from calogan.networks.layers import (
    BatchLastNorm,
    Convolution2d,
    InpaintingAttention,
    LocallyConnected2d,
    MinibatchDiscrimination,
    hit_share,
    rectify,
    resize_matrix,
)

CASES = [
    ((5, 7), (2, 2), (1, 1), 0),
    ((3, 8), (3, 3), (1, 2), 1),
    ((4, 6), (2, 2), (1, 2), 1),
]


def reference(
    layer: LocallyConnected2d, x: Tensor, stride: tuple[int, int], padding: int
) -> Tensor:
    """One dot product per position, in float64."""
    x = functional.pad(x.double(), (0, 0, 0, 0, padding, padding, padding, padding))
    weight, (rows, columns) = layer.weight.double(), layer.out_size
    kernel = layer.patches.kernel_size
    out = torch.zeros(rows, columns, weight.shape[1], x.shape[-1], dtype=torch.float64)
    for r in range(rows):
        for c in range(columns):
            i, j = r * stride[0], c * stride[1]
            patch = x[i : i + kernel[0], j : j + kernel[1]].reshape(-1, x.shape[-1])
            out[r, c] = weight[r * columns + c] @ patch
            if layer.bias is not None:
                out[r, c] += layer.bias[r * columns + c].double()
    return out


@pytest.mark.parametrize(("size", "kernel", "stride", "padding"), CASES)
@pytest.mark.parametrize("bias", [True, False])
def test_locally_connected(
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: int,
    bias: bool,
) -> None:
    torch.manual_seed(0)
    layer = LocallyConnected2d(4, 3, size, kernel, stride=stride, padding=padding, bias=bias)
    if layer.bias is not None:
        torch.nn.init.normal_(layer.bias)
    x = torch.randn(*size, 4, 11)
    out = layer(x)
    torch.testing.assert_close(
        out.double(), reference(layer, x, stride, padding), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize(("size", "kernel", "stride", "padding"), CASES)
def test_locally_connected_gradients(
    size: tuple[int, int], kernel: tuple[int, int], stride: tuple[int, int], padding: int
) -> None:
    torch.manual_seed(0)
    layer = LocallyConnected2d(2, 2, size, kernel, stride=stride, padding=padding).double()
    x = torch.randn(*size, 2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, (x,))


def test_convolution_is_torch_s_with_keras_padding() -> None:
    torch.manual_seed(0)
    layer = Convolution2d(3, 5, (4, 6), (2, 2))
    torch.nn.init.normal_(layer.bias)
    x = torch.randn(4, 6, 3, 8)
    kernel = layer.weight.unflatten(1, (2, 2, 3)).permute(0, 3, 1, 2)
    padded = functional.pad(x.permute(3, 2, 0, 1), (0, 1, 0, 1))
    expected = functional.conv2d(padded, kernel, layer.bias[:, 0]).permute(2, 3, 1, 0)
    torch.testing.assert_close(layer(x), expected, rtol=1e-5, atol=1e-5)


def test_batch_norm_is_torch_s() -> None:
    x = torch.randn(4, 6, 3, 8) * 5 + 2
    expected = torch.nn.BatchNorm2d(3, eps=1e-3)(x.permute(3, 2, 0, 1)).permute(2, 3, 1, 0)
    torch.testing.assert_close(BatchLastNorm(3)(x), expected, rtol=1e-5, atol=1e-5)


def test_minibatch_discrimination_is_the_formula() -> None:
    torch.manual_seed(0)
    layer = MinibatchDiscrimination(6, features=4, dimensions=3)
    x = torch.randn(5, 6)
    m = layer.projection(x).reshape(5, 4, 3)
    expected = torch.zeros(5, 4)
    for i in range(5):
        for b in range(4):
            expected[i, b] = sum(torch.exp(-(m[i, b] - m[j, b]).abs().sum()) for j in range(5))
    torch.testing.assert_close(layer(x), torch.tanh(expected))


def test_attention_starts_with_the_layer_s_own_image() -> None:
    torch.manual_seed(0)
    layer = InpaintingAttention((4, 5))
    primary, carried = torch.rand(4, 5, 1, 7) * 0.1, torch.rand(4, 5, 1, 7) * 0.1
    torch.testing.assert_close(layer(primary, carried), primary, atol=1e-4, rtol=0)
    with torch.no_grad():
        layer.weigh.bias[:, 1] = 10  # type: ignore[index]
    torch.testing.assert_close(layer(primary, carried), carried, atol=1e-4, rtol=0)


@pytest.mark.parametrize(("n_in", "n_out"), [(3, 12), (96, 12), (12, 6), (5, 3), (4, 4)])
def test_resizing_averages(n_in: int, n_out: int) -> None:
    matrix = resize_matrix(n_in, n_out)
    torch.testing.assert_close(matrix.sum(1), torch.ones(n_out))
    x = torch.rand(1, 1, n_in)
    if n_in % n_out == 0:
        expected = functional.avg_pool1d(x, n_in // n_out)
    elif n_out % n_in == 0:
        expected = x.repeat_interleave(n_out // n_in, dim=2)
    else:
        fine = x.repeat_interleave(n_out, dim=2)
        expected = functional.avg_pool1d(fine, n_in)
    torch.testing.assert_close((matrix @ x[0, 0])[None, None], expected)


def test_rectify_is_relu_with_a_way_back_for_dead_cells() -> None:
    x = torch.tensor([[-1.0, 2.0], [-1.0, -2.0]], requires_grad=True)  # the second cell is dead
    out = rectify(x)
    torch.testing.assert_close(out, torch.relu(x))
    out.sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad, torch.tensor([[0.0, 1.0], [1.0, 1.0]]))


def test_hit_share_counts_and_has_the_smooth_gradient() -> None:
    image = torch.tensor([[[0.0, 1e-6], [1e-3, 5.0]]], requires_grad=True)
    share = hit_share(image)
    assert share.item() == 0.75
    share.sum().backward()
    smooth = image.detach().clone().requires_grad_()
    (smooth / (smooth + 1e-3)).mean().backward()
    torch.testing.assert_close(image.grad, smooth.grad)
