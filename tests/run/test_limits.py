"""Limits, pauses and retries, on a clock that tests turn."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.clock import FakeClock

from comic_eval.errors import RetryableError
from comic_eval.run.limits import FIRST_GUESS_TOKENS, Gate, Pacer
from comic_eval.run.retry import backoff, next_wait
from comic_eval.run.spec import Operation


def starts(clock: FakeClock, gate: Gate, workers: int, each: int, used: int | None = None) -> list[float]:
    """The times at which ``workers`` workers pass the gate, ``each`` times."""
    times: list[float] = []

    async def work() -> None:
        for _ in range(each):
            booked = await gate.enter()
            times.append(clock.now())
            gate.settle(booked, used)

    async def main() -> None:
        await clock.run(*(work() for _ in range(workers)))

    asyncio.run(main())
    return times


@given(per_minute=st.floats(1, 6000), workers=st.integers(1, 12))
def test_no_minute_sees_more_requests_than_allowed(per_minute: float, workers: int) -> None:
    clock = FakeClock()
    times = starts(clock, Gate(clock, requests_per_minute=per_minute, tokens_per_minute=None), workers, 4)
    assert times == sorted(times)
    for i, start in enumerate(times):
        inside = sum(start <= t < start + 60 - 1e-6 for t in times[i:])
        assert inside <= per_minute + 1


def test_without_limits_nobody_waits() -> None:
    clock = FakeClock()
    assert set(starts(clock, Gate(clock, requests_per_minute=None, tokens_per_minute=None), 8, 5)) == {0.0}


def test_tokens_are_paced_by_what_was_really_used() -> None:
    clock = FakeClock()
    gate = Gate(clock, requests_per_minute=None, tokens_per_minute=6000.0)
    times = starts(clock, gate, 1, 60, used=500)
    # 500 tokens at 6,000 a minute are 5 s; the first guesses book more, which is given back.
    assert times[-1] == pytest.approx(59 * 5, rel=0.05)


def test_a_provider_that_tells_no_usage_is_paced_by_the_guess() -> None:
    clock = FakeClock()
    gate = Gate(clock, requests_per_minute=None, tokens_per_minute=60.0 * FIRST_GUESS_TOKENS)
    assert starts(clock, gate, 1, 4, used=None) == pytest.approx([0, 1, 2, 3])


def test_a_pause_holds_everybody_back() -> None:
    clock = FakeClock()
    gate = Gate(clock, requests_per_minute=None, tokens_per_minute=None)
    gate.pause(7)
    gate.pause(3)
    assert starts(clock, gate, 5, 1) == [7.0] * 5


def test_correcting_a_pacer_moves_the_next_start() -> None:
    clock = FakeClock()
    pacer = Pacer(60, clock)
    assert pacer.reserve(2) == 0
    pacer.correct(3)
    assert pacer.reserve() == 5


@given(attempt=st.integers(0, 40), seed=st.integers())
def test_backoff_grows_and_is_capped(attempt: int, seed: int) -> None:
    ceiling = min(60.0, 0.5 * 2**attempt)
    assert ceiling / 2 <= backoff(attempt, 60.0, random.Random(seed)) <= ceiling  # noqa: S311


def wait(error: RetryableError, attempt: int = 0, elapsed: float = 0.0, **operation: float) -> float | None:
    return next_wait(error, attempt, elapsed, Operation.model_validate(operation), random.Random(0))  # noqa: S311


def limited(retry_after: float | None = None) -> RetryableError:
    return RetryableError("slow down", cause="rate_limit", status=429, retry_after=retry_after)


@given(retry_after=st.floats(0, 60), attempt=st.integers(0, 4))
def test_retry_after_is_never_undercut(retry_after: float, attempt: int) -> None:
    waited = wait(limited(retry_after), attempt)
    assert waited is not None
    assert waited >= retry_after


def test_a_server_that_asks_for_too_long_a_wait_has_refused() -> None:
    assert wait(limited(61)) is None
    assert wait(limited(61), max_wait_s=100) == 61


def test_attempts_end() -> None:
    assert wait(limited(), attempt=4) is not None
    assert wait(limited(), attempt=5) is None
    assert wait(limited(), attempt=0, max_retries=0) is None


def test_the_time_for_retries_ends() -> None:
    assert wait(limited(30), elapsed=569) is not None
    assert wait(limited(30), elapsed=571) is None
