"""The index of a report: the run in numbers, and the list of its samples with filters."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from comic_eval.analysis.summary import TaskSummary
from comic_eval.analysis.table import interval, percent
from comic_eval.report.markup import Child, Html, element, join
from comic_eval.report.rows import OUTCOMES, SEARCHED_CHARACTERS, Row
from comic_eval.report.sample_page import LANGUAGES
from comic_eval.report.shell import page
from comic_eval.report.source import Run
from comic_eval.report.text import line


def index_page(run: Run, rows: Sequence[Row]) -> bytes:
    """The whole page as bytes; ``rows`` are in the order of their pages."""
    summary = run.summary
    return page(
        element(
            "main",
            element(
                "header",
                element("p", "comic-eval run", class_="where"),
                element("h1", element("bdi", summary.name)),
                _subtitle(run),
                class_="head",
            ),
            _overview(run, rows),
            _filters(),
            element(
                "div",
                element("p", id="found", role="status"),
                element("button", "Keys", type="button", id="keys", class_="button"),
                class_="found",
            ),
            element("ol", id="list", class_="list"),
            element("button", "Show more", id="more", type="button", class_="button", hidden=True),
            element("noscript", element("p", "The list needs JavaScript; every sample has a page in samples/.")),
            _about(run),
            _help(),
        ),
        Html(f'<script type="application/json" id="data">{_data(run, rows)}</script>'),
        title=f"{line(summary.name, 80)} · comic-eval",
        root="",
        script="index.js",
        kind="index",
    )


def _data(run: Run, rows: Sequence[Row]) -> str:
    """The rows as JSON that no HTML parser can take for markup."""
    value = {
        "rows": [row.packed() for row in rows],
        "tasks": {name: line(task.title, 80) for name, task in run.manifest.tasks.items()},
        "outcomes": OUTCOMES,
        "languages": LANGUAGES,
    }
    packed = orjson.dumps(value).decode()
    for character in "<>&\u2028\u2029":
        packed = packed.replace(character, f"\\u{ord(character):04x}")
    return packed


def _subtitle(run: Run) -> Html:
    spec, summary = run.manifest.spec, run.summary
    parts: list[Child] = [element("strong", element("bdi", spec.model))]
    parts.append(
        f" on {spec.benchmark.name} {spec.benchmark.revision}, split {spec.split}, {LANGUAGES[spec.language]}, "
        f"view {spec.view}, {spec.budget:,} visual tokens"
    )
    if summary.note:
        parts.append(f". The adapter says: {summary.note}")
    state = None
    if not summary.complete:
        words = f"Incomplete: {summary.done:,} of {summary.planned:,} samples are finished."
        state = element("p", words, class_="problem")
    return join(element("p", *parts, class_="subtitle"), state)


def _overview(run: Run, rows: Sequence[Row]) -> Html:
    counts = {name: sum(row.outcome == name for row in rows) for name in OUTCOMES}
    zoomed = sum(row.zooms > 0 for row in rows)
    total = len(rows)
    tiles = [
        _tile("Right", f"{100 * counts['right'] / total:.1f} %", f"{counts['right']:,} of {total:,}"),
        _tile("Unparsed", f"{counts['unparsed']:,}", "text without an answer"),
        _tile("Failed", f"{counts['failed']:,}", "no answer at all"),
        _tile("Zoomed", f"{zoomed:,}", f"{sum(row.zooms for row in rows):,} calls in all"),
    ]
    macro = run.summary.macro_accuracy
    if macro is not None and len(run.summary.macro_tasks) > 1:
        tiles.insert(0, _tile("Mean accuracy", f"{percent(macro)} %", f"of {len(run.summary.macro_tasks)} tasks"))
    return element(
        "section",
        element("h2", "Result"),
        element("div", *tiles, class_="tiles"),
        _table(run),
        element("p", _legend(run), class_="aside"),
        class_="overview",
    )


def _legend(run: Run) -> str:
    words = (
        "Failed and unparsed samples count as wrong. The bar is the accuracy, the line its 95 % interval, the tick the "
        "level of chance."
    )
    if all(task.comparable for task in run.summary.tasks.values()):
        return words
    return f"{words} * graded by {line(run.summary.judge, 60)}: not comparable with an LLM judge, not part of the mean."


def _tile(name: str, value: str, note: str) -> Html:
    words = (("name", name), ("value", value), ("aside", note))
    return element("div", *(element("span", text, class_=kind) for kind, text in words), class_="tile")


def _table(run: Run) -> Html:
    heads = ("Task", "n", "Accuracy", "95 %", "", "Chance", "Wrong", "Unparsed", "Unscored", "Failed")
    header = element("tr", *(element("th", head, scope="col") for head in heads))
    rows = [_task_row(name, task) for name, task in run.summary.tasks.items()]
    table = element("table", element("thead", header), element("tbody", *rows), class_="tasks")
    return element("div", table, class_="scroll", tabindex=0, role="region", aria_label="Results by task")


def _task_row(name: str, task: TaskSummary) -> Html:
    counts = (task.wrong, task.unparsed, task.unscored, task.failed)
    title = element("button", task.title + ("" if task.comparable else " *"), type="button", data_task=name)
    return element(
        "tr",
        element("th", title, scope="row"),
        element("td", task.n),
        element("td", percent(task.accuracy)),
        element("td", interval(task).replace("†", ""), class_="interval"),
        element("td", _gauge(task), class_="gauge"),
        element("td", percent(task.chance)),
        *(element("td", count, class_="zero" if not count else None) for count in counts),
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


def _filters() -> Html:
    def choice(name: str, label: str) -> Html:
        return element("label", element("span", label), element("select", id=name), data_filter=name)

    search = element(
        "input",
        type="search",
        id="search",
        placeholder="Search",
        autocomplete="off",
        spellcheck="false",
        title=f"Ids, questions, choices, answers, and the first {SEARCHED_CHARACTERS:,} characters of what was written",
        aria_label="Search",
    )
    return element(
        "form",
        element("div", role="group", aria_label="Outcome", id="outcome", class_="segments"),
        choice("task", "Task"),
        choice("zoom", "Zoom"),
        choice("language", "Language"),
        choice("setting", "View"),
        element("label", element("span", "Text"), search, class_="search"),
        element("button", "Clear", type="button", id="clear", class_="button"),
        class_="filters",
        role="search",
        aria_label="Filters",
    )


def _about(run: Run) -> Html:
    manifest = run.manifest
    spec, last = manifest.spec, manifest.starts[-1]
    params = spec.params.model_dump(exclude_none=True)
    rows: list[tuple[str, Child]] = [
        ("Specification", f"sha256 {manifest.spec_digest}"),
        ("Begun", manifest.created),
        ("Starts", len(manifest.starts)),
        ("comic-eval", last.environment.packages.get("comic-eval", "unknown")),
        ("Judge of open answers", spec.judge),
        ("Sampling", ", ".join(f"{k} {v}" for k, v in params.items() if v != {}) or "the provider's own"),
        ("Pictures", ", ".join(f"{k} {v}" for k, v in manifest.images.items()) or "not recorded"),
        ("Licence of the benchmark", manifest.license),
    ]
    facts = element("dl", *(join(element("dt", k), element("dd", v)) for k, v in rows))
    return element("details", element("summary", "About this run"), facts, class_="more")


def _help() -> Html:
    keys = (
        ("j or ↓, k or ↑", "next and previous sample in the list"),
        ("Enter", "open it"),
        ("/", "search"),
        ("Esc", "leave the search, or clear the filters"),
        ("← →, j k", "on a sample: previous and next of those that the filters left"),
        ("b", "on a sample: boxes on and off"),
        ("r", "on a sample: unfold and fold the reasoning"),
        ("f", "on a sample: page as wide as the window"),
        ("u", "on a sample: back to the list"),
    )
    rows = (join(element("dt", element("kbd", key)), element("dd", what)) for key, what in keys)
    close = element("button", "Close", type="button", id="close", class_="button")
    return element(
        "dialog", element("h2", "Keys"), element("dl", *rows), close, id="help", aria_label="Keyboard shortcuts"
    )
