"""The index of a report: the run in numbers, and the list of its samples with filters."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from comic_eval.report.markup import Child, Html, element, join
from comic_eval.report.overview import is_zooming, overview
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
            overview(run, rows),
            _filters(is_zooming(run, rows)),
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


def _filters(zooming: bool) -> Html:
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
        choice("zoom", "Zoom") if zooming else None,
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
        ("b", "on a sample: the picture as sent, or with boxes over it"),
        ("r", "on a sample: unfold and fold the reasoning"),
        ("f", "on a sample: page as wide as the window"),
        ("u", "on a sample: back to the list"),
    )
    rows = (join(element("dt", element("kbd", key)), element("dd", what)) for key, what in keys)
    close = element("button", "Close", type="button", id="close", class_="button")
    return element(
        "dialog", element("h2", "Keys"), element("dl", *rows), close, id="help", aria_label="Keyboard shortcuts"
    )
