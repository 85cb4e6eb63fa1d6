"""Conformance checks for plugins of other packages, in the spirit of scikit-learn's ``check_estimator``.

    from comic_eval.conformance import check_task

    def test_my_task():
        check_task(TASK, a_sample_of_mine)

``check_task`` needs one sample and no model; ``check_adapter`` sends a few requests.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from comic_eval.conformance_adapter import check_adapter
from comic_eval.contracts import Task, TaskInfo
from comic_eval.types import Box, Extraction, Language, Region, Sample, Score
from comic_eval.wording import Shown

__all__ = ["ConformanceError", "check_adapter", "check_task"]

_SHOWN: tuple[Shown, ...] = get_args(Shown)
_LANGUAGES: tuple[Language, ...] = get_args(Language)
_NOTHING = ("", "   ", "\n\n", "…", "<answer></answer>", "<answer>...</answer>", "A B C D E F")
_HOSTILE = (
    "<think>",
    "</think><answer>",
    "\x00\ud800",
    "\\boxed{" * 50,
    "{" * 500,
    "<answer>" * 200,
    "\u202eB",
    "B" * 5000,
)


class ConformanceError(AssertionError):
    """A plugin breaks its contract; the message says which rule, on which sample, and what was seen."""


def check_task(task: Task, sample: Sample) -> None:
    """Checks that a task keeps the contract of `comic_eval.contracts.Task` on one of its samples.

    Args:
        task: the task.
        sample: a valid sample of it, in any language; the prompts of the other language are checked on a copy.

    Raises:
        ConformanceError: with the first rule that is broken.
    """
    _info(task, sample)
    for shown in _SHOWN:
        texts = {language: _prompt(task, sample, shown, language) for language in _LANGUAGES}
        if len(set(texts.values())) < len(texts):
            _fail(task, sample, f"the prompt for shown={shown!r} is the same in {' and '.join(texts)}")
    _follows_what_is_shown(task, sample)
    _answers(task, sample)
    _nothing_is_no_answer(task, sample)
    _chance(task, sample)


def _fail(task: Task, sample: Sample, message: str) -> None:
    raise ConformanceError(f"task {task.info.name!r}, sample {sample.id!r}: {message}")


def _info(task: Task, sample: Sample) -> None:
    if not isinstance(task, Task):
        raise ConformanceError(f"{task!r} lacks info, prompt, extract, score or chance")
    if not isinstance(task.info, TaskInfo):
        raise ConformanceError(f"info of {task!r} is no TaskInfo")
    for field, value in task.info:
        if not str(value).strip():
            _fail(task, sample, f"info.{field} is empty")
    if task.info.name != sample.task:
        _fail(task, sample, f"the sample belongs to the task {sample.task!r}")
    if (task.info.kind == "choice") != bool(sample.choices):
        _fail(
            task,
            sample,
            f"the task's kind is {task.info.kind!r}, and the sample has {len(sample.choices or ())} choices",
        )


def _other_answers(task: Task, sample: Sample) -> list[str]:
    """Answers in the sample's form that are not its own."""
    if task.info.kind == "choice":
        return [letter for letter in sample.letters if letter != sample.answer]
    if task.info.kind == "number":
        return [str(int(sample.answer) + 1), str(int(sample.answer) + 2)]
    return ["something else altogether"]


