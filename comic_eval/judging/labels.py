"""Answers with reference labels: the file that a judge is calibrated against, as JSON lines or CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator

from comic_eval.benchmark import Benchmark
from comic_eval.errors import UserError
from comic_eval.types import Frozen, Language, Sample

DATA = Path(__file__).parents[1] / "data" / "judge"
BUNDLED = {"pepper-carrot": DATA / "pepper-carrot-labels.jsonl"}
LABELS: dict[str, bool | None] = {
    **dict.fromkeys(("correct", "right", "true", "1", "yes", "juste", "oui", "vrai"), True),
    **dict.fromkeys(("incorrect", "wrong", "false", "0", "no", "not_attempted", "faux", "non"), False),
    "": None,
}
FACTS_SEPARATOR = " | "
# A spreadsheet runs a cell that begins like this as a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")


class Label(Frozen):
    """One answer with what a labeller says of it.

    Attributes:
        sample_id: of the question, where it is a benchmark's.
        position: the phrase that locates the panel.
        facts: what a right answer must contain; alternatives inside a fact are separated by " / ".
        label: whether the answer is right; None where it is not labelled yet.
        kind: what sort of answer it is (``paraphrase``, ``wrong``, ``near_miss``, ...), to count by.
        labeller: who says so.
    """

    sample_id: str | None = None
    task: str = "panel_understanding"
    page: str | None = None
    language: Language = "en"
    question: str = Field(min_length=1)
    position: str | None = None
    reference: str = Field(min_length=1)
    facts: tuple[str, ...] = ()
    answer: str
    label: bool | None = None
    kind: str | None = None
    labeller: str | None = None

    @field_validator("label", mode="before")
    @classmethod
    def _word(cls, value: Any) -> Any:
        if isinstance(value, str):
            word = value.strip().lower()
            if word not in LABELS:
                raise ValueError("write correct or incorrect, or leave it empty")
            return LABELS[word]
        return value

    @property
    def question_key(self) -> tuple[str | None, str]:
        """Answers to one question are one cluster, in whatever language: French questions are translated ones."""
        if self.sample_id:
            return None, self.sample_id.removesuffix(f"-{self.language}")
        return self.page, self.question

    def to_sample(self) -> Sample:
        """The question as a judge is handed it."""
        return Sample(
            id=self.sample_id or "label",
            task=self.task,
            split="labels",
            page=self.page or "unknown",
            image="none",
            question=self.question,
            position=self.position,
            answer=self.reference,
            facts=self.facts,
            language=self.language,
        )


def read_labels(path: Path) -> list[Label]:
    """Reads a file of labels; ``.csv`` is CSV with a line of headings, everything else JSON lines.

    Raises:
        UserError: it cannot be read, or a line is wrong; the message names line and field.
    """
    labels = []
    for number, row in _rows(path):
        try:
            labels.append(Label.model_validate({k: v for k, v in row.items() if k in Label.model_fields}))
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(map(str, first["loc"])) or "the line"
            raise UserError(f"{path}, line {number}: {field}: {first['msg']}") from error
    if not labels:
        raise UserError(f"{path}: holds no answers; `comic-eval judge template` writes a file to fill in")
    return labels


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read ({error})") from error
    if path.suffix.lower() == ".csv":
        reader = csv.DictReader(text.splitlines(keepends=True), strict=True)
        try:
            for row in reader:
                yield reader.line_num, _from_cells(row)
        except csv.Error as error:
            raise UserError(f"{path}, line {reader.line_num}: is no CSV ({error})") from error
        return
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise UserError(f"{path}, line {number}: is no JSON ({error})") from error
        if not isinstance(row, dict):
            raise UserError(f"{path}, line {number}: is no JSON object")
        yield number, row


def _from_cells(row: dict[str | Any, str | Any]) -> dict[str, Any]:
    cells: dict[str, Any] = {
        k: _unescape(v) for k, v in row.items() if isinstance(k, str) and isinstance(v, str) and v.strip()
    }
    if "facts" in cells:
        cells["facts"] = [fact.strip() for fact in cells["facts"].split(FACTS_SEPARATOR.strip()) if fact.strip()]
    cells.setdefault("answer", "")
    return cells


def _unescape(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def escape_cell(text: str) -> str:
    """A text as a spreadsheet's cell that is never run as a formula; `read_labels` takes the apostrophe off again."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def bundled_labels(benchmark: Benchmark) -> list[Label]:
    """The labels that come with a bundled benchmark; none for others."""
    path = BUNDLED.get(benchmark.name)
    return read_labels(path) if path else []
