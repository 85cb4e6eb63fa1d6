"""Zoom statistics as a table for a terminal, in the layout of the paper's Table 6."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Group
from rich.table import Table
from rich.text import Text

from comic_eval.analysis.paper import paper_table
from comic_eval.analysis.summary import Summary
from comic_eval.analysis.zooming import ZoomStats
from comic_eval.run.redact import printable

BLANK = "–"


def zoom_table(summary: Summary) -> Group | None:
    """Table 6 of a run, the signs of a faked zoom below it; None for a run without episodes."""
    stats = {name: task.zoom for name, task in summary.tasks.items() if task.zoom is not None}
    if not stats:
        return None
    table = Table(title="zooming (Table 6)", title_justify="left", title_style="bold", box=None, padding=(0, 1, 0, 0))
    table.add_column("", no_wrap=True)
    for name in stats:
        table.add_column(Text("\n".join(printable(summary.tasks[name].title, 40).split())), justify="right")
    for label, cell in _ROWS:
        table.add_row(label, *(cell(s) for s in stats.values()))
    deepest = max(len(s.iou_by_call) for s in stats.values())
    for i in range(min(deepest, 4) if deepest > 1 else 0):
        table.add_row(f"  IoU of call {i + 1}", *(_at(s, i) for s in stats.values()))
    for label, cell in _GUARDS:
        table.add_row(label, *(cell(s) for s in stats.values()), style="dim")
    quoted = paper_table(6)
    if any(name in quoted.columns for name in stats):
        for label, row in zip(("paper: calls", "paper: mean IoU"), quoted.rows, strict=True):
            published = dict(zip(quoted.columns, row.values, strict=True))
            shown = _two if row.statistic == "mean_calls" else _three
            table.add_row(Text(label, style="cyan"), *(shown(published.get(name)) for name in stats))
    return Group(table, *(Text(note, style="dim") for note in _NOTES))


_Cell = Callable[[ZoomStats], str]


def _two(value: float | None) -> str:
    return BLANK if value is None else f"{value:.2f}"


def _three(value: float | None) -> str:
    return BLANK if value is None else f"{value:.3f}"


def _percent(value: float | None) -> str:
    return BLANK if value is None else f"{100 * value:.0f} %"


def _at(stats: ZoomStats, place: int) -> str:
    return _three(stats.iou_by_call[place].mean_iou) if place < len(stats.iou_by_call) else BLANK


_ROWS: tuple[tuple[str, _Cell], ...] = (
    ("episodes", lambda s: str(s.episodes)),
    ("avg. tool calls", lambda s: _two(s.mean_calls)),
    ("avg. IoU", lambda s: _three(s.mean_iou)),
    ("coverage", lambda s: _two(s.coverage)),
)
_GUARDS: tuple[tuple[str, _Cell], ...] = (
    ("calls: executed", lambda s: _percent(s.executed)),
    ("calls: malformed", lambda s: _percent(s.malformed)),
    ("calls: IoU < 0.1", lambda s: _percent(s.missed)),
    ("repeated a box", lambda s: _percent(s.repeated)),
    ("took the whole page", lambda s: _percent(s.whole_page)),
    ("answered, then zoomed", lambda s: _percent(s.answered_early)),
    ("ran out of turns", lambda s: _percent(s.max_turns)),
    ("crop area p50", lambda s: _percent(s.area_p50)),
    ("crop area p95", lambda s: _percent(s.area_p95)),
)
_NOTES = (
    "IoU: requested boxes clamped to the page, matched one to one with the targets, averaged over calls, invalid ones",
    "with 0; coverage: share of a target that its best crop shows; grey rows are signs of zooms that serve nothing",
)
