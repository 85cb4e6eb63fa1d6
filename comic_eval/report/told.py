"""What a model was told of the zoom tool, which no record holds: the run's settings decide every word."""

from __future__ import annotations

import json

from comic_eval.report.markup import Html, element
from comic_eval.run.spec import RunSpec
from comic_eval.types import Conversation, Message, TextPart
from comic_eval.zoom.dialects import Dialect, begin
from comic_eval.zoom.tool import tool_spec

_PLACES: dict[Dialect, str] = {
    "native": "Offered beside the prompt as a tool of the provider's interface, with this schema.",
    "qwen": "A system message before the prompt, in these words.",
    "deepeyes": "Appended to the prompt's message, in these words.",
}


def tool_card(spec: RunSpec) -> Html | None:
    """The tool's words, folded; None in a run without the tool."""
    words = tool_words(spec)
    if words is None or spec.zoom is None:
        return None
    about = f"{_PLACES[spec.zoom.dialect]} They are made again from the run's settings."
    length = element("span", f" {len(words):,} characters", class_="aside")
    return element(
        "details",
        element("summary", "What the model was told of the zoom tool", length),
        element("p", about, class_="aside"),
        element("code", words, dir="ltr", lang="en"),
        class_="turn prompt tool",
    )


def tool_words(spec: RunSpec) -> str | None:
    """What a run's dialect adds to the conversation, or the schema of a native tool; None without the tool."""
    if spec.zoom is None or spec.coords is None or (spec.replay is not None and spec.replay.source == "crops"):
        return None
    tool = tool_spec(spec.coords)
    if spec.zoom.dialect == "native":
        return json.dumps(tool.model_dump(), indent=2, ensure_ascii=False)
    nothing = Conversation(messages=(Message(role="user", content=(TextPart(text=""),)),))
    told = begin(nothing, tool, spec.zoom.dialect)
    return "".join(part.text for message in told.messages for part in message.content if isinstance(part, TextPart))
