"""What a batch is made of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from calogan.errors import ModelError
from calogan.serving.batching import Batcher, Workshop
from calogan.serving.engine import ServedModel
from calogan.serving.job import Job, make_job
from calogan.serving.limits import Limits
from calogan.serving.metrics import Metrics
from calogan.serving.refusals import Refusal, Why
from calogan.serving.tensors import Tensor
from tests.tiny_models import LATENT, expected


class Watched(ServedModel):
    """A model that notes how many showers each of its calls makes."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.calls: list[int] = []
        self.fail = False

    def run(
        self, noise: NDArray[np.float32], told: NDArray[np.float32]
    ) -> list[NDArray[np.float32]]:
        self.calls.append(len(noise))
        if self.fail:
            msg = "out of order"
            raise ModelError(msg)
        return super().run(noise, told)


def with_batcher(
    tiny: Path, limits: Limits, act: Callable[[Watched, Batcher], Coroutine[Any, Any, None]]
) -> None:
    async def run() -> None:
        workshop = Workshop(1, limits, Metrics())
        model = Watched(tiny)
        batcher = Batcher(model, workshop)
        await act(model, batcher)
        await batcher.close()
        assert workshop.queued == 0
        workshop.close()
        with pytest.raises(Refusal, match="has ended"):
            await batcher.make(job(model, 1))

    asyncio.run(run())


def job(model: ServedModel, n: int, seed: int | None = 0) -> Job:
    tensors = [Tensor("energy", np.full((n, 1), 10, np.float32))]
    if seed is not None:
        tensors.append(Tensor("seed", np.array([seed])))
    return make_job(model, tensors, 10_000)


def check(jobs: Sequence[Job]) -> None:
    """Job k was made of the noise of seed k."""
    for k, one in enumerate(jobs):
        n = len(one)
        noise = np.random.default_rng(k).standard_normal((n, LATENT), dtype=np.float32)
        for got, image in zip(
            one.layers, expected(noise, np.full((n, 1), 10, np.float32)), strict=True
        ):
            np.testing.assert_allclose(got, image, rtol=1e-5, atol=1e-4)


def test_showers_count_and_not_requests(tiny: Path) -> None:
    """Full batches, whatever the requests; what is left goes when the delay is over."""

    async def act(model: Watched, batcher: Batcher) -> None:
        jobs = [job(model, n, k) for k, n in enumerate([1, 30, 5, 100, 1, 7])]
        await asyncio.gather(*map(batcher.make, jobs))
        check(jobs)
        assert model.calls == [50, 50, 44]

    with_batcher(tiny, Limits(batch_showers=50, delay_s=0.2), act)


def test_small_requests_pass_large_ones(tiny: Path) -> None:
    ended: list[int] = []

    async def make(batcher: Batcher, one: Job) -> None:
        await batcher.make(one)
        ended.append(len(one))

    async def act(model: Watched, batcher: Batcher) -> None:
        jobs = [job(model, 1000, 0), job(model, 3, 1), job(model, 40, 2)]
        await asyncio.gather(*(make(batcher, one) for one in jobs))
        check(jobs)
        assert ended == [3, 40, 1000]

    with_batcher(tiny, Limits(batch_showers=50), act)


def test_who_leaves_takes_the_rest_along(tiny: Path) -> None:
    async def act(model: Watched, batcher: Batcher) -> None:
        jobs = [job(model, 20, k) for k in range(3)]
        tasks = [asyncio.create_task(batcher.make(one)) for one in jobs]
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        check([jobs[0]])
        assert sum(model.calls) == 40
        assert not jobs[1].layers

    with_batcher(tiny, Limits(batch_showers=100, delay_s=0.05), act)


def test_a_failure_is_told_and_forgotten(tiny: Path) -> None:
    async def act(model: Watched, batcher: Batcher) -> None:
        model.fail = True
        jobs = [job(model, 30, k) for k in range(2)]
        failures = await asyncio.gather(*map(batcher.make, jobs), return_exceptions=True)
        assert [str(failure) for failure in failures] == ["the network failed: out of order"] * 2
        model.fail = False
        one = job(model, 30, 0)
        await batcher.make(one)
        check([one])

    with_batcher(tiny, Limits(batch_showers=20), act)


def test_noise_that_makes_no_showers_hurts_nobody_else(tiny: Path) -> None:
    async def act(model: Watched, batcher: Batcher) -> None:
        good = job(model, 10, 0)
        told = Tensor("energy", np.full((10, 1), 10, np.float32))
        wild = Tensor("noise", np.full((10, LATENT), 3e38, np.float32))
        bad = make_job(model, [told, wild], 100)
        done = await asyncio.gather(batcher.make(good), batcher.make(bad), return_exceptions=True)
        assert model.calls == [20]
        assert isinstance(done[1], Refusal)
        assert done[1].why is Why.INVALID
        check([good])

    with_batcher(tiny, Limits(batch_showers=20), act)


def test_busy(tiny: Path) -> None:
    async def act(model: Watched, batcher: Batcher) -> None:
        limits = [asyncio.create_task(batcher.make(job(model, 40))) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Refusal, match="busy: 80 showers wait") as caught:
            await batcher.make(job(model, 21))
        assert caught.value.why is Why.BUSY
        await batcher.make(job(model, 20))
        await asyncio.gather(*limits)

    with_batcher(
        tiny, Limits(batch_showers=1000, delay_s=0.05, queued_showers=100, request_showers=100), act
    )


def test_showers_without_seed_differ(tiny: Path) -> None:
    async def act(model: Watched, batcher: Batcher) -> None:
        jobs = [job(model, 5, None) for _ in range(4)]
        await asyncio.gather(*map(batcher.make, jobs))
        images = np.concatenate([one.layers[1] for one in jobs]).reshape(20, -1)
        assert len(np.unique(images, axis=0)) == 20

    with_batcher(tiny, Limits(batch_showers=10), act)


def test_a_queue_that_breaks_down_is_seen(tiny: Path, caplog: pytest.LogCaptureFixture) -> None:
    """No request waits for it, and the server is not ready any more."""

    async def run() -> None:
        workshop = Workshop(1, Limits(), Metrics())
        batcher = Batcher(ServedModel(tiny), workshop)
        batcher._some = None  # type: ignore[assignment]
        while not batcher.ended:
            await asyncio.sleep(0)
        with pytest.raises(Refusal, match="has ended"):
            await batcher.make(job(batcher.model, 1))
        await batcher.close()
        workshop.close()

    asyncio.run(run())
    assert "a queue broke down" in caplog.text
