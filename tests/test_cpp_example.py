"""The C++ example is built against ONNX Runtime and gives what Python gives."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from calogan.bundle import Bundle, Condition, find_bundle
from calogan.incident import Incident
from calogan.neural import NeuralSimulator
from tests.tiny_models import expected, make_bundle, make_network

SOURCE = Path(__file__).parents[1] / "examples" / "cpp"
PACKAGES = ("libonnxruntime-dev", "nlohmann-json3-dev")
DEBIAN = "deb [signed-by={key}] http://deb.debian.org/debian trixie main\n"
KEY = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def run(*command: object, timeout: float = 240) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def download_headers(folder: Path) -> Path:
    """Unpack the headers of Debian's packages, with package lists that are nobody else's."""
    if not all(map(shutil.which, ("apt-get", "dpkg"))) or not KEY.is_file():
        pytest.skip("no ONNX Runtime for C++: ONNXRUNTIME_ROOT is not set, and apt is not here")
    for name in ("lists/partial", "cache/archives/partial", "download", "root"):
        (folder / name).mkdir(parents=True)
    (folder / "sources.list").write_text(DEBIAN.format(key=KEY))
    (folder / "status").touch()
    settings = {
        "Dir::State::lists": folder / "lists",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder / "cache",
        "Dir::Etc::sourcelist": folder / "sources.list",
        "Dir::Etc::sourceparts": "-",
        "Acquire::Languages": "none",
        "Acquire::http::Timeout": 20,
        "Acquire::Retries": 0,
        "APT::Sandbox::User": "root",
    }
    apt = ["apt-get", *(f"-o{name}={value}" for name, value in settings.items())]
    done = run(*apt, "update")
    if done.returncode == 0:
        done = subprocess.run(
            [*apt, "download", *PACKAGES],
            cwd=folder / "download",
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
    packages = sorted((folder / "download").glob("*.deb"))
    if len(packages) < len(PACKAGES):
        pytest.skip(f"Debian's ONNX Runtime headers cannot be had: {done.stderr.strip()[-200:]}")
    for package in packages:
        assert run("dpkg", "-x", package, folder / "root").returncode == 0
    return folder / "root" / "usr" / "include"


def prefix_of(folder: Path) -> Path:
    """A folder with headers of ONNX Runtime and the library of the Python package.

    The library takes programs that were built with headers as old as its own or older.
    """
    libraries = sorted((Path(onnxruntime.__file__).parent / "capi").glob("libonnxruntime.so.*"))
    if not libraries or tuple(map(int, onnxruntime.__version__.split(".")[:2])) < (1, 21):
        pytest.skip("the Python package's ONNX Runtime is no library for the headers 1.21")
    prefix = folder / "prefix"
    (prefix / "lib").mkdir(parents=True)
    (prefix / "include").symlink_to(download_headers(folder))
    for name in ("libonnxruntime.so", "libonnxruntime.so.1"):
        (prefix / "lib" / name).symlink_to(libraries[0])
    return prefix


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, built."""
    if not all(map(shutil.which, ("cmake", "c++"))):
        pytest.skip("no CMake, or no C++ compiler")
    folder = tmp_path_factory.mktemp("cpp")
    prefix = os.environ.get("ONNXRUNTIME_ROOT") or prefix_of(folder)
    build = folder / "build"
    for command in (
        ("cmake", "-S", SOURCE, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}"),
        ("cmake", "--build", build),
    ):
        done = run(*command)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "warning:" not in done.stderr
    return build / "showers"


def write_inputs(path: Path, *arrays: NDArray[np.float32]) -> Path:
    path.write_bytes(b"".join(array.astype("<f4").tobytes() for array in arrays))
    return path


def table(text: str) -> NDArray[np.float64]:
    """The numbers that the program prints: energy, and energy in each layer, per shower."""
    return np.loadtxt(text.splitlines(), ndmin=2)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["calogan-eplus", "calogan-gamma", "eplus", "piplus"])
