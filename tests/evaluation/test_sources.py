"""Where showers come from: files, memory, simulators; which of them are compared; how they add up."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="needs the extra evaluate")

from calogan.calorimeter import Calorimeter
from calogan.catalogue import open_simulator
from calogan.errors import CaloganError, ModelError, ShowerFileError, SimulationError
from calogan.evaluation import Settings, compare_files
from calogan.evaluation.samples.accumulation import accumulate
from calogan.evaluation.samples.opening import find_source, names_of, open_source
from calogan.evaluation.samples.sources import FileSource, MemorySource, SimulatorSource, Source
from calogan.files import write_showers
from calogan.incident import Incident
from calogan.observables import observables_table, select_observables
from calogan.samples import sample_path
from calogan.showers import Showers
from tests.conftest import make_showers

CALORIMETER = Calorimeter.load("calogan")


class Blobs:
    """A simulator that is fast and makes what `make_showers` makes."""

    name = "blobs"
    calorimeter = CALORIMETER
    chunk_size = 30
    particle = "e+"
    coverage = {-11: (1.0, 100.0)}  # noqa: RUF012

    def __init__(self, lost: int = 0) -> None:
        self.lost = lost

    def check(self, incident: Incident) -> None:
        """Refuse what is no e+."""
        if (incident.pdgid != -11).any():
            msg = "blobs are of e+"
            raise ModelError(msg)

    def simulate(self, incident: Incident, rng: np.random.Generator | None = None) -> Showers:
        """Make showers, but for some that are lost."""
        seed = int((rng or np.random.default_rng()).integers(1 << 30))
        made = make_showers(len(incident), seed)
        whole = Showers(incident, made.layers, made.overflow, CALORIMETER)
        return whole[: len(incident) - self.lost]


def everything(source: Source) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.ones(len(source.origin), dtype=np.bool_)


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calogan.evaluation.samples.sources._CELLS_AT_ONCE", 50 * 504)


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("kind", ["memory", "file"])
def test_pieces_make_the_whole(kind: str, showers: Showers, shower_file: Path) -> None:
    source: Source = MemorySource("x", showers)
    if kind == "file":
        source = FileSource.open(shower_file, "x", source="eplus.h5")
    keep = np.random.default_rng(1).random(len(showers)) < 0.6
    keep[50:100] = False  # a piece of which nothing is kept
    told: list[int] = []
    pieces = list(source.pieces(keep, told.append))
    assert len(pieces) == 3
    whole = Showers.concatenate(pieces)
    energy = showers.incident.energy_gev[keep]
    np.testing.assert_allclose(whole.incident.energy_gev, energy, rtol=1e-6)
    np.testing.assert_array_equal(whole.layers[1], showers.layers[1][keep])
    assert told[-1] == keep.sum()


def test_a_limit_leaves_the_rest_unread(shower_file: Path) -> None:
    source = FileSource.open(shower_file, "x", source="eplus.h5", limit=70)
    assert len(source.origin) == 70
    assert source.origin.n_source == 200
    assert source.origin.made_with == {"seed": 7}


def test_a_simulator_makes_one_shower_for_each_particle() -> None:
    incident = Incident.draw("e+", "10:20", 100, seed=3)
    source = SimulatorSource("blobs", Blobs(), incident, 5)
    keep = incident.energy_gev > 12
    once, twice = (Showers.concatenate(list(source.pieces(keep))) for _ in range(2))
    np.testing.assert_array_equal(once.incident.energy_gev, incident.energy_gev[keep])
    np.testing.assert_array_equal(once.layers[0], twice.layers[0])
    assert source.origin.trained_gev == (1.0, 100.0)
    assert source.origin.made_with["seed"] == 5


def test_sums_over_pieces_are_those_of_the_whole(
    showers: Showers, monkeypatch: pytest.MonkeyPatch
) -> None:
    observables = select_observables(CALORIMETER, ["primary", "leakage"])
    source = MemorySource("x", showers)
    monkeypatch.setattr("calogan.evaluation.samples.sources._CELLS_AT_ONCE", 50 * 504)
    sample = accumulate(source, everything(source), observables, n_excerpt=80, spectra_of=(0, 2))
    for name, values in observables_table(showers, observables).items():
        np.testing.assert_array_equal(sample.table[name], values)
    for k, image in enumerate(sample.images):
        cells = showers.layers[k].astype(np.float64)
        np.testing.assert_allclose(image.mean, cells.mean(axis=0))
        error = cells.std(axis=0, ddof=1) / np.sqrt(len(showers))
        np.testing.assert_allclose(image.error, error, rtol=1e-4, atol=1e-9)
    np.testing.assert_allclose(sample.layer_mean, showers.layer_energies.mean(axis=0))
    assert sample.spectra is not None
    assert sample.spectra.counts[0].sum() == (showers.layers[0] > 0).sum()
    assert sample.spectra.counts[1].sum() == 0
    assert len(sample.excerpt) == 80
    assert np.isin(sample.excerpt.incident.energy_gev, showers.incident.energy_gev).all()


def test_excerpts_of_a_simulator_stay_beside_those_of_the_reference(showers: Showers) -> None:
    reference = MemorySource("x", showers)
    simulator = SimulatorSource("blobs", Blobs(), showers.incident, 5)
    one, other = (
        accumulate(s, everything(s), (), n_excerpt=20, seed=9) for s in (reference, simulator)
    )
    np.testing.assert_array_equal(
        one.excerpt.incident.energy_gev, other.excerpt.incident.energy_gev
    )


def test_a_simulator_that_loses_showers_is_found_out(showers: Showers) -> None:
    source = SimulatorSource("blobs", Blobs(lost=1), showers.incident, 5)
    with pytest.raises(SimulationError, match="blobs gave 193 showers for 200 particles"):
        accumulate(source, everything(source), (), n_excerpt=20)


def test_a_simulator_of_other_particles_is_refused() -> None:
    incident = Incident.create("gamma", np.full(60, 5.0))
    source = SimulatorSource("blobs", Blobs(), incident, 5)
    with pytest.raises(ModelError, match=r"blobs cannot make the showers of .*: blobs are of"):
        source.check()


def test_what_a_text_stands_for(tmp_path: Path, shower_file: Path) -> None:
    assert find_source("sample:gamma") == sample_path("gamma")
    assert find_source(shower_file) == shower_file
    library = find_source(f"library:{shower_file}")
    assert not isinstance(library, Path)
    assert library.name.startswith("library")
    for wrong in ("nowhere.h5", "calogan-muon", str(tmp_path / "nowhere" / "x.h5")):
        with pytest.raises(ShowerFileError, match=r"no such file: .*, and no simulator"):
            find_source(wrong)
    with pytest.raises(ModelError, match="no model bundle"):
        find_source(tmp_path)


def test_names_of_sources(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    for folder in "ab":
        write_showers(tmp_path / folder / "x.h5", make_showers(1), {})
    files = [tmp_path / "a" / "x.h5", tmp_path / "b" / "x.h5"]
    assert names_of(files) == ["a/x", "b/x"]
    texts: list[str | Path] = [
        "sample:eplus",
        "geant4",
        "calogan-eplus",
        "library:sample:eplus",
        files[0],
    ]
    expected = ["Geant4 eplus", "Geant4", "calogan-eplus", "library Geant4 eplus", "x"]
    assert names_of([*texts]) == expected
    # what is no path has no folder
    assert names_of(["geant4", "geant4"]) == ["Geant4 (1)", "Geant4 (2)"]
    assert names_of(["eplus", "sample:eplus", "eplus"])[::2] == ["eplus (1)", "eplus (3)"]


def test_no_showers_are_made_twice(tmp_path: Path) -> None:
    """A file that a simulator wrote is not what it makes for the comparison with this file."""
    pytest.importorskip("torch", reason="needs the extra train")
    from calogan.evaluation.classifiers.sources import read_candidates

    incident = Incident.draw("e+", "10:20", 60, seed=3)
    everyone = np.ones(60, dtype=np.bool_)
    file = tmp_path / "made.h5"
    (made,) = SimulatorSource("eplus", open_simulator("eplus"), incident, 2).pieces(everyone)
    write_showers(file, made, {})
    texts = ["eplus", "calogan-eplus"]
    settings = Settings(observables=("f_1",), quick=True, n_bootstrap=2)
    metrics = compare_files(file, texts, tmp_path / "report", settings=settings)
    for name in texts:
        assert metrics["observables"]["f_1"]["candidates"][name]["distances"]["ks"]["value"] > 0
    alike = read_candidates(texts, made, None, 2)
    layers = [made.layers[1], *(showers.layers[1] for showers in alike.values())]
    assert not any(np.array_equal(one, other) for one, other in combinations(layers, 2))


def test_a_simulator_makes_the_second_sample_of_the_reference(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    incident = Incident.draw("e+", "10:20", 60, seed=3)
    file = tmp_path / "made.h5"
    model = open_simulator("calogan-eplus")
    write_showers(file, model.simulate(incident, np.random.default_rng(1)), {})
    settings = Settings(observables=("f_1",), quick=True, n_bootstrap=2)
    metrics = compare_files(
        file, ["calogan-eplus"], tmp_path / "report", floor="calogan-eplus", settings=settings
    )
    assert [sample["role"] for sample in metrics["samples"]] == ["reference", "candidate", "floor"]
    candidate, floor = metrics["samples"][1:]
    assert candidate["n"] == floor["n"] == 60
    assert candidate["made_with"]["seed"] != floor["made_with"]["seed"]


def test_particles_that_a_file_does_not_name(tmp_path: Path) -> None:
    """A simulator that knows its particle takes them for that; Geant4 cannot know."""
    unknown = Incident(
        np.zeros(3, np.int64), np.full(3, 5.0), np.zeros((3, 3)), np.tile([0.0, 0.0, 1.0], (3, 1))
    )
    source = open_source("library:sample:eplus", "library", incident=unknown)
    assert source.origin.particles == ("e+",)
    pytest.importorskip("calzone", reason="needs the extra geant4")
    with pytest.raises(CaloganError, match="does not say which particles"):
        open_source("geant4", "Geant4", incident=unknown)
    with pytest.raises(CaloganError, match="nothing says which particles"):
        open_source("geant4", "Geant4")
