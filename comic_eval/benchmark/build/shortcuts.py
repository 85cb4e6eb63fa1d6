"""Measures what a benchmark gives away to those who do not look at the art: blind baselines and geometry."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from comic_eval.benchmark.blind import Majority, always_first, longest_choice, random_choice
from comic_eval.benchmark.geometry import GeometryBaseline
from comic_eval.types import Question, Sample

Answer = Callable[[Question], str | None]


@dataclass(frozen=True)
class Shortcut:
    """What the baselines reach on one task, split and language.

    Attributes:
        chance: mean probability that a random choice is right; for counts, the share of the most frequent number.
        interval: numbers of right answers that a guess at chance level stays between in 95 % of cases (exact binomial).
        correct: baseline -> number of right answers out of ``n``; None where it has no answer to any question.
    """

    task: str
    split: str
    language: str
    n: int
    chance: float
    interval: tuple[int, int]
    correct: dict[str, int | None]


def measure(samples: Sequence[Sample]) -> list[Shortcut]:
    """All tasks with choices or counts, in every split and language.

    `Majority` and `GeometryBaseline` are fitted on ``train``; for ``train`` itself on all other splits, since a text
    that was right once tells nothing about the question it was taken from.
    """
    train = [s for s in samples if s.split == "train"]
    others = [s for s in samples if s.split != "train"]
    on_train, on_others = _baselines(others), _baselines(train)
    groups: dict[tuple[str, str, str], list[Sample]] = {}
    for sample in samples:
        if always_first(sample.to_question()) is not None:
            groups.setdefault((sample.task, sample.split, sample.language), []).append(sample)
    return [
        Shortcut(
            *key,
            n=len(group),
            chance=(chance := chance_level(group)),
            interval=chance_interval(len(group), chance),
            correct={
                name: _correct(answer, group) for name, answer in (on_train if key[1] == "train" else on_others).items()
            },
        )
        for key, group in sorted(groups.items())
    ]


def _baselines(fitted_on: Sequence[Sample]) -> dict[str, Answer]:
    return {
        "first": always_first,
        "longest": longest_choice,
        "majority": Majority(fitted_on).answer,
        "random": random_choice,
        "geometry": GeometryBaseline.fit(fitted_on).answer,
    }


def chance_level(samples: Sequence[Sample]) -> float:
    """What guessing earns: one over the number of choices; for counts, what the best constant answer earns."""
    if all(s.choices for s in samples):
        return sum(1 / len(s.choices or ()) for s in samples) / len(samples)
    answers = [s.answer for s in samples]
    return max(answers.count(a) for a in answers) / len(answers)


def chance_interval(n: int, p: float) -> tuple[int, int]:
    """The smallest and the largest number of successes of Binomial(n, p) after cutting at most 2.5 % at either end."""
    mass = [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]
    return _quantile(mass), n - _quantile(mass[::-1])


def _quantile(mass: Sequence[float], tail: float = 0.025) -> int:
    total = 0.0
    for k, m in enumerate(mass):
        total += m
        if total > tail:
            return k
    return len(mass) - 1


def _correct(answer: Answer, samples: Sequence[Sample]) -> int | None:
    given = [answer(s.to_question()) for s in samples]
    if all(g is None for g in given):
        return None
    return sum(g == s.answer for g, s in zip(given, samples, strict=True))
