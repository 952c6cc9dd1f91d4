"""The flow: each part inverts itself, is normalised, and makes showers of the right energies."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="needs the extra train")

from torch import Tensor

from calogan.networks.flow import (
    CellCoordinates,
    CellMarginals,
    CouplingFlow,
    FlowGenerator,
    LayerEnergies,
    Layout,
    fill_empty,
)
from calogan.networks.flow.marginals import KNOTS

SHAPES = ((2, 4), (2, 2))


def mirrored_cells() -> Tensor:
    """The cell that each of the twelve is put on by no mirror, one in each axis, and both."""
    first, second = torch.arange(8).view(2, 4), 8 + torch.arange(4).view(2, 2)
    turns = [(), (0,), (1,), (0, 1)]
    parts = [torch.cat([x.flip(turn).reshape(-1) for x in (first, second)]) for turn in turns]
    orbits: Tensor = torch.stack(parts)
    return orbits


LAYOUT = Layout(SHAPES, mirrored_cells(), ((1, 2, 5, 6), ()))


def random_cells(n: int) -> Tensor:
    """Cells with empty ones outside of the core, and a second layer that may be empty."""
    rng = torch.Generator().manual_seed(1)
    cells = torch.exp(2 * torch.randn(n, 12, generator=rng))
    empty = torch.rand(n, 12, generator=rng) < 0.4
    empty[:, list(LAYOUT.cores[0])] = False
    empty[:5, 8:] = True
    filled: Tensor = cells * ~empty
    return filled


def generator(width: int = 8) -> FlowGenerator:
    torch.manual_seed(0)
    flow = FlowGenerator(LAYOUT, brightest=0, couplings=4, width=width)
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return flow.eval()


def test_cells_come_back_from_their_coordinates() -> None:
    coordinates = CellCoordinates(LAYOUT)
    cells = random_cells(50)
    y, on = coordinates.encode(cells, torch.Generator().manual_seed(2))
    sums = torch.stack([cells[:, :8].sum(1), cells[:, 8:].sum(1)], 1)
    back = torch.cat(coordinates.decode(y, on, sums), 1)
    torch.testing.assert_close(back, cells, rtol=1e-4, atol=1e-6)
    assert torch.equal(back > 0, cells > 0)


def test_the_scale_of_a_layer_is_not_among_its_coordinates() -> None:
    coordinates = CellCoordinates(LAYOUT)
    cells = random_cells(50)
    one, _ = coordinates.encode(cells, torch.Generator().manual_seed(2))
    two, _ = coordinates.encode(7 * cells, torch.Generator().manual_seed(2))
    torch.testing.assert_close(one, two, rtol=1e-3, atol=1e-4)


def test_coordinates_come_back_from_normal_numbers() -> None:
    marginals = CellMarginals(12, 4, 3, width=8)
    rng = torch.Generator().manual_seed(3)
    marginals.table.copy_(torch.sort(torch.randn(12, KNOTS, generator=rng), 1)[0])
    condition = torch.randn(200, 3, generator=rng)
    on = torch.rand(200, 12, generator=rng) < 0.5
    on[:, :4] = True
    y = 0.3 * torch.randn(200, 12, generator=rng)
    g = marginals.gaussianise(y, on, condition, rng)
    back, excess = marginals(g, condition)
    assert torch.equal(excess > 0, on)
    torch.testing.assert_close(back[on], y[on], rtol=2e-3, atol=2e-3)


def test_hits_and_empty_cells_fill_the_normal_distribution() -> None:
    marginals = CellMarginals(4, 0, 1, width=8)
    rng = torch.Generator().manual_seed(4)
    condition = torch.zeros(20_000, 1)
    y, excess = marginals(torch.randn(20_000, 4, generator=rng), condition)
    g = marginals.gaussianise(y, excess > 0, condition, rng)
    assert g.mean().item() == pytest.approx(0, abs=0.02)
    assert g.std().item() == pytest.approx(1, abs=0.02)
    assert g.abs().max().item() > 3.2


def test_couplings_invert_themselves_and_know_their_volume() -> None:
    torch.manual_seed(5)
    flow = CouplingFlow(6, 2, couplings=4, width=8).eval().double()
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    noise, condition = torch.randn(7, 6).double(), torch.randn(7, 2).double()

    def sampled(z: Tensor, c: Tensor) -> Tensor:
        g: Tensor = flow(z[None], c[None])
        return g[0]

    flow.inverse = flow._inverse().double()
    g = flow(noise, condition)
    volume = torch.stack(
        [
            torch.linalg.slogdet(
                torch.autograd.functional.jacobian(lambda z, c=c: sampled(z, c), z)
            )[1]
            for z, c in zip(noise, condition, strict=True)
        ]
    )
    expected = 0.5 * (g.square().sum(1) - noise.square().sum(1)) - volume
    torch.testing.assert_close(flow.log_gain(g, condition), expected, rtol=1e-4, atol=1e-5)


def test_the_linear_layer_makes_the_covariance_that_it_was_given() -> None:
    torch.manual_seed(6)
    flow = CouplingFlow(6, 1, couplings=2, width=8).eval()
    root = torch.randn(6, 6)
    covariance = root @ root.T + torch.eye(6)
    flow.fit_linear(covariance)
    g = flow.merged()(torch.randn(50_000, 6), torch.zeros(50_000, 1))
    torch.testing.assert_close(torch.cov(g.T), covariance, rtol=0.05, atol=0.15)


def test_the_density_of_layer_energies_integrates_to_one() -> None:
    energies = LayerEnergies(2, brightest=0, components=4, width=8)
    with torch.no_grad():
        for parameter in energies.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    # shares by the units of the coordinates, mean 0 and width 1: log(E_tot/E) and logit(E_1/E_tot)
    t = torch.linspace(-11, 11, 401)
    a, b = torch.meshgrid(t, t, indexing="ij")
    total = 1000 * torch.exp(a.reshape(-1, 1).double())
    part = total * torch.sigmoid(b.reshape(-1, 1).double())
    energy = torch.ones(len(total), 1).double()
    density = energies.double().log_prob(energy, torch.cat([total - part, part], 1)).exp()
    inside = density.sum().item() * (22 / 400) ** 2
    empty = torch.cat([1000 * torch.exp(t[:, None]), torch.zeros(401, 1)], 1).double()
    alone = energies.log_prob(energy[:401], empty).exp().sum().item() * 22 / 400
    assert inside + alone == pytest.approx(1, abs=0.01)
    assert 0.01 < alone < 0.9


def test_layer_energies_are_drawn_as_their_density_says() -> None:
    torch.manual_seed(7)
    energies = LayerEnergies(2, brightest=0, components=4, width=8)
    with torch.no_grad():
        for parameter in energies.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
        energy = torch.full((20_000, 1), 1.0)
        layers = energies(torch.randn(20_000, 4), energy)
        told = [torch.zeros(1, 1)]
        weight, mean, log_std = energies._mixture(0, told)
    assert (layers >= 0).all()
    t = torch.log(layers.sum(1) / 1000)
    expected = (weight[:, 1:].exp() * mean).sum().item()
    second = (weight[:, 1:].exp() * (mean.square() + (2 * log_std).exp())).sum().item()
    assert t.mean().item() == pytest.approx(expected, abs=0.03)
    assert t.std().item() == pytest.approx(math.sqrt(second - expected**2), rel=0.03)
    assert 0 < (layers[:, 1] == 0).float().mean().item() < 1


def test_a_layer_with_energy_has_a_hit_and_one_without_has_none() -> None:
    flow = generator()
    sums = torch.tensor([[1000.0, 0.5], [2000.0, 0.0]]).repeat(100, 1)
    last = flow.marginals.state_dict()["network.4.bias"]
    with torch.no_grad():
        last[12:] = 0.0
        last[:12] = -8.0  # hardly any cell is hit
        first, second = flow.cells(torch.randn(200, 12), torch.full((200, 1), 5.0), sums)
    torch.testing.assert_close(first.sum(1), sums[:, 0])
    torch.testing.assert_close(second.sum(1), sums[:, 1])
    assert (first >= 0).all()


def test_merging_changes_no_shower() -> None:
    flow = generator()
    noise, energy = torch.randn(20, flow.latent_size), torch.full((20, 1), 30.0)
    for one, two in zip(flow(noise, energy), flow.merged()(noise, energy), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-7)


def test_mirrors_turn_showers_and_nothing_else() -> None:
    flow = generator()
    noise, energy = torch.randn(20, flow.latent_size), torch.full((20, 1), 30.0)
    noise[:, -2:] = -1.0
    plain = flow(noise, energy)
    noise[:, -1] = 1.0
    for one, two in zip(plain, flow(noise, energy), strict=True):
        torch.testing.assert_close(two, one.flip(2))


def test_every_weight_learns() -> None:
    flow = generator()
    cells = random_cells(50)
    sums = torch.stack([cells[:, :8].sum(1), cells[:, 8:].sum(1)], 1)
    energy = sums.sum(1, keepdim=True) / 900
    rng = torch.Generator().manual_seed(8)
    y, on = flow.coordinates.encode(cells, rng)
    condition = flow.condition(energy, sums)
    g = flow.marginals.gaussianise(y, on, condition, rng)
    loss = -(
        flow.energies.log_prob(energy, sums)
        + flow.marginals.log_prob(y, on, condition)
        + flow.flow.log_gain(g, condition)
    ).mean()
    loss.backward()
    for name, parameter in flow.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_empty_cells_are_drawn_with_the_correlation_of_the_others() -> None:
    rng = torch.Generator().manual_seed(9)
    covariance = torch.full((5, 5), 0.7) + 0.3 * torch.eye(5)
    true = torch.randn(20_000, 5, generator=rng) @ torch.linalg.cholesky(covariance).T
    limit = torch.full_like(true, 0.3)
    on = true > limit
    apart = torch.special.ndtri(torch.special.ndtr(limit) * torch.rand(true.shape, generator=rng))
    alone = torch.where(on, true, apart)
    found = fill_empty(alone, on, limit, torch.linalg.inv(covariance), rng, sweeps=20)
    assert torch.equal(found[on], true[on])
    assert (found[~on] <= 0.3).all()
    assert torch.corrcoef(alone.T)[0, 1] < 0.5
    torch.testing.assert_close(torch.cov(found.T), covariance, rtol=0, atol=0.03)
