"""One line of the index a sample: what the filters and the list need, small enough for thousands in one page."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from comic_eval.report.text import folded, line
from comic_eval.run.record import Record
from comic_eval.types import Sample

Outcome = Literal["right", "wrong", "unparsed", "unscored", "failed"]
OUTCOMES: dict[Outcome, str] = {
    "right": "Right",
    "wrong": "Wrong",
    "unparsed": "Unparsed",
    "unscored": "Unscored",
    "failed": "Failed",
}
QUESTION_CHARACTERS = 180
ANSWER_CHARACTERS = 60
# What the text search covers of a model's text, from its beginning.
SEARCHED_CHARACTERS = 2_000


def outcome_of(record: Record) -> Outcome:
    """What became of a sample, in one word."""
    if record.status == "scored":
        return "right" if record.score == 1.0 else "wrong"
    return record.status


class Row(NamedTuple):
    """A sample in the index. ``search`` is folded text; the other texts are shortened and safe to show."""

    id: str
    task: str
    outcome: Outcome
    page: str
    language: str
    setting: str
    question: str
    extracted: str
    answer: str
    note: str
    zooms: int
    search: str

    def packed(self) -> list[Any]:
        """The row as a JSON list."""
        return list(self)


def setting_of(record: Record) -> str:
    """View, budget and repeat, by which several records of one sample differ."""
    repeat = f", repeat {record.repeat + 1}" if record.repeat else ""
    return f"view {line(record.view, 40)}, {record.budget:,} tokens{repeat}"


def _worded(answer: str | None, sample: Sample) -> str:
    """An answer for a list: a letter with the words of its choice."""
    if answer is None:
        return ""
    words = dict(zip(sample.letters, sample.choices or (), strict=True)).get(answer)
    return line(answer if words is None else f"{answer}: {words}", ANSWER_CHARACTERS)


def row_of(record: Record, sample: Sample) -> Row:
    """The row of a record."""
    trace = record.trace
    text = "\n".join(turn.text for turn in trace.turns) if trace is not None else record.text or ""
    question = sample.question if sample.position is None else f"{sample.position}: {sample.question}"
    searched = (
        record.sample_id,
        record.page,
        question,
        *(sample.choices or ()),
        record.answer,
        record.extracted or "",
        record.reason or "",
        record.error.message if record.error else "",
        text[:SEARCHED_CHARACTERS],
    )
    return Row(
        id=line(record.sample_id, 120),
        task=record.task,
        outcome=outcome_of(record),
        page=line(record.page, 60),
        language=record.language,
        setting=setting_of(record),
        question=line(question, QUESTION_CHARACTERS),
        extracted=_worded(record.extracted, sample),
        answer=_worded(record.answer, sample),
        note=line(record.error.cause if record.error else record.reason or "", 40).replace("_", " "),
        zooms=len(trace.calls) if trace is not None else 0,
        search=folded("\n".join(searched)),
    )
