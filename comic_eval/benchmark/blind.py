"""Baselines that look at nothing but the words of a question: first choice, longest choice, majority, random.

They are pure functions of the question (and of the train split). A benchmark without shortcuts leaves all of them at
chance. Open questions have no such answer: they get None.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from functools import cache

from comic_eval.errors import PluginError
from comic_eval.plugins import get_task
from comic_eval.types import CHOICE_LETTERS, Question, Sample

# What `random_choice` draws a count from, where no train split says which counts occur.
COUNTS = ("1", "2", "3", "4", "5")


def is_open(question: Question) -> bool:
    """Whether the answer is free text; counts are answered as numbers."""
    return question.choices is None and not _counts(question.task)


@cache
def _counts(task: str) -> bool:
    """Whether a task is answered with a number; one that is not installed is taken as open."""
    try:
        return get_task(task).info.kind == "number"
    except PluginError:
        return False


def always_first(question: Question) -> str | None:
    """``A``, or the smallest count."""
    if is_open(question):
        return None
    return "A" if question.choices else COUNTS[0]


def longest_choice(question: Question) -> str | None:
    """The choice with the most characters, the first of equals; counts have no length: the smallest."""
    if not question.choices:
        return always_first(question)
    return CHOICE_LETTERS[max(range(len(question.choices)), key=lambda i: (len((question.choices or ())[i]), -i))]


def random_choice(question: Question, seed: int = 0, counts: Sequence[str] = COUNTS) -> str | None:
    """Every choice (or count) with equal probability; depends on the seed and on the question's id alone."""
    if is_open(question):
        return None
    options = question.letters or tuple(counts)
    digest = hashlib.sha256(f"{seed}\x1f{question.id}".encode()).digest()
    return options[int.from_bytes(digest[:8]) % len(options)]


class Majority:
    """The answer that was right most often in the train split.

    Where questions bring choices, each choice's text is looked up: the one that was right most often in train, as a
    reader who knows which labels are common would do; if none of them was ever right, or where all choices were right
    equally often, the most frequent letter decides.
    """

    def __init__(self, train: Sequence[Sample]) -> None:
        self._answers: dict[tuple[str, str], Counter[str]] = {}
        self._texts: dict[tuple[str, str], Counter[str]] = {}
        for sample in train:
            key = sample.task, sample.language
            self._answers.setdefault(key, Counter())[sample.answer] += 1
            if sample.choices:
                right = sample.choices[CHOICE_LETTERS.index(sample.answer)]
                self._texts.setdefault(key, Counter())[right] += 1

    def answer(self, question: Question) -> str | None:
        """The letter or number; None for open questions; the first choice where train holds nothing of the task."""
        if is_open(question):
            return None
        key = question.task, question.language
        answers = self._answers.get(key, Counter())
        if not question.choices:
            return min(answers, key=lambda a: (-answers[a], a), default=COUNTS[0])
        texts = self._texts.get(key, Counter())
        return min(
            question.letters,
            key=lambda x: (-texts[question.choices[CHOICE_LETTERS.index(x)]], -answers[x], x),  # type: ignore[index]
        )
