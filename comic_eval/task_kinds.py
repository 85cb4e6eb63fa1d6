"""The three kinds of task: choose a letter, give a number, answer in words.

A task plugin is an object of one of these classes with its `TaskInfo`; it overrides what differs. Samples carry their
own question, choices, marks and place, so most tasks override nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from comic_eval import wording
from comic_eval.answers import extract_choice, extract_number, extract_open
from comic_eval.contracts import TaskInfo
from comic_eval.types import Extraction, Sample, Score
from comic_eval.wording import Shown

CITATION = (
    "Zooming into Comics: Region-Aware RL Improves Fine-Grained Comic Understanding in Vision-Language Models. "
    "arXiv:2511.06490."
)


@dataclass(frozen=True)
class ChoiceTask:
    """One letter out of a sample's choices; 1.0 for the right letter, else 0.0."""

    info: TaskInfo

    def prompt(self, sample: Sample, *, shown: Shown) -> str:
        return wording.prompt(sample, shown=shown, kind="choice")

    def extract(self, text: str, sample: Sample) -> Extraction:
        return extract_choice(text, sample.choices or (), sample.language)

    def score(self, extraction: Extraction, sample: Sample) -> Score:
        if extraction.value is None:
            return Score(value=None, reason=extraction.reason)
        return Score(value=float(extraction.value == sample.answer))

    def chance(self, sample: Sample) -> float | None:
        return 1 / len(sample.choices) if sample.choices else None


@dataclass(frozen=True)
class CountTask:
    """A whole number; 1.0 if it is exact.

    The details ``abs_error`` (in units of what is counted) and ``within_one`` (1.0 or 0.0) stand beside the accuracy.
    """

    info: TaskInfo

    def prompt(self, sample: Sample, *, shown: Shown) -> str:
        return wording.prompt(sample, shown=shown, kind="number")

    def extract(self, text: str, sample: Sample) -> Extraction:
        return extract_number(text, sample.language)

    def score(self, extraction: Extraction, sample: Sample) -> Score:
        if extraction.value is None:
            return Score(value=None, reason=extraction.reason)
        error = abs(int(extraction.value) - int(sample.answer))
        return Score(value=float(error == 0), detail={"abs_error": float(error), "within_one": float(error <= 1)})

    def chance(self, sample: Sample) -> float | None:
        return None


@dataclass(frozen=True)
class OpenTask:
    """An answer in words. The task reads it out of the text; a judge decides whether it is right."""

    info: TaskInfo

    def prompt(self, sample: Sample, *, shown: Shown) -> str:
        return wording.prompt(sample, shown=shown, kind="open")

    def extract(self, text: str, sample: Sample) -> Extraction:
        return extract_open(text)

    def score(self, extraction: Extraction, sample: Sample) -> Score:
        return Score(value=None, reason=extraction.reason or "needs_judge")

    def chance(self, sample: Sample) -> float | None:
        return None
