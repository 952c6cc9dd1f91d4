"""The network of the classifier tests, and its training."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from calogan.evaluation.classifiers.settings import ClassifierSettings

__all__ = ["Trained", "threads", "train"]

Matrix = NDArray[np.float32]
Labels = NDArray[np.float64]

_NOTHING_LEFT = 5e-3  # loss [nats per shower] below which samples are told apart


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained classifier.

    Args:
        network: The network of the best epoch.
        epochs: Epochs of the training.
        best_epoch: The one with the lowest loss on the selection part.
        converged: Whether the loss on the selection part had stopped improving.
        loss: Its lowest value [nats per shower].
    """

    network: nn.Module
    epochs: int
    best_epoch: int
    converged: bool
    loss: float

    def scores(self, inputs: Matrix) -> NDArray[np.float64]:
        """What the network says, shape `(n,)`: the logarithm of the odds of class 1."""
        with torch.inference_mode():
            found: torch.Tensor = self.network(torch.from_numpy(inputs))[:, 0]
        return found.numpy().astype(np.float64)


@contextmanager
def threads(wanted: int | None) -> Iterator[None]:
    """Let torch use so many threads meanwhile."""
    before = torch.get_num_threads()
    if wanted is not None:
        torch.set_num_threads(wanted)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def train(
    inputs: Matrix,
    labels: Labels,
    selection: Matrix,
    selection_labels: Labels,
    settings: ClassifierSettings,
    *,
    learning_rate: float,
    seed: int,
) -> Trained:
    """Train a classifier until its loss on the selection part has stopped improving.

    With one seed and number of threads it is always the same.

    Args:
        inputs: Training part, shape `(n, features)`.
        labels: 1 or 0, shape `(n,)`.
        selection: Selection part, shape `(m, features)`.
        selection_labels: 1 or 0, shape `(m,)`.
        settings: Network and training.
        learning_rate: Of Adam.
        seed: Of the initial weights and of the order of the showers.
    """
    generator = torch.Generator().manual_seed(seed)
    network = _make_network(inputs.shape[1], settings.hidden, generator)
    optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate, fused=True)
    x, y = torch.from_numpy(inputs), torch.from_numpy(labels.astype(np.float32))
    x_selection = torch.from_numpy(selection)
    y_selection = torch.from_numpy(selection_labels.astype(np.float32))
    loss_of = nn.functional.binary_cross_entropy_with_logits
    size = settings.batch(len(x))
    best, best_epoch, best_state = math.inf, 0, copy.deepcopy(network.state_dict())
    passed, passed_epoch = math.inf, 0  # the loss that must be beaten by more than a trifle
    epoch, converged = 0, False
    while epoch < settings.max_epochs and not converged:
        epoch += 1
        for rows in torch.randperm(len(x), generator=generator).split(size):
            optimizer.zero_grad(set_to_none=True)
            loss_of(network(x[rows])[:, 0], y[rows]).backward()
            optimizer.step()
        with torch.inference_mode():
            loss = float(loss_of(network(x_selection)[:, 0], y_selection))
        if loss < best:
            best, best_epoch, best_state = loss, epoch, copy.deepcopy(network.state_dict())
        if loss < passed - settings.min_improvement:
            passed, passed_epoch = loss, epoch
        converged = best < _NOTHING_LEFT or epoch - passed_epoch >= settings.patience
    network.load_state_dict(best_state)
    return Trained(network, epoch, best_epoch, converged, best)


def _make_network(n_inputs: int, hidden: tuple[int, ...], generator: torch.Generator) -> nn.Module:
    """Fully connected layers with LeakyReLU between them, and one output."""
    layers: list[nn.Module] = []
    for n_in, n_out in zip((n_inputs, *hidden), (*hidden, 1), strict=True):
        # as torch starts a linear layer, but from a generator of its own
        linear = nn.utils.skip_init(nn.Linear, n_in, n_out)
        bound = 1 / math.sqrt(n_in)
        for parameter in linear.parameters():
            nn.init.uniform_(parameter, -bound, bound, generator=generator)
        layers += [linear, nn.LeakyReLU(0.01)]
    return nn.Sequential(*layers[:-1])
