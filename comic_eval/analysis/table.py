"""Summaries as tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from comic_eval.analysis.intervals import Interval
from comic_eval.analysis.summary import Summary, TaskSummary
from comic_eval.run.redact import printable

BLANK = "–"
NO_WIDTH = "†"
OPEN = "*"
SCORE = "accuracy [95 %]"


def summary_table(summaries: Summary | Sequence[Summary]) -> Group:
    """One run in detail, or several runs side by side, with notes below; print it with a rich console."""
    runs = [summaries] if isinstance(summaries, Summary) else list(summaries)
    table = _detailed(runs[0]) if len(runs) == 1 else _side_by_side(runs)
    notes = (Text(note, style="dim") for note in _notes(runs))
    return Group(table, *notes)


def _table(title: str) -> Table:
    table = Table(
        title=escape(printable(title)), title_justify="left", title_style="bold", box=None, padding=(0, 1, 0, 0)
    )
    table.add_column("task", no_wrap=True)
    return table


def _detailed(run: Summary) -> Table:
    table = _table(f"{run.model} on {run.benchmark} {run.revision}{_setting([run])}")
    answered = any(t.accuracy_answered != t.accuracy for t in run.tasks.values())
    for heading in ["n", SCORE, "chance", "geo-\nmetry", *["of an-\nswered"] * answered, "un-\nparsed", "failed"]:
        table.add_column(heading, justify="left" if heading == SCORE else "right", no_wrap=True)
    for task in run.tasks.values():
        cells = [str(task.n), _score(task), percent(task.chance), percent(task.geometry)]
        if answered:
            cells.append(percent(task.accuracy_answered))
        table.add_row(_title(task), *cells, _alarm(task.unparsed), _alarm(task.failed))
    if run.macro_accuracy is not None and len(run.macro_tasks) > 1:
        mean = f"{percent(run.macro_accuracy):>5}"
        table.add_row(Text(f"mean of {len(run.macro_tasks)} tasks", style="bold"), "", mean)
    return table


def _side_by_side(runs: Sequence[Summary]) -> Table:
    table = _table(f"accuracy [95 %] on {runs[0].benchmark} {runs[0].revision}{_setting(runs)}")
    for heading in ("n", "chance", "geo-\nmetry"):
        table.add_column(heading, justify="right", no_wrap=True)
    for run in runs:
        provider, _, name = printable(run.model, 40).partition(":")
        view = "" if run.view == "page" else f" ({run.view})"
        view += f" @{run.budget}" if len({r.budget for r in runs}) > 1 else ""
        view += f" {run.language}" if len({r.language for r in runs}) > 1 else ""
        table.add_column(Text(f"{provider}:\n{name}{view}"))
    for name in dict.fromkeys(name for run in runs for name in run.tasks):
        found = [run.tasks.get(name) for run in runs]
        known = [task for task in found if task is not None]
        sizes = "/".join(dict.fromkeys(str(task.n) for task in known))
        cells = [Text(BLANK) if task is None else Text(_short_score(task), no_wrap=True) for task in found]
        table.add_row(_title(known[0]), sizes, percent(known[0].chance), percent(known[0].geometry), *cells)
    # A mean over other tasks is another measure.
    if all(run.macro_accuracy is not None for run in runs) and len({run.macro_tasks for run in runs}) == 1:
        mean = Text(f"mean of {len(runs[0].macro_tasks)} tasks", style="bold")
        table.add_row(mean, "", "", "", *(f"{percent(run.macro_accuracy):>5}" for run in runs))
    return table


def _setting(runs: Sequence[Summary]) -> str:
    """What gives one model other scores on one benchmark; all values where the runs differ."""
    names = ("split", "language", "view", "budget") if len(runs) == 1 else ("split", "language")
    found = (f"{name} {'/'.join(dict.fromkeys(str(getattr(run, name)) for run in runs))}" for name in names)
    return " · " + ", ".join(found)


def _score(task: TaskSummary) -> str:
    # Padded, so that the columns of numbers stand in line.
    return f"{percent(task.accuracy):>5} {interval(task)}"


def _short_score(task: TaskSummary) -> str:
    shown, mark = _shown_interval(task)
    if shown is None:
        return f"{percent(task.accuracy):>5}"
    return f"{percent(task.accuracy):>5} [{100 * shown[0]:.0f}, {100 * shown[1]:.0f}]{mark}"


def percent(share: float | None) -> str:
    """``0.437`` as ``43.7``; a dash for nothing."""
    return BLANK if share is None else f"{100 * share:.1f}"


def interval(task: TaskSummary) -> str:
    """The bootstrap interval in percent, or Wilson's (marked) where the bootstrap has none or no width."""
    shown, mark = _shown_interval(task)
    return "" if shown is None else f"[{percent(shown[0]):>4}, {percent(shown[1]):>5}]{mark}"


