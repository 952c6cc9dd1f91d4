"""The Geant4 showers that ship with the package: what they are, and that they are the paper's."""

from __future__ import annotations

import numpy as np
import pytest

from calogan.errors import ShowerFileError
from calogan.files import ShowerFile
from calogan.observables import hit_share, lateral_width, layer_fraction, response
from calogan.samples import list_samples, read_sample, sample_path

PARTICLES = {"eplus": "e+", "gamma": "gamma", "piplus": "pi+"}


def test_they_are_an_attribute_of_the_package() -> None:
    import calogan

    assert len(calogan.samples.read_sample("gamma")) == 1000


def test_there_is_one_per_particle() -> None:
    assert list_samples() == sorted(PARTICLES)
    with pytest.raises(ShowerFileError, match="no sample 'kaon': give one of eplus, gamma, piplus"):
        sample_path("kaon")


@pytest.mark.parametrize("name", PARTICLES)
def test_what_a_sample_says_of_itself(name: str) -> None:
    with ShowerFile(sample_path(name)) as file:
        assert len(file) == 1000
        assert file.particle == PARTICLES[name]
        assert file.made_with["physics_list"] == "FTFP_BERT"
        assert file.made_with["geant4"] == "11.4.0"
        assert "compact" in file.made_with["data"]
        energy = file.read().incident.energy_gev
    assert 1 <= energy.min() < 2
    assert 99 < energy.max() <= 100
    assert sample_path(name).stat().st_size < 3e6


@pytest.mark.physics
@pytest.mark.parametrize(
    ("name", "fractions", "hits"),
    [
        ("eplus", (0.197, 0.804, 0.0016), (0.46, 0.80, 0.28)),
        ("gamma", (0.144, 0.855, 0.0022), None),
        ("piplus", (0.10, 0.765, 0.137), (0.25, 0.60, 0.41)),
    ],
)
def test_published_means(
    name: str, fractions: tuple[float, ...], hits: tuple[float, ...] | None
) -> None:
    """Means of the paper's data set, read off its histograms to about one in the last digit.

    Allowed are four standard errors and the reading: 0.005 for a fraction (0.0002 in the last
    layer of e+ and gamma), 0.02 for a share of cells.
    """
    showers = read_sample(name)
    for k, expected in enumerate(fractions):
        values = layer_fraction(showers, k)
        values = values[np.isfinite(values)]
        reading = 0.0002 if expected < 0.01 else 0.005
        error = 4 * values.std() / np.sqrt(len(values))
        assert values.mean() == pytest.approx(expected, abs=reading + error), k
    for k, expected in enumerate(hits or ()):
        values = hit_share(showers, k)
        error = 4 * values.std() / np.sqrt(len(values))
        assert values.mean() == pytest.approx(expected, abs=0.02 + error), k


@pytest.mark.physics
def test_published_response_width_and_pion_energy() -> None:
    for name in ("eplus", "gamma"):
        assert response(read_sample(name)).mean() == pytest.approx(0.994, abs=0.002)
    assert lateral_width(read_sample("eplus"), 1, "eta").mean() == pytest.approx(29.8, abs=0.4)
    pions = read_sample("piplus").total_energy / 1e3  # GeV
    error = 4 * pions.std() / np.sqrt(len(pions))
    assert pions.mean() == pytest.approx(12.9, abs=0.3 + error)
