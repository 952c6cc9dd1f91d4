"""Which chunk runs when, and what becomes of those that fail."""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Iterable, Iterator

from calogan.errors import CaloganError, SimulationError
from calogan.production.chunks import Chunk
from calogan.production.crews import Crew, Lost, Trouble
from calogan.production.goods import Batch, Goods, Orders
from calogan.production.outcome import ATTEMPTS, Failure

__all__ = ["make_chunks"]

_LOG = logging.getLogger(__name__)

_LOSSES = 10
"""How often a chunk may be lost together with others: when a node or a batch job ends."""

_LOOK_AHEAD = 4
"""Chunks per worker that may be finished or under way, where results are wanted in order."""


def make_chunks(
    crew: Crew,
    orders: Orders,
    chunks: Iterable[Chunk],
    goods: Goods[Batch],
    *,
    ordered: bool,
) -> Iterator[tuple[Chunk, Batch | Failure]]:
    """Make chunks; a chunk that fails is tried again, `ATTEMPTS` times in all.

    Args:
        crew: Who does it.
        orders: What is to be made, of all chunks.
        chunks: Which to make.
        goods: What must come of them.
        ordered: Whether results are wanted in the order of the chunks; a few wait in memory for
            their turn. Otherwise they come as they are finished.

    Raises:
        CaloganError: The user has to mend something; trying again is of no use.
    """
    waiting = deque(chunks)
    turns = deque(waiting if ordered else ())
    held: dict[Chunk, Batch | Failure] = {}
    failures: Counter[Chunk] = Counter()
    losses: Counter[Chunk] = Counter()
    under_way, promising = 0, False
    while waiting or under_way:
        while (
            waiting
            and under_way < crew.capacity
            and under_way + len(held) < _LOOK_AHEAD * crew.capacity
        ):
            chunk = waiting.popleft()
            crew.submit(chunk, orders[chunk.start : chunk.stop])
            under_way += 1
        for chunk, result in crew.collect():
            under_way -= 1
            outcome: Batch | Failure
            if not isinstance(result, Exception):
                outcome = goods.checked(result, chunk)
                promising = True
            else:
                counts = losses if isinstance(result, Lost) else failures
                counts[chunk] += 1
                cause = _cause(result)
                if failures[chunk] < ATTEMPTS and losses[chunk] < _LOSSES:
                    _LOG.info("%s: %s; trying again", chunk, cause)
                    if promising and not ordered:
                        waiting.append(chunk)  # whatever it was may be over by then
                    else:  # others wait for it, or it is soon known that all fail
                        waiting.appendleft(chunk)
                    continue
                outcome = Failure(chunk, cause)
            if not ordered:
                yield chunk, outcome
                continue
            held[chunk] = outcome
            while turns and turns[0] in held:
                yield turns[0], held.pop(turns.popleft())


def _cause(error: Exception) -> str:
    """Say what happened in one line; raise what the user has to mend."""
    if isinstance(error, CaloganError) and not isinstance(error, SimulationError):
        raise error
    text = " ".join(str(error).split())
    return (
        text if isinstance(error, SimulationError | Trouble) else f"{type(error).__name__}: {text}"
    )
