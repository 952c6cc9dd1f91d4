"""The detector: geometry, cells, and which deposit falls into which of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from calogan.calorimeter import (
    CALOGAN,
    AnyLayer,
    Axis,
    Calorimeter,
    PolarLayer,
    ReadoutLayer,
    Section,
    SubLayer,
)
from calogan.calorimeter.summary import depth_between, layer_rows, section_rows
from calogan.errors import CalorimeterError

POLAR = PolarLayer(z_min_mm=-5, z_max_mm=5, n_alpha=8, r_edges_mm=(0, 4, 10))


def bin_one(
    x: float, y: float, z: float, calorimeter: Calorimeter = CALOGAN
) -> tuple[int, tuple[int, ...], float]:
    """Layer, cell and overflow of a deposit of 1 MeV."""
    layers, overflow = calorimeter.bin_deposits(
        np.array([0]), np.array([[x, y, z]]), np.array([1.0]), n_events=1
    )
    for k, layer in enumerate(layers):
        if layer.any():
            return k, tuple(int(i) for i in np.argwhere(layer[0])[0]), float(overflow.sum())
    return int(np.argmax(overflow[0])), (), float(overflow.sum())


def slab_of_lead(*layers: AnyLayer, depth_mm: float = 20.0) -> Calorimeter:
    return Calorimeter(
        name="lead",
        sections=(Section(sublayers=(SubLayer(material="G4_Pb", thickness_mm=depth_mm),)),),
        layers=layers,
    )


def test_the_paper_s_detector() -> None:
    assert CALOGAN.n_cells == 504
    assert CALOGAN.layer_shapes == ((3, 96), (12, 12), (12, 6))
    assert CALOGAN.depth_mm == 480
    assert CALOGAN.gun_z_mm == -288
    assert [layer.z_min_mm for layer in CALOGAN.layers] == [-240, -150, 197]
    assert CALOGAN.elements == {18, 82}
    first = CALOGAN.layers[0]
    assert isinstance(first, ReadoutLayer)
    assert first.cell_size_mm == (160, 5)


@pytest.mark.parametrize(
    ("place", "layer", "cell"),
    [
        ((0.1, 0.1, -240.0), 0, (1, 48)),
        ((-239.9, -239.9, -200.0), 0, (0, 0)),
        ((239.9, 239.9, -150.1), 0, (2, 95)),
        ((0.1, 0.1, -150.0), 1, (6, 6)),  # the lower edge belongs to the layer
        ((-0.1, 239.9, 196.9), 1, (5, 11)),
        ((0.1, -0.1, 197.0), 2, (6, 2)),
        ((0.1, -0.1, 240.0), 2, (6, 2)),  # the back face counts in the last layer
    ],
)
def test_a_deposit_falls_into_its_cell(
    place: tuple[float, float, float], layer: int, cell: tuple[int, int]
) -> None:
    assert bin_one(*place) == (layer, cell, 0.0)


@pytest.mark.parametrize("place", [(240.0, 0.0, -200.0), (0.0, -240.1, 0.0), (-499.0, 0.0, 220.0)])
def test_a_deposit_beside_the_cells_is_overflow(place: tuple[float, float, float]) -> None:
    layer, cell, overflow = bin_one(*place)
    assert cell == ()
    assert overflow == 1.0
    assert layer == {-200.0: 0, 0.0: 1, 220.0: 2}[place[2]]


def test_layers_need_not_align_with_the_sub_layers() -> None:
    """The paper's second layer ends within a slab of argon: its deposits go to both sides."""
    cut = next(slab for slab in CALOGAN.slabs if slab.z_min_mm < 197 < slab.z_max_mm)
    assert cut.material == "LiquidArgon"
    assert bin_one(0.1, 0.1, cut.z_min_mm + 1e-6)[0] == 1
    assert bin_one(0.1, 0.1, cut.z_max_mm - 1e-6)[0] == 2
    z = np.linspace(cut.z_min_mm, cut.z_max_mm, 1001)[:-1]
    place = np.stack([np.zeros(1000), np.zeros(1000), z], axis=1)
    layers, _ = CALOGAN.bin_deposits(np.zeros(1000, np.int64), place, np.ones(1000), 1)
    share = (197 - cut.z_min_mm) / 4
    assert layers[1].sum() == pytest.approx(1000 * share)
    assert layers[2].sum() == pytest.approx(1000 * (1 - share))


