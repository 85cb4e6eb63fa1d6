"""What runs measured, put beside the paper's numbers cell by cell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from comic_eval.analysis.intervals import Interval, wilson
from comic_eval.analysis.pairing import condition
from comic_eval.analysis.paper import (
    ACCURACY,
    Column,
    Paper,
    PaperTable,
    Published,
    Row,
    Source,
    paper_table,
    published,
    read_paper,
)
from comic_eval.analysis.power import detectable_from
from comic_eval.analysis.summary import Count, Summary, TaskSummary, load_summary
from comic_eval.errors import UserError
from comic_eval.run.manifest import read_manifest
from comic_eval.types import Frozen

Standing = Literal[
    "inside",
    "outside",
    "missing",
    "not in the paper",
    "other benchmark",
    "other split",
    "other judge",
    "incomplete",
    "no interval",
]


class Measured(Frozen):
    """A measured number.

    Attributes:
        value: accuracy 0 to 1, or the row's statistic.
        n: questions; episodes for a statistic of zooms.
        ci95: of an accuracy, as the run's summary has it, or Wilson's where the bootstrap has no width.
    """

    value: float
    n: Count
    ci95: Interval | None
    failed: Count
    unparsed: Count
    unscored: Count = 0


class Cell(Frozen):
    """A cell: what was published, what was measured, and how they stand to each other.

    Attributes:
        standing: ``inside`` or ``outside`` the published number's interval, or why that is not asked.
        detectable: the smallest difference from the published number that so many questions, with other ones in the
            paper, show with a power of 80 %.
    """

    column: str
    published: Published | None
    measured: Measured | None
    standing: Standing
    detectable: float | None = None


class Line(Frozen):
    """A row of the table; ``run`` is None where nothing was measured, ``name`` is the model of a row of the user's."""

    name: str
    condition: str
    statistic: str
    in_paper: bool
    run: str | None
    benchmark: str | None
    cells: tuple[Cell, ...]


class Beside(Frozen):
    """``comic-eval paper table N --json``."""

    source: Source
    number: int
    title: str
    columns: dict[str, Column]
    lines: tuple[Line, ...]
    notes: tuple[str, ...]
    cautions: tuple[str, ...]


class _Run(Frozen):
    """A run to be put in a row; ``row`` is what the user named."""

    summary: Summary
    condition: str
    row: str | None


def table_beside_runs(number: int, folders: Sequence[Path], mapped: Sequence[tuple[Path, str]] = ()) -> Beside:
    """The paper's table, with every run in its row.

    Args:
        number: of the table.
        folders: runs whose row is found by their model's name and what it was shown; others get rows of their own.
        mapped: runs with the name of their row.

    Raises:
        UserError: no such table or row, two runs in one row, or a run that was shown something else than the row.
        RunFolderError: a run's files cannot be read.
    """
    paper, table = read_paper(), paper_table(number)
    runs = [_read(folder, None) for folder in folders] + [_read(folder, row) for folder, row in mapped]
    placed: dict[tuple[str, str], _Run] = {}
    own: list[_Run] = []
    for run in runs:
        where = _row_of(table, run)
        if where is None:
            own.append(run)
        elif where in placed:
            raise UserError(
                f"two runs in the row {where[0]!r} ({where[1]}): {placed[where].summary.name} and {run.summary.name}. "
                "Leave one out"
            )
        else:
            placed[where] = run
    lines = [_line(paper, table, row, placed.get((row.name, row.condition))) for row in table.rows]
    extra = [_own_line(paper, table, run) for run in own]
    lines += [line for line in extra if any(c.measured for c in line.cells)]
    nothing = [line.run for line in extra if not any(c.measured for c in line.cells)]
    return Beside(
        source=paper.source,
        number=number,
        title=table.title,
        columns={name: paper.columns[name] for name in table.columns},
        lines=tuple(lines),
        notes=(*table.notes, *(f"run {name}: measured nothing that this table is about" for name in nothing)),
        cautions=tuple(_cautions(paper, table, runs)),
    )


def _read(folder: Path, row: str | None) -> _Run:
    return _Run(summary=load_summary(folder), condition=condition(read_manifest(folder)), row=row)


def _row_of(table: PaperTable, run: _Run) -> tuple[str, str] | None:
    """Name and condition of the run's row."""
    if run.row is not None:
        wanted = _plain(run.row)
        rows = [r for r in table.rows if _plain(r.name) == wanted]
        if not rows:
            names = ", ".join(dict.fromkeys(r.name for r in table.rows))
            raise UserError(f"table {table.number} has no row {run.row!r}; it has: {names}")
        fitting = [r for r in rows if r.condition == run.condition]
        if not fitting:
            shown = ", ".join(dict.fromkeys(r.condition for r in rows))
            raise UserError(
                f"run {run.summary.name} was shown {run.condition!r}, but the row {rows[0].name!r} is of {shown!r}"
            )
        return fitting[0].name, fitting[0].condition
    model = _plain(re.split(r"[:/\\]", run.summary.model.rstrip("/\\"))[-1])
    found = (r for r in table.rows if r.condition == run.condition and model in map(_plain, r.models))
    row = next(found, None)
    return None if row is None else (row.name, row.condition)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9.]", "", name.lower())


