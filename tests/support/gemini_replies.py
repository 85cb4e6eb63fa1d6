"""The success bodies of ``generateContent``, as the Gemini API writes them."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from typing import Any

from support.gemini_protocol import IMAGE_TOKENS, Checker, Seen, generation_of


@dataclass(frozen=True)
class GeminiReply:
    """An answer in full, where its text alone does not say enough.

    Attributes:
        calls: pairs of a function's name and its arguments. Models of generation 3 give each an id and the first a
            thought signature.
        thoughts: a summary that is returned as a part of its own.
        finish_message: words that go with the finish reason.
        usage: False leaves the token counts out.
    """

    text: str = ""
    finish_reason: str | None = "STOP"
    calls: tuple[tuple[str, dict[str, Any]], ...] = ()
    thoughts: str | None = None
    thoughts_tokens: int = 0
    cached_tokens: int = 0
    finish_message: str | None = None
    model: str | None = None
    usage: bool = True


def _parts(reply: GeminiReply, model: str, checker: Checker) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    if reply.thoughts:
        parts.append({"text": reply.thoughts, "thought": True})
    if reply.text:
        parts.append({"text": reply.text})
    for i, (name, args) in enumerate(reply.calls):
        part: dict[str, Any] = {"functionCall": {"name": name, "args": args}}
        if generation_of(model) >= 3:
            part["functionCall"]["id"] = secrets.token_hex(4)
            if i == 0:
                signature = secrets.token_bytes(25)
                checker.issued.add(signature)
                part["thoughtSignature"] = base64.b64encode(signature).decode()
        parts.append(part)
    return parts


def body_of(reply: GeminiReply, seen: Seen, model: str, checker: Checker) -> dict[str, Any]:
    """The body of an answer."""
    candidate: dict[str, Any] = {"index": 0, "finishReason": reply.finish_reason}
    if reply.finish_message:
        candidate["finishMessage"] = reply.finish_message
    parts = _parts(reply, model, checker)
    candidate["content"] = {"role": "model", "parts": parts} if parts else {"role": "model"}
    images = IMAGE_TOKENS * len(seen.images)
    answer = len(reply.text.split())
    usage: dict[str, Any] = {
        "promptTokenCount": seen.text_tokens + images,
        "totalTokenCount": seen.text_tokens + images + answer + reply.thoughts_tokens,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": seen.text_tokens}],
    }
    if images:
        usage["promptTokensDetails"].append({"modality": "IMAGE", "tokenCount": images})
    # As in the API, counts of zero are left out.
    counts = {
        "candidatesTokenCount": answer,
        "thoughtsTokenCount": reply.thoughts_tokens,
        "cachedContentTokenCount": reply.cached_tokens,
    }
    usage |= {name: count for name, count in counts.items() if count}
    return {
        "candidates": [{k: v for k, v in candidate.items() if v is not None}],
        **({"usageMetadata": usage} if reply.usage else {}),
        "modelVersion": reply.model or model,
        "responseId": secrets.token_urlsafe(12),
    }
