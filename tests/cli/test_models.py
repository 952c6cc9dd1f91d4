"""`calogan models`: what is printed, what is installed, how it fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from calogan.bundle import Bundle, Condition, Figures, TrainingData
from calogan.bundle.card import card_schema
from tests.cli.command import Command
from tests.servers import serving
from tests.tiny_models import make_bundle, make_network

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calogan: Command) -> Run:
    """Run the command line in this process: exit status, output, errors."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CALOGAN_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("COLUMNS", "80")
    return partial(calogan, "models")


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """Two versions of a model of our own."""
    figures = Figures(
        validation_mean=0.2,
        generated_mean=0.19,
        validation_std=0.1,
        generated_std=None,
        distance=0.05,
    )
    data = TrainingData(
        file="more.h5",
        sha256="1" * 64,
        size_bytes=12_300_000,
        n_training=1000,
        n_validation=0,
        made_with={"geant4": "11.4.0", "physics_list": "FTFP_BERT"},
    )
    for version in (1, 2):
        make_bundle(
            tmp_path / "models" / f"ours@{version}",
            make_network(told="condition", n_told=2),
            name="ours",
            version=version,
            conditions=(Condition(name="x_mm", low=-20, high=20),),
            quality={"f_0": figures},
            further_data=(data,),
            license="MIT",
        )
    return tmp_path / "models" / "ours@2"


@pytest.mark.parametrize("command", [[], ["list"]])
def test_the_list_has_the_bundled_and_the_local_ones(
    run: Run, ours: Path, command: list[str]
) -> None:
    code, out, err = run(*command)
    assert (code, err) == (0, "")
    rows = {line.split()[0]: line for line in out.splitlines() if "@" in line}
    assert "1 to 100" in rows["calogan-eplus@2"]
    assert rows["eplus@1"].split()[1] == "e+"
    assert rows["calogan-eplus@2"].split()[-1] == "package"
    assert rows["ours@2"].split()[-1] == str(ours)  # in one piece, for copying
    assert out.index("ours@2") < out.index("ours@1")
    code, out, _ = run(*command, "--json")
    entries = {(entry["name"], entry["version"]): entry for entry in json.loads(out)}
    assert entries["eplus", 1]["architecture"]["kind"] == "flow"
    assert entries["ours", 2]["path"] == str(ours)
    assert entries["ours", 2]["conditions"] == ["energy_gev", "x_mm"]
    assert entries["ours", 1]["size_bytes"] == (ours / "model.onnx").stat().st_size


def test_the_list_says_what_is_wrong(run: Run, ours: Path, tmp_path: Path) -> None:
    make_bundle(tmp_path / "models" / "zz", name="ours", version=2)
    bad = make_bundle(tmp_path / "models" / "bad", name="bad")
    (bad / "card.json").write_text("{")
    code, out, _ = run()
    assert code == 0
    assert f"cannot be read: {bad / 'card.json'}: not valid JSON" in out
    assert f"hidden: {tmp_path / 'models' / 'zz'} has the name and version of {ours}" in out


def test_a_card_is_printed(run: Run, ours: Path) -> None:
    code, out, err = run("show", "ours")
    assert (code, err) == (0, "")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    size = f"{(ours / 'model.onnx').stat().st_size / 1e6:.1f}"
    for line in (
        "ours, version 2",
        "particle e+",
        "energy 1 to 100 GeV",
        "beam x_mm -20 to 20",
        "calorimeter calogan: cells 3 x 96, 12 x 12, 12 x 6",
        "licence MIT",
        f"network {size} MB, checksum verified",
        "parameters 1,512",
        "showers 90 for updates, 10 for validation",
        "file more.h5, 12.3 MB",
        "physics_list FTFP_BERT",
        "against the 10 validation showers of eplus.h5: mean ± standard deviation",
        "f_0 0.20 ± 0.10 - 0.950 - 0.050",
    ):
        assert line in lines
    assert max(map(len, out.splitlines())) <= 80


def test_a_card_as_json(run: Run, ours: Path) -> None:
    code, out, _ = run("show", "ours@1", "--json")
    shown = json.loads(out)
    assert code == 0
    assert shown["verified"] is True
    assert shown["path"] == str(ours.with_name("ours@1"))
    assert shown["card"] == Bundle(ours.with_name("ours@1")).card.model_dump(mode="json")


