"""The page of one sample: what was shown and asked, what came back, and what that earned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from comic_eval.benchmark import Benchmark
from comic_eval.report.conversation import conversation, passage
from comic_eval.report.judged import judged
from comic_eval.report.markup import Child, Html, element, join
from comic_eval.report.overlay import overlay
from comic_eval.report.pictures import Pictures, Stored
from comic_eval.report.rows import OUTCOMES, outcome_of, setting_of
from comic_eval.report.shell import page
from comic_eval.report.text import line
from comic_eval.run.record import Record
from comic_eval.types import Sample
from comic_eval.zoom.measure import EpisodeMeasures, measure
from comic_eval.zoom.trace import Trace

LANGUAGES = {"en": "English", "fr": "French"}
# A longer question is set smaller.
LONG_QUESTION = 120
SHOWN_TARGETS = ("target", "Targets"), ("executed", "Cut out"), ("requested", "Asked for"), ("region", "Other regions")
HIDDEN_AT_FIRST = frozenset({"region"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sample's page stands: its number from 0, and of how many."""

    number: int
    count: int

    @property
    def file(self) -> str:
        return file_name(self.number)


def file_name(number: int) -> str:
    """The file of a sample's page, below ``samples/``."""
    return f"{number:05d}.html"


def sample_page(
    record: Record,
    sample: Sample,
    pictures: Pictures,
    *,
    place: Place,
    title: str,
    benchmark: Benchmark,
    reads_images: bool,
    tool: Html | None = None,
) -> bytes:
    """The whole page as bytes.

    Args:
        title: of the task.
        benchmark: whose attribution is shown.
        reads_images: whether the model looks at pictures at all.
        tool: what the model was told of the zoom tool (`comic_eval.report.told`).
    """
    outcome = outcome_of(record)
    badge = element("span", OUTCOMES[outcome], class_=f"badge {outcome}")
    where = f"page {record.page} · {LANGUAGES[record.language]} · {setting_of(record)}"
    long = " long" if len(sample.question) > LONG_QUESTION else ""
    head = element(
        "header",
        element("p", element("strong", title), f" · {where}", class_="where"),
        element("h1", element("bdi", sample.question, lang=sample.language), class_=f"question{long}"),
        element("p", element("bdi", sample.position, lang=sample.language), class_="position")
        if sample.position
        else None,
        element("p", badge, element("bdi", record.sample_id, class_="id"), class_="what"),
        class_="head",
    )
    body = element(
        "main",
        head,
        element(
            "div",
            _page(record, sample, pictures, benchmark, reads_images=reads_images),
            element(
                "div",
                _verdict(record, sample),
                judged(record.judge) if record.judge is not None else None,
                _zooms(record.trace) if record.trace is not None else None,
                conversation(record, sample.language, pictures.crops, tool=tool),
                _facts(record),
                class_="told",
            ),
            class_="columns",
        ),
    )
    return page(
        _bar(place, place.count),
        body,
        title=f"{OUTCOMES[outcome]}: {line(record.sample_id, 80)}",
        root="../",
        script="sample.js",
        kind="sample",
        data_number=place.number,
        data_count=place.count,
    )


def _bar(place: Place, count: int) -> Html:
    before = file_name(place.number - 1) if place.number else None
    after = file_name(place.number + 1) if place.number + 1 < count else None
    return element(
        "nav",
        element("a", "All samples", href="../index.html", id="back", class_="button back"),
        element("span", f"{place.number + 1:,} of {count:,}", id="place", aria_live="polite"),
        element("a", "Previous", href=before, id="previous", class_="button", rel="prev"),
        element("a", "Next", href=after, id="next", class_="button", rel="next"),
        class_="bar",
        aria_label="Samples",
    )


# --- the page and the boxes on it -----------------------------------------------------------------------------------


