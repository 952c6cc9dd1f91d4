"""Plain forms of the layers, in float64: loops over positions, showers and cells."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from calogan.networks.attention import InpaintingAttention
from calogan.networks.connected import LocallyConnected2d
from calogan.networks.minibatch import MinibatchDiscrimination


def locally_connected(
    layer: LocallyConnected2d, x: Tensor, stride: int = 1, padding: int = 0
) -> Tensor:
    """One product per position."""
    x = functional.pad(x.double(), (0, 0, 0, 0, padding, padding, padding, padding))
    weight, (rows, columns) = layer.weight.double(), layer.out_size
    kernel = layer.window.kernel_size
    pieces = []
    for r in range(rows):
        for c in range(columns):
            j = c * stride
            patch = x[r : r + kernel[0], j : j + kernel[1]].reshape(-1, x.shape[-1])
            piece = weight[r * columns + c] @ patch
            if layer.bias is not None:
                piece = piece + layer.bias[r * columns + c].double()
            pieces.append(piece)
    return torch.stack(pieces).view(rows, columns, *pieces[0].shape)


def minibatch_discrimination(layer: MinibatchDiscrimination, x: Tensor) -> Tensor:
    """The formula of arXiv:1606.03498, shower by shower."""
    m = (x.double() @ layer.projection.weight.double().T).unflatten(1, (layer.features, -1))
    rows = [
        sum(torch.exp(-(m[i] - m[j]).abs().sum(1)) for j in range(len(x))) for i in range(len(x))
    ]
    return torch.tanh(torch.stack([torch.as_tensor(row) for row in rows]))


def attention(layer: InpaintingAttention, primary: Tensor, in_front: Tensor) -> Tensor:
    """Cell by cell: average the cells in front, weigh with their neighbours, blend."""
    size, before = primary.shape[:2], in_front.shape[:2]
    carried = torch.zeros_like(primary, dtype=torch.float64)
    fine = in_front.double().repeat_interleave(size[0], 0).repeat_interleave(size[1], 1)
    for r in range(size[0]):
        for c in range(size[1]):
            piece = fine[r * before[0] : (r + 1) * before[0], c * before[1] : (c + 1) * before[1]]
            carried[r, c] = piece.mean((0, 1))
    both = torch.cat([primary.double(), carried], dim=2)
    scores = locally_connected(layer.weigh, both, padding=1).exp()
    return (both * scores).sum(2, keepdim=True) / scores.sum(2, keepdim=True)
