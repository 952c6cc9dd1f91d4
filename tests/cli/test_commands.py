"""The commands as a user types them: what they print, what they leave, how they fail."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from calogan.files import ShowerFile, read_showers
from tests.cli.command import Command


def test_help_is_fast() -> None:
    """In time of the processor, which other work on the machine does not lengthen."""
    seconds = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, "-m", "calogan", "--help"], check=True, capture_output=True, text=True
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert "simulate" in done.stdout
    assert min(seconds) < 0.5


def test_the_calogan_loads_nothing_heavy() -> None:
    code = (
        "import sys, calogan, calogan.cli\n"
        "print([m for m in ('numpy', 'torch', 'onnxruntime', 'h5py', 'calzone', 'matplotlib',"
        " 'particle', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("command", ["simulate", "train", "compare", "geant4-data"])
def test_each_help_has_an_example(calogan: Command, command: str) -> None:
    result = calogan(command, "--help")
    if command == "geant4-data":
        result = calogan(command, "install", "--help")
    assert result.code == 0
    assert "Example" in result.out
    assert "calogan " + command in " ".join(result.out.split())


def test_version(calogan: Command) -> None:
    import calogan as package

    assert calogan("--version").out == f"calogan {package.__version__}\n"


def test_simulate_with_the_bundled_model(calogan: Command, tmp_path: Path) -> None:
    path = tmp_path / "fast.h5"
    result = calogan(
        "simulate", "--with", "eplus", "--particle", "e+", "--energy", 50, "-n", 100, "-o", path
    )
    assert result.code == 0, result.err
    assert "100 showers in" in result.out
    assert "model eplus" in result.out
    showers = read_showers(path)
    assert len(showers) == 100
    assert (showers.incident.energy_gev == 50).all()
    assert showers.total_energy.mean() == pytest.approx(50_000, rel=0.2)
    with ShowerFile(path) as file:
        assert file.made_with["simulator"] == "eplus"
        assert file.made_with["energy_gev"] == "50"
        assert f"seed {file.made_with['seed']}" in result.out


def test_the_seed_fixes_the_file_whatever_the_workers(calogan: Command, tmp_path: Path) -> None:
    paths = [tmp_path / f"{i}.h5" for i in range(3)]
    for path, workers, seed in zip(paths, (1, 2, 1), (5, 5, 6), strict=True):
        result = calogan("simulate", "-n", 30, "--seed", seed, "--workers", workers, "-o", path)
        assert result.code == 0, result.err
    one, two, other = (path.read_bytes() for path in paths)
    assert one == two
    assert one != other


def test_energies_outside_the_range_warn(calogan: Command, tmp_path: Path) -> None:
    result = calogan("simulate", "--energy", 150, "-n", 3, "-o", tmp_path / "x.h5")
    assert result.code == 0
    assert "150 GeV lie outside 1 to 100 GeV" in result.err


def test_train_simulate_compare(
    calogan: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained: Path
) -> None:
    """The chain on a file of showers, with the original's YAML and flags."""
    monkeypatch.chdir(tmp_path)
    Path("particles.yaml").write_text(f"positron: '{trained.parent / 'eplus.h5'}'\n")
    flags = "--nb-epochs 1 --batch-size 16 --latent-size 4 --disc-lr 1e-5 --gen-lr 1e-4"
    flags += " --adam-beta 0.5 --prog-bar --no-attn --debug --d-pfx d_ --g-pfx g_"
    result = calogan("train", "particles.yaml", *flags.split(), "-o", "run")
    assert result.code == 0, result.err
    assert "model -> run/model" in result.out
    assert {path.name for path in Path("run").glob("?_*")} == {
        "d_000.safetensors",
        "g_000.safetensors",
    }
    result = calogan("simulate", "--with", "run/model", "-n", 200, "-o", "fast.h5")
    assert result.code == 0, result.err
    wanted = ("--observables", "f_1,response", "--quick", "--workers", 1)
    result = calogan("compare", "sample:eplus", "fast.h5", "run/model", *wanted)
    assert result.code == 0, result.err
    assert "fast: too few showers." in result.out
    assert "model against Geant4 eplus" in result.out
    assert "Report: report/index.html" in result.out
    assert Path("report/index.html").is_file()


def write_nan(path: Path) -> Path:
    layers = {f"layer_{k}": shape for k, shape in enumerate([(3, 96), (12, 12), (12, 6)])}
    with h5py.File(path, "w") as file:
        file["energy"] = np.full((300, 1), 50.0)
        file["overflow"] = np.zeros((300, 3))
        for name, shape in layers.items():
            file[name] = np.full((300, *shape), np.nan)
    return path


