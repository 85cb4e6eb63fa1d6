"""The success bodies of both APIs, as the OpenAI API writes them."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Any

from support.openai_protocol import Seen


@dataclass(frozen=True)
class Reply:
    """An answer in full, where its text alone does not say enough.

    ``reasoning`` is returned apart from the answer, as vLLM and DeepSeek do (``reasoning_content``) and as the
    Responses API's reasoning item does; ``model`` is the id that the server claims to be; ``tool_calls`` are triples of
    id, name and arguments; ``encrypted`` is the content of the reasoning item before each.
    """

    text: str | None = ""
    finish_reason: str = "stop"
    refusal: str | None = None
    reasoning: str | None = None
    reasoning_tokens: int = 0
    cached_tokens: int = 0
    model: str | None = None
    usage: bool = True
    tool_calls: tuple[tuple[str, str, str], ...] = ()
    encrypted: str | None = None


def _usage(reply: Reply, seen: Seen, names: tuple[str, str]) -> dict[str, Any]:
    output = len((reply.text or "").split()) + reply.reasoning_tokens
    return {
        f"{names[0]}_tokens": seen.tokens,
        f"{names[1]}_tokens": output,
        "total_tokens": seen.tokens + output,
        f"{names[0]}_tokens_details": {"cached_tokens": reply.cached_tokens},
        f"{names[1]}_tokens_details": {"reasoning_tokens": reply.reasoning_tokens},
    }


def chat_body(reply: Reply, seen: Seen, model: str) -> dict[str, Any]:
    """The body of a chat completion."""
    content = None if reply.tool_calls and not reply.text else reply.text
    message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": reply.refusal, "annotations": []}
    if reply.reasoning is not None:
        message["reasoning_content"] = reply.reasoning
    if reply.tool_calls:
        message["tool_calls"] = [
            {"id": i, "type": "function", "function": {"name": name, "arguments": arguments}}
            for i, name, arguments in reply.tool_calls
        ]
    finish = "tool_calls" if reply.tool_calls and reply.finish_reason == "stop" else reply.finish_reason
    return {
        "id": f"chatcmpl-{secrets.token_hex(8)}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": reply.model or model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
        "service_tier": "default",
        **({"usage": _usage(reply, seen, ("prompt", "completion"))} if reply.usage else {}),
    }


def responses_body(reply: Reply, seen: Seen, model: str) -> dict[str, Any]:
    """The body of a response; ``finish_reason`` length and content_filter become status ``incomplete``."""
    output: list[dict[str, Any]] = []
    if reply.reasoning is not None or reply.reasoning_tokens:
        summary = [{"type": "summary_text", "text": reply.reasoning}] if reply.reasoning else []
        output.append({"id": f"rs_{secrets.token_hex(8)}", "type": "reasoning", "summary": summary})
    content: list[dict[str, Any]] = []
    if reply.refusal is not None:
        content.append({"type": "refusal", "refusal": reply.refusal})
    elif reply.text is not None and (reply.text or not reply.tool_calls):
        content.append({"type": "output_text", "text": reply.text, "annotations": [], "logprobs": []})
    incomplete = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(reply.finish_reason)
    status = "incomplete" if incomplete else "completed"
    if content:
        output.append(
            {
                "id": f"msg_{secrets.token_hex(8)}",
                "type": "message",
                "status": status,
                "role": "assistant",
                "content": content,
            }
        )
    for i, name, arguments in reply.tool_calls:
        if reply.encrypted is not None:
            sealed = {"encrypted_content": f"{reply.encrypted}-{i}", "summary": [], "status": None}
            output.append({"id": f"rs_{i}", "type": "reasoning", **sealed})
        call = {"call_id": i, "name": name, "arguments": arguments, "status": "completed"}
        output.append({"id": f"fc_{i}", "type": "function_call", **call})
    return {
        "id": f"resp_{secrets.token_hex(8)}",
        "object": "response",
        "created_at": int(time.time()),
        "status": status,
        "error": None,
        "incomplete_details": {"reason": incomplete} if incomplete else None,
        "model": reply.model or model,
        "output": output,
        **({"usage": _usage(reply, seen, ("input", "output"))} if reply.usage else {}),
    }
