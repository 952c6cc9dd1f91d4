from __future__ import annotations

import pytest

from calogan.calorimeter import CALOGAN, Calorimeter
from calogan.errors import CaloganError
from calogan.observables import (
    GROUPS,
    observables_of,
    select_observables,
    shape_observables_of,
)
from tests.observables.toys import MIXED


def names(wanted: str | list[str] | None, calorimeter: Calorimeter = CALOGAN) -> list[str]:
    return [one.name for one in select_observables(calorimeter, wanted)]


def test_by_name_pattern_and_group() -> None:
    assert names("f_1") == ["f_1"]
    assert names("c_phi_*") == ["c_phi_0", "c_phi_1", "c_phi_2"]
    assert names("group:depth") == ["d", "l_d", "s_d", "sigma_sd"]
    assert names(["hits_2,f_0", " E_tot "]) == ["E_tot", "f_0", "hits_2"]
    assert names("f_*,f_0") == ["f_0", "f_1", "f_2"]
    assert names("*") == [one.name for one in observables_of(CALOGAN)]


def test_nothing_wanted_is_what_is_looked_at_first() -> None:
    primary = [one.name for one in observables_of(CALOGAN) if one.primary]
    assert names(None) == names([]) == names("primary") == primary
    assert {"E_ratio_0", "s_d", "sigma_phi_2", "peak_1_1", "r_90"} <= set(primary)
    assert not {"peak_2_0", "sigma_eta_cells_0", "leakage", "overflow_share", "r_1"} & set(primary)
    assert names("primary,r_1") == [
        one.name for one in observables_of(CALOGAN) if one.primary or one.name == "r_1"
    ]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("sigma_et_0", "no observable 'sigma_et_0' in the calorimeter calogan.*sigma_eta_0"),
        ("f_3", "no observable 'f_3'.*near to it: f_0, f_1, f_2"),
        ("zzz*", r"no observable 'zzz\*'.*--list"),
        ("E_tot,nothing", "no observable 'nothing'"),
        ("group:width", "no group of observables 'width': there are energies, fractions"),
    ],
)
def test_unknown_names(wanted: str, said: str) -> None:
    with pytest.raises(CaloganError, match=said) as caught:
        names(wanted)
    assert "\n" not in str(caught.value)


def test_each_observable_is_listed_once_and_whole() -> None:
    for calorimeter in (CALOGAN, MIXED, Calorimeter.load("si-w")):
        listed = observables_of(calorimeter)
        assert len({one.name for one in listed}) == len(listed)
        assert {one.group for one in listed} == set(GROUPS)
        for one in listed:
            assert one.label.startswith("$")
            assert one.label.endswith("$")
            assert one.unit in {"", "MeV", "mm", "cells", "layers"}
            assert one.layer is None or one.name.endswith(f"_{one.layer}")


def test_kinds_of_layers_have_what_they_can_tell() -> None:
    found = {one.name: one for one in observables_of(MIXED)}
    assert "sigma_eta_1" in found
    assert "sigma_eta_cells_1" not in found  # no cells along eta
    assert "sigma_eta_2" not in found  # rings
    assert found["r_2"].primary
    assert not found["r_1"].primary
    assert not {"E_ratio_3", "peak_1_3"} & set(found)  # a single cell
    assert {"E_ratio_4", "peak_2_4"} <= set(found)
    assert "peak_3_4" not in found  # of two cells


def test_models_are_judged_by_the_same_list_as_ever() -> None:
    """The figures on the cards of models that are published must stay comparable."""
    axes = ("eta", "phi")
    assert [one.name for one in shape_observables_of(CALOGAN)] == [
        *("E_0", "E_1", "E_2", "E_tot", "response", "f_0", "f_1", "f_2"),
        *(f"sigma_{axis}_{k}" for axis in axes for k in range(3)),
        *(f"hits_{k}" for k in range(3)),
        *(f"c_{axis}_{k}" for axis in axes for k in range(3)),
    ]
    assert len(shape_observables_of(Calorimeter.load("si-w"))) == 7 * 45 + 2
