"""What settings of ONNX Runtime, batch sizes and smaller weights give, and what they do to showers.

All variants take turns with the same particles and the same noise, each in one call per batch. The
first one is the network as `calogan` runs it; figures are times per shower, relative to it (median
and half of the central 68 % of the ratios of the turns). Below 1 is faster. Beside it: size of the
network, largest change of a cell relative to the energy of the shower, and the largest distance of
a shower shape (1-Wasserstein, in standard deviations) of the variant to the network with other
noise: it is unchanged if that is the same for all. On a machine at work, take `--processor-time`
with one thread: it does not count what else runs.

    python benchmarks/network_options.py eplus --threads 2
    python benchmarks/network_options.py eplus --threads 1 --processor-time
    python benchmarks/network_options.py eplus --plain --batch-sizes 32 64 128 256 512 1024 2048
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import numpy_helper

from calogan import Showers
from calogan.bundle import Bundle, find_bundle
from calogan.incident import Incident
from calogan.observables import shape_observables_of
from calogan.statistics import relative_wasserstein

Inputs = dict[str, NDArray[np.float32]]
LEVELS = onnxruntime.GraphOptimizationLevel
SETTINGS: dict[str, dict[str, Any]] = {
    "no spinning": {"config": {"session.intra_op.allow_spinning": "0"}},
    "denormals are zero": {"config": {"session.set_denormal_as_zero": "1"}},
    "no arena": {"enable_cpu_mem_arena": False},
    "no memory pattern": {"enable_mem_pattern": False},
    "graph: basic": {"graph_optimization_level": LEVELS.ORT_ENABLE_BASIC},
    "graph: none": {"graph_optimization_level": LEVELS.ORT_DISABLE_ALL},
    "operators in parallel": {"execution_mode": onnxruntime.ExecutionMode.ORT_PARALLEL},
    "dynamic blocks of 4": {"config": {"session.dynamic_block_base": "4"}},
}


def rounded(model: bytes, how: Callable[[NDArray[np.float32]], NDArray[Any]]) -> bytes:
    """The network with weights that went through another format on disk."""
    network = onnx.load_from_string(model)
    for weight in network.graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype == np.float32 and values.size > 1000:
            back = how(values).astype(np.float32)
            weight.CopyFrom(numpy_helper.from_array(back, weight.name))
    return bytes(network.SerializeToString())


def to_bfloat16(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The nearest numbers with 8 bits of mantissa."""
    bits = values.view(np.uint32)
    kept: NDArray[np.uint32] = (bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)
    return kept.view(np.float32)


