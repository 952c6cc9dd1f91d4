"""`calogan simulate` with beams of all kinds, and with macros."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from calogan.calorimeter import ReadoutLayer
from calogan.cli import main
from calogan.files import ShowerFile, read_showers
from calogan.production import incident_rng
from calogan.spectra import Uniform
from tests.geant4.test_macro import PENCIL, RUN2

PAGE = Path(__file__).parents[2] / "docs" / "beams.md"


def geant4(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """In a process of its own: Geant4 lives once in a process."""
    pytest.importorskip("calzone", reason="needs the extra geant4")
    command = ["simulate", "--with", "geant4", "--physics-list", "FTFP_BERT_EMV", "--workers", "1"]
    return subprocess.run(
        [sys.executable, "-m", "calogan", *command, *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_original_macro_with_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run2.mac").write_text(RUN2)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        sys, "argv", ["calogan", "simulate", "--macro", "run2.mac", "--seed", "3", "-o", "a.h5"]
    )
    main_or_exit()
    text = capsys.readouterr()
    assert "of no effect here: /run/initialize (run2.mac, line 3)" in text.err
    assert "10 showers in" in text.out
    with ShowerFile(tmp_path / "a.h5") as file:
        assert file.made_with["macro"] == {"run2.mac": RUN2}
        energy = file.read().incident.energy_gev
    expected = Uniform(1, 100).draw(10, incident_rng(3)).astype(np.float32)
    np.testing.assert_array_equal(energy, expected)


@pytest.mark.slow
def test_a_macro_with_geant4(tmp_path: Path) -> None:
    (tmp_path / "t.mac").write_text(
        PENCIL + "/gps/energy 1 GeV\n/run/beamOn 2\n"
        "/gps/particle gamma\n/gps/pos/type Beam\n/gps/pos/sigma_r 5 mm\n/run/beamOn 2\n"
    )
    done = geant4(tmp_path, "--macro", "t.mac", "--seed", 1, "-o", "a.h5")
    assert done.returncode == 0, done.stderr
    again = geant4(tmp_path, "--macro", "t.mac", "--seed", 1, "-o", "b.h5")
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    incident = read_showers(tmp_path / "a.h5").incident
    np.testing.assert_array_equal(incident.pdgid, [-11, -11, 22, 22])
    assert (incident.position_mm[:2] == (0, 0, -288)).all()
    assert (incident.position_mm[2:, 0] != 0).all()


@pytest.mark.slow
def test_a_beam_beside_the_axis_and_inclined(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("run,energy\n1,2\n2,3\n3,4\n")
    done = geant4(
        tmp_path,
        *["--particle", "e+,gamma", "--energy", "file:e.csv", "--seed", 1, "-o", "a.h5"],
        *["--position=60,-60", "--direction", "theta=20,phi=0"],
    )
    assert done.returncode == 0, done.stderr
    assert "3 showers in" in done.stdout
    showers = read_showers(tmp_path / "a.h5")
    np.testing.assert_array_equal(showers.incident.energy_gev, [2, 3, 4])
    np.testing.assert_allclose(showers.incident.direction[:, 0], np.sin(np.radians(20)))
    # the showers are where the beam leads: x = 60 mm at the face, and further out behind it
    layer = showers.calorimeter.layers[1]
    assert isinstance(layer, ReadoutLayer)
    image = showers.layers[1].sum(axis=0, dtype=np.float64)
    x = (image.sum(axis=1) * layer.eta_centers_mm).sum() / image.sum()
    y = (image.sum(axis=0) * layer.phi_centers_mm).sum() / image.sum()
    depth = np.tan(np.radians(20)) * 150
    assert 60 + depth / 2 < x < 60 + 2 * depth
    assert y == pytest.approx(-60, abs=15)
    with ShowerFile(tmp_path / "a.h5") as file:
        assert file.made_with["position"] == "60,-60"
        assert file.made_with["direction"] == "theta=20,phi=0"


@pytest.mark.slow
def test_the_commands_of_the_page(tmp_path: Path) -> None:
    pytest.importorskip("calzone", reason="needs the extra geant4")
    page = PAGE.read_text(encoding="utf-8")
    (tmp_path / "run2.mac").write_text(RUN2.replace("100 GeV", "2 GeV"))
    commands = re.findall(r"^    (calogan .*)$", page, re.MULTILINE)
    assert len(commands) == 4
    for command in commands:
        words = shlex.split(re.sub(r"-n \d+", "-n 2", command))
        fast = ["--physics-list", "FTFP_BERT_EMV", "--workers", "1"]
        call = [sys.executable, "-m", *words, *fast]
        done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    one, two = (read_showers(tmp_path / name).incident for name in ("eplus.h5", "piplus.h5"))
    np.testing.assert_array_equal(one.energy_gev, two.energy_gev)


def test_the_code_of_the_page() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[-288. -288. -288. -288. -288.]\n"


def main_or_exit() -> int:
    try:
        main()
    except SystemExit as stopped:
        return int(stopped.code or 0)
    return 0


E = ["--with", "geant4", "--particle", "e+", "--energy", "5"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    {
        "no number": (E, "give their number with -n"),
        "no such particle": ([*E, "-n1", "--particle", "geantino"], "unknown particle 'geantino'"),
        "a boson": ([*E, "-n1", "--particle", "Z0"], "Geant4 cannot shoot Z0 (PDG id 23)"),
        "an ion": ([*E, "-n1", "--particle", "C12"], "of nuclei it shoots deuteron"),
        "beside the face": ([*E, "-n1", "--position", "700,0"], "beside the front face"),
        "inside": ([*E, "-n1", "--position", "0,0,0"], "inside the calorimeter"),
        "outside": ([*E, "-n1", "--position", "0,0,-900"], "outside of the world"),
        "one of many outside": (
            [*E, "-n100", "--position", "490,0", "--direction", "theta=0:75,phi=180"],
            "outside of the world",
        ),
        "backwards": ([*E, "-n1", "--direction", "0,0,-1"], "never enters the front face"),
        "no angles": ([*E, "-n1", "--direction", "up"], "direction 'up': give a vector"),
        "few energies": ([*E, "-n9", "--energy", "file:e.csv"], "e.csv holds 2 energies, not 9"),
        "no column": ([*E, "--energy", "file:e.csv:mass"], "holds no column 'mass'"),
        "no energies": ([*E, "--energy", "file:no.csv"], "no such file: no.csv"),
        "macro and options": (
            ["--macro", "t.mac", "--energy", "5", "--position", "0,0"],
            "--energy and --position: the macro t.mac says that",
        ),
        "macro": (["--macro", "t.mac"], "t.mac, line 5: /gps/ene/type: 'Brem' is not supported"),
        "no macro": (["--macro", "no.mac"], "cannot read the macro no.mac"),
        "not for the model": (["--position", "5,0", "-n1"], "a beam along the axis"),
    }.values(),
)
def test_bad_beams_are_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    if "geant4" in arguments:
        pytest.importorskip("calzone", reason="needs the extra geant4")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "e.csv").write_text("1\n2\n")
    (tmp_path / "t.mac").write_text(PENCIL + "/gps/ene/type Brem\n")
    monkeypatch.setattr(sys, "argv", ["calogan", "simulate", *arguments, "-o", "o.h5"])
    assert main_or_exit() == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert lines[-1].startswith("calogan: ")
    assert message in lines[-1]
    assert sum(line.startswith("calogan: ") for line in lines) == 1
    assert not [p.name for p in tmp_path.iterdir() if p.name not in {"e.csv", "t.mac"}]
