"""What asking a server costs, against running the network in one's own process.

Server and client share this machine, as its cores do the work of both. Prints

1. showers per second through `RemoteSimulator`, in requests of 2048 showers, over those of
   `NeuralSimulator` in this process, measured in turns (bar: 85 %), and the processor time of each,
   which does not count what else runs;
2. requests for one shower per second with 64 under way, and their times (bar: 1000 per second);
3. the memory of the server over 100 000 requests (bar: flat);
4. with --tests, how the server takes 10 000 malformed requests, and whether showers are lost while
   servers are killed under load: the tests of the suite at full length.

    python benchmarks/serving.py
    python benchmarks/serving.py --tests
    python benchmarks/serving.py -n 16384 --requests 5000 --memory-requests 5000    # short
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import numpy as np

from calogan.catalogue import open_simulator
from calogan.incident import Incident
from calogan.serving import protocol
from calogan.simulator import Simulator

IN_FLIGHT = 64
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Server:
    """A server in a process of its own."""

    pid: int
    grpc: str
    http: str

    def cpu_seconds(self) -> float:
        """Processor time until now."""
        fields = (
            Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        )
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> float:
        """Resident memory now."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024


@contextmanager
def server(model: str, threads: int) -> Iterator[Server]:
    """Run `calogan serve` until the end of the block."""
    command = [sys.executable, "-m", "calogan", "serve", model, "--threads", str(threads)]
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen([*command, "--port", "0", "--http-port", "0"], stderr=log) as process,
    ):
        try:
            text = ""
            while "ready at" not in text:
                time.sleep(0.05)
                log.seek(0)
                text = log.read()
                if process.poll() is not None:
                    raise SystemExit(text)
            places = re.findall(r"(?:grpc|http)://[0-9.]+:[0-9]+", text)
            yield Server(process.pid, places[0], places[1])
        finally:
            process.send_signal(signal.SIGTERM)


def seconds(simulator: Simulator, incident: Incident) -> float:
    """Time of one simulation."""
    started = time.perf_counter()
    simulator.simulate(incident, np.random.default_rng(1))
    return time.perf_counter() - started


def measure_throughput(served: Server, model: str, n: int, turns: int, threads: int) -> None:
    """Print showers per second of each way, and the ratio to this process."""
    incident = Incident.draw(_particle(model), "1:100", n, seed=1)
    ways = {
        "in this process": open_simulator(model, threads=threads),
        "over gRPC": open_simulator(f"{served.grpc}/{model}"),
        "over HTTP": open_simulator(f"{served.http}/{model}"),
    }
    for simulator in ways.values():
        seconds(simulator, incident[:2048])
    times: dict[str, list[float]] = {name: [] for name in ways}
    costs = dict.fromkeys(ways, 0.0)
    for _ in range(turns):
        for name, simulator in ways.items():
            before = time.process_time() + served.cpu_seconds()
            times[name].append(seconds(simulator, incident))
            costs[name] += time.process_time() + served.cpu_seconds() - before
    print(f"\n{n} showers of {model} in requests of 2048, {turns} turns")
    here = times["in this process"]
    for name, found in times.items():
        ratios = [a / b for a, b in zip(here, found, strict=True)]
        low, high = min(ratios), max(ratios)
        print(
            f"  {name:16} {n / statistics.median(found):9.0f} showers/s"
            f"   x {statistics.median(ratios):.2f} ({low:.2f} to {high:.2f})"
            f"   {1e3 * costs[name] / (n * turns):.3f} ms of CPU each, both sides"
        )
    for simulator in ways.values():
        if hasattr(simulator, "close"):
            simulator.close()


def _particle(model: str) -> str:
    return str(getattr(open_simulator(model, threads=1), "particle", "e+"))


def _request(model: str, seed: int) -> bytes:
    request = protocol.ModelInferRequest(model_name=model)
    request.inputs.add(name="energy", datatype="FP32", shape=(1, 1))
    request.inputs.add(name="seed", datatype="INT64", shape=(1,))
    energy = np.array([1 + seed % 99], "<f4")
    request.raw_input_contents.extend([energy.tobytes(), np.array([seed], "<i8").tobytes()])
    content: bytes = request.SerializeToString()
    return content


async def _ask(place: str, requests: list[bytes]) -> list[float]:
    """Send requests for one shower, 64 at a time; the time of each."""
    times: list[float] = []
    waiting = iter(requests)
    async with grpc.aio.insecure_channel(place.removeprefix("grpc://")) as channel:
        infer = channel.unary_unary(f"/{protocol.INFERENCE}/ModelInfer")

        async def work() -> None:
            for request in waiting:
                started = time.perf_counter()
                reply = await infer(request)
                times.append(time.perf_counter() - started)
                if len(reply) < 2000:
                    msg = "an answer without a shower"
                    raise SystemExit(msg)

        await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
    return times


def measure_small(served: Server, model: str, n: int, turns: int) -> None:
    """Print requests per second."""
    requests = [_request(model, seed) for seed in range(n)]
    asyncio.run(_ask(served.grpc, requests[:500]))
    print(f"\n{n} requests for one shower over gRPC, {IN_FLIGHT} under way")
    for _ in range(turns):
        started = time.perf_counter()
        times = asyncio.run(_ask(served.grpc, requests))
        rate = n / (time.perf_counter() - started)
        ms = np.percentile(times, [50, 99]) * 1e3
        print(f"  {rate:7.0f} requests/s   median {ms[0]:.1f} ms, 99 % within {ms[1]:.1f} ms")


def measure_memory(served: Server, model: str, n: int) -> None:
    """Print the memory of the server after each tenth of n requests."""
    print(f"\nmemory of the server over {n} requests for one shower")
    requests = [_request(model, seed) for seed in range(n // 10)]
    found = []
    for k in range(10):
        asyncio.run(_ask(served.grpc, requests))
        found.append(served.memory_mb())
        print(f"  {(k + 1) * len(requests):7d} requests: {found[-1]:.1f} MB", flush=True)
    print(f"  from the second tenth to the last: {found[-1] - found[1]:+.1f} MB")


def run_tests() -> None:
    """Run the tests of malformed requests and of killed servers at full length."""
    for name, where, settings in (
        ("10 000 malformed requests", "test_malformed.py", {"CALOGAN_MALFORMED": "10000"}),
        (
            "50 killed servers",
            "test_remote.py::test_nothing_lost_or_twice_while_servers_are_killed",
            {"CALOGAN_KILLS": "50"},
        ),
    ):
        command = [sys.executable, "-m", "pytest", "-n", "0", "-q", f"tests/serving/{where}"]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            check=False,
        )
        print(f"\n{name}: {done.stdout.strip().splitlines()[-1]}")


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--with", dest="model", default="eplus")
    parser.add_argument("-n", type=int, default=65_536, help="showers of a turn")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--requests", type=int, default=10_000, help="small ones of a turn")
    parser.add_argument("--memory-requests", type=int, default=100_000)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--tests", action="store_true")
    options: Any = parser.parse_args()
    processor = re.findall(
        r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8")
    )
    print(f"{datetime.now(UTC):%Y-%m-%d}, {next(iter(processor), 'unknown processor')}")
    print(f"{options.threads} threads, {os.getloadavg()[0]:.1f} processes running before")
    with server(options.model, options.threads) as served:
        measure_throughput(served, options.model, options.n, options.turns, options.threads)
        measure_small(served, options.model, options.requests, options.turns)
        measure_memory(served, options.model, options.memory_requests)
    if options.tests:
        run_tests()


if __name__ == "__main__":
    main()
