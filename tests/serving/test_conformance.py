"""The public client of the protocol, `tritonclient`, gets its showers over gRPC and HTTP."""

from __future__ import annotations

import importlib
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.serving.processes import ServerProcess
from tests.tiny_models import LATENT, expected

ENERGY = np.linspace(2, 90, 37, dtype=np.float32)[:, None]


@pytest.fixture(params=["grpc", "http"])
def triton(request: pytest.FixtureRequest, server: ServerProcess) -> Iterator[Any]:
    """The client's module, with a client in it."""
    pytest.importorskip(f"tritonclient.{request.param}", reason="needs tritonclient")
    module = importlib.import_module(f"tritonclient.{request.param}")
    port = server.port if request.param == "grpc" else server.http_port
    with connected(module, port) as client:
        yield module, client


@contextmanager
def connected(module: Any, port: int) -> Iterator[Any]:
    """A client, closed once: when it is collected, perhaps in another thread, it closes again."""
    client = module.InferenceServerClient(f"127.0.0.1:{port}")
    try:
        yield client
    finally:
        client.close()
        client.close = lambda: None


def asked(module: Any, name: str, values: NDArray[Any], **options: Any) -> Any:
    datatype = {"f": "FP32", "i": "INT64"}[values.dtype.kind]
    made = module.InferInput(name, values.shape, datatype)
    made.set_data_from_numpy(values, **options)
    return made


def check(result: Any, noise: NDArray[np.float32], energy: NDArray[np.float32] = ENERGY) -> None:
    for k, image in enumerate(expected(noise, energy)):
        got = result.as_numpy(f"layer_{k}")
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, image, rtol=1e-5, atol=1e-4)


def drawn(seed: int, n: int = len(ENERGY)) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((n, LATENT), dtype=np.float32)


def test_health_and_metadata(triton: Any) -> None:
    module, client = triton
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("tiny")
    assert client.is_model_ready("tiny", "1")
    options = {"as_json": True} if "grpc" in module.__name__ else {}
    server = client.get_server_metadata(**options)
    assert server["name"] == "calogan"
    assert "binary_tensor_data" in server["extensions"]
    model = client.get_model_metadata("tiny", **options)
    assert model["versions"] == ["1"]
    shapes = {one["name"]: [int(n) for n in one["shape"]] for one in model["inputs"]}
    assert shapes == {"energy": [-1, 1], "noise": [-1, LATENT], "seed": [-1]}
    assert [int(n) for n in model["outputs"][0]["shape"]] == [-1, 3, 96]
    index = client.get_model_repository_index(**options)
    (only,) = index["models"] if isinstance(index, dict) else index
    assert only == {"name": "tiny", "version": "1", "state": "READY"}


def test_own_noise(triton: Any) -> None:
    module, client = triton
    noise = drawn(1)
    inputs = [asked(module, "noise", noise), asked(module, "energy", ENERGY)]
    check(client.infer("tiny", inputs), noise)


def test_one_seed_is_that_of_the_simulator(triton: Any) -> None:
    module, client = triton
    inputs = [asked(module, "energy", ENERGY), asked(module, "seed", np.array([5]))]
    check(client.infer("tiny", inputs, model_version="1", request_id="mine"), drawn(5))


def test_a_seed_for_each_shower(triton: Any) -> None:
    module, client = triton
    seeds = np.arange(100, 100 + len(ENERGY))
    inputs = [asked(module, "energy", ENERGY), asked(module, "seed", seeds)]
    check(client.infer("tiny", inputs), np.concatenate([drawn(int(seed), 1) for seed in seeds]))


def test_no_seed_gives_other_showers_each_time(triton: Any) -> None:
    module, client = triton
    inputs = [asked(module, "energy", ENERGY)]
    one, other = (client.infer("tiny", inputs).as_numpy("layer_0") for _ in range(2))
    assert (one > 0).all()
    assert (one != other).mean() > 0.99


def test_more_showers_than_a_batch(triton: Any) -> None:
    module, client = triton
    energy = np.random.default_rng(1).uniform(1, 100, (555, 1)).astype(np.float32)
    inputs = [asked(module, "energy", energy), asked(module, "seed", np.array([9]))]
    check(client.infer("tiny", inputs), drawn(9, 555), energy)


def test_some_outputs_only(triton: Any) -> None:
    module, client = triton
    wanted = [module.InferRequestedOutput("layer_2"), module.InferRequestedOutput("layer_0")]
    result = client.infer("tiny", [asked(module, "energy", ENERGY)], outputs=wanted)
    assert result.as_numpy("layer_2").shape == (37, 12, 6)
    assert result.as_numpy("layer_0").shape == (37, 3, 96)
    assert result.as_numpy("layer_1") is None


