"""Picks answers of a run for people to label, and writes them to a file that `read_labels` reads."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path

from comic_eval.benchmark import Benchmark
from comic_eval.errors import UserError
from comic_eval.files import write_atomic
from comic_eval.judging.calibration import length_name
from comic_eval.judging.labels import FACTS_SEPARATOR, escape_cell
from comic_eval.run.record import Record

# What a labeller sees. Neither the judge's verdict nor the model's name is there: both would colour the label.
COLUMNS = (
    "sample_id",
    "task",
    "page",
    "language",
    "image",
    "panel",
    "question",
    "position",
    "reference",
    "facts",
    "answer",
    "label",
    "labeller",
)


def pick(records: Sequence[Record], n: int) -> list[Record]:
    """``n`` answers, spread evenly over what the judge said and how long they are; the same ones every time.

    Raises:
        UserError: none was graded.
    """
    strata: dict[tuple[float | None, str], list[Record]] = {}
    for record in records:
        if record.extracted is not None:
            strata.setdefault((record.score, length_name(record.extracted)), []).append(record)
    if not strata:
        raise UserError("the run has no answers to open questions to label; give a run with Panel Understanding in it")
    ranked = [
        (rank, place, record)
        for place, key in enumerate(sorted(strata, key=str))
        for rank, record in enumerate(sorted(strata[key], key=_shuffled))
    ]
    ranked.sort(key=lambda entry: entry[:2])
    # In an order that tells nothing of the score.
    return sorted((record for _, _, record in ranked[:n]), key=_shuffled)


def _shuffled(record: Record) -> str:
    return hashlib.sha256(f"{record.sample_id}/{record.repeat}".encode()).hexdigest()


def write_template(path: Path, records: Sequence[Record], benchmark: Benchmark) -> None:
    """Writes one line an answer, with an empty ``label``; ``.csv`` for a spreadsheet, everything else JSON lines.

    Raises:
        UserError: the file exists, or cannot be written.
    """
    if path.exists():
        raise UserError(f"{path}: exists already, and labels are never overwritten; choose another name")
    samples = {sample.id: sample for sample in benchmark.samples}
    rows: list[dict[str, object]] = []
    for record in records:
        sample = samples[record.sample_id]
        target = next((r.box.as_list() for r in sample.regions if r.target), None)
        rows.append(
            {
                "sample_id": sample.id,
                "task": sample.task,
                "page": sample.page,
                "language": sample.language,
                "image": sample.image,
                "panel": target,
                "question": sample.question,
                "position": sample.position,
                "reference": sample.answer,
                "facts": list(sample.facts),
                "answer": record.extracted,
                "label": None,
                "labeller": None,
            }
        )
    data = _as_csv(rows) if path.suffix.lower() == ".csv" else _as_lines(rows)
    try:
        write_atomic(path, data.encode())
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror})") from error


def _as_lines(rows: Sequence[dict[str, object]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _as_csv(rows: Sequence[dict[str, object]]) -> str:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _cell(name, value) for name, value in row.items()})
    # A spreadsheet takes a file without the mark for another encoding, and breaks accents.
    return "\ufeff" + out.getvalue()


def _cell(name: str, value: object) -> str:
    if value is None:
        return ""
    if name == "facts" and isinstance(value, list):
        return escape_cell(FACTS_SEPARATOR.join(map(str, value)))
    return escape_cell(value if isinstance(value, str) else json.dumps(value))