def test_a_gap_between_layers_is_not_read_out() -> None:
    calorimeter = slab_of_lead(
        ReadoutLayer(z_min_mm=-8, z_max_mm=-2, n_eta=1, n_phi=1),
        ReadoutLayer(z_min_mm=2, z_max_mm=8, n_eta=1, n_phi=1),
    )
    place = np.array([[0, 0, z] for z in (-9.0, -5.0, -2.0, 0.0, 1.9, 2.0, 9.0)])
    layers, overflow = calorimeter.bin_deposits(np.zeros(7, np.int64), place, np.ones(7), 1)
    assert [float(layer.sum()) for layer in layers] == [2, 2]
    assert not overflow.any()


@given(
    arrays(np.float64, (50, 3), elements=st.floats(-240, 240, width=32)),
    arrays(np.float64, 50, elements=st.floats(0, 1e3, width=32)),
    arrays(np.int64, 50, elements=st.integers(0, 6)),
)
@settings(deadline=None, max_examples=50)
def test_no_energy_is_lost(
    position: NDArray[np.float64], energy: NDArray[np.float64], event: NDArray[np.int64]
) -> None:
    for name in ("calogan", "ecal-hcal", "si-w"):
        calorimeter = Calorimeter.load(name)
        layers, overflow = calorimeter.bin_deposits(event, position, energy, n_events=7)
        total = sum(layer.sum((1, 2)) for layer in layers) + overflow.sum(1)
        expected = np.bincount(event, energy, minlength=7)
        np.testing.assert_allclose(total, expected, rtol=1e-5, atol=1e-4)