def _line(paper: Paper, table: PaperTable, row: Row, run: _Run | None) -> Line:
    return Line(
        name=row.name,
        condition=row.condition,
        statistic=row.statistic,
        in_paper=True,
        run=run.summary.name if run else None,
        benchmark=_benchmark(run.summary) if run else None,
        cells=tuple(
            _cell(paper, name, published(table, row, name), run.summary if run else None, row.statistic)
            for name in table.columns
        ),
    )


def _own_line(paper: Paper, table: PaperTable, run: _Run) -> Line:
    statistic = table.rows[0].statistic
    return Line(
        name=run.summary.model,
        condition=run.condition,
        statistic=statistic,
        in_paper=False,
        run=run.summary.name,
        benchmark=_benchmark(run.summary),
        cells=tuple(_cell(paper, name, None, run.summary, statistic) for name in table.columns),
    )


def _benchmark(summary: Summary) -> str:
    return f"{summary.benchmark} {summary.revision}"


def _cell(paper: Paper, name: str, quoted: Published | None, summary: Summary | None, statistic: str) -> Cell:
    column = paper.columns[name]
    measured = _measured(column, name, summary, statistic) if summary else None
    if summary is None or measured is None:
        return Cell(column=name, published=quoted, measured=None, standing="missing")
    standing = _standing(paper, column, summary.tasks.get(name), summary, quoted, measured)
    compared = standing in ("inside", "outside") and quoted is not None and quoted.n is not None
    return Cell(
        column=name,
        published=quoted,
        measured=measured,
        standing=standing,
        detectable=detectable_from(quoted.value / 100, quoted.n, round(measured.n))
        if compared and quoted and quoted.n
        else None,
    )


def _measured(column: Column, name: str, summary: Summary, statistic: str) -> Measured | None:
    if column.benchmarks:
        tasks = list(summary.tasks.values()) if _plain(summary.benchmark) in map(_plain, column.benchmarks) else []
        return _pooled(tasks)
    task = summary.tasks.get(name)
    if task is None or task.accuracy is None:
        return None
    if statistic != ACCURACY:
        value = getattr(task.zoom, statistic, None)
        return None if value is None or task.zoom is None else _number(value, task.zoom.episodes, None, task)
    has_width = task.ci95 is not None and task.ci95[0] < task.ci95[1]
    return _number(task.accuracy, task.n, task.ci95 if has_width else task.ci95_wilson, task)


def _number(value: float, n: Count, ci95: Interval | None, task: TaskSummary) -> Measured:
    return Measured(value=value, n=n, ci95=ci95, failed=task.failed, unparsed=task.unparsed, unscored=task.unscored)


def _pooled(tasks: Sequence[TaskSummary]) -> Measured | None:
    """Another benchmark as one number over all its questions."""
    n = sum(t.n for t in tasks)
    if not n:
        return None
    correct = sum(t.correct for t in tasks)
    return Measured(
        value=correct / n,
        n=n,
        ci95=wilson(correct, round(n)),
        failed=sum(t.failed for t in tasks),
        unparsed=sum(t.unparsed for t in tasks),
        unscored=sum(t.unscored for t in tasks),
    )


def _standing(
    paper: Paper,
    column: Column,
    task: TaskSummary | None,
    summary: Summary,
    quoted: Published | None,
    measured: Measured,
) -> Standing:
    if quoted is None:
        return "not in the paper"
    if not column.benchmarks and not _is_papers(paper, summary):
        return "other benchmark"
    if not column.benchmarks and summary.split != paper.split:
        return "other split"
    if task is not None and not task.comparable:
        return "other judge"
    # An answer without a verdict is neither right nor wrong: the number is not known yet.
    if not summary.complete or summary.limit is not None or measured.unscored:
        return "incomplete"
    if quoted.ci95 is None:
        return "no interval"
    return "inside" if quoted.ci95[0] <= measured.value <= quoted.ci95[1] else "outside"


def _is_papers(paper: Paper, summary: Summary) -> bool:
    return _plain(summary.benchmark) == _plain(paper.benchmark)


def _cautions(paper: Paper, table: PaperTable, runs: Sequence[_Run]) -> list[str]:
    if any(paper.columns[c].benchmarks for c in table.columns):
        return []
    others = dict.fromkeys(r.summary.benchmark for r in runs if not _is_papers(paper, r.summary))
    lines = [
        f"CAUTION: {name} is another benchmark than {paper.benchmark}: other pages, other questions. What was "
        "measured on it says nothing about the paper's numbers, and must not be compared with them"
        for name in others
    ]
    if any(_is_papers(paper, r.summary) for r in runs):
        lines.append(
            f"A benchmark called {paper.benchmark} is taken at its word: compare its revision and `comic-eval data "
            "stats` with the publisher's. The paper names neither its judge nor its prompts, so Panel Understanding "
            "rests on another judge in any case"
        )
    return lines
