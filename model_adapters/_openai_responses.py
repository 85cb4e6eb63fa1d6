"""The Responses API: POST /responses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from comic_eval.errors import RequestError, RetryableError
from comic_eval.types import Generation, ImagePart, Message, Part, Request, TextPart, ToolCall

from ._answers import bad_response, decode, objects, text_or_none
from ._openai_wire import Body, Dialect, answer_format, read_call, read_usage

PATH = "/responses"
# A turn of tool calls alone has no text; the API refuses empty parts of it.
EMPTY = TextPart(text="")


def _part(part: Part, role: str, body: Body, dialect: Dialect) -> dict[str, Any]:
    if isinstance(part, ImagePart):
        image: dict[str, Any] = {"type": "input_image", "image_url": body.image_url(part.image)}
        if dialect.image_detail is not None:
            image["detail"] = dialect.image_detail
        return image
    return {"type": "output_text" if role == "assistant" else "input_text", "text": part.text}


def _items(message: Message, body: Body, dialect: Dialect) -> Iterator[Any]:
    content = [_part(p, message.role, body, dialect) for p in message.content if p != EMPTY]
    if message.role == "tool":
        yield {"type": "function_call_output", "call_id": message.tool_call_id, "output": content or ""}
        return
    first, *others = message.tool_calls or (None,)
    if first:
        yield from _thoughts(first)
    if content:
        yield {"role": message.role, "content": content}
    if first:
        yield _call(first)
    for call in others:
        yield from _thoughts(call)
        yield _call(call)


def _call(call: ToolCall) -> dict[str, Any]:
    return {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments}


def _thoughts(call: ToolCall) -> list[dict[str, Any]]:
    """The reasoning items that led to a call, as `read_answer` kept them."""
    return objects(orjson.loads(call.opaque), "opaque") if call.opaque else []


def request_body(model: str, request: Request, dialect: Dialect) -> bytes:
    """The body of one request. The API has no seed; nothing is stored at the provider.

    A reasoning model's thoughts before a tool call come back encrypted and go in again with the next request, since a
    provider that stores nothing has forgotten them.
    """
    params = request.params
    schema = answer_format(request)
    body = Body()
    fields = {
        "model": model,
        "input": [item for m in request.conversation.messages for item in _items(m, body, dialect)],
        "temperature": dialect.temperature(params),
        "top_p": params.top_p,
        "max_output_tokens": params.max_tokens,
        "reasoning": {"effort": params.reasoning_effort} if params.reasoning_effort is not None else None,
        "tools": [{"type": "function", "strict": False, **t.model_dump()} for t in request.tools] or None,
        "text": {"format": {"type": "json_schema", **schema}} if schema else None,
        "include": ["reasoning.encrypted_content"] if request.tools and dialect.reasoning else None,
        "store": False,
    }
    return body.encode(fields, params.extra_body)


def _texts(parts: Any, kind: str, field: str) -> list[str]:
    found = [p.get(field) for p in objects(parts, "content") if p.get("type") == kind]
    if not all(isinstance(f, str) for f in found):
        bad_response(f"a part of type {kind} has no {field}")
    return [str(f) for f in found]


def _failure(error: Any) -> RequestError:
    error = error if isinstance(error, dict) else {}
    code, message = str(error.get("code") or ""), str(error.get("message") or "the response failed")
    if code == "rate_limit_exceeded":
        return RetryableError(message, cause="rate_limit")
    if code == "server_error":
        return RetryableError(message, cause="server_error")
    return RequestError(message, cause=code or "bad_response")


def read_answer(raw: bytes, *, offered: bool) -> Generation:
    """What the model answered; ``offered`` says whether it had tools.

    ``finish_reason`` is ``stop``, ``length`` (the API's ``max_output_tokens``), ``tool_calls`` or ``refusal``.

    Raises:
        RetryableError: broken JSON, no output, or a failure of the server.
        RequestError: cut off by a content filter, failed for good, or an answer of another shape.
    """
    data = decode(raw)
    status = data.get("status")
    if status == "failed":
        raise _failure(data.get("error"))
    details = data.get("incomplete_details") if status == "incomplete" else None
    reason = text_or_none(details.get("reason"), "reason") if isinstance(details, dict) else None
    if reason == "content_filter":
        raise RequestError("the answer was cut off by the provider's content filter", cause="content_filter")
    if status not in ("completed", "incomplete"):
        bad_response(f"status is {status!r}")
    output = objects(data.get("output"), "output")
    answers: list[str] = []
    refusals: list[str] = []
    thoughts: list[str] = []
    calls: list[ToolCall] = []
    kept: list[dict[str, Any]] = []
    for item in output:
        if item.get("type") == "message":
            answers += _texts(item.get("content"), "output_text", "text")
            refusals += _texts(item.get("content"), "refusal", "refusal")
        elif item.get("type") == "function_call":
            opaque = orjson.dumps(kept).decode() if kept else None
            calls.append(read_call(item.get("call_id"), item.get("name"), item.get("arguments"), opaque))
            kept = []
        elif item.get("type") == "reasoning":
            if isinstance(item.get("encrypted_content"), str):
                kept.append({k: item[k] for k in ("type", "id", "summary", "encrypted_content") if k in item})
            thoughts += _texts(item.get("summary") or [], "summary_text", "text")
            thoughts += _texts(item.get("content") or [], "reasoning_text", "text")
    finish = "length" if reason == "max_output_tokens" else reason or "stop"
    if refusals and not answers:
        answers, finish = refusals, "refusal"
    if calls and not offered:
        bad_response("a tool call, though no tool was offered")
    if not answers and not calls and finish == "stop":
        bad_response("output holds no message", retry=True)
    if calls and finish == "stop":
        finish = "tool_calls"
    return Generation(
        text="".join(answers),
        finish_reason=finish,
        model=text_or_none(data.get("model"), "model"),
        usage=read_usage(data, "input", "output"),
        reasoning="\n\n".join(thoughts) or None,
        tool_calls=tuple(calls),
    )
