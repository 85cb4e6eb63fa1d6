"""Reads an answer of the Gemini API (``GenerateContentResponse`` as JSON)."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import orjson

from comic_eval.errors import RequestError
from comic_eval.types import Generation, ToolCall, ToolSpec, Usage

from ._answers import bad_response, count, decode, objects, text_or_none

# Begins the ids that the adapter makes up for calls that came without one.
UNNAMED = "unnamed-"
BLOCKED = frozenset(
    {"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE", "IMAGE_SAFETY", "ESCALATION"}
    | {"IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "MODEL_ARMOR"}
)
# Ends without an answer that no second attempt would change, with their causes.
FINAL = {"MISSING_THOUGHT_SIGNATURE": "bad_request", "PUP_LIMITED_DISABLED": "auth"}
FINISH = {"STOP": "stop", "MAX_TOKENS": "length", "CONTINUATION": "length"}


def _object(value: Any, where: str) -> dict[str, Any]:
    if value is not None and not isinstance(value, dict):
        bad_response(f"{where} is a JSON {type(value).__name__}")
    return value or {}


def _blocked(what: str, reason: str, more: Any) -> RequestError:
    words = f": {more}" if isinstance(more, str) and more else ""
    return RequestError(f"{what} was stopped by the provider's filter ({reason}{words})", cause="content_filter")


def _risks(ratings: Any) -> str:
    """The categories that made a safety filter stop an answer."""
    ratings = ratings if isinstance(ratings, list) else []
    found = [r for r in ratings if isinstance(r, dict) and (r.get("blocked") or r.get("probability") == "HIGH")]
    return ", ".join(str(r.get("category")) for r in found)


def read_usage(data: dict[str, Any]) -> Usage:
    """Token counts. The API counts thoughts apart from the answer; here they are part of ``output_tokens``."""
    usage = data.get("usageMetadata")
    thoughts, answer = count(usage, "thoughtsTokenCount"), count(usage, "candidatesTokenCount")
    prompt, tools = count(usage, "promptTokenCount"), count(usage, "toolUsePromptTokenCount")
    details = usage.get("promptTokensDetails") if isinstance(usage, dict) else None
    details = details if isinstance(details, list) else []
    images = [count(d, "tokenCount") for d in details if isinstance(d, dict) and d.get("modality") == "IMAGE"]
    return Usage(
        input_tokens=None if prompt is None else prompt + (tools or 0),
        output_tokens=None if answer is None and thoughts is None else (answer or 0) + (thoughts or 0),
        cached_tokens=count(usage, "cachedContentTokenCount"),
        image_tokens=sum(i for i in images if i is not None) if images else None,
        reasoning_tokens=thoughts,
    )


def _signature(value: Any) -> str | None:
    """A thought signature in standard base64, whichever of its alphabets the server used."""
    text = text_or_none(value, "thoughtSignature")
    if text is None:
        return None
    text = text.rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        return base64.b64encode(base64.b64decode(text + "=" * (-len(text) % 4), validate=True)).decode()
    except binascii.Error:
        bad_response("a thought signature is no base64")


def _call(part: dict[str, Any], made: int) -> ToolCall:
    call = part["functionCall"]
    name = call.get("name") if isinstance(call, dict) else None
    if not isinstance(name, str):
        bad_response("a function call lacks its name")
    args = call.get("args")
    return ToolCall(
        id=text_or_none(call.get("id"), "functionCall.id") or f"{UNNAMED}{made}",
        name=name,
        arguments=orjson.dumps({} if args is None else args).decode(),
        opaque=_signature(part.get("thoughtSignature")),
    )


def read_answer(body: bytes, tools: tuple[ToolSpec, ...] = (), *, earlier_calls: int = 0) -> Generation:
    """What the model answered.

    ``finish_reason`` is ``stop``, ``length``, ``tool_calls``, or the API's own word in small letters. A function call
    that the API itself could not parse is a `ToolCall` with the model's words as its arguments.

    Args:
        tools: what the model was offered.
        earlier_calls: calls of earlier turns, so that made-up ids stay unique.

    Raises:
        RetryableError: broken JSON, no candidate, or no content without a reason for it.
        RequestError: prompt or answer stopped by a filter, or an answer of another shape.
    """
    data = decode(body)
    feedback = _object(data.get("promptFeedback"), "promptFeedback")
    if reason := feedback.get("blockReason"):
        more = feedback.get("blockReasonMessage") or _risks(feedback.get("safetyRatings"))
        raise _blocked("the prompt", str(reason), more)
    candidates = objects(data.get("candidates") or [], "candidates")
    if not candidates:
        bad_response("candidates is empty", retry=True)
    first = candidates[0]
    finish = text_or_none(first.get("finishReason"), "finishReason") or "none"
    message = text_or_none(first.get("finishMessage"), "finishMessage")
    if finish in BLOCKED:
        raise _blocked("the answer", finish, message or _risks(first.get("safetyRatings")))
    parts = objects(_object(first.get("content"), "content").get("parts") or [], "parts")
    texts: list[str] = []
    thoughts: list[str] = []
    calls: list[ToolCall] = []
    for part in parts:
        if "functionCall" in part:
            calls.append(_call(part, earlier_calls + len(calls)))
        elif (text := text_or_none(part.get("text"), "text")) is not None:
            (thoughts if part.get("thought") is True else texts).append(text)
    if finish == "MALFORMED_FUNCTION_CALL" and tools and not calls:
        calls.append(ToolCall(id=f"{UNNAMED}{earlier_calls}", name=tools[0].name, arguments=message or ""))
    if finish in FINAL:
        raise RequestError(f"the provider stopped the answer ({finish})", cause=FINAL[finish])
    if calls and not tools:
        bad_response("a function call, though no tool was offered")
    if not "".join(texts) and not calls and finish not in ("MAX_TOKENS", "CONTINUATION"):
        bad_response(f"no content (finish reason {finish}{': ' + message if message else ''})", retry=True)
    ended = "tool_calls" if calls else FINISH.get(finish, finish.lower())
    return Generation(
        text="".join(texts),
        finish_reason=ended,
        model=text_or_none(data.get("modelVersion"), "modelVersion"),
        usage=read_usage(data),
        reasoning="".join(thoughts) or None,
        tool_calls=tuple(calls),
    )
