"""Batches of requests for a local model, without a model."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comic_eval.errors import RequestError

batching = import_module("comic_eval.model_adapters._transformers_batching")
OutOfMemoryError = batching.OutOfMemoryError


@dataclass(frozen=True)
class Item:
    number: int
    tokens: int = 10
    group: str = "greedy"


class Recorder:
    """A model that answers with the request's number and remembers its batches."""

    def __init__(self, fits: int = 10**9, broken: frozenset[int] = frozenset()) -> None:
        self.batches: list[list[Item]] = []
        self.fits = fits
        self.broken = broken

    def __call__(self, batch: Sequence[Item], unwanted: Callable[[], bool]) -> list[int]:
        self.batches.append(list(batch))
        if len(batch) > self.fits:
            raise OutOfMemoryError("too large")
        if bad := [i for i in batch if i.number in self.broken]:
            raise ValueError(f"cannot read {bad[0].number}")
        return [i.number for i in batch]


def submit(items: Sequence[Item], run: Any, *, budget: int, prepare: Any = lambda item: item) -> list[Any]:
    async def go() -> list[Any]:
        batcher = batching.Batcher(prepare, run, token_budget=budget)
        try:
            return await asyncio.gather(*map(batcher.submit, items), return_exceptions=True)
        finally:
            await asyncio.to_thread(batcher.close)

    return asyncio.run(go())


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.integers(1, 50), st.sampled_from("ab")), min_size=1, max_size=12),
    st.integers(1, 200),
)
def test_every_request_gets_its_own_answer_within_the_budget(kinds: list[tuple[int, str]], budget: int) -> None:
    items = [Item(i, tokens, group) for i, (tokens, group) in enumerate(kinds)]
    run = Recorder()
    assert submit(items, run, budget=budget) == list(range(len(items)))
    for batch in run.batches:
        assert len({i.group for i in batch}) == 1
        assert len(batch) == 1 or max(i.tokens for i in batch) * len(batch) <= budget


def test_requests_that_come_together_are_answered_together() -> None:
    run = Recorder()
    submit([Item(i) for i in range(8)], run, budget=80)
    assert [len(b) for b in run.batches] == [8]


def test_a_full_batch_does_not_wait_for_the_rest() -> None:
    run = Recorder()
    submit([Item(i) for i in range(6)], run, budget=20)
    assert [len(b) for b in run.batches] == [2, 2, 2]


def test_another_kind_of_request_does_not_cut_a_batch_short() -> None:
    run = Recorder()
    submit([Item(i, group="ab"[i % 2]) for i in range(8)], run, budget=80)
    assert [[i.group for i in b] for b in run.batches] == [["a"] * 4, ["b"] * 4]


def test_without_memory_a_batch_is_halved_and_the_next_ones_are_smaller() -> None:
    run = Recorder(fits=2)

    async def go() -> list[int]:
        batcher = batching.Batcher(lambda item: item, run, token_budget=1000)
        first = await asyncio.gather(*(batcher.submit(Item(i)) for i in range(8)))
        tried = len(run.batches)
        again = await asyncio.gather(*(batcher.submit(Item(i)) for i in range(8)))
        assert [len(b) for b in run.batches[tried:]] == [2, 2, 2, 2]
        await asyncio.to_thread(batcher.close)
        return [*first, *again]

    assert asyncio.run(go()) == [*range(8), *range(8)]
    assert [len(b) for b in run.batches[:7]] == [8, 4, 2, 2, 4, 2, 2]


def test_a_request_that_does_not_fit_alone_fails_with_its_cause() -> None:
    (error,) = submit([Item(0)], Recorder(fits=0), budget=10)
    assert isinstance(error, RequestError)
    assert error.cause == "out_of_memory"


def test_one_bad_request_does_not_take_the_others_along() -> None:
    answers = submit([Item(i) for i in range(4)], Recorder(broken=frozenset({2})), budget=1000)
    assert [a for i, a in enumerate(answers) if i != 2] == [0, 1, 3]
    assert isinstance(answers[2], RequestError)
    assert answers[2].cause == "model_error"
    assert "cannot read 2" in str(answers[2])


def test_a_request_that_cannot_be_prepared_fails_alone() -> None:
    def prepare(item: Item) -> Item:
        if item.number == 1:
            raise RequestError("too long", cause="context_length")
        return item

    answers = submit([Item(i) for i in range(3)], Recorder(), budget=1000, prepare=prepare)
    assert [answers[0], answers[2]] == [0, 2]
    assert isinstance(answers[1], RequestError)
    assert answers[1].cause == "context_length"


def test_a_cancelled_request_is_not_answered_and_a_batch_of_such_ends() -> None:
    started, ended = threading.Event(), threading.Event()

    def run(batch: Sequence[Item], unwanted: Callable[[], bool]) -> list[int]:
        if batch[0].number == 0:
            started.set()
            while not unwanted():
                threading.Event().wait(0.001)
            ended.set()
        return [i.number for i in batch]

    async def go() -> None:
        batcher = batching.Batcher(lambda item: item, run, token_budget=10)
        endless = asyncio.create_task(batcher.submit(Item(0)))
        await asyncio.to_thread(started.wait)
        endless.cancel()
        with pytest.raises(asyncio.CancelledError):
            await endless
        assert await batcher.submit(Item(1)) == 1
        assert ended.is_set()
        await asyncio.to_thread(batcher.close)

    asyncio.run(go())


def test_closing_ends_what_runs_and_cancels_what_waits() -> None:
    started = threading.Event()

    def run(batch: Sequence[Item], unwanted: Callable[[], bool]) -> list[int]:
        started.set()
        while not unwanted():
            threading.Event().wait(0.001)
        return [-1 for _ in batch]

    async def go() -> list[Any]:
        batcher = batching.Batcher(lambda item: item, run, token_budget=10)
        tasks = [asyncio.create_task(batcher.submit(Item(i))) for i in range(3)]
        await asyncio.to_thread(started.wait)
        await asyncio.to_thread(batcher.close)
        return await asyncio.gather(*tasks, return_exceptions=True)

    # The answer that was broken off is none.
    assert all(isinstance(a, asyncio.CancelledError) for a in asyncio.run(go()))