def to_int8(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The nearest of 255 steps, with a scale per row."""
    scale = np.abs(values).max(axis=-1, keepdims=True) / 127
    steps: NDArray[np.float32] = np.round(values / np.where(scale > 0, scale, 1))
    return np.asarray(steps * scale, np.float32)


def computed_in_half(model: bytes) -> bytes:
    """The network in 16-bit floats, as far as its operators can."""
    from onnxruntime.transformers.float16 import convert_float_to_float16

    network = convert_float_to_float16(
        onnx.load_from_string(model), keep_io_types=True, op_block_list=["Log", "Pow"]
    )
    return bytes(network.SerializeToString())


def dense_in_int8(model: bytes) -> bytes:
    """The network with its dense layers in 8-bit integers; what enters them is scaled per call."""
    network = onnx.load_from_string(model)
    weights = {w.name: w for w in network.graph.initializer}
    nodes = []
    for node in network.graph.node:
        weight = weights.get(node.input[0]) if node.op_type == "MatMul" else None
        if weight is None or weight.dims[0] < 1000 or len(weight.dims) != 2:
            nodes.append(node)
            continue
        values, name = numpy_helper.to_array(weight), node.output[0]
        scale = np.abs(values).max(axis=1, keepdims=True) / 127
        eight = np.round(values / scale).astype(np.int8)
        weight.CopyFrom(numpy_helper.from_array(eight, weight.name))
        network.graph.initializer.append(numpy_helper.from_array(scale, f"{name}_scale"))
        make = onnx.helper.make_node
        quantised = [f"{name}_{part}" for part in ("in", "in_scale", "in_zero")]
        nodes += [
            make("DynamicQuantizeLinear", [node.input[1]], quantised),
            make(
                "MatMulInteger", [weight.name, quantised[0], "", quantised[2]], [f"{name}_product"]
            ),
            make("Cast", [f"{name}_product"], [f"{name}_float"], to=onnx.TensorProto.FLOAT),
            make("Mul", [f"{name}_float", f"{name}_scale"], [f"{name}_scaled"]),
            make("Mul", [f"{name}_scaled", quantised[1]], [name]),
        ]
    del network.graph.node[:]
    network.graph.node.extend(nodes)
    return bytes(network.SerializeToString())


def open_session(model: bytes, threads: int, **settings: Any) -> onnxruntime.InferenceSession:
    """Open the network."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = threads
    for key, value in settings.pop("config", {}).items():
        options.add_session_config_entry(key, value)
    for key, value in settings.items():
        setattr(options, key, value)
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def showers_of(session: onnxruntime.InferenceSession, bundle: Bundle, inputs: Inputs) -> Showers:
    """Showers for given noise and energies."""
    layers = session.run([f"layer_{k}" for k in range(len(bundle.card.calorimeter.layers))], inputs)
    incident = Incident.create(bundle.card.particle, inputs["energy"][:, 0])
    overflow = np.zeros((len(incident), len(layers)), np.float32)
    return Showers(incident, tuple(layers), overflow, bundle.card.calorimeter)


def largest_distance(one: Showers, two: Showers) -> tuple[float, str]:
    """The shower shape that differs most, and by how much."""
    found = [
        (relative_wasserstein(shape.compute(one), shape.compute(two)), shape.name)
        for shape in shape_observables_of(one.calorimeter)
    ]
    return max((distance, name) for distance, name in found if np.isfinite(distance))


def main() -> None:
    """Print one row per variant."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="eplus")
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[1, 10, 128, 1024])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--turns", type=int, default=9)
    parser.add_argument("--processor-time", action="store_true")
    parser.add_argument("--plain", action="store_true", help="the network as it is, and no other")
    parser.add_argument("-n", type=int, default=5000, help="showers to compare")
    given = parser.parse_args()
    path = find_bundle(given.model)
    if path is None:
        parser.error(f"no model {given.model}")
    bundle = Bundle(path)
    model = bundle.read_model()
    variants: dict[str, tuple[bytes, dict[str, Any]]] = {"as it is": (model, {})}
    variants |= {name: (model, settings) for name, settings in SETTINGS.items()}
    variants |= {
        "16-bit weights on disk": (rounded(model, lambda w: w.astype(np.float16)), {}),
        "bfloat16 weights on disk": (rounded(model, to_bfloat16), {}),
        "8-bit weights on disk": (rounded(model, to_int8), {}),
        "computed in 16 bits": (computed_in_half(model), {}),
        "dense layers in 8 bits": (dense_in_int8(model), {}),
    }
    if given.plain:
        variants = {"as it is": variants["as it is"]}
    sessions = {
        name: open_session(content, given.threads, **settings)
        for name, (content, settings) in variants.items()
    }
    energy = Incident.draw(bundle.card.particle, "1:100", given.n, seed=1).energy_gev[:, None]

    def inputs(n: int, seed: int) -> Inputs:
        noise = np.random.default_rng(seed).standard_normal(
            (n, bundle.card.architecture.latent_size), dtype=np.float32
        )
        return {"noise": noise, "energy": energy[:n].astype(np.float32)}

    clock = time.process_time if given.processor_time else time.perf_counter
    seconds = measure(sessions, {n: inputs(n, 0) for n in given.batch_sizes}, given.turns, clock)
    first = next(iter(sessions.values()))
    other, reference = (showers_of(first, bundle, inputs(given.n, seed)) for seed in (1, 2))
    print(f"{given.model}, {given.threads} threads, onnxruntime {onnxruntime.__version__}")
    print(f"{'variant':26}" + "".join(f"{f'batch {n}':>15}" for n in given.batch_sizes))
    for name, session in sessions.items():
        columns = []
        for n in given.batch_sizes:
            ratio = np.array(seconds[name][n]) / np.array(seconds["as it is"][n])
            low, high = np.quantile(ratio, [0.16, 0.84])
            columns.append(f"{np.median(ratio):.2f} +- {(high - low) / 2:.2f}")
        made = showers_of(session, bundle, inputs(given.n, 1))
        change = np.abs(made.cells - other.cells).max(axis=1) / other.total_energy
        distance, shape = largest_distance(made, reference)
        print(
            f"{name:26}" + "".join(f"{c:>15}" for c in columns),
            f" {change.max():8.1e} {distance:6.3f} {shape}",
        )
    for n in given.batch_sizes:
        own = 1e3 * float(np.median(seconds["as it is"][n]))
        print(f"as it is, batch {n}: {own:.4f} ms per shower")


def measure(
    sessions: dict[str, onnxruntime.InferenceSession],
    inputs: dict[int, Inputs],
    turns: int,
    clock: Callable[[], float],
) -> dict[str, dict[int, list[float]]]:
    """Seconds per shower, by variant and batch size; one number per turn."""
    calls: dict[int, int] = {}
    for session in sessions.values():
        for n, values in inputs.items():
            session.run(None, values)
            start = clock()
            session.run(None, values)
            calls.setdefault(n, max(1, int(0.05 / (clock() - start))))
    seconds: dict[str, dict[int, list[float]]] = {
        name: {n: [] for n in inputs} for name in sessions
    }
    for _ in range(turns):
        for n, values in inputs.items():
            for name, session in sessions.items():
                session.run(None, values)
                start = clock()
                for _ in range(calls[n]):
                    session.run(None, values)
                seconds[name][n].append((clock() - start) / calls[n] / n)
    return seconds


if __name__ == "__main__":
    main()
