"""Summaries as tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from comic_eval.analysis.summary import Summary, TaskSummary
from comic_eval.run.redact import printable

BLANK = "–"
NO_WIDTH = "†"
OPEN = "*"


def summary_table(summaries: Summary | Sequence[Summary]) -> Group:
    """One run in detail, or several runs side by side, with notes below; print it with a rich console."""
    runs = [summaries] if isinstance(summaries, Summary) else list(summaries)
    table = _detailed(runs[0]) if len(runs) == 1 else _side_by_side(runs)
    notes = (Text(note, style="dim") for note in _notes(runs))
    return Group(table, *notes)


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))


def _detailed(run: Summary) -> Table:
    table = _table(escape(printable(f"{run.model} on {run.benchmark} {run.revision}")))
    answered = any(t.accuracy_answered != t.accuracy for t in run.tasks.values())
    counting = any(t.mae is not None for t in run.tasks.values())
    table.add_column("task")
    headings = ["n", "accuracy", "95 % interval", "chance", "geometry"]
    headings += ["of answered"] * answered + ["mean error", "within 1"] * counting + ["unparsed", "failed"]
    for heading in headings:
        table.add_column(heading, justify="right")
    for task in run.tasks.values():
        cells = [str(task.n), percent(task.accuracy), interval(task), percent(task.chance), percent(task.geometry)]
        if answered:
            cells.append(percent(task.accuracy_answered))
        if counting:
            cells += [BLANK if task.mae is None else f"{task.mae:.2f}", percent(task.within_one)]
        table.add_row(_title(task), *cells, _alarm(task.unparsed), _alarm(task.failed))
    if run.macro_accuracy is not None and len(run.macro_tasks) > 1:
        table.add_row(Text(f"mean of {len(run.macro_tasks)} tasks", style="bold"), "", percent(run.macro_accuracy))
    return table


def _side_by_side(runs: Sequence[Summary]) -> Table:
    table = _table(escape(printable(f"accuracy on {runs[0].benchmark} {runs[0].revision} [95 % interval]")))
    table.add_column("task")
    for heading in ("n", "chance", "geometry"):
        table.add_column(heading, justify="right")
    for run in runs:
        view = "" if run.view == "page" else f" ({run.view})"
        table.add_column(Text(printable(run.model + view, 40)), justify="right")
    for name in dict.fromkeys(name for run in runs for name in run.tasks):
        found = [run.tasks.get(name) for run in runs]
        known = [task for task in found if task is not None]
        sizes = "/".join(dict.fromkeys(str(task.n) for task in known))
        cells = [f"{percent(t.accuracy)} {interval(t)}" if t else BLANK for t in found]
        table.add_row(_title(known[0]), sizes, percent(known[0].chance), percent(known[0].geometry), *cells)
    if all(run.macro_accuracy is not None for run in runs):
        mean = Text(f"mean of {len(runs[0].macro_tasks)} tasks", style="bold")
        table.add_row(mean, "", "", "", *(percent(run.macro_accuracy) for run in runs))
    return table


def percent(share: float | None) -> str:
    """``0.437`` as ``43.7``; a dash for nothing."""
    return BLANK if share is None else f"{100 * share:.1f}"


def interval(task: TaskSummary) -> str:
    """The bootstrap interval in percent, or Wilson's (marked) where the bootstrap has none or no width."""
    shown, mark = task.ci95, ""
    if shown is None or shown[0] == shown[1]:
        shown, mark = task.ci95_wilson, NO_WIDTH
    return "" if shown is None else f"[{percent(shown[0])}, {percent(shown[1])}]{mark}"


def _title(task: TaskSummary) -> Text:
    return Text(printable(task.title, 40) + ("" if task.comparable else OPEN))


def _alarm(count: int) -> Text:
    return Text(str(count), style="red" if count else "dim")


def _notes(runs: Sequence[Summary]) -> list[str]:
    notes = []
    tasks = [task for run in runs for task in run.tasks.values()]
    if any(not task.comparable for task in tasks):
        notes.append(f"{OPEN} judge {runs[0].judge!r}: not comparable with an LLM judge, and not part of the mean")
    if any(interval(task).endswith(NO_WIDTH) for task in tasks):
        notes.append(f"{NO_WIDTH} Wilson interval: the bootstrap over pages has no width here")
    notes.append("failed and unparsed samples count as wrong; geometry: what the boxes of the marks alone give away")
    for run in runs:
        words = []
        if run.note:
            words.append(printable(run.note))
        if run.view == "blind":
            words.append("was shown no page")
        if not run.complete:
            words.append(f"INCOMPLETE: {run.done} of {run.planned} samples")
        if run.limit is not None:
            words.append(f"{run.planned} samples chosen by --limit")
        if run.split.endswith("guessable"):
            words.append("questions that can be guessed from their wording, kept apart from the scored split")
        if words:
            notes.append(f"{printable(run.model, 60)}: {'; '.join(words)}")
        causes: dict[str, int] = {}
        for task in run.tasks.values():
            for cause, count in task.failures.items():
                causes[cause] = causes.get(cause, 0) + count
        if causes:
            counts = ", ".join(f"{count} {printable(cause, 40)}" for cause, count in causes.items())
            notes.append(f"{printable(run.model, 60)}: failed requests: {counts}")
    return notes
