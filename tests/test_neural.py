from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from calogan import Simulator, open_simulator
from calogan.errors import ModelError
from calogan.incident import Incident
from calogan.neural import NeuralSimulator


def test_showers_in_mev_for_any_number(bundle: Path) -> None:
    simulator = NeuralSimulator(bundle)
    assert isinstance(simulator, Simulator)
    for n in (1, 2, 33):
        showers = simulator.simulate(Incident.draw("e+", "1:100", n, seed=1))
        assert len(showers) == n
        assert showers.calorimeter.n_cells == 504
        assert not showers.overflow.any()


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


def test_the_generator_fixes_the_showers(bundle: Path) -> None:
    simulator = NeuralSimulator(bundle)
    incident = Incident.draw("e+", 50, 5, seed=1)
    one, two, three = (
        simulator.simulate(incident, np.random.default_rng(seed)).cells for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, two)
    assert (one != three).any()


def test_energies_outside_the_range_warn_and_generate(bundle: Path) -> None:
    with pytest.warns(UserWarning, match="500 GeV lie outside .* extrapolates"):
        showers = NeuralSimulator(bundle).simulate(Incident.create("e+", [50.0, 500.0]))
    assert len(showers) == 2


def test_other_particles_and_beams_are_refused(bundle: Path) -> None:
    simulator = NeuralSimulator(bundle)
    with pytest.raises(ModelError, match=r"simulates e\+ and nothing else"):
        simulator.simulate(Incident.create("gamma", 50.0))
    with pytest.raises(ModelError, match="beam along the axis"):
        simulator.simulate(Incident.create("e+", 50.0, direction=(0, 1, 9)))
    with pytest.raises(ModelError, match="beam along the axis"):
        simulator.simulate(Incident.create("e+", 50.0, position_mm=(1, 0, -288)))


def test_a_model_that_is_no_network_is_one_clear_line(bundle: Path) -> None:
    from calogan.bundle import Bundle, sha256

    model, card = bundle / "model.onnx", bundle / "card.json"
    old = Bundle(bundle).card.sha256
    model.write_bytes(b"not a network")
    card.write_text(card.read_text().replace(old, sha256(model)))
    with pytest.raises(ModelError, match="cannot be run") as caught:
        NeuralSimulator(bundle)
    assert "\n" not in str(caught.value)


def test_a_card_of_another_model_is_one_clear_line(bundle: Path) -> None:
    card = bundle / "card.json"
    card.write_text(card.read_text().replace('"latent_size": 4', '"latent_size": 5', 1))
    with pytest.raises(ModelError, match="do not describe the same model"):
        NeuralSimulator(bundle)


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(ModelError, match=r"no simulator 'nothing': .*geant4, eplus, calogan-eplus"):
        open_simulator("nothing")


def test_no_torch_is_loaded() -> None:
    code = (
        "import sys, calogan; s = calogan.open_simulator('eplus');"
        "s.simulate(calogan.Incident.draw('e+', 50, 3, seed=1));"
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