def test_text_and_binary_may_be_mixed(server: ServerProcess) -> None:
    module = pytest.importorskip("tritonclient.http", reason="needs tritonclient")
    noise = drawn(2)
    with connected(module, server.http_port) as client:
        inputs = [
            asked(module, "energy", ENERGY, binary_data=False),
            asked(module, "noise", noise, binary_data=True),
        ]
        wanted = [module.InferRequestedOutput(f"layer_{k}", binary_data=k == 1) for k in range(3)]
        check(client.infer("tiny", inputs, outputs=wanted), noise)


def test_typed_contents_are_answered_with_typed_contents(server: ServerProcess) -> None:
    grpc = pytest.importorskip("grpc")
    from calogan.serving import protocol

    request = protocol.ModelInferRequest(model_name="tiny", id="typed")
    noise = drawn(3, 2)
    for name, values in (("noise", noise), ("energy", ENERGY[:2])):
        one = request.inputs.add(name=name, datatype="FP32", shape=values.shape)
        one.contents.fp32_contents.extend(values.ravel().tolist())
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        infer = channel.unary_unary(
            f"/{protocol.INFERENCE}/ModelInfer",
            request_serializer=protocol.ModelInferRequest.SerializeToString,
            response_deserializer=protocol.ModelInferResponse.FromString,
        )
        reply = infer(request, timeout=30)
        health = channel.unary_unary(
            f"/{protocol.HEALTH}/Check",
            response_deserializer=protocol.HealthCheckResponse.FromString,
        )
        assert health(b"", timeout=30).status == 1
    assert (reply.id, reply.model_version) == ("typed", "1")
    assert not reply.raw_output_contents
    for one, image in zip(reply.outputs, expected(noise, ENERGY[:2]), strict=True):
        assert tuple(one.shape) == image.shape
        np.testing.assert_allclose(one.contents.fp32_contents, image.ravel(), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(
    ("inputs", "options", "words"),
    [
        ({"energy": ENERGY, "seed": np.array([-1])}, {}, "0 or above"),
        ({"energy": ENERGY, "seed": np.arange(3)}, {}, "one per shower"),
        ({"energy": ENERGY, "seed": np.array([1]), "noise": drawn(1)}, {}, "exclude each other"),
        ({"noise": drawn(1)}, {}, "'energy' is missing"),
        ({"energy": -ENERGY}, {}, "must be finite and above 0"),
        ({"energy": ENERGY, "noise": drawn(1)[1:]}, {}, r"must be \[37, 3\]"),
        ({"energy": np.ones((601, 1), np.float32)}, {}, "makes 1 to 600"),
        ({"energy": np.ones((0, 1), np.float32)}, {}, "0 showers"),
        ({"energy": ENERGY}, {"model_version": "2"}, "there is 1"),
        ({"energy": ENERGY, "mass": ENERGY}, {}, "no input 'mass'"),
    ],
)
def test_refusals_say_what_is_wrong(
    triton: Any, inputs: dict[str, NDArray[Any]], options: dict[str, Any], words: str
) -> None:
    module, client = triton
    made = [asked(module, name, values) for name, values in inputs.items()]
    with pytest.raises(Exception, match=words) as caught:
        client.infer("tiny", made, **options)
    status = str(caught.value.status())  # type: ignore[attr-defined]
    allowed = ("INVALID_ARGUMENT", "NOT_FOUND", "400", "404", "413")
    assert any(code in status for code in allowed)


def test_metrics_count_showers(server: ServerProcess) -> None:
    def showers() -> float:
        url = f"http://127.0.0.1:{server.http_port}/metrics"
        with urllib.request.urlopen(url, timeout=30) as page:
            text = page.read().decode()
        line = next(x for x in text.splitlines() if x.startswith("calogan_showers_total{"))
        assert 'model="tiny",version="1"' in line
        assert 'calogan_requests_total{protocol="grpc",status="OK"}' in text
        return float(line.split()[-1])

    from calogan.incident import Incident
    from calogan.serving.remote import RemoteSimulator

    with RemoteSimulator(server.grpc()) as simulator:
        simulator.simulate(Incident.draw("e+", 10, 1, seed=1))
        before = showers()
        simulator.simulate(Incident.draw("e+", 10, 77, seed=1))
    assert showers() == before + 77
