"""How calls and crops travel in a conversation: as native tool calls, or as text tags for models without them.

The tag forms follow the published conventions of Qwen2.5 (Hermes-style ``<tools>`` in the system prompt) and of
DeepEyes (instructions in the user turn); in both the model writes ``<tool_call>{"name": .., "arguments": {..}}
</tool_call>`` and the crop comes back in a user turn inside ``<tool_response>``.
"""

from __future__ import annotations

import json
import re
from typing import Any, Literal

from comic_eval.types import (
    Conversation,
    EncodedImage,
    Frozen,
    Generation,
    ImagePart,
    Message,
    Part,
    TextPart,
    ToolCall,
    ToolSpec,
)

Dialect = Literal["native", "qwen", "deepeyes"]

_THINK = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)
_OPEN, _CLOSE = "<tool_call>", "</tool_call>"


class ParsedTurn(Frozen):
    """What one assistant turn attempted, in order: calls, and the text of what looked like one but cannot be read."""

    attempts: tuple[ToolCall | str, ...] = ()

    @property
    def malformed(self) -> bool:
        """Whether any attempt cannot be read."""
        return any(isinstance(attempt, str) for attempt in self.attempts)


def begin(conversation: Conversation, tool: ToolSpec, dialect: Dialect) -> Conversation:
    """Tells the model of the tool, in the first system or user message. Native calls need no text."""
    if dialect == "native":
        return conversation
    schema = json.dumps({"type": "function", "function": tool.model_dump()}, ensure_ascii=False)
    example = json.dumps({"name": tool.name, "arguments": {"bbox_2d": "[...]"}}).replace('"[...]"', "[...]")
    call = f"{_OPEN}\n{example}\n{_CLOSE}"
    if dialect == "qwen":
        text = (
            f"# Tools\n\nThese functions can be called; their signatures are:\n<tools>\n{schema}\n</tools>\n\n"
            f"To call one, write a JSON object with its name and arguments inside tags:\n{call}"
        )
        return Conversation(messages=(Message(role="system", content=(TextPart(text=text),)), *conversation.messages))
    text = (
        f"\n\nTool:\n<tools>\n{schema}\n</tools>\nThink first, then call {tool.name} if looking closer helps, "
        f"then answer. Write your turn as <think>...</think> {call} while you need the tool, and as "
        "<think>...</think> <answer>...</answer> at the end."
    )
    *before, last = conversation.messages
    return Conversation(messages=(*before, last.model_copy(update={"content": (*last.content, TextPart(text=text))})))


def parse(generation: Generation, dialect: Dialect) -> ParsedTurn:
    """The calls that a turn makes. In the tag dialects calls inside ``<think>`` are thoughts, not calls.

    A server that reads native calls out of the model's text (vLLM's parsers) leaves those that it cannot read in it;
    without notice such a turn would pass for an answer without one.
    """
    if dialect == "native" and generation.tool_calls:
        return ParsedTurn(attempts=generation.tool_calls)
    attempts: list[ToolCall | str] = []
    rest = _THINK.sub("", generation.text)
    while (start := rest.find(_OPEN)) >= 0:
        body, closed, rest = rest[start + len(_OPEN) :].partition(_CLOSE)
        call = _read_call(body, len(attempts)) if closed and dialect != "native" else None
        attempts.append(body.strip() if call is None else call)
    return ParsedTurn(attempts=tuple(attempts))


def _read_call(body: str, number: int) -> ToolCall | None:
    try:
        data: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict) or not isinstance(data.get("name"), str):
        return None
    arguments = data.get("arguments", {})
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return ToolCall(id=f"call_{number}", name=data["name"], arguments=text)


def assistant_turn(generation: Generation, dialect: Dialect) -> Message:
    """The model's own turn as it goes back into the conversation."""
    return Message(
        role="assistant",
        content=(TextPart(text=generation.text),),
        tool_calls=generation.tool_calls if dialect == "native" else (),
    )


def tool_turns(results: list[tuple[str | None, str, EncodedImage | None]], dialect: Dialect) -> tuple[Message, ...]:
    """The answers to one turn's calls, as (call id, text, crop); what was no readable call has no id."""
    if dialect == "native":
        return tuple(
            Message(role="user" if call_id is None else "tool", content=_parts(text, image), tool_call_id=call_id)
            for call_id, text, image in results
        )
    parts: list[Part] = []
    for _, text, image in results:
        parts += [TextPart(text="<tool_response>"), *_parts(text, image), TextPart(text="</tool_response>")]
    return (Message(role="user", content=tuple(parts)),)


def _parts(text: str, image: EncodedImage | None) -> tuple[Part, ...]:
    return (TextPart(text=text),) if image is None else (TextPart(text=text), ImagePart(image=image))