BAD_INPUT: dict[str, tuple[list[object], str]] = {
    "missing file": (["compare", "nowhere.h5", "sample.h5"], "no such file: nowhere.h5"),
    "neither file nor simulator": (
        ["compare", "sample:eplus", "nothing"],
        "no such file: nothing, and no simulator of this name: geant4, eplus",
    ),
    "simulator of another particle": (
        ["compare", "sample:gamma", "calogan-eplus"],
        "calogan-eplus cannot make the showers of this comparison: the model calogan-eplus",
    ),
    "particles of a file": (
        ["compare", "sample:eplus", "calogan-eplus", "--energy", 50],
        "--energy: the particles are those of",
    ),
    "simulators without a number": (
        ["compare", "calogan-eplus", "library:sample:eplus"],
        "how many showers? give their number with -n",
    ),
    "unknown observable": (
        ["compare", "sample:eplus", "sample:eplus", "--observables", "sigma"],
        "no observable 'sigma'",
    ),
    "half a pair": (
        ["compare", "sample:eplus", "sample:eplus", "--paper", "--beside", "sample:gamma"],
        "--beside sample:gamma: give a reference and a candidate",
    ),
    "foreign file": (["compare", "text.txt", "nan.h5"], "text.txt is not an HDF5 file"),
    "nan": (["compare", "nan.h5", "nan.h5"], "nan.h5: layer_0: shower 0 holds an energy"),
    "no datasets": (["compare", "empty.h5", "nan.h5"], "it holds nothing"),
    "unknown model": (["simulate", "--with", "x", "-n", 1, "-o", "o.h5"], "no simulator 'x'"),
    "unknown particle": (
        ["simulate", "--particle", "x", "-n", 1, "-o", "o.h5"],
        "unknown particle 'x'",
    ),
    "other particle": (
        ["simulate", "--particle", "gamma", "-n", 1, "-o", "o.h5"],
        "simulates e+ and nothing else",
    ),
    "negative energy": (["simulate", "--energy=-5", "-n", 1, "-o", "o.h5"], "must be finite"),
    "nan energy": (["simulate", "--energy", "nan", "-n", 1, "-o", "o.h5"], "must be finite"),
    "no energy": (["simulate", "--energy", "high", "-n", 1, "-o", "o.h5"], "energy 'high': give"),
    "no folder": (["simulate", "-n", 1, "-o", "nowhere/o.h5"], "folder nowhere does not exist"),
    "a folder": (["simulate", "-n", 1, "-o", "."], "it is a folder"),
    "an odd particle": (["simulate", "--particle=++5", "-n1", "-o", "o.h5"], "unknown particle"),
    "too much energy": (["simulate", "--energy", "1e39", "-n", 1, "-o", "o.h5"], "1e+39 GeV"),
    "not for a model": (
        ["simulate", "--range-cut", 1, "-n", 1, "-o", "o.h5"],
        "for --with geant4 only",
    ),
    "no yaml": (["train", "nowhere.yaml"], "cannot read nowhere.yaml"),
    "bad setting": (["train", "p.yaml", "--batch-size", 0], "batch_size: "),
    "bad physics": (
        ["simulate", "--with=geant4", "--particle=e+", "--physics-list=MAGIC", "-n1", "-o", "o.h5"],
        "MAGIC",
    ),
    "no particle": (["simulate", "--with", "geant4", "-n", 1, "-o", "o.h5"], "--particle"),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_one_line_status_2_and_no_file(
    calogan: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.txt").write_text("text")
    Path("p.yaml").write_text("positron: nan.h5")
    write_nan(Path("nan.h5"))
    with h5py.File("empty.h5", "w"):
        pass
    before = set(Path().iterdir())
    arguments, message = BAD_INPUT[case]
    result = calogan(*arguments)
    assert result.code == 2
    lines = result.err.strip().splitlines()
    assert lines[-1].startswith("calogan: ")
    assert message in lines[-1]
    assert "Traceback" not in result.err
    assert set(Path().iterdir()) == before


def limited(limit: int, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run calogan where no file may grow beyond `limit` bytes: a disk that fills up."""
    code = (
        "import resource, sys; from calogan.cli import main;"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}));"
        f"sys.argv = ['calogan', *{arguments!r}]; main()"
    )
    return subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, check=False
    )


def test_a_full_disk_is_one_line_and_no_file(tmp_path: Path) -> None:
    done = limited(100_000, "simulate", "-n", "3000", "-o", "fast.h5", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1].startswith("calogan: cannot write fast.h5: ")
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_folder_is_one_line(
    calogan: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As root every folder is writable, so the refusal of the system is put in its place."""
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(0o500)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    result = calogan("simulate", "-n", 1, "-o", folder / "o.h5")
    assert result.code == 2
    assert "Permission denied" in result.err
    assert list(folder.iterdir()) == []


def test_debug_shows_the_traceback() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "calogan", "compare", "nowhere.h5", "b.h5", "--debug"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "Traceback" in done.stderr
    assert "ShowerFileError" in done.stderr