def _page(
    record: Record,
    sample: Sample,
    pictures: Pictures,
    benchmark: Benchmark,
    *,
    reads_images: bool,
) -> Html:
    trace = record.trace
    targets = trace.targets if trace is not None and trace.targets else sample.targets
    calls = trace.calls if trace is not None else ()
    others = tuple(region for region in sample.regions if not region.target)
    counts = {
        "target": len(targets),
        "executed": sum(c.executed is not None for c in calls),
        "requested": sum(c.requested is not None for c in calls),
        "region": len(others),
    }
    figure = None
    if pictures.page is not None:
        shown = _image(pictures.page, f"Comic page {record.page} with its marks")
        drawn = any(counts.values())
        boxes = overlay(pictures.page.source_size, targets, others, calls) if drawn else None
        caption = _caption(record, pictures, pictures.page, drawn=drawn, reads_images=reads_images)
        figure = element(
            "figure",
            _state(_is_as_sent(pictures)) if drawn else None,
            element("div", shown, boxes, class_="stack"),
            element("figcaption", caption),
        )
    rest = [
        element(
            "figure",
            element("div", _image(other, f"Picture {i} as sent"), class_="stack"),
            element("figcaption", f"Also sent: {_size(other)}" if pictures.page_was_sent else f"Sent: {_size(other)}"),
            class_="other",
        )
        for i, other in enumerate(pictures.others, 1)
    ]
    return element(
        "section",
        element("h2", "Page", class_="aside-title"),
        _layers(counts, _bare(_is_as_sent(pictures))),
        element("p", pictures.note, class_="aside") if pictures.note else None,
        element("p", pictures.problem, class_="problem") if pictures.problem else None,
        figure,
        *rest,
        _attribution(sample, benchmark),
        class_="page",
        aria_label="The page",
    )


def _is_as_sent(pictures: Pictures) -> bool:
    """Whether the picture without boxes is what the model got."""
    return pictures.page_was_sent and pictures.page is not None and pictures.page.as_sent is True


def _bare(as_sent: bool) -> str:
    return "As sent" if as_sent else "Without overlay"


def _layers(counts: Mapping[str, int], bare: str) -> Html:
    boxes = [
        element(
            "label",
            element("input", type="checkbox", id=f"show-{kind}", checked=kind not in HIDDEN_AT_FIRST),
            element("span", class_=f"swatch {kind}", aria_hidden="true"),
            f"{name} ",
            element("span", counts[kind], class_="count"),
            class_="layer",
        )
        for kind, name in SHOWN_TARGETS
        if counts[kind]
    ]
    switch = None
    if boxes:
        shown = any(count for kind, count in counts.items() if kind not in HIDDEN_AT_FIRST)
        box = element("input", type="checkbox", role="switch", id="as-sent", checked=not shown)
        switch = element("label", box, bare, class_="switch", title="Key b")
    large = element("label", element("input", type="checkbox", id="large"), "Full width")
    legend = element("legend", "Coloured overlay, drawn by this report")
    return element("fieldset", legend, switch, *boxes, large, class_="layers")


def _state(as_sent: bool) -> Html:
    """Says whether boxes lie over the picture just now; the style sheet shows one of the two."""
    off = "As sent: nothing is drawn over it." if as_sent else "Overlay off: nothing is drawn over it."
    return element(
        "p",
        element("span", "Overlay on: the coloured boxes were not sent to the model.", class_="on"),
        element("span", off, class_="off"),
        class_="state",
    )


def _image(stored: Stored, alt: str) -> Html:
    width, height = stored.size
    return element("img", src=f"../{stored.path}", width=width, height=height, alt=f"{alt}, {width} by {height} pixels")


def _caption(record: Record, pictures: Pictures, stored: Stored, *, drawn: bool, reads_images: bool) -> Html:
    if record.view == "blind":
        words = "The model was shown nothing; the page is here for you."
    elif not pictures.page_was_sent and record.images:
        words = "The model was not shown this page but the pictures below; the page is here for you."
    elif not pictures.page_was_sent:
        words = "The model looks at the question alone; the page is here for you."
    elif not record.images:
        words = "No picture was sent."
    elif not stored.as_sent:
        words = "Drawn again for this report; the bytes that were sent differ (another version of an image library?)."
    elif not drawn:
        words = "Exactly as it was sent."
    else:
        words = "Coloured overlay: drawn here, not sent to the model; the picture beneath is exactly as sent."
    blind = " This model reads no pictures." if record.images and not reads_images else ""
    link = element("a", "Open the picture", href=f"../{stored.path}")
    if drawn and not (pictures.page_was_sent and stored.as_sent):
        words += " The coloured overlay is drawn here, too; the model never saw it."
    return join(f"{words}{blind} {_size(stored)}. ", link)


def _size(stored: Stored) -> str:
    width, height = stored.size
    resized = stored.size != stored.source_size
    source = f", made from {stored.source_size[0]} × {stored.source_size[1]}" if resized else ""
    return f"{width} × {height} pixels{source}"


def _attribution(sample: Sample, benchmark: Benchmark) -> Html | None:
    texts = benchmark.metadata.get("attribution")
    words = texts.get(sample.image) if isinstance(texts, dict) else texts
    parts: list[Child] = [str(words) if words else None]
    if sample.license and not words:
        parts.append(f"License: {sample.license}.")
    if sample.source:
        parts += [" Source: ", _link(sample.source)]
    return element("p", *parts, class_="attribution") if any(parts) else None


