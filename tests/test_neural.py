from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calogan import Simulator, open_simulator
from calogan.bundle import Condition, write_bundle
from calogan.calorimeter import CALOGAN
from calogan.errors import CaloganError, ModelError
from calogan.incident import Incident
from calogan.neural import NeuralSimulator
from tests.tiny_models import (
    LATENT,
    expected,
    make_bundle,
    make_card,
    make_model,
    make_network,
    onnx,
    value,
)

XY = (Condition(name="x_mm", low=-20, high=20), Condition(name="y_mm", low=-10, high=30))
SLOPES = (Condition(name="slope_x", low=-0.2, high=0.2), Condition(name="slope_y", low=0, high=0.1))


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "tiny")


def conditioned(path: Path, conditions: tuple[Condition, ...]) -> NeuralSimulator:
    network = make_network(told="condition", n_told=1 + len(conditions))
    return NeuralSimulator(make_bundle(path / "tiny", network, conditions=conditions))


def test_showers_in_mev_for_any_number(tiny: Path) -> None:
    simulator = NeuralSimulator(tiny)
    assert isinstance(simulator, Simulator)
    assert simulator.coverage == {-11: (1.0, 100.0)}
    for n in (0, 1, 2, 33, 2500):
        incident = Incident.draw("e+", "1:100", n, seed=1)
        showers = simulator.simulate(incident, np.random.default_rng(2))
        assert len(showers) == n
        assert not showers.overflow.any()
        noise = np.random.default_rng(2).standard_normal((n, LATENT), dtype=np.float32)
        images = expected(noise, incident.energy_gev[:, None].astype(np.float32))
        for layer, image in zip(showers.layers, images, strict=True):
            np.testing.assert_allclose(layer, image, rtol=1e-5, atol=1e-4)


