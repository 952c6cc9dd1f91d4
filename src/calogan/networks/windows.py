"""Products of an image with a kernel per position: what locally connected layers are made of.

Images are held batch last inside the networks, `(rows, columns, channels, n)`: each cell has a
kernel of its own, so a layer is one matrix product per cell with the batch as the long, contiguous
side, and nothing has to be transposed on the way.

The window of each position is laid out along the columns only. The rows of a window are then
slices of one array, each a product of its own: for a kernel of 3 rows a third of the copies, and
of the memory, of laying out whole windows. Where the window steps over rows, those that it meets
with the same row of the kernel lie together: with step 2 the even rows first, then the odd ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional

from calogan.errors import CalorimeterError
from calogan.networks.precision import lowered

__all__ = ["Window", "window_product"]


@dataclass(frozen=True)
class Window:
    """A window that slides over an image.

    Args:
        in_size: Rows and columns of the image, padding excluded.
        kernel_size: Rows and columns of the window.
        stride: Step along the columns.
        padding: Zeros before and after the rows, before and after the columns.
        row_stride: Step along the rows.

    Raises:
        CalorimeterError: The image is smaller than the window.
    """

    in_size: tuple[int, int]
    kernel_size: tuple[int, int]
    stride: int = 1
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    row_stride: int = 1

    def __post_init__(self) -> None:
        """Check that the window fits in at least once."""
        if min(self.in_size) < 1 or min(self.out_size) < 1:
            rows, columns = self.in_size
            msg = (
                f"a readout layer of {rows} x {columns} cells is too small for a kernel of"
                f" {self.kernel_size[0]} x {self.kernel_size[1]}"
            )
            raise CalorimeterError(msg)

    @property
    def out_size(self) -> tuple[int, int]:
        """Positions of the window along rows and columns."""
        (rows, columns), (top, bottom, left, right) = self.in_size, self.padding
        return (
            (rows + top + bottom - self.kernel_size[0]) // self.row_stride + 1,
            (columns + left + right - self.kernel_size[1]) // self.stride + 1,
        )

    @property
    def positions(self) -> int:
        """Number of positions."""
        return self.out_size[0] * self.out_size[1]

    def rows(self, laid: Tensor) -> list[Tensor]:
        """For each row of the window, views: `(positions, kernel columns * channels, n)`."""
        n, step = self.out_size[0], self.row_stride
        starts = [divmod(i, step) for i in range(self.kernel_size[0])]
        return [
            laid[phase, start : start + n].flatten(0, 1).flatten(1, 2) for start, phase in starts
        ]

    @property
    def _rows_per_phase(self) -> int:
        """Padded rows that are `row_stride` apart."""
        top, bottom, _, _ = self.padding
        return -(-(self.in_size[0] + top + bottom) // self.row_stride)

    def lay_out(self, image: Tensor) -> Tensor:
        """The windows along the columns.

        Shape `(row_stride, padded rows / row_stride, out columns, kernel columns, channels, n)`.
        Plain operations, which can be exported.
        """
        (top, _, left, right), n_rows = self.padding, self._rows_per_phase * self.row_stride
        below = n_rows - top - self.in_size[0]
        if any((top, below, left, right)):
            image = functional.pad(image, (0, 0, 0, 0, left, right, top, below))
        image = image.unflatten(0, (-1, self.row_stride)).transpose(0, 1)
        step, n = self.stride, self.out_size[1]
        ends = [(j, j + step * (n - 1) + 1) for j in range(self.kernel_size[1])]
        return torch.stack([image[:, :, j:end:step] for j, end in ends], dim=3)

    def lay_out_quickly(self, image: Tensor) -> Tensor:
        """The same as `lay_out`, without a padded copy of the image."""
        columns, width = self.out_size[1], self.kernel_size[1]
        shape = (self.row_stride, self._rows_per_phase, columns, width, *image.shape[2:])
        laid = image.new_empty(shape)
        for phase, rows, taken in self._phases():
            laid[phase, : rows.start], laid[phase, rows.stop :] = 0, 0
            for j in range(width):
                inside, seen = self._overlap(j)
                laid[phase, rows, : inside.start, j], laid[phase, rows, inside.stop :, j] = 0, 0
                laid[phase, rows, inside, j] = image[taken, seen]
        return laid

    def gather_back(self, laid: Tensor) -> Tensor:
        """The image of which each element is the sum of its copies in `laid`."""
        image = laid.new_zeros(*self.in_size, *laid.shape[4:])
        for phase, rows, taken in self._phases():
            for j in range(self.kernel_size[1]):
                inside, seen = self._overlap(j)
                image[taken, seen] += laid[phase, rows, inside, j]
        return image

    def _phases(self) -> list[tuple[int, slice, slice]]:
        """Of each phase the rows of `laid` that hold rows of the image, and those rows."""
        step, top = self.row_stride, self.padding[0]
        phases = []
        for phase in range(step):
            first = max(0, -((phase - top) // step))
            end = max(first, (self.in_size[0] - 1 + top - phase) // step + 1)
            start = first * step + phase - top
            taken = slice(start, start + step * (end - first), step)
            phases.append((phase, slice(first, end), taken))
        return phases

    def _overlap(self, j: int) -> tuple[slice, slice]:
        """Positions whose kernel column `j` lies in the image, and the image columns they see."""
        step, offset = self.stride, j - self.padding[2]
        first = max(0, -(offset // step))
        end = max(first, min(self.out_size[1], (self.in_size[1] - 1 - offset) // step + 1))
        start = first * step + offset
        return slice(first, end), slice(start, start + step * (end - first), step)


def window_product(image: Tensor, weight: Tensor, bias: Tensor | None, window: Window) -> Tensor:
    """Multiply the window at each position with the kernel of that position.

    Args:
        image: Shape `(*in_size, in_channels, n)`.
        weight: Shape `(positions, out_channels, kernel rows * kernel columns * in_channels)`.
        bias: Shape `(positions, out_channels, 1)`, or none.
        window: Where the kernels are.

    Returns:
        Shape `(*out_size, out_channels, n)`.
    """
    image, weight = lowered(image), lowered(weight)
    bias = None if bias is None else lowered(bias)
    if torch.is_grad_enabled() and (image.requires_grad or weight.requires_grad):
        out = cast(Tensor, _WindowProduct.apply(image, weight, bias, window))  # type: ignore[no-untyped-call]
    else:
        out = _product(window.rows(window.lay_out(image)), weight, bias)
    return cast(Tensor, out.unflatten(0, window.out_size))


def _product(rows: list[Tensor], weight: Tensor, bias: Tensor | None) -> Tensor:
    out = bias
    for kernel, row in zip(weight.chunk(len(rows), dim=2), rows, strict=True):
        out = torch.bmm(kernel, row) if out is None else torch.baddbmm(out, kernel, row)
    return cast(Tensor, out)


class _WindowProduct(torch.autograd.Function):
    """The product with gradients that are added up in place, not as one full array per slice."""

    @staticmethod
    def forward(
        ctx: Any, image: Tensor, weight: Tensor, bias: Tensor | None, window: Window
    ) -> Tensor:
        laid = window.lay_out_quickly(image)
        ctx.save_for_backward(laid, weight)
        ctx.window = window
        return _product(window.rows(laid), weight, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (laid, weight), window, gradient = ctx.saved_tensors, ctx.window, gradients[0]
        n_rows = window.kernel_size[0]
        to_image = to_weight = to_bias = None
        if ctx.needs_input_grad[0]:
            to_laid, first = torch.empty_like(laid), window.row_stride
            # the first rows of the window, one per phase, write all the others
            to_laid[:, window.out_size[0] :], to_laid[n_rows:] = 0, 0
            rows = window.rows(to_laid)
            kernels = weight.transpose(1, 2).chunk(n_rows, dim=1)
            for kernel, row in zip(kernels[:first], rows[:first], strict=True):
                torch.bmm(kernel, gradient, out=row)
            for kernel, row in zip(kernels[first:], rows[first:], strict=True):
                row.baddbmm_(kernel, gradient)
            to_image = window.gather_back(to_laid)
        if ctx.needs_input_grad[1]:
            parts = [torch.bmm(gradient, row.transpose(1, 2)) for row in window.rows(laid)]
            to_weight = torch.cat(parts, dim=2)
        if ctx.needs_input_grad[2]:
            to_bias = gradient.sum(2, keepdim=True)
        return to_image, to_weight, to_bias, None
