"""A defect of a benchmark: where it is, what is wrong, and the way out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import field_validator

from comic_eval.errors import BenchmarkError
from comic_eval.types import Frozen

SHOWN = 20


class Defect(Frozen):
    """One thing that is wrong with a benchmark.

    Attributes:
        file: the file's path relative to the benchmark folder.
        line: its line, counted from 1; None where the whole file is meant.
        counts: ``row`` where ``line`` counts a table's rows of data, its header aside.
        field: the field, with indices, such as ``regions[0].box``.
        message: what is wrong.
        fix: what to do about it.

    Characters that a terminal would obey are escaped in all of them, since they may quote anybody's data.
    """

    file: str
    line: int | None = None
    field: str | None = None
    message: str
    fix: str
    counts: Literal["line", "row"] = "line"

    @field_validator("file", "field", "message", "fix")
    @classmethod
    def _harmless(cls, value: str | None) -> str | None:
        if value is None or value.isprintable():
            return value
        return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in value)

    def __str__(self) -> str:
        place = self.file
        if self.line is not None:
            place += f":{self.line}" if self.counts == "line" else f", row {self.line}"
        field = "" if self.field is None else f" {self.field}:"
        return f"{place}:{field} {self.message} → {self.fix}"


def quoted(value: object, limit: int = 80) -> str:
    """``value`` as a Python literal of at most ``limit`` characters: control characters stay visible and harmless."""
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def refuse(what: str, defects: Sequence[Defect], way_out: str) -> BenchmarkError:
    """The exception that lists the first `SHOWN` defects and counts the others."""
    lines = [f"{what}: {len(defects)} defect{'s' if len(defects) != 1 else ''}"]
    lines += [f"  {defect}" for defect in defects[:SHOWN]]
    if len(defects) > SHOWN:
        lines.append(f"  … and {len(defects) - SHOWN} more")
    return BenchmarkError("\n".join([*lines, way_out]))
