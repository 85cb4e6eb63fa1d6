"""``baseline:NAME``: answers without looking at the page. What a baseline reaches is what a benchmark gives away.

random
    Every choice with equal probability; a count is drawn from the answers of the train split, each as often as it was
    right there, and evenly from 1 to 6 where that split holds none of the task. A draw depends on the seed and on the
    sample's id alone, so that a resumed run draws the same.
majority
    What was right most often in the train split: of the choices' texts, of the letters, of the numbers (1 where that
    split holds none of the task).
first
    Always A; a count is 1.
longest
    The choice with the most characters, the first of equals; a count is 1.
geometry
    What the boxes of the marks give away (`comic_eval.benchmark.geometry`); a random choice where they say nothing.

An open question gets "I don't know.", which is wrong.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from comic_eval.benchmark.blind import Majority, always_first, longest_choice, random_choice
from comic_eval.benchmark.geometry import GeometryBaseline
from comic_eval.contracts import AdapterInfo, RunContext
from comic_eval.errors import PluginError
from comic_eval.types import Frozen, Generation, Question, Request, Sample

from ._settings import read_settings

Answer = Callable[[Question], str | None]
UNKNOWN = {"en": "I don't know.", "fr": "Je ne sais pas."}
# Counts where no train split says which ones occur.
ANY_COUNT = ("1", "2", "3", "4", "5", "6")


class BaselineSettings(Frozen):
    """Settings of `create`.

    Attributes:
        seed: of the random draws; None takes the run's.
    """

    seed: int | None = None


def fit_random(train: Sequence[Sample], seed: int) -> Answer:
    """Random choices, and counts as frequent as in ``train``, or from `ANY_COUNT`."""
    counts: dict[tuple[str, str], list[str]] = {}
    for sample in sorted(train, key=lambda s: s.id):
        if not sample.choices:
            counts.setdefault((sample.task, sample.language), []).append(sample.answer)
    return lambda q: random_choice(q, seed, counts.get((q.task, q.language), ANY_COUNT))


def fit_majority(train: Sequence[Sample], seed: int) -> Answer:
    return Majority(train).answer


def fit_first(train: Sequence[Sample], seed: int) -> Answer:
    return always_first


def fit_longest(train: Sequence[Sample], seed: int) -> Answer:
    return longest_choice


def fit_geometry(train: Sequence[Sample], seed: int) -> Answer:
    """The boxes' answer, or a random one."""
    boxes, fallback = GeometryBaseline.fit(train, seed), fit_random(train, seed)
    return lambda q: boxes.answer(q) or fallback(q)


# Name -> how it gets its answers, and what tables say about it.
BASELINES: dict[str, tuple[Callable[[Sequence[Sample], int], Answer], str]] = {
    "random": (fit_random, "draws at random (counts from 1 to 6 where no train split tells them); sees no page"),
    "majority": (fit_majority, "the train split's most frequent answer; sees no page"),
    "first": (fit_first, "always the first choice; sees no page"),
    "longest": (fit_longest, "always the longest choice; sees no page"),
    "geometry": (fit_geometry, "reads the boxes of the marks only; sees no page"),
}


class BaselineAdapter:
    """One baseline."""

    def __init__(self, name: str, settings: BaselineSettings) -> None:
        self._fit, note = BASELINES[name]
        self._seed = settings.seed
        self._answer: Answer | None = None
        self._info = AdapterInfo(
            id=f"baseline:{name}",
            reads_images=False,
            needs_images=False,
            family="baseline",
            note=note,
            settings={} if settings.seed is None else {"seed": settings.seed},
            deterministic=True,
            native_tools=False,
        )

    @property
    def info(self) -> AdapterInfo:
        return self._info

    async def start(self, context: RunContext) -> None:
        """Fits the baseline on the train split."""
        seed = context.seed if self._seed is None else self._seed
        self._answer = await asyncio.to_thread(self._fit, context.train_samples, seed)

    async def generate(self, request: Request) -> Generation:
        """Answers from the question alone; never fails."""
        if self._answer is None:
            raise RuntimeError("generate() was called before start()")
        value = self._answer(request.question)
        answer = UNKNOWN[request.question.language] if value is None else value
        return Generation(text=f"<answer>{answer}</answer>", finish_reason="stop", model=self._info.id)

    async def close(self) -> None:
        """Nothing to release."""


def create(name: str, **settings: Any) -> BaselineAdapter:
    """Makes the adapter of ``baseline:name``.

    Raises:
        PluginError: there is no such baseline, or a wrong setting.
    """
    if name not in BASELINES:
        raise PluginError(f"unknown baseline {name!r}. Known: {', '.join(sorted(BASELINES))}")
    return BaselineAdapter(name, read_settings(BaselineSettings, "baseline", settings))
