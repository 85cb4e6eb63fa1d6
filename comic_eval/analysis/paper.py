"""The paper's tables as quoted data, with the interval of every number that has one."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pydantic import Field

import comic_eval
from comic_eval.analysis.intervals import Interval, wilson
from comic_eval.analysis.power import two_proportion_z
from comic_eval.errors import UserError
from comic_eval.types import Frozen

QUOTED = Path(comic_eval.__file__).parent / "data" / "paper_tables.json"
ACCURACY = "accuracy"


class Source(Frozen):
    """Where the numbers are quoted from."""

    id: str
    title: str
    url: str


class Column(Frozen):
    """A task, or another benchmark (Table 8).

    Attributes:
        n: test questions, recovered from the percentages; None where they do not tell.
        chance: accuracy of a random answer as the paper has it, 0 to 1.
        benchmarks: names of the benchmark that the column is about; empty for the paper's own.
    """

    title: str
    n: int | None
    chance: float | None
    benchmarks: tuple[str, ...] = ()


class Row(Frozen):
    """A row of a table.

    Attributes:
        models: names under which the model is known to its providers; runs of them are found by themselves.
        condition: what the model was shown: a view, or ``zoom``.
        values: in the order of the columns; None where the paper has none.
        base: name of the row that a gain is counted from.
        statistic: what the values are: ``accuracy`` in percent, or a field of the zoom statistics.
    """

    name: str
    models: tuple[str, ...]
    condition: str
    values: tuple[float | None, ...]
    base: str | None = None
    statistic: str = ACCURACY


class CellNote(Frozen):
    """What is odd about a number: it fits another number of questions (``n``), or no whole count at all."""

    row: str
    condition: str
    column: str
    note: str
    n: int | None = None
    whole: bool = True


class PaperTable(Frozen):
    """A table as published."""

    number: int
    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    cells: tuple[CellNote, ...] = ()
    notes: tuple[str, ...] = ()

    def note(self, row: Row, column: str) -> CellNote | None:
        """What is odd about a cell, if anything."""
        where = (row.name, row.condition, column)
        return next((c for c in self.cells if (c.row, c.condition, c.column) == where), None)


class Arm(Frozen):
    """A curve of a figure."""

    name: str
    words: str


class Quotation(Frozen):
    """What the paper says, word for word."""

    where: str
    words: str


class PaperFigure(Frozen):
    """A figure, whose curves have no published numbers."""

    number: int
    title: str
    arms: tuple[Arm, ...]
    says: tuple[Quotation, ...]
    notes: tuple[str, ...]


class Paper(Frozen):
    """``paper_tables.json``."""

    source: Source
    benchmark: str
    split: str
    about: str
    columns: dict[str, Column]
    tables: tuple[PaperTable, ...] = Field(min_length=1)
    figures: tuple[PaperFigure, ...]


class Published(Frozen):
    """A published number.

    Attributes:
        value: as printed.
        n: questions that it is a share of; None where unknown.
        ci95: Wilson interval, 0 to 1, questions taken as independent; None where n is unknown or the number no share.
        gain: difference from the base row's number in the same table, in the same unit.
        gain_z: the gain over its standard error, as if the two rows had asked different questions: the paper's answers
            are not public, so they cannot be paired.
        note: what is odd about it.
    """

    value: float
    n: int | None
    ci95: Interval | None
    gain: float | None = None
    gain_z: float | None = None
    note: str | None = None


@cache
def read_paper() -> Paper:
    """The quoted tables."""
    return Paper.model_validate_json(QUOTED.read_bytes())


def paper_table(number: int) -> PaperTable:
    """A table of the paper.

    Raises:
        UserError: it is not among the quoted ones.
    """
    tables = {table.number: table for table in read_paper().tables}
    if number not in tables:
        raise UserError(f"table {number}: quoted are the tables {', '.join(map(str, tables))}")
    return tables[number]


def paper_figure(number: int) -> PaperFigure:
    """A figure of the paper.

    Raises:
        UserError: it is not among the quoted ones.
    """
    figures = {figure.number: figure for figure in read_paper().figures}
    if number not in figures:
        raise UserError(f"figure {number}: there is {', '.join(f'figure {n}' for n in figures)} only")
    return figures[number]


def published(table: PaperTable, row: Row, column: str) -> Published | None:
    """A cell of a table; None where the paper has no number."""
    value = row.values[table.columns.index(column)]
    if value is None:
        return None
    note = table.note(row, column)
    n = note.n if note and note.n else read_paper().columns[column].n
    if row.statistic != ACCURACY:
        n = None
    base = next((r for r in table.rows if r.name == row.base and r is not row), None)
    before = published(table, base, column) if base else None
    gain, z = None, None
    if before is not None:
        gain = round(value - before.value, 2)
        z = two_proportion_z(before.value / 100, value / 100, before.n, n) if before.n and n else None
    return Published(
        value=value,
        n=n,
        ci95=wilson(count(value, n), n) if n else None,
        gain=gain,
        gain_z=z,
        note=note.note if note else None,
    )


def count(percent: float, n: int) -> float:
    """How many of ``n`` questions a percentage with two decimals stands for; a fraction where it is no whole count."""
    nearest = round(percent * n / 100)
    return nearest if abs(100 * nearest / n - percent) < 0.0051 else percent * n / 100