def test_the_numbers_are_those_of_python(program: Path, tmp_path: Path, model: str) -> None:
    path = find_bundle(model)
    assert path is not None
    card = Bundle(path).card
    incident = Incident.draw(card.particle, "1:100", 40, seed=1)
    showers = NeuralSimulator(path).simulate(incident, np.random.default_rng(2))
    noise = np.random.default_rng(2).standard_normal(
        (40, card.architecture.latent_size), dtype=np.float32
    )
    energy = incident.energy_gev.astype(np.float32)
    inputs = write_inputs(tmp_path / "inputs", noise, energy)
    cells = tmp_path / "cells"
    done = run(program, path, "--inputs", inputs, "--cells", cells, "--threads", 2)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"# {model}, {card.particle}: energy [GeV], layer_0 [MeV]")
    found = table(done.stdout)
    np.testing.assert_allclose(found[:, 0], energy, rtol=1e-7)
    np.testing.assert_allclose(found[:, 1:], showers.layer_energies, rtol=1e-5)
    images = np.concatenate([layer.ravel() for layer in showers.layers])
    np.testing.assert_allclose(np.fromfile(cells, "<f4"), images, rtol=1e-5, atol=1e-3)


@pytest.mark.slow
def test_its_own_noise(program: Path) -> None:
    """The seed fixes it, and the showers have the energy that was asked for."""
    command = (program, find_bundle("calogan-eplus"), "--energy", 40, "-n", 300)
    one, two, other = (run(*command, "--seed", seed) for seed in (1, 1, 2))
    assert one.returncode == 0, one.stderr
    assert one.stdout == two.stdout != other.stdout
    found = table(one.stdout)
    assert found.shape == (300, 4)
    assert found[:, 1:].sum(axis=1).mean() == pytest.approx(40_000, rel=0.03)


@pytest.mark.slow
def test_a_network_that_is_told_more(program: Path, tmp_path: Path) -> None:
    conditions = (Condition(name="x_mm", low=-20, high=20),)
    path = make_bundle(
        tmp_path / "tiny", make_network(told="condition", n_told=2), conditions=conditions
    )
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((6, 3), dtype=np.float32)
    told = rng.uniform(1, 20, (6, 2)).astype(np.float32)
    done = run(program, path, "--inputs", write_inputs(tmp_path / "inputs", noise, told))
    assert done.returncode == 0, done.stderr
    sums = np.stack([image.sum(axis=(1, 2)) for image in expected(noise, told)], axis=1)
    np.testing.assert_allclose(table(done.stdout)[:, 1:], sums, rtol=1e-5)


@pytest.mark.slow
def test_what_is_wrong_is_one_line(program: Path, tmp_path: Path) -> None:
    tiny = make_bundle(tmp_path / "tiny")
    liar = make_bundle(tmp_path / "liar")
    card = liar / "card.json"
    card.write_text(card.read_text().replace('"latent_size": 3', '"latent_size": 4', 1))
    torn = make_bundle(tmp_path / "torn")
    (torn / "card.json").write_text("{")
    newer = make_bundle(tmp_path / "newer")
    card = newer / "card.json"
    card.write_text(card.read_text().replace('"schema_version": 1', '"schema_version": 2', 1))
    short = write_inputs(tmp_path / "short", np.zeros(5, np.float32))
    for arguments, message in (
        ((), "usage: showers BUNDLE"),
        ((tmp_path,), "card.json: not a model bundle?"),
        ((tiny, "--energy", "high"), "--energy high: not a number"),
        ((tiny, "-n", "0"), "-n 0: not a number in its range"),
        ((tiny, "--inputs", short), "short holds no whole showers of 4 numbers each"),
        ((tiny, "--inputs", tmp_path / "nowhere"), "cannot read"),
        ((liar,), "takes another noise than its card says"),
        ((torn,), "is no card of a calogan model"),
        ((newer,), "newer schema"),
    ):
        done = run(program, *arguments)
        assert done.returncode == 2, message
        assert message in done.stderr
        assert done.stderr.count("\n") == 1
