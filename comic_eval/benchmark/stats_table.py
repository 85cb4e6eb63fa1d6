"""Prints a benchmark's statistics in the terminal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from comic_eval.benchmark.stats import Stats, TaskRow, choices_text

WIDTH_WITHOUT_TERMINAL = 120


def print_stats(stats: Stats, console: Console | None = None) -> None:
    """Table 2 of the scored set, what is kept apart, and how the right answers are distributed."""
    console = console or Console()
    if not console.is_terminal:
        console = Console(file=console.file, width=max(console.width, WIDTH_WITHOUT_TERMINAL))
    console.print(*_parts(stats), sep="\n")


def _parts(stats: Stats) -> list[RenderableType]:
    pages = ", ".join(f"{split} {n}" for split, n in stats.pages.items())
    head = f"{stats.name} {stats.revision} · {stats.license} · pages: {pages}"
    parts: list[RenderableType] = [Text(_printable(head), style="bold"), Text()]
    for languages, rows in _same_counts(stats):
        each = " each" if len(languages) > 1 else ""
        parts += [_table_2(f"Questions in {', '.join(languages)}{each}", rows), Text()]
    parts.append(_answers(stats))
    return [Group(*parts)]


def _same_counts(stats: Stats) -> list[tuple[list[str], Sequence[TaskRow]]]:
    """The languages, those with the same numbers together."""
    groups: dict[tuple[tuple[str, str, int], ...], list[str]] = defaultdict(list)
    for language in stats.languages:
        groups[tuple((r.task, r.split, r.samples) for r in stats.select(language=language))].append(language)
    return [(languages, stats.select(language=languages[0])) for languages in groups.values()]


def _table_2(title: str, rows: Sequence[TaskRow]) -> Table:
    splits = list(dict.fromkeys(row.split for row in sorted(rows, key=lambda r: (not r.scored,))))
    scored = [split for split in splits if any(r.scored for r in rows if r.split == split)]
    apart = [split for split in splits if split not in scored]
    table = Table(title=_text(title), title_justify="left", header_style="bold")
    for name in ("Category", "Task", "Type"):
        table.add_column(name)
    table.add_column("#Ch.", justify="right")
    for split in scored:
        table.add_column(_text(split), justify="right")
    table.add_column("#QA", justify="right", style="bold")
    for split in apart:
        table.add_column(_text(f"not scored: {split}"), justify="right", style="dim")
    by_task: dict[str, list[TaskRow]] = defaultdict(list)
    for row in rows:
        by_task[row.task].append(row)
    category = None
    for task_rows in by_task.values():
        first = task_rows[0]
        cells = [first.category if first.category != category else "", first.title, first.type]
        category = first.category
        table.add_row(*map(_text, [*cells, choices_text(task_rows), *_counts(task_rows, scored, apart)]))
    table.add_section()
    table.add_row("Total", "", "", "", *_counts(rows, scored, apart))
    return table


def _counts(rows: Sequence[TaskRow], scored: Sequence[str], apart: Sequence[str]) -> list[str]:
    def count(splits: Sequence[str]) -> str:
        return str(sum(row.samples for row in rows if row.split in splits))

    return [*(count([split]) for split in scored), count(scored), *(count([split]) for split in apart)]


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
    for (title, split, pages, text), languages in merged.items():
        table.add_row(*map(_text, (title, split, ", ".join(languages), str(pages), text)))
    return table


def _text(text: str) -> Text:
    """Data set text is shown as it is: no markup, no terminal codes."""
    return Text(_printable(text))


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "�" for c in text)