def _link(source: str) -> Html:
    """A link for addresses of the web; anything else stays text."""
    if not source.lower().startswith(("https://", "http://")):
        return element("bdi", source)
    return element("a", source, href=source, rel="noopener noreferrer external")


# --- the answer -----------------------------------------------------------------------------------------------------


def _verdict(record: Record, sample: Sample) -> Html:
    outcome = outcome_of(record)
    rows: list[tuple[str, Child]] = []
    if record.error is not None:
        status = f" (HTTP {record.error.status})" if record.error.status else ""
        rows.append(("Failed", join(f"{record.error.cause}{status}", passage(record.error.message))))
    else:
        none = element("span", "none could be read", class_="nothing")
        read = passage(record.extracted, sample.language) if record.extracted is not None else none
        rows.append(("Answer read", read))
    rows.append(("Right answer", passage(sample.answer, sample.language)))
    if sample.facts:
        facts = (element("li", element("bdi", fact, lang=sample.language)) for fact in sample.facts)
        rows.append(("Must hold", element("ul", *facts, class_="facts")))
    if record.reason:
        rows.append(("Reason", record.reason.replace("_", " ")))
    score = "none" if record.score is None else f"{record.score:g}"
    rows.append(("Score", f"{score} ({record.status})"))
    rows += [(name.replace("_", " "), f"{value:.3g}") for name, value in record.detail.items()]
    return element(
        "section", element("h2", "Answer"), _choices(record, sample), _list(rows), class_=f"verdict {outcome}"
    )


def _choices(record: Record, sample: Sample) -> Html | None:
    if not sample.choices:
        return None
    items = []
    for letter, choice in zip(sample.letters, sample.choices, strict=True):
        right, chosen = letter == sample.answer, letter == record.extracted
        notes = [element("span", "right answer", class_="note right")] if right else []
        if chosen:
            notes.append(element("span", "model's answer", class_="note chosen"))
        kinds = " ".join(name for name, yes in (("is-right", right), ("is-chosen", chosen)) if yes)
        body = element("bdi", choice, lang=sample.language)
        items.append(element("li", element("b", letter), body, *notes, class_=kinds or None))
    return element("ul", *items, class_="choices")


def _zooms(trace: Trace) -> Html:
    found = measure(trace)
    rows: list[tuple[str, Child]] = [("Calls", f"{found.calls}, of which {found.executed} returned a crop")]
    if found.ious is not None:
        mean = sum(found.ious) / len(found.ious) if found.ious else None
        rows.append(("Mean IoU", "–" if mean is None else f"{mean:.2f}"))
    if found.coverage is not None:
        rows.append(("Targets covered", f"{100 * found.coverage:.0f} %"))
    flags = _flags(found)
    if flags:
        rows.append(("Signs", element("ul", *(element("li", flag) for flag in flags), class_="flags")))
    return element("section", element("h2", "Zoom"), _list(rows), class_="zooms")


def _flags(found: EpisodeMeasures) -> list[str]:
    signs = {
        "asked for nearly the same region twice": found.repeated,
        "a crop showed nearly the whole page": found.whole_page,
        "wrote an answer before it looked": found.answered_early,
        "ran out of turns": found.max_turns,
        f"refused calls: {found.invalid}, of which unreadable: {found.malformed}": found.invalid > 0,
    }
    return [words for words, yes in signs.items() if yes]


# --- the rest -------------------------------------------------------------------------------------------------------


def _facts(record: Record) -> Html:
    rows: list[tuple[str, Child]] = [(k.replace("_", " "), f"{v:,}") for k, v in record.usage.items()]
    if record.latency_s is not None:
        rows.append(("latency", f"{record.latency_s:.2f} s" + (" (from the response cache)" if record.cached else "")))
    rows.append(("retries", record.retries))
    if record.finish_reason:
        rows.append(("finish reason", record.finish_reason))
    if record.model:
        rows.append(("model as returned", element("bdi", record.model)))
    rows.append(("finished", record.time))
    for i, image in enumerate(record.images, 1):
        rows.append((f"picture {i} sent", f"{image.w} × {image.h}, sha256 {image.sha256[:16]}…"))
    return element("details", element("summary", "Tokens, time and pictures"), _list(rows), class_="more")


def _list(rows: list[tuple[str, Child]]) -> Html:
    return element("dl", *(join(element("dt", name), element("dd", value)) for name, value in rows))
