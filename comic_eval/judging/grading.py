"""Grades many answers with one judge, some at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from comic_eval.contracts import Judge
from comic_eval.errors import RequestError
from comic_eval.types import Sample, Score


async def grade_one(judge: Judge, answer: str, sample: Sample) -> Score:
    """One answer's score; a request that fails leaves it unscored with the cause."""
    try:
        return await judge.grade(answer, sample)
    except RequestError as error:
        return Score(value=None, reason=f"judge_{error.cause}")


async def grade_all(
    judge: Judge,
    answers: Sequence[tuple[str, Sample]],
    concurrency: int,
    done: Callable[[int, Score], None] = lambda place, score: None,
) -> list[Score]:
    """The scores of all answers, in their order.

    Args:
        done: called with the place and the score of each answer as it is graded.

    Raises:
        JudgeStopped: the judge's server refuses every request or is gone.
    """
    scores: list[Score | None] = [None] * len(answers)
    places = iter(range(len(answers)))

    async def work() -> None:
        for place in places:
            found = await grade_one(judge, *answers[place])
            scores[place] = found
            done(place, found)

    workers = [asyncio.create_task(work()) for _ in range(min(concurrency, len(answers)))]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return [score for score in scores if score is not None]
