"""The run in numbers, at the head of the index: counts, scores by task, and what the zooms were worth."""

from __future__ import annotations

from collections.abc import Sequence

from comic_eval.analysis.summary import TaskSummary
from comic_eval.analysis.table import NO_WIDTH, OPEN, interval, percent, share
from comic_eval.analysis.zooming import ZoomStats
from comic_eval.report.markup import Html, element
from comic_eval.report.rows import OUTCOMES, Row
from comic_eval.report.source import Run
from comic_eval.report.text import line

BLANK = "–"


def is_zooming(run: Run, rows: Sequence[Row]) -> bool:
    """Whether the model could zoom."""
    return run.manifest.spec.zoom is not None or any(row.zooms for row in rows)


def overview(run: Run, rows: Sequence[Row]) -> Html:
    """The section; ``rows`` are the finished samples."""
    counts = {name: sum(row.outcome == name for row in rows) for name in OUTCOMES}
    total = len(rows)
    tiles = [
        _tile("Right", f"{100 * counts['right'] / total:.1f} %", f"{counts['right']:,} of {total:,}"),
        _tile("Unparsed", f"{counts['unparsed']:,}", "text without an answer"),
        _tile("Failed", f"{counts['failed']:,}", "no answer at all"),
    ]
    if is_zooming(run, rows):
        zoomed = sum(row.zooms > 0 for row in rows)
        tiles.append(_tile("Zoomed", f"{zoomed:,}", f"{sum(row.zooms for row in rows):,} calls in all"))
    explained = None
    macro = run.summary.macro_accuracy
    if macro is not None and len(run.summary.macro_tasks) > 1:
        tiles.insert(0, _tile("Mean accuracy", f"{percent(macro)} %", f"of {len(run.summary.macro_tasks)} tasks"))
        explained = element("p", _two_measures(run, total), class_="aside measures")
    return element(
        "section",
        element("h2", "Result"),
        element("div", *tiles, class_="tiles"),
        explained,
        _table(run),
        *(element("p", words, class_="aside") for words in _legend(run)),
        *_zooming(run),
        class_="overview",
    )


def _two_measures(run: Run, total: int) -> str:
    """How the mean accuracy differs from the share of right answers, which stands beside it."""
    summary = run.summary
    left_out = [line(task.title, 60) for name, task in summary.tasks.items() if name not in summary.macro_tasks]
    without = f" (without {', '.join(left_out)})" if left_out else ""
    return (
        f"Mean accuracy is the mean over {len(summary.macro_tasks)} tasks{without}, each with the same weight; "
        f"Right is the share of all {total:,} samples, of every task."
    )


def _legend(run: Run) -> list[str]:
    tasks = run.summary.tasks.values()
    lines = [
        "Failed and unparsed samples count as wrong. The bar is the accuracy, the line its 95 % interval, the tick the "
        "level of chance. Geometry: what the boxes of the marks alone give away."
    ]
    if any(NO_WIDTH in interval(task) for task in tasks):
        lines.append(f"{NO_WIDTH} Wilson interval: the bootstrap over pages has no width here.")
    if not all(task.comparable for task in tasks):
        judge = line(run.summary.judge, 60)
        lines.append(f"{OPEN} graded by {judge}: not comparable with an LLM judge, not part of the mean.")
    return lines


def _tile(name: str, value: str, note: str) -> Html:
    words = (("name", name), ("value", value), ("aside", note))
    return element("div", *(element("span", text, class_=kind) for kind, text in words), class_="tile")


def _table(run: Run) -> Html:
    heads = ("Task", "n", "Accuracy", "95 %", "", "Chance", "Geometry", "Wrong", "Unparsed", "Unscored", "Failed")
    header = element("tr", *(element("th", head, scope="col") for head in heads))
    rows = [_task_row(name, task) for name, task in run.summary.tasks.items()]
    return _scrolling(header, rows, "Results by task")


def _scrolling(header: Html, rows: Sequence[Html], label: str) -> Html:
    table = element("table", element("thead", header), element("tbody", *rows), class_="tasks")
    return element("div", table, class_="scroll", tabindex=0, role="region", aria_label=label)


def _task_row(name: str, task: TaskSummary) -> Html:
    counts = (task.wrong, task.unparsed, task.unscored, task.failed)
    title = element("button", task.title + ("" if task.comparable else f" {OPEN}"), type="button", data_task=name)
    return element(
        "tr",
        element("th", title, scope="row"),
        element("td", task.n),
        element("td", percent(task.accuracy)),
        element("td", interval(task), class_="interval"),
        element("td", _gauge(task), class_="gauge"),
        element("td", percent(task.chance)),
        element("td", percent(task.geometry)),
        *(element("td", share(count), class_="zero" if not count else None) for count in counts),
    )


def _gauge(task: TaskSummary) -> Html | None:
    if task.accuracy is None:
        return None
    bounds = task.ci95 if task.ci95 and task.ci95[0] != task.ci95[1] else task.ci95_wilson
    parts = [element("rect", class_="track", x=0, y=3, width=100, height=6)]
    parts.append(element("rect", class_="level", x=0, y=3, width=100 * task.accuracy, height=6))
    if bounds:
        low, high = (100 * b for b in bounds)
        parts.append(element("line", class_="bounds", x1=low, x2=high, y1=6, y2=6))
    if task.chance is not None:
        parts.append(element("line", class_="chance", x1=100 * task.chance, x2=100 * task.chance, y1=0, y2=12))
    return element("svg", *parts, viewBox="0 0 100 12", preserveAspectRatio="none", aria_hidden="true")


def _zooming(run: Run) -> list[Html]:
    stats = {task.title: task.zoom for task in run.summary.tasks.values() if task.zoom is not None}
    if not stats:
        return []
    heads = (
        *("Task", "Episodes", "Calls", "IoU", "Covered", "Executed", "IoU < 0.1"),
        *("Repeated", "Whole page", "Answered early", "Out of turns"),
    )
    header = element("tr", *(element("th", head, scope="col") for head in heads))
    rows = [
        element("tr", element("th", title, scope="row"), *(element("td", cell) for cell in _zoom_cells(found)))
        for title, found in stats.items()
    ]
    legend = (
        "Calls and IoU are means as in the paper's Table 6. Covered is the share of a target that its best crop shows. "
        "Shares are in percent; those of the last four columns, over episodes, are signs of zooms that serve nothing."
    )
    parts = [
        element("h2", "Zooming"),
        _scrolling(header, rows, "Zooming by task"),
        element("p", legend, class_="aside"),
    ]
    if run.summary.zoom_warning:
        parts.insert(1, element("p", run.summary.zoom_warning, class_="problem"))
    return parts


def _zoom_cells(found: ZoomStats) -> tuple[str, ...]:
    iou = found.mean_iou
    by_call = (found.coverage, found.executed, found.missed)
    by_episode = (found.repeated, found.whole_page, found.answered_early, found.max_turns)
    return (
        f"{found.episodes:,}",
        f"{found.mean_calls:.2f}",
        BLANK if iou is None else f"{iou:.3f}",
        *(BLANK if value is None else f"{100 * value:.0f}" for value in (*by_call, *by_episode)),
    )