def test_a_network_that_is_told_where_and_whither(tmp_path: Path) -> None:
    """The columns come in the order of the card; the line of flight counts, not the start."""
    simulator = conditioned(tmp_path, (XY[1], SLOPES[0], XY[0], SLOPES[1]))
    rng = np.random.default_rng(0)
    energy, x, y = rng.uniform(1, 100, 50), rng.uniform(-20, 20, 50), rng.uniform(-10, 30, 50)
    slope_x, slope_y = rng.uniform(-0.2, 0.2, 50), rng.uniform(0, 0.1, 50)
    told = np.stack([energy, y, slope_x, x, slope_y], axis=1).astype(np.float32)
    noise = np.random.default_rng(1).standard_normal((50, LATENT), dtype=np.float32)
    images = expected(noise, told)
    for back_mm in (0.0, 48.0, 1000.0):
        start = np.stack([x - back_mm * slope_x, y - back_mm * slope_y], axis=1)
        position = np.column_stack([start, np.full(50, -240.0 - back_mm)])
        direction = np.stack([slope_x, slope_y, np.ones(50)], axis=1)
        incident = Incident.create("e+", energy, position_mm=position, direction=direction)
        showers = simulator.simulate(incident, np.random.default_rng(1))
        for layer, image in zip(showers.layers, images, strict=True):
            np.testing.assert_allclose(layer, image, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize(
    ("beam", "message"),
    [
        (
            {"position_mm": (21, 0, -288)},
            "was trained with x_mm -20 to 20 at the front face: not with 21",
        ),
        ({"position_mm": (0, -10.1, -288)}, "y_mm -10 to 30 at the front face: not with -10.1"),
        ({"direction": (0, 0.01, 1)}, "slope_y 0 at the front face: not with 0.01"),
        ({"direction": (0, 0, -1)}, "particle 0 does not fly towards"),
        ({"direction": (1, 0, 0)}, "particle 0 does not fly towards"),
    ],
)
def test_beams_beyond_the_training_are_refused(
    tmp_path: Path, beam: dict[str, Any], message: str
) -> None:
    simulator = conditioned(tmp_path, XY)
    simulator.simulate(Incident.create("e+", 50.0, position_mm=(20, 30, -288)))
    with pytest.raises(CaloganError, match=message):
        simulator.simulate(Incident.create("e+", 50.0, **beam))


def test_the_network_is_the_trained_one(bundle: Path, trained: Path) -> None:
    """ONNX Runtime gives what torch gives with the weights of the best epoch."""
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file

    from calogan.networks import CaloganGenerator

    tensors = load_file(trained / "best.safetensors")
    prefix = "module/average/"
    generator = CaloganGenerator(((3, 96), (12, 12), (12, 6)), latent_size=4)
    generator.load_state_dict(
        {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
    )
    incident = Incident.draw("e+", "1:100", 50, seed=1)
    showers = NeuralSimulator(bundle).simulate(incident, np.random.default_rng(2))
    noise = np.random.default_rng(2).standard_normal((50, 4), dtype=np.float32)
    energy = torch.as_tensor(incident.energy_gev[:, None], dtype=torch.float32)
    with torch.no_grad():
        images = generator.eval()(torch.as_tensor(noise), energy)
    for layer, image in zip(showers.layers, images, strict=True):
        np.testing.assert_allclose(layer, 1000 * image.numpy(), rtol=1e-4, atol=1e-2)


def test_the_generator_fixes_the_showers(tiny: Path) -> None:
    simulator = NeuralSimulator(tiny)
    incident = Incident.draw("e+", 50, 5, seed=1)
    one, two, three = (
        simulator.simulate(incident, np.random.default_rng(seed)).cells for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, two)
    assert (one != three).any()


def test_energies_outside_the_range_warn_and_generate(tiny: Path) -> None:
    with pytest.warns(UserWarning, match="500 GeV lie outside .* extrapolates"):
        showers = NeuralSimulator(tiny).simulate(Incident.create("e+", [50.0, 500.0]))
    assert len(showers) == 2


def test_other_particles_and_beams_are_refused(tiny: Path) -> None:
    simulator = NeuralSimulator(tiny)
    with pytest.raises(ModelError, match=r"simulates e\+ and nothing else"):
        simulator.simulate(Incident.create("gamma", 50.0))
    with pytest.raises(ModelError, match="beam along the axis"):
        simulator.simulate(Incident.create("e+", 50.0, direction=(0, 1, 9)))
    with pytest.raises(ModelError, match="beam along the axis"):
        simulator.simulate(Incident.create("e+", 50.0, position_mm=(1, 0, -288)))


def test_the_noise_of_a_beam_along_the_axis_is_forgiven(tiny: Path) -> None:
    """Rounding of a direction does not make it another."""
    tilted = (1e-9, math.sin(math.pi), 1)
    NeuralSimulator(tiny).simulate(Incident.create("e+", 50.0, direction=tilted))


@pytest.mark.parametrize(
    ("network", "changes", "message"),
    [
        (
            {"shapes": ((3, 96), (12, 12))},
            {},
            "the network gives layer_0, layer_1, the card layer_0, layer_1, layer_2",
        ),
        (
            {"shapes": ((3, 96), (12, 6), (12, 6))},
            {},
            "gives layer_1 as tensor(float) n x 12 x 6, the card as tensor(float) n x 12 x 12",
        ),
        ({"n": 1}, {}, "takes noise as tensor(float) 1 x 3, the card as tensor(float) n x 3"),
        ({"told": "condition"}, {}, "takes condition, noise, the card energy, noise"),
        ({}, {"conditions": XY}, "takes energy, noise, the card condition, noise"),
        (
            {"told": "condition", "n_told": 2},
            {"conditions": XY},
            "takes condition as tensor(float) n x 2, the card as tensor(float) n x 3",
        ),
        ({"told": "energy", "n_told": 2}, {}, "takes energy as tensor(float) n x 2"),
    ],
)
def test_a_card_that_lies_is_one_clear_line(
    tmp_path: Path, network: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    path = make_bundle(tmp_path / "liar", make_network(**network), **changes)
    with pytest.raises(ModelError) as caught:
        NeuralSimulator(path)
    assert "the network and the card do not describe the same model: " in str(caught.value)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_latent_size_that_lies(tiny: Path) -> None:
    card = tiny / "card.json"
    card.write_text(card.read_text().replace('"latent_size": 3', '"latent_size": 4', 1))
    with pytest.raises(ModelError, match=r"takes noise as tensor\(float\) n x 3, .* n x 4"):
        NeuralSimulator(tiny)


def test_a_model_that_is_no_network_is_one_clear_line(tmp_path: Path) -> None:
    path = write_bundle(tmp_path / "fake", b"not a network", make_card())
    with pytest.raises(ModelError, match="is no ONNX network") as caught:
        NeuralSimulator(path)
    assert "\n" not in str(caught.value)


def foreign(nodes: list[Any], numbers: list[Any]) -> Any:
    outputs = [value(f"layer_{k}", ["n", *s]) for k, s in enumerate(CALOGAN.layer_shapes)]
    inputs = [value("noise", ["n", LATENT]), value("energy", ["n", 1])]
    return make_model(nodes, inputs, outputs, numbers)


def test_a_network_that_cannot_be_run_is_one_clear_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    nodes = [onnx.helper.make_node("NoSuchThing", ["noise"], [f"layer_{k}"]) for k in range(3)]
    with pytest.raises(ModelError, match=r"model\.onnx cannot be run: .*NoSuchThing") as caught:
        NeuralSimulator(make_bundle(tmp_path / "foreign", foreign(nodes, [])))
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")  # ONNX Runtime says nothing of its own


@pytest.mark.parametrize("operator", ["Identity", "Log"])
def test_a_network_that_makes_no_energies_is_one_clear_line(tmp_path: Path, operator: str) -> None:
    """Negative ones, and NaN."""
    network = make_network()
    for node in network.graph.node:
        if node.op_type == "Abs":
            node.op_type = operator
    simulator = NeuralSimulator(make_bundle(tmp_path / "bad", network))
    with pytest.raises(ModelError, match="the model tiny makes no showers: layer_0: shower"):
        simulator.simulate(Incident.draw("e+", 50.0, 5))


def test_a_network_that_gives_more_than_it_says(tmp_path: Path) -> None:
    network = make_network()
    (last,) = (node for node in network.graph.node if "layer_1" in node.output)
    last.output[0] = "once"
    network.graph.node.append(onnx.helper.make_node("Concat", ["once"] * 2, ["layer_1"], axis=0))
    simulator = NeuralSimulator(make_bundle(tmp_path / "bad", network))
    with pytest.raises(ModelError, match=r"gives layer_1 as \(4, 12, 12\), expected \(2, 12, 12\)"):
        simulator.simulate(Incident.create("e+", [50.0, 50.0]))


def test_a_network_that_stops_is_one_clear_line(tmp_path: Path) -> None:
    network = make_network()
    (last,) = (node for node in network.graph.node if "layer_0" in node.output)
    last.input[0] = "noise"  # 3 numbers per shower cannot be 288
    simulator = NeuralSimulator(make_bundle(tmp_path / "bad", network))
    with pytest.raises(ModelError, match="the network of tiny stopped: ") as caught:
        simulator.simulate(Incident.create("e+", 50.0))
    assert "\n" not in str(caught.value)


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(
        ModelError, match=r"no simulator 'nothing': .*geant4, eplus.*, calogan-eplus"
    ):
        open_simulator("nothing")


def test_no_torch_is_loaded() -> None:
    code = (
        "import sys, calogan; s = calogan.open_simulator('eplus');"
        "s.simulate(calogan.Incident.draw('e+', 50, 3, seed=1));"
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