def test_every_shipped_card_is_printed(run: Run) -> None:
    code, out, _ = run("show", "calogan-eplus")
    assert code == 0
    assert "checksum verified" in out
    assert "sigma_eta_1 [mm]" in out
    assert "…" not in out  # nothing is cut off at 80 columns


def test_a_card_does_not_command_the_terminal(run: Run, ours: Path) -> None:
    card = ours / "card.json"
    card.write_text(card.read_text().replace('"MIT"', r'"\u001b[2J[red]MIT[/red]\u0007"'))
    _, out, _ = run("show", ours)
    assert "\x1b" not in out
    assert "\x07" not in out
    assert "[red]MIT[/red]" in out


def test_a_damaged_model_is_shown_and_said(run: Run, ours: Path) -> None:
    (ours / "model.onnx").write_bytes(b"x")
    code, out, err = run("show", "ours")
    assert code == 2
    assert "NOT VERIFIED" in out
    assert (
        err == f"calogan: {ours}/model.onnx is damaged: its checksum is not the one on its card\n"
    )
    code, out, _ = run("show", "ours", "--json")
    assert code == 2
    assert json.loads(out)["verified"] is False


def test_install_and_export(run: Run, ours: Path, tmp_path: Path) -> None:
    archive = tmp_path / "ours.zip"
    code, out, _ = run("export", "ours@1", "-o", archive)
    assert (code, out) == (0, f"{archive}: 0.0 MB\n")
    code, out, _ = run("install", archive, "--to", tmp_path / "elsewhere")
    path = tmp_path / "elsewhere" / "ours@1"
    assert code == 0
    assert out == f"ours@1 -> {path}\nto open it by name: export CALOGAN_MODELS={path.parent}\n"
    mine = make_bundle(tmp_path / "run" / "model", name="mine", version=7)
    code, out, _ = run("install", mine)
    assert (code, out) == (0, f"mine@7 -> {tmp_path / 'models' / 'mine@7'}\n")
    assert run("show", "mine@7")[0] == 0


def test_install_from_the_network(run: Run, ours: Path, tmp_path: Path) -> None:
    archive = tmp_path / "ours.tar.gz"
    run("export", "ours", "-o", archive)
    with serving() as site:
        site.files["ours.tar.gz"] = archive.read_bytes()
        code, out, _ = run("install", f"{site.url}/ours.tar.gz", "--to", tmp_path / "there")
        assert code == 0
        assert out.startswith(f"ours@2 -> {tmp_path / 'there' / 'ours@2'}\n")
        code, _, err = run("install", f"{site.url}/nothing.zip")
    assert code == 2
    assert "the server answers 404" in err


def test_measure(run: Run, tmp_path: Path, shower_file: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra evaluate")
    tiny = make_bundle(tmp_path / "models" / "tiny")
    code, out, _ = run("measure", "tiny", shower_file, "-n", 50, "--write")
    assert code == 0
    assert "against 50 showers of eplus.h5, held out: mean ± standard deviation" in out
    assert "sigma_eta_1 [mm]" in out
    assert out.endswith(f"written to {tiny / 'card.json'}\n")
    assert "against 50 showers of eplus.h5, held out" in run("show", "tiny")[1]


def test_the_schema(run: Run) -> None:
    code, out, _ = run("schema")
    assert code == 0
    assert json.loads(out) == card_schema()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "nothing"], "no model 'nothing': give one of eplus, "),
        (["show", "eplus@99"], "no version 99 of the model eplus: there is eplus@1"),
        (["show", "eplus@x"], "the version of a model is a number from 1"),
        (["show", "./nowhere"], "no model bundle ./nowhere: there is no such folder"),
        (["export", "nothing", "-o", "a.zip"], "no model 'nothing'"),
        (["export", "eplus", "-o", "a.rar"], "cannot write a.rar: the name must end with .zip"),
        (["export", "eplus", "-o", "no/a.zip"], "the folder no does not exist"),
        (["install", "nothing"], "no model bundle nothing: give a folder, a file"),
        (["install", "http://127.0.0.1:9/a.zip"], "127.0.0.1"),
    ],
)
def test_what_a_user_does_wrong_is_one_line(
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.splitlines()[-1].startswith("calogan: ")
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["list", "show", "measure", "install", "export", "schema"])
def test_each_help_has_an_example(run: Run, command: str) -> None:
    code, out, _ = run(command, "--help")
    assert code == 0
    assert "Example: " in out
