"""The flow: each part inverts itself, is normalised, and makes showers of the right energies."""

from __future__ import annotations

import math
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the extra train")

from torch import Tensor, nn

from calogan.networks.flow import (
    SUMMARIES,
    CellCoordinates,
    CellMarginals,
    CouplingFlow,
    FlowGenerator,
    LayerEnergies,
    LayerOrientation,
    LayerOverflow,
    LayerSummaries,
    Layout,
    MixtureChain,
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


def generator(**options: Any) -> FlowGenerator:
    torch.manual_seed(0)
    flow = FlowGenerator(LAYOUT, brightest=0, couplings=4, width=8, **options)
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


def shaken(network: nn.Module, size: float = 0.2) -> None:
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(size * torch.randn_like(parameter))


def test_the_density_of_layer_energies_integrates_to_one() -> None:
    torch.manual_seed(11)
    energies = LayerEnergies(2, brightest=0)
    shaken(energies, 0.05)
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
    assert 0.001 < alone < 0.9


def test_layer_energies_share_what_the_shower_leaves() -> None:
    torch.manual_seed(7)
    energies = LayerEnergies(3, brightest=1)
    shaken(energies)
    with torch.no_grad():
        layers = energies(torch.randn(5000, energies.noise_size), torch.full((5000, 1), 1.0))
    assert (layers >= 0).all()
    assert 0 < (layers[:, 0] == 0).float().mean().item() < 1
    assert (layers[:, 1] > 0).all()


def test_a_chain_draws_what_its_density_says() -> None:
    torch.manual_seed(7)
    chain = MixtureChain((True, False), 1, components=4, width=8)
    shaken(chain)
    with torch.no_grad():
        t, on = chain(torch.randn(20_000, chain.noise_size), torch.zeros(20_000, 1))
        logits, mean, width = chain._mixture(0, [torch.zeros(1, 1)])
        weight = logits.softmax(1)
        std = 0.01 + torch.nn.functional.softplus(width - 0.3)
    expected = (weight * mean).sum().item()
    second = (weight * (mean.square() + std.square())).sum().item()
    assert t[:, 0].mean().item() == pytest.approx(expected, abs=0.03)
    assert t[:, 0].std().item() == pytest.approx(math.sqrt(second - expected**2), rel=0.03)
    assert (on[:, 0] == 1).all()
    assert 0 < on[:, 1].mean().item() < 1


def test_overflow_comes_from_what_the_cells_miss() -> None:
    torch.manual_seed(9)
    overflow = LayerOverflow(SHAPES, brightest=0)
    cells = random_cells(4000)
    energy = cells.sum(1, keepdim=True) / 800
    missing = 1000 * energy - cells.sum(1, keepdim=True)
    rng = torch.Generator().manual_seed(3)
    real = missing * torch.rand(4000, 2, generator=rng) * torch.tensor([0.3, 0.1])
    real[:1000, 1] = 0.0
    overflow.fit_scale(energy, cells, real)
    optimizer = torch.optim.Adam(overflow.parameters(), lr=5e-3)
    losses = []
    for _ in range(60):
        loss = -overflow.log_prob(energy, cells, real).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.2
    with torch.no_grad():
        made = overflow(torch.randn(4000, overflow.noise_size), energy, cells)
    assert (made >= 0).all()
    assert (made.sum(1, keepdim=True) <= missing * (1 + 1e-5)).all()
    assert (made[:, 1] == 0).float().mean().item() == pytest.approx(0.25, abs=0.05)
    assert made.sum().item() == pytest.approx(real.sum().item(), rel=0.1)


def test_layers_are_turned_one_way_round_and_back() -> None:
    orientation = LayerOrientation(SHAPES, 3)
    cells = random_cells(200)
    turned, sides = orientation.canonical(cells)
    assert torch.equal(orientation.turn(turned, sides), cells)
    for begin, shape in ((0, SHAPES[0]), (8, SHAPES[1])):
        image = turned[:, begin : begin + shape[0] * shape[1]].view(-1, *shape)
        for axis in (1, 2):
            lower, upper = image.chunk(2, axis)
            assert (upper.sum((1, 2)) >= lower.sum((1, 2)) * (1 - 1e-5)).all()
    assert (sides == -1).float().mean().item() == pytest.approx(0.5, abs=0.1)


def test_layers_lie_as_often_and_as_alike_as_they_did() -> None:
    torch.manual_seed(10)
    orientation = LayerOrientation(SHAPES, 1)
    canonical, _ = orientation.canonical(random_cells(6000)[1000:])
    n = len(canonical)
    sides = torch.where(torch.rand(n, 4) < 0.8, 1.0, -1.0)
    sides[:, 2] = sides[:, 0]  # the second layer lies as the first one
    condition = torch.randn(n, 1)
    optimizer = torch.optim.Adam(orientation.parameters(), lr=5e-3)
    for _ in range(100):
        loss = -orientation.log_prob(condition, canonical, sides).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        made = orientation(torch.randn(n, 4), condition, canonical)
    _, found = orientation.canonical(made)
    real = orientation.canonical(orientation.turn(canonical, sides))[1]
    torch.testing.assert_close(
        (found > 0).float().mean(0), (real > 0).float().mean(0), atol=0.03, rtol=0
    )
    alike = [(x[:, 0] == x[:, 2]).float().mean().item() for x in (found, real)]
    assert alike[0] == pytest.approx(alike[1], abs=0.03)


def test_summaries_are_what_they_are_called() -> None:
    summaries = LayerSummaries(SHAPES, SUMMARIES, 3)
    cells = torch.zeros(2, 12)
    cells[0, 0], cells[0, 3], cells[1, 8] = 3.0, 1.0, 5.0
    values = summaries.measure(cells, torch.Generator().manual_seed(1)).view(2, 2, 3)
    hits = values[:, :, 0].exp()
    assert torch.equal((hits - 0.5).floor(), torch.tensor([[2.0, 0.0], [0.0, 1.0]]))
    assert torch.sigmoid(values[0, 0, 1]).item() == pytest.approx(0.75)
    assert values[0, 0, 2].item() == pytest.approx(0.5 * math.log(0.5**2 + 1.5**2 + 0.25))


def test_a_layer_with_energy_has_a_hit_and_one_without_has_none() -> None:
    flow = generator()
    sums = torch.tensor([[1000.0, 0.5], [2000.0, 0.0]]).repeat(100, 1)
    last = flow.marginals.state_dict()["network.4.bias"]
    with torch.no_grad():
        last[12:] = 0.0
        last[:12] = -8.0  # hardly any cell is hit
        condition = flow.condition(torch.full((200, 1), 5.0), sums)
        cells = flow.cells(torch.randn(200, 12), condition, sums)
    torch.testing.assert_close(cells[:, :8].sum(1), sums[:, 0])
    torch.testing.assert_close(cells[:, 8:].sum(1), sums[:, 1])
    assert (cells >= 0).all()


@pytest.mark.parametrize("options", [{}, {"oriented": True, "summaries": SUMMARIES}])
def test_merging_changes_no_shower(options: dict[str, Any]) -> None:
    flow = generator(**options)
    noise, energy = torch.randn(20, flow.latent_size), torch.full((20, 1), 30.0)
    for one, two in zip(flow(noise, energy), flow.merged()(noise, energy), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-7)


def test_mirrors_turn_showers_and_nothing_else() -> None:
    flow = generator()
    noise, energy = torch.randn(20, flow.latent_size), torch.full((20, 1), 30.0)
    turns = flow.latent_size - flow.overflow.noise_size
    noise[:, turns - 2 : turns] = -1.0
    *plain, beside = flow(noise, energy)
    noise[:, turns - 1] = 1.0
    *turned, still_beside = flow(noise, energy)
    for one, two in zip(plain, turned, strict=True):
        torch.testing.assert_close(two, one.flip(2))
    torch.testing.assert_close(still_beside, beside)


@pytest.mark.parametrize("options", [{}, {"oriented": True, "summaries": SUMMARIES}])
def test_every_weight_learns(options: dict[str, Any]) -> None:
    flow = generator(**options)
    cells = random_cells(50)
    sums = torch.stack([cells[:, :8].sum(1), cells[:, 8:].sum(1)], 1)
    energy = sums.sum(1, keepdim=True) / 900
    rng = torch.Generator().manual_seed(8)
    y, on = flow.coordinates.encode(flow.turned(cells), rng)
    summaries = flow.summaries.measure(cells, rng) if flow.summaries else None
    condition = flow.condition(energy, sums, summaries)
    g = flow.marginals.gaussianise(y, on, condition, rng)
    loss = -(
        flow.energies.log_prob(energy, sums)
        + flow.marginals.log_prob(y, on, condition)
        + flow.flow.log_gain(g, condition)
        + flow.overflow.log_prob(energy, cells, 0.1 * sums)
    ).mean()
    if flow.summaries and summaries is not None:
        energies = flow.raw_condition(energy, sums)
        loss = loss - flow.summaries.log_prob(energies, summaries).mean()
    if flow.orientation:
        turned, sides = flow.orientation.canonical(cells)
        loss = loss - flow.orientation.log_prob(condition, turned, sides).mean()
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