def _prompt(task: Task, sample: Sample, shown: Shown, language: Language) -> str:
    asked = sample.model_copy(update={"language": language})
    text = task.prompt(asked, shown=shown)
    where = f"the prompt for shown={shown!r} in {language!r}"
    if not isinstance(text, str) or not text.strip():
        _fail(task, sample, f"{where} is empty")
    if text != task.prompt(asked, shown=shown):
        _fail(task, sample, f"{where} differs from call to call")
    if sample.question not in text:
        _fail(task, sample, f"{where} does not hold the sample's question")
    for choice in sample.choices or ():
        if choice not in text:
            _fail(task, sample, f"{where} does not hold the choice {choice!r}")
    secret: dict[str, Any] = {"facts": ("something else",), "metadata": {"other": 1}}
    secret["regions"] = (Region(box=Box(x1=0, y1=0, x2=7, y2=7), role="panel", label="elsewhere", target=True),)
    for answer in _other_answers(task, sample):
        if task.prompt(asked.model_copy(update=secret | {"answer": answer}), shown=shown) != text:
            _fail(task, sample, f"{where} depends on the answer, the facts, the regions or the metadata")
    echo = task.extract(text, asked)
    if task.info.kind != "open" and echo.value is not None:
        _fail(task, sample, f"{where}, repeated by a model, would be read as the answer {echo.value!r}")
    return text


def _follows_what_is_shown(task: Task, sample: Sample) -> None:
    prompts = {shown: task.prompt(sample, shown=shown) for shown in _SHOWN}
    if prompts["nothing"] == prompts["page"]:
        _fail(task, sample, "the prompt for shown='nothing' speaks as if the page were shown")
    if sample.position is None:
        return
    for shown, text in prompts.items():
        if (sample.position in text) is (shown == "crop"):
            rule = (
                "holds the position phrase, which says nothing about a crop"
                if shown == "crop"
                else "lacks the position phrase"
            )
            _fail(task, sample, f"the prompt for shown={shown!r} {rule}")


def _answers(task: Task, sample: Sample) -> None:
    for right in _ways_to_write(sample.answer):
        value = _score(task, sample, right)
        if task.info.kind == "open":
            if value is not None:
                _fail(task, sample, "an open answer was scored by the task; return an unscored Score for the judge")
        elif value != 1.0:
            _fail(task, sample, f"the right answer, written {right!r}, scores {value}")
    if task.info.kind == "open":
        return
    for answer in _other_answers(task, sample):
        for wrong in _ways_to_write(answer):
            value = _score(task, sample, wrong)
            if value is None or value >= 1.0:
                _fail(task, sample, f"the wrong answer {wrong!r} scores {value}")


def _ways_to_write(answer: str) -> Iterator[str]:
    yield f"<answer>{answer}</answer>"
    yield f"First I look at the page.\n<answer> {answer} </answer>"
    yield f"<think>Let me see.</think>\n<answer>{answer}</answer>\n"


def _score(task: Task, sample: Sample, text: str) -> float | None:
    extraction = task.extract(text, sample)
    if extraction != task.extract(text, sample):
        _fail(task, sample, f"{text!r} is read differently from call to call")
    if extraction.value is None:
        _fail(task, sample, f"{text!r} is not read: {extraction.reason}")
    score = task.score(extraction, sample)
    if score != task.score(extraction, sample):
        _fail(task, sample, f"{text!r} is scored differently from call to call")
    return score.value


def _nothing_is_no_answer(task: Task, sample: Sample) -> None:
    for text in _NOTHING:
        if task.info.kind == "open" and any(c.isalpha() for c in text.replace("answer", "")):
            continue
        extraction = task.extract(text, sample)
        if extraction.value is not None:
            _fail(task, sample, f"{text!r} is read as the answer {extraction.value!r}")
        if task.score(extraction, sample).value:
            _fail(task, sample, f"{text!r} scores although nothing was answered")
    for text in _HOSTILE:
        extraction = task.extract(text, sample)
        if not isinstance(extraction, Extraction) or not isinstance(task.score(extraction, sample), Score):
            _fail(task, sample, f"extract and score must return an Extraction and a Score, also for {text[:20]!r}")


def _chance(task: Task, sample: Sample) -> None:
    chance = task.chance(sample)
    if sample.choices and chance != 1 / len(sample.choices):
        _fail(task, sample, f"chance is {chance}, but there are {len(sample.choices)} choices")
    if not sample.choices and chance is not None and not 0 < chance < 1:
        _fail(task, sample, f"chance is {chance}; give a probability, or None where there is no such thing")
