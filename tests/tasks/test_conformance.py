"""check_task must see each breach that it promises to see."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from comic_eval import plugins
from comic_eval.conformance import ConformanceError, check_adapter, check_task
from comic_eval.contracts import TaskInfo
from comic_eval.task_kinds import ChoiceTask, CountTask
from comic_eval.types import Extraction, Sample, Score

INFO = TaskInfo(
    name="who_speaks",
    title="Who speaks",
    category="Single-Panel Recognition",
    kind="choice",
    metric="accuracy",
    description="Who says this?",
    citation="none",
)
SAMPLE = Sample(
    id="w-en",
    task="who_speaks",
    split="test",
    page="p",
    image="images/en/p.jpg",
    question="Who says “Hello”?",
    choices=("the cat", "the witch", "the fox"),
    answer="B",
)


def test_a_task_of_another_package_conforms_in_a_few_lines() -> None:
    check_task(ChoiceTask(INFO), SAMPLE)
    counting = CountTask(INFO.model_copy(update={"kind": "number"}))
    check_task(counting, SAMPLE.model_copy(update={"choices": None, "answer": "2"}))


class Leaks(ChoiceTask):
    def prompt(self, sample: Sample, *, shown: Any) -> str:
        return super().prompt(sample, shown=shown) + f"\n(hint: {sample.answer})"


class Counts(ChoiceTask):
    def prompt(self, sample: Sample, *, shown: Any) -> str:
        return super().prompt(sample, shown=shown) + f"\n{len(sample.regions)} regions"


class English(ChoiceTask):
    def prompt(self, sample: Sample, *, shown: Any) -> str:
        return super().prompt(sample.model_copy(update={"language": "en"}), shown=shown)


class Sees(ChoiceTask):
    def prompt(self, sample: Sample, *, shown: Any) -> str:
        return super().prompt(sample, shown="page")


class Mute(ChoiceTask):
    def prompt(self, sample: Sample, *, shown: Any) -> str:
        return " "


class Forgetful(ChoiceTask):
    def prompt(self, sample: Sample, *, shown: Any) -> str:
        return super().prompt(sample, shown=shown).replace("the fox", "the dog")


class Example(ChoiceTask):
    def prompt(self, sample: Sample, *, shown: Any) -> str:
        return super().prompt(sample, shown=shown) + "\nFor example: <answer>A</answer>"


class Guesses(ChoiceTask):
    def extract(self, text: str, sample: Sample) -> Extraction:
        found = super().extract(text, sample)
        return Extraction(value="A") if found.reason in ("empty", "no_answer") else found


class Generous(ChoiceTask):
    def score(self, extraction: Extraction, sample: Sample) -> Score:
        return Score(value=1.0)


class Deaf(ChoiceTask):
    def extract(self, text: str, sample: Sample) -> Extraction:
        return Extraction(value=None, reason="no_answer")


class Optimist(ChoiceTask):
    def chance(self, sample: Sample) -> float | None:
        return 0.25


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (Leaks, "depends on the answer"),
        (Counts, "depends on the answer"),
        (English, "is the same in"),
        (Sees, "speaks as if the page were shown"),
        (Mute, "is empty"),
        (Forgetful, "does not hold the choice 'the fox'"),
        (Example, "would be read as the answer 'A'"),
        (Guesses, "is read as the answer 'A'|would be read"),
        (Generous, "the wrong answer .* scores 1.0"),
        (Deaf, "is not read: no_answer"),
        (Optimist, "chance is 0.25"),
    ],
)
def test_breaches_are_found(broken: type[ChoiceTask], message: str) -> None:
    with pytest.raises(ConformanceError, match=message):
        check_task(broken(INFO), SAMPLE)


def test_a_sample_of_another_task_is_told_apart() -> None:
    with pytest.raises(ConformanceError, match="belongs to the task 'who_speaks'"):
        check_task(plugins.get_task("action_recognition"), SAMPLE)
    with pytest.raises(ConformanceError, match="has 0 choices"):
        check_task(ChoiceTask(INFO), SAMPLE.model_copy(update={"choices": None}))


def test_incomplete_information_is_found() -> None:
    with pytest.raises(ConformanceError, match=r"info\.citation is empty"):
        check_task(dataclasses.replace(ChoiceTask(INFO), info=INFO.model_copy(update={"citation": " "})), SAMPLE)


def test_the_position_phrase_is_left_out_of_crops() -> None:
    class Tells(ChoiceTask):
        def prompt(self, sample: Sample, *, shown: Any) -> str:
            return super().prompt(sample, shown=shown) + f"\n{sample.position}"

    located = SAMPLE.model_copy(update={"position": "the last panel"})
    check_task(ChoiceTask(INFO), located)
    with pytest.raises(ConformanceError, match="says nothing about a crop"):
        check_task(Tells(INFO), located)


def test_both_checks_have_one_address() -> None:
    assert callable(check_adapter)
    assert issubclass(ConformanceError, AssertionError)