def _shown_interval(task: TaskSummary) -> tuple[Interval | None, str]:
    if task.ci95 is None or task.ci95[0] == task.ci95[1]:
        return task.ci95_wilson, NO_WIDTH
    return task.ci95, ""


def _title(task: TaskSummary) -> Text:
    return Text(printable(task.title, 40) + ("" if task.comparable else OPEN))


def _alarm(count: float) -> Text:
    return Text(share(count), style="red" if count else "dim")


def share(count: float) -> str:
    """A number of questions, with one decimal where several answers share a question."""
    return str(count) if count == int(count) else f"{count:.1f}"


def judging_notes(run: Summary) -> list[str]:
    """What a judge of models did, what it could not decide, and who is of one family with whom."""
    notes = [f"CAUTION: {printable(note)}" for note in run.judge_notes]
    found = run.judging
    if found is None:
        return notes
    skipped = sum(task.not_attempted for task in run.tasks.values())
    cost = "" if found.cost_usd is None else f", ${found.cost_usd:.4f}"
    notes.append(
        f"judge {printable(run.judge, 80)}: {found.graded} answers, {found.by_rule} of them by rule, {found.calls} "
        f"calls ({found.cached} from the cache{cost}); {skipped} not attempted (wrong), {found.undecided} without a "
        "verdict (unscored, not correct)"
    )
    if found.fleiss_kappa is not None:
        pairs = ", ".join(f"{value:.2f}" for value in found.pairwise_kappa.values())
        notes.append(f"judges agree: Fleiss' kappa {found.fleiss_kappa:.2f} (n={found.voted}), in pairs {pairs}")
    return notes


def _repeats(run: Summary) -> list[str]:
    """What several answers a question come to."""
    words = []
    for task in run.tasks.values():
        if task.repeats > 1 and task.pass_at_k:
            passes = ", ".join(f"pass@{k} {percent(value)}" for k, value in task.pass_at_k.items())
            most = f", majority {percent(task.majority.accuracy)}" if task.majority else ""
            words.append(f"{printable(task.title, 40)}: {task.repeats} answers a question, {passes}{most}")
    return words


def _notes(runs: Sequence[Summary]) -> list[str]:
    notes = []
    tasks = [task for run in runs for task in run.tasks.values()]
    if any(not task.comparable for task in tasks):
        judges = ", ".join(dict.fromkeys(printable(run.judge, 40) for run in runs))
        notes.append(f"{OPEN} judge {judges}: not comparable with an LLM judge, and not part of the mean")
    if any(_shown_interval(task)[1] and task.n for task in tasks):
        notes.append(f"{NO_WIDTH} Wilson interval: the bootstrap over pages has no width here")
    missed = "failed, unparsed and unscored" if any(task.unscored for task in tasks) else "failed and unparsed"
    notes.append(f"{missed} samples count as wrong; geometry: what the boxes of the marks alone give away")
    if len({(r.revision, r.split, r.language, r.limit, r.planned) for r in runs}) > 1:
        notes.append("CAUTION: these runs did not ask the same samples")
    for run in runs:
        notes += judging_notes(run)
        words = [
            f"{printable(t.title, 40)}: mean absolute error {t.mae:.2f} over the {t.mae_n} parsed answers, within one "
            f"{percent(t.within_one)} % of all"
            for t in run.tasks.values()
            if t.mae is not None
        ]
        words += _repeats(run)
        if run.note:
            words.insert(0, printable(run.note))
        if run.view == "blind":
            words.append("was shown no page")
        if not run.complete:
            words.append(f"INCOMPLETE: {run.done} of {run.planned} samples")
        if run.limit is not None:
            words.append(f"{run.planned} samples chosen by --limit")
        if run.usage.from_cache:
            where = f"the run {printable(run.judged_from, 80)}" if run.judged_from else "the response cache"
            words.append(f"{run.usage.from_cache} of {run.usage.answers} answers came from {where}")
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
