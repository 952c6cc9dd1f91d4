"""All observables, in layers of all kinds, against plain loops; and what must not change them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import calogan.observables.radial as radial_module
from calogan import samples
from calogan.calorimeter import Axis
from calogan.observables import INCIDENT_ENERGY, observables_of, observables_table
from calogan.showers import Showers
from tests.observables.slowly import observables_slowly
from tests.observables.toys import MIXED, make_mixed

seeds = st.integers(0, 2**32 - 1)


@settings(deadline=None, max_examples=25)
@given(seeds, st.booleans())
def test_every_observable_is_what_a_loop_gives(seed: int, beams: bool) -> None:
    showers = make_mixed(5, seed, beams=beams)
    table = observables_table(showers)
    for row in range(len(showers)):
        slow = observables_slowly(showers, row)
        assert set(slow) == set(table)
        for name, value in slow.items():
            assert table[name][row] == pytest.approx(value, rel=2e-5, abs=1e-5, nan_ok=True), name


@pytest.mark.parametrize("sample", ["eplus", "piplus"])
def test_real_showers_too(sample: str) -> None:
    showers = samples.read_sample(sample)[:4]
    table = observables_table(showers)
    for row in range(len(showers)):
        for name, value in observables_slowly(showers, row).items():
            assert table[name][row] == pytest.approx(value, rel=2e-5, abs=1e-5, nan_ok=True), name


def test_alone_and_together_give_the_same_bits() -> None:
    for showers in (make_mixed(50, 3, beams=True), samples.read_sample("gamma")[:100]):
        table = observables_table(showers, with_energy=True)
        listed = (INCIDENT_ENERGY, *observables_of(showers.calorimeter))
        assert list(table) == [one.name for one in listed]
        for one in listed:
            alone = one.compute(showers)
            assert np.array_equal(table[one.name], alone, equal_nan=True), one.name
            assert table[one.name].dtype == np.float64
            table[one.name][:] = -1  # nobody else's values are behind it
        again = observables_table(showers)
        assert all((values[np.isfinite(values)] != -1).all() for values in again.values())


@settings(deadline=None, max_examples=20)
@given(seeds, st.sampled_from([0.25, 2.0, 1024.0]))
def test_scale_of_the_energy_scales_energies_only(seed: int, factor: float) -> None:
    showers = make_mixed(4, seed, beams=False)
    scaled = _with_layers(showers, [layer * np.float32(factor) for layer in showers.layers])
    before, after = observables_table(showers), observables_table(scaled)
    for one in observables_of(MIXED):
        if one.name in {"leakage", "overflow_share"}:  # the overflow stays
            continue
        grows = one.unit == "MeV" or one.name == "response"
        wanted = before[one.name] * (factor if grows else 1)
        assert after[one.name] == pytest.approx(wanted, rel=1e-9, abs=1e-9, nan_ok=True), one.name


@settings(deadline=None, max_examples=20)
@given(seeds, st.sampled_from(["eta", "phi"]))
def test_a_mirror_turns_one_centroid(seed: int, axis: Axis) -> None:
    showers = make_mixed(4, seed, beams=False)
    # one ring is its own mirror image, but its single angle is an odd number
    turned = [
        image.reshape(len(image), -1)[:, layer.mirror_index(axis)].reshape(image.shape)
        if layer.resolves_axes
        else image
        for image, layer in zip(showers.layers, MIXED.layers, strict=True)
    ]
    before, after = observables_table(showers), observables_table(_with_layers(showers, turned))
    for name, values in before.items():
        wanted = -values if name.startswith(f"c_{axis}") else values
        assert after[name] == pytest.approx(wanted, rel=1e-6, abs=1e-5, nan_ok=True), name


@pytest.mark.parametrize("beams", [False, True])
def test_showers_do_not_see_each_other(monkeypatch: pytest.MonkeyPatch, beams: bool) -> None:
    showers = make_mixed(7, 11, beams=beams)
    whole = observables_table(showers)
    order = np.array([4, 0, 6, 2])
    monkeypatch.setattr(radial_module, "_NUMBERS_AT_ONCE", 100)  # two showers at a time
    part = observables_table(showers[order])
    for name, values in part.items():
        assert values == pytest.approx(whole[name][order], rel=1e-12, abs=1e-9, nan_ok=True), name


def test_an_empty_shower() -> None:
    """What is 0, what is 1, and what is not defined where nothing was deposited."""
    showers = make_mixed(2, 0, beams=False)[1:]
    assert showers.total_energy.tolist() == [0]
    table = {name: float(values[0]) for name, values in observables_table(showers).items()}
    zero = {
        "E_tot",
        "response",
        "l_d",
        *(f"{name}_{k}" for name in ("E", "hits") for k in range(5)),
    }
    assert {name for name, value in table.items() if value == 0} == zero
    assert table.pop("leakage") == 1
    assert all(np.isnan(value) for name, value in table.items() if name not in zero)


def test_an_empty_layer_of_a_shower_that_is_not_empty() -> None:
    showers = make_mixed(2, 0, beams=False)[:1]
    layers = [np.ones_like(layer) for layer in showers.layers]
    layers[1][:] = 0
    table = observables_table(_with_layers(showers, layers))
    about = {one.name: one.group for one in observables_of(MIXED) if one.layer == 1}
    for name, group in about.items():
        defined = group in {"energies", "fractions", "hits"}
        assert table[name].tolist() == [0.0] if defined else np.isnan(table[name]).all(), name
    others = [one.name for one in observables_of(MIXED) if one.layer != 1]
    assert all(np.isfinite(table[name]).all() for name in others)


def test_no_showers_at_all() -> None:
    table = observables_table(make_mixed(2, 0, beams=True)[:0])
    assert {values.shape for values in table.values()} == {(0,)}


def _with_layers(
    showers: Showers, layers: list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]
) -> Showers:
    return Showers(showers.incident, tuple(layers), showers.overflow, showers.calorimeter)
