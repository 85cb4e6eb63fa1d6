"""The conversation as it went: the prompt, and what the model thought, wrote and looked at, turn by turn."""

from __future__ import annotations

import re
from collections.abc import Mapping

from comic_eval.report.markup import Child, Html, element, join
from comic_eval.report.overlay import numbers
from comic_eval.report.pictures import Stored
from comic_eval.report.text import clip
from comic_eval.run.record import Record
from comic_eval.types import Language
from comic_eval.zoom.measure import matched_ious
from comic_eval.zoom.trace import Trace, Turn, ZoomCall

_THOUGHT = re.compile(r"\s*<think>(.*?)</think>\s*", re.DOTALL)
_STOPS = {
    "answered": "The model answered.",
    "max_turns": "The model ran out of turns without an answer, which counts as wrong.",
    "malformed": "A call that could not be read ended the episode.",
    "length": "The model was cut off at the limit of output tokens.",
}


def conversation(record: Record, language: Language, crops: Mapping[int, Stored], *, tool: Html | None = None) -> Html:
    """Prompt and turns of one record; ``tool`` is what the model was told of the zoom tool."""
    trace = record.trace
    turns = [_card("Prompt", passage(record.prompt, language), kind="prompt")]
    if tool is not None:
        turns.append(tool)
    if trace is None:
        if record.text is not None or record.reasoning:
            body = _written(record.text or "", record.reasoning, language)
            turns.append(_card("Model", body, note=record.finish_reason, kind="model"))
    else:
        ious = matched_ious(trace.requested, trace.targets) if trace.targets else None
        for number, turn in enumerate(trace.turns):
            turns.append(_turn(number, turn, trace, ious, crops, language))
        turns.append(element("p", _STOPS[trace.stop], class_="stop"))
    return element("section", element("h2", "Conversation"), *turns, class_="conversation")


def passage(text: str, language: Language | None = None) -> Html:
    """Untrusted text as a block that keeps its lines; huge texts by their ends."""
    shown = clip(text)
    left_out = None
    if shown.left_out:
        left_out = element(
            "p", f"{shown.left_out:,} characters are left out here; the journal holds them all.", class_="left-out"
        )
    block = {"class_": "passage", "dir": "auto", "lang": language}
    return join(
        element("div", shown.head, **block),
        left_out,
        element("div", shown.tail, **block) if shown.left_out else None,
    )


def _turn(
    number: int,
    turn: Turn,
    trace: Trace,
    ious: list[float] | None,
    crops: Mapping[int, Stored],
    language: Language,
) -> Html:
    calls = [
        _call(i, call, None if ious is None else ious[i - 1], crops)
        for i, call in enumerate(trace.calls, 1)
        if call.turn == number
    ]
    early = element("p", "Wrote an answer although it also called the tool.", class_="flag")
    return _card(
        f"Model, turn {number + 1}",
        join(_written(turn.text, turn.reasoning, language), early if turn.answered_early else None, *calls),
        note=turn.finish_reason,
        kind="model",
    )


def _written(text: str, reasoning: str | None, language: Language) -> Html:
    """What a turn wrote, with its reasoning folded, whether it came apart or in tags."""
    thoughts: list[Child] = []
    if reasoning:
        thoughts.append(_folded("Reasoning", reasoning))
    tagged = _THOUGHT.match(text)
    if tagged is not None:
        thoughts.append(_folded("Reasoning in <think> tags", tagged[1]))
        text = text[tagged.end() :]
    written = passage(text, language) if text.strip() else element("p", "No text.", class_="nothing")
    return join(*thoughts, written)


def _folded(title: str, text: str) -> Html:
    length = element("span", f" {len(text):,} characters", class_="aside")
    return element("details", element("summary", title, length), passage(text), class_="reasoning")


def _call(number: int, call: ZoomCall, iou: float | None, crops: Mapping[int, Stored]) -> Html:
    picture = crops.get(call.crop) if call.crop is not None else None
    facts: list[tuple[str, Child]] = []
    if call.img_idx:
        facts.append(("On", f"crop {call.img_idx}"))
    if call.label:
        facts.append(("Looking for", passage(call.label)))
    if call.requested is not None:
        facts.append(("Asked for", f"{numbers(call.requested)} in page pixels"))
    if call.executed is not None and call.executed != call.requested:
        facts.append(("Cut out", f"{numbers(call.executed)} in page pixels"))
    if iou is not None:
        facts.append(("Overlap with its target", f"IoU {iou:.2f}"))
    facts.append(("Wrote", element("code", call.arguments)))
    if call.error is not None:
        facts.insert(0, ("Refused", call.error.replace("_", " ")))
    return element(
        "figure",
        element("h4", element("span", str(number), class_="number"), f"Zoom {number}"),
        _crop(call, number, picture) if picture is not None else None,
        element("dl", *(join(element("dt", name), element("dd", value)) for name, value in facts)),
        class_="zoom refused" if call.error is not None else "zoom",
        data_call=number,
        tabindex=0,
    )


def _crop(call: ZoomCall, number: int, picture: Stored) -> Html:
    width, height = picture.size
    image = element(
        "img",
        src=f"../{picture.path}",
        width=width,
        height=height,
        alt=f"Crop of zoom {number}, {width} by {height} pixels, as the model saw it",
    )
    caption = f"Crop {call.crop}, {width} × {height} pixels as sent"
    return join(element("a", image, href=f"../{picture.path}", class_="crop"), element("p", caption, class_="aside"))


def _card(title: str, body: Html, *, kind: str, note: str | None = None) -> Html:
    heading = element("h3", title, element("span", f" finish reason: {note}", class_="aside") if note else None)
    return element("article", heading, body, class_=f"turn {kind}")