def one_by_one(
    calorimeter: Calorimeter,
    event: NDArray[np.int64],
    position: NDArray[np.float64],
    energy: NDArray[np.float64],
    n: int,
) -> tuple[list[NDArray[np.float64]], NDArray[np.float64]]:
    """What `bin_deposits` must give, written down as its definition."""
    images = [np.zeros((n, *shape)) for shape in calorimeter.layer_shapes]
    overflow = np.zeros((n, len(images)))
    last = len(images) - 1
    for e, (x, y, z), mev in zip(event, position, energy, strict=True):
        for k, layer in enumerate(calorimeter.layers):
            behind = k < last and z >= layer.z_max_mm
            if behind or (k > 0 and z < layer.z_min_mm):
                continue
            if isinstance(layer, PolarLayer):
                alpha = (np.arctan2(y, x) + np.pi) % (2 * np.pi)
                i = int(alpha // (2 * np.pi / layer.n_alpha))
                j = int(np.digitize(np.hypot(x, y), layer.r_edges_mm)) - 1
            else:
                i = int((x + layer.half_width_mm) // layer.cell_size_mm[0])
                j = int((y + layer.half_width_mm) // layer.cell_size_mm[1])
            if 0 <= i < layer.shape[0] and 0 <= j < layer.shape[1]:
                images[k][e, i, j] += mev
            else:
                overflow[e, k] += mev
    return images, overflow


@pytest.mark.parametrize("name", ["calogan", "ecal-hcal", "si-w", "mixed"])
def test_binning_is_its_definition(name: str) -> None:
    mixed = slab_of_lead(
        POLAR.model_copy(update={"z_min_mm": -10, "z_max_mm": -6}),
        ReadoutLayer(z_min_mm=-6, z_max_mm=-2, n_eta=2, n_phi=3, half_width_mm=9),
        POLAR.model_copy(update={"z_min_mm": 0, "z_max_mm": 4}),  # behind a gap
        POLAR.model_copy(update={"z_min_mm": 4, "z_max_mm": 8}),
    )
    calorimeter = mixed if name == "mixed" else Calorimeter.load(name)
    rng = np.random.default_rng(7)
    n, m = 5, 2000
    half = np.array([[1.2 * max(x.half_extent_mm for x in calorimeter.layers)]])
    size = np.concatenate([half, half, [[calorimeter.depth_mm / 2]]], axis=1)
    position = rng.uniform(-size, size, (m, 3)) * rng.uniform(0, 1, (m, 1))
    event, energy = rng.integers(0, n, m), rng.exponential(1.0, m)
    layers, overflow = calorimeter.bin_deposits(event, position, energy, n)
    images, expected = one_by_one(calorimeter, event, position, energy, n)
    for layer, image in zip(layers, images, strict=True):
        np.testing.assert_allclose(layer, image, rtol=1e-6)
    np.testing.assert_allclose(overflow, expected, rtol=1e-6)


def test_no_deposits_make_empty_showers() -> None:
    for name in ("calogan", "si-w"):
        calorimeter = Calorimeter.load(name)
        nothing = np.empty(0, np.int64), np.empty((0, 3)), np.empty(0)
        layers, overflow = calorimeter.bin_deposits(*nothing, n_events=2)
        assert [x.shape for x in layers] == [(2, *s) for s in calorimeter.layer_shapes]
        assert not overflow.any()
        assert calorimeter.bin_deposits(*nothing, n_events=0)[1].shape == (0, len(layers))


def test_split_cells_is_the_published_order() -> None:
    cells = np.arange(504, dtype=np.float32)[None]
    layers = CALOGAN.split_cells(cells)
    assert layers[0][0, 1, 0] == 96
    assert layers[1][0, 0, 0] == 288
    assert layers[2][0, 11, 5] == 503


def test_split_cells_is_the_order_of_the_calochallenge() -> None:
    """Layer by layer, angle by angle, the radius fastest."""
    layers = Calorimeter.load("si-w").split_cells(np.arange(6480, dtype=np.float32)[None])
    assert layers[0][0, 0].tolist() == list(range(9))
    assert layers[0][0, 1, 0] == 9
    assert layers[1][0, 0, 0] == 144


layers_of_any_kind = st.one_of(
    st.builds(
        ReadoutLayer,
        z_min_mm=st.just(-1.0),
        z_max_mm=st.just(1.0),
        n_eta=st.integers(1, 9),
        n_phi=st.integers(1, 9),
        half_width_mm=st.floats(1, 1000),
    ),
    st.builds(
        PolarLayer,
        z_min_mm=st.just(-1.0),
        z_max_mm=st.just(1.0),
        n_alpha=st.integers(3, 20),
        r_edges_mm=st.lists(st.floats(0, 1000, width=16), min_size=2, max_size=20, unique=True).map(
            lambda edges: tuple(sorted(edges))
        ),
    ),
)


@given(layers_of_any_kind)
@settings(deadline=None)
def test_the_centre_of_a_cell_is_in_it(layer: AnyLayer) -> None:
    assert layer.x_mm.shape == layer.y_mm.shape == layer.shape
    found = layer.cell_index(layer.x_mm.ravel(), layer.y_mm.ravel())
    inside = np.arange(layer.n_cells)
    if isinstance(layer, PolarLayer):  # the centre of a long, thin arc is nearer to the axis
        edges = np.array(layer.r_edges_mm)
        thick = (edges[1:] > layer.r_centroids_mm) & (edges[:-1] < layer.r_centroids_mm)
        inside = inside.reshape(layer.shape)[:, thick].ravel()
    assert found[inside].tolist() == inside.tolist()
    far = np.array([layer.reach_mm * 1.001])
    assert layer.cell_index(far, far).tolist() == [-1]


@given(layers_of_any_kind, st.sampled_from(["eta", "phi"]), st.integers(0, 2**32))
@settings(deadline=None)
def test_mirrored_points_fall_into_mirrored_cells(layer: AnyLayer, axis: Axis, seed: int) -> None:
    if isinstance(layer, PolarLayer) and axis == "eta" and layer.n_alpha % 2:
        with pytest.raises(CalorimeterError, match="cannot be mirrored"):
            layer.mirror_index(axis)
        return
    x, y = np.random.default_rng(seed).uniform(-1, 1, (2, 200)) * layer.half_extent_mm
    cell = layer.cell_index(x, y)
    other = layer.cell_index(*((-x, y) if axis == "eta" else (x, -y)))
    inside = (cell >= 0) & (other >= 0)
    assert inside.any() or isinstance(layer, PolarLayer)
    assert other[inside].tolist() == layer.mirror_index(axis)[cell[inside]].tolist()


@pytest.mark.parametrize(
    ("x", "y", "cell"),
    [
        (-1.0, -0.1, 0),  # alpha starts at -x ...
        (1.0, -0.1, 6),
        (1.0, 0.1, 8),
        (0.1, 1.0, 10),  # ... and goes from x towards y
        (4.0, 0.0, 9),  # an edge belongs to the outer cell
        (-4.0, 0.0, 1),
        (-4.0, -0.0, 1),
        (10.0, 0.0, -1),
    ],
)
def test_polar_cells(x: float, y: float, cell: int) -> None:
    assert POLAR.cell_index(np.array([x]), np.array([y])).tolist() == [cell]


def test_centres_of_polar_cells_are_those_of_area() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.uniform(-10, 10, (2, 400_000))
    cell = POLAR.cell_index(x, y)
    inside = cell >= 0
    n = np.bincount(cell[inside], minlength=POLAR.n_cells)
    for values, centers in ((x, POLAR.x_mm), (y, POLAR.y_mm)):
        mean = np.bincount(cell[inside], values[inside], minlength=POLAR.n_cells) / n
        np.testing.assert_allclose(centers.ravel(), mean, atol=0.06)


def test_slabs_lie_one_behind_another() -> None:
    slabs = Calorimeter.load("ecal-hcal").slabs
    assert len(slabs) == 160 + 96
    ends = np.array([(slab.z_min_mm, slab.z_max_mm) for slab in slabs])
    assert ends[0, 0] == -840
    assert ends[-1, 1] == pytest.approx(840)
    np.testing.assert_allclose(ends[1:, 0], ends[:-1, 1], atol=1e-9)
    assert {slab.section for slab in slabs if slab.z_min_mm < -360.1} == {0}
    assert {slab.material for slab in slabs if slab.active} == {
        "LiquidArgon",
        "G4_PLASTIC_SC_VINYLTOLUENE",
    }


def test_depths() -> None:
    depth = depth_between(CALOGAN)
    assert depth.mm == pytest.approx(480)
    # 160 mm of lead, 320 mm of argon of 1.39 g/cm3: values of the Particle Data Group
    assert depth.radiation_lengths == pytest.approx(160 / 5.612 + 320 / 140.7, rel=0.01)
    assert depth.interaction_lengths == pytest.approx(160 / 175.9 + 320 / 861, rel=0.05)
    rows = layer_rows(CALOGAN)
    assert sum(row.depth.radiation_lengths for row in rows) == pytest.approx(
        depth.radiation_lengths
    )
    assert [(row.whole_slabs, row.cut_slabs) for row in rows] == [(30, 0), (115, 1), (14, 1)]
    sections = section_rows(Calorimeter.load("ecal-hcal"))
    assert [section.repeat for section in sections] == [80, 48]
    assert 5 < sections[1].depth.interaction_lengths < 7
    assert sections[1].active_share == pytest.approx(0.2)


def test_rows_join_layers_that_are_alike() -> None:
    (row,) = layer_rows(Calorimeter.load("si-w"))
    assert (row.name, row.z_min_mm, row.z_max_mm, row.whole_slabs) == ("0-44", -76.5, 76.5, 4)
    gap = slab_of_lead(
        *(ReadoutLayer(z_min_mm=z, z_max_mm=z + 2, n_eta=1, n_phi=1) for z in (-10, -8, -5, -3, 0))
    )
    assert [row.name for row in layer_rows(gap)] == ["0-1", "2-3", "4"]
