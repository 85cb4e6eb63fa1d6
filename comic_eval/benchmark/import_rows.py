"""Turns one row of a data set into a `Sample`, as a mapping says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from comic_eval.benchmark.checks import check_sample
from comic_eval.benchmark.defects import Defect, quoted
from comic_eval.benchmark.format import encode_line, parse_line
from comic_eval.benchmark.import_images import ImageStore
from comic_eval.benchmark.import_mapping import ImportMapping
from comic_eval.benchmark.import_source import Row
from comic_eval.benchmark.import_values import BadValue, boxes, letter, spread_choices, text, texts
from comic_eval.benchmark.task_checks import Kind, check_kind, check_targets
from comic_eval.errors import BenchmarkError
from comic_eval.types import CHOICE_LETTERS, Sample

DIGITS_OF_NAME = 20  # of a picture's sha256, where the data set names no page


class RowReader:
    """Reads rows.

    Args:
        kinds: the tasks that are known, and their kinds.
        store: where the rows' pictures go.
    """

    def __init__(self, mapping: ImportMapping, kinds: Mapping[str, Kind], store: ImageStore) -> None:
        self.mapping, self.kinds, self.store = mapping, kinds, store

    def read(self, row: Row, number: int, split: str | None) -> Sample | list[Defect]:
        """The sample of a row, or its defects; their fields are those of a sample or columns of the data set."""
        try:
            line = self._line(row, number, split)
            sample = parse_line(orjson.dumps(line), number)
        except BadValue as bad:
            return [Defect(file="", line=number, field=bad.column, message=bad.message, fix=bad.fix)]
        except TypeError as error:  # a date, bytes or NaN among the metadata
            message = f"cannot be kept: {error}"
            return [Defect(file="", line=number, field="metadata", message=message, fix="leave the column out")]
        if isinstance(sample, Sample) and (problems := list(self._problems(sample, number))):
            return problems
        return sample

    def _line(self, row: Row, number: int, split: str | None) -> dict[str, Any]:
        """A line of ``samples.jsonl`` as an object, unchecked."""
        columns = self.mapping.columns
        image, picture = self.store.add(row.get(columns.image), columns.image)
        own_split = self._value(row, "split")
        split = own_split if own_split is not None else self._translated("split", split)
        language, pair_id = self._value(row, "language"), self._value(row, "pair_id")
        made_id = f"{split}-{number:06d}" if pair_id is None else f"{pair_id}-{language}"
        task, answer, choices = self._value(row, "task"), self._value(row, "answer"), self._choices(row)
        if answer is not None and choices and self.kinds.get(task or "") == "choice":
            answer = letter(answer, choices, self.mapping.answers, columns.answer)
        return {
            "id": self._value(row, "id") if columns.id else made_id,
            "task": task,
            "split": split,
            "page": self._value(row, "page") if columns.page else picture.sha256[:DIGITS_OF_NAME],
            "image": image,
            "image_size": picture.size,
            "image_sha256": picture.sha256,
            "question": self._value(row, "question"),
            "position": self._value(row, "position"),
            "choices": choices or None,
            "answer": answer,
            "facts": texts(row.get(columns.facts), columns.facts, self.mapping.separator) if columns.facts else [],
            "language": language,
            "pair_id": pair_id,
            "regions": self._regions(row, picture.size),
            "marks": self._marks(row, picture.size),
            "source": self._value(row, "source"),
            "license": self._value(row, "license"),
            "metadata": {column: row.get(column) for column in self.mapping.metadata},
        }

    def _value(self, row: Row, field: str) -> str | None:
        """A field's text, from its column or its constant, in the words of the benchmark."""
        column: str | None = getattr(self.mapping.columns, field)
        if column is None:
            constant: str | None = getattr(self.mapping.constants, field, None)
            return constant
        return self._translated(field, text(row.get(column), column))

    def _translated(self, field: str, value: str | None) -> str | None:
        return None if value is None else self.mapping.translation(field).get(value, value)

    def _choices(self, row: Row) -> list[str]:
        columns = self.mapping.columns.choices
        if len(columns) == 1:
            return texts(row.get(columns[0]), columns[0], self.mapping.separator)
        return spread_choices([row.get(column) for column in columns], columns)

    def _regions(self, row: Row, size: tuple[int, int]) -> list[dict[str, Any]]:
        return [
            {"box": box, "role": entry.role, "target": entry.target}
            for entry in self.mapping.regions
            for box in boxes(row.get(entry.column), entry.column, self.mapping.boxes, size)
        ]

    def _marks(self, row: Row, size: tuple[int, int]) -> list[dict[str, Any]]:
        columns = [entry.column for entry in self.mapping.marks]
        found = [box for c in columns for box in boxes(row.get(c), c, self.mapping.boxes, size)]
        if len(found) > len(CHOICE_LETTERS):
            raise BadValue(columns[0], f"has {len(found)} marks", f"give at most {len(CHOICE_LETTERS)}")
        return [{"box": box, "label": CHOICE_LETTERS[i]} for i, box in enumerate(found)]

    def _problems(self, sample: Sample, number: int) -> Iterator[Defect]:
        yield from check_sample(sample, number)
        yield from check_kind(sample, number, self.kinds)
        if self.mapping.has_targets:
            yield from check_targets(sample, number)
        if sample.task not in self.kinds:
            message = f"{quoted(sample.task)} is an unknown task"
            fix = f"map it under values.task to one of {', '.join(sorted(self.kinds))}"
            yield Defect(file="", line=number, field="task", message=message, fix=fix)
        try:
            encode_line(sample)
        except BenchmarkError as error:
            yield Defect(file="", line=number, field="metadata", message=str(error), fix="leave the column out")
