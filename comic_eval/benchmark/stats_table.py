"""Prints a benchmark's statistics in the terminal."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from comic_eval.benchmark.stats import Stats, TaskRow, choices_text, split_rank

WIDTH_WITHOUT_TERMINAL = 120


def print_stats(stats: Stats, console: Console | None = None) -> None:
    """Table 2 of the scored set, what is kept apart, and how the right answers are distributed."""
    console = console or Console()
    if not console.is_terminal:
        console = Console(file=console.file, width=max(console.width, WIDTH_WITHOUT_TERMINAL))
    console.print(*_parts(stats), sep="\n")


def _parts(stats: Stats) -> list[RenderableType]:
    pages = ", ".join(f"{split} {n}" for split, n in stats.pages.items())
    parts: list[RenderableType] = [
        Text(_printable(f"{stats.name} {stats.revision} · {stats.license} · pages: {pages}"), style="bold"),
        Text(),
    ]
    for languages, rows in _same_counts(stats):
        each = " each" if len(languages) > 1 else ""
        parts.append(_table_2(f"Questions in {', '.join(languages)}{each}", rows))
        apart: Counter[str] = Counter()
        for row in rows:
            if not row.scored:
                apart[row.split] += row.samples
        if apart:
            counts = ", ".join(f"{split} {n}" for split, n in apart.items())
            parts.append(_text(f"apart: can be guessed from the wording alone, so never scored ({counts})"))
        parts.append(Text())
    return [*parts, _answers(stats)]


def _same_counts(stats: Stats) -> list[tuple[list[str], Sequence[TaskRow]]]:
    """The languages, those with the same numbers together."""
    groups: dict[tuple[tuple[str, str, int], ...], list[str]] = defaultdict(list)
    for language in stats.languages:
        groups[tuple((r.task, r.split, r.samples) for r in stats.select(language=language))].append(language)
    return [(languages, stats.select(language=languages[0])) for languages in groups.values()]


def _table_2(title: str, rows: Sequence[TaskRow]) -> Table:
    splits = sorted({row.split for row in rows if row.scored}, key=split_rank)
    apart = {row.split for row in rows} - set(splits)
    table = Table(title=_text(title), title_justify="left", header_style="bold")
    for name in ("Category", "Task", "Type"):
        table.add_column(name)
    table.add_column("#Ch.", justify="right")
    for split in splits:
        table.add_column(_text(split), justify="right")
    table.add_column("#QA", justify="right", style="bold")
    if apart:
        table.add_column("apart", justify="right", style="dim")

    def counts(chosen: Sequence[TaskRow]) -> list[str]:
        columns = [[split] for split in splits] + [splits] + ([sorted(apart)] if apart else [])
        return [str(sum(row.samples for row in chosen if row.split in column)) for column in columns]

    by_task: dict[str, list[TaskRow]] = defaultdict(list)
    for row in rows:
        by_task[row.task].append(row)
    category = None
    for task_rows in by_task.values():
        first = task_rows[0]
        cells = [first.category if first.category != category else "", first.title, first.type]
        category = first.category
        table.add_row(*map(_text, [*cells, choices_text(task_rows), *counts(task_rows)]))
    table.add_section()
    table.add_row("Total", "", "", "", *counts(rows))
    return table


def _answers(stats: Stats) -> Table:
    table = Table(title="Right answers", title_justify="left", header_style="bold")
    for name in ("Task", "Split", "Language"):
        table.add_column(name)
    table.add_column("Pages", justify="right")
    table.add_column("How often each answer is right")
    merged: dict[tuple[str, str, int, str], list[str]] = defaultdict(list)
    for row in stats.rows:
        if row.answers:
            text = "  ".join(f"{answer}: {n}" for answer, n in row.answers.items())
            merged[row.title, row.split, row.pages, text].append(row.language)
    above = None
    for (title, split, pages, text), languages in merged.items():
        table.add_row(*map(_text, ("" if title == above else title, split, ", ".join(languages), str(pages), text)))
        above = title
    return table


def _text(text: str) -> Text:
    """Data set text is shown as it is: no markup, no terminal codes."""
    return Text(_printable(text))


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "�" for c in text)
