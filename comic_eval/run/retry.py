"""When to try a failed request again."""

from __future__ import annotations

import random

from comic_eval.errors import RetryableError
from comic_eval.run.spec import Operation

FIRST_WAIT_S = 0.5


def backoff(attempt: int, max_wait_s: float, rng: random.Random) -> float:
    """Seconds to wait after failed attempt number ``attempt`` (from 0): doubling, capped, the upper half random."""
    ceiling = min(max_wait_s, FIRST_WAIT_S * 2.0**attempt)
    return ceiling * rng.uniform(0.5, 1.0)


def next_wait(
    error: RetryableError, attempt: int, elapsed_s: float, operation: Operation, rng: random.Random
) -> float | None:
    """Seconds to wait before the next attempt, or None if there is none.

    A server's Retry-After is never undercut: where it exceeds the longest wait that the operation allows, or what is
    left of its budget, the request has failed for now, and the next start of the run asks it again.

    Args:
        attempt: number of the attempt that failed, from 0.
        elapsed_s: seconds since the first attempt began.
    """
    if attempt >= operation.max_retries:
        return None
    wait = backoff(attempt, operation.max_wait_s, rng)
    if error.retry_after is not None:
        if error.retry_after > operation.max_wait_s:
            return None
        wait = max(wait, error.retry_after)
    return wait if elapsed_s + wait <= operation.retry_budget_s else None
