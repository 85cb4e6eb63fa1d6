"""The Chat Completions API: POST /chat/completions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from comic_eval.errors import RequestError
from comic_eval.types import Conversation, Generation, ImagePart, Part, Request, ToolCall

from ._answers import bad_response, decode, objects, text_or_none
from ._openai_wire import Body, Dialect, answer_format, read_call, read_usage

PATH = "/chat/completions"


def _part(part: Part, body: Body, dialect: Dialect) -> dict[str, Any]:
    if isinstance(part, ImagePart):
        image: dict[str, Any] = {"url": body.image_url(part.image)}
        if dialect.image_detail is not None:
            image["detail"] = dialect.image_detail
        return {"type": "image_url", "image_url": image}
    return {"type": "text", "text": part.text}


def _messages(conversation: Conversation, body: Body, dialect: Dialect) -> Iterator[dict[str, Any]]:
    """The messages; pictures of tool results follow as a user's message, since a tool result may hold text only."""
    pictures: list[Part] = []
    for message in conversation.messages:
        if pictures and message.role != "tool":
            yield {"role": "user", "content": [_part(p, body, dialect) for p in pictures]}
            pictures = []
        line: dict[str, Any] = {"role": message.role, "content": message.text}
        if message.role == "tool":
            line["tool_call_id"] = message.tool_call_id
            pictures += [p for p in message.content if isinstance(p, ImagePart)]
        elif message.images:
            line["content"] = [_part(p, body, dialect) for p in message.content]
        if message.tool_calls:
            line["tool_calls"] = [
                {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
                for c in message.tool_calls
            ]
        yield line
    if pictures:
        yield {"role": "user", "content": [_part(p, body, dialect) for p in pictures]}


def request_body(model: str, request: Request, dialect: Dialect) -> bytes:
    """The body of one request."""
    params = request.params
    schema = answer_format(request)
    body = Body()
    fields = {
        "model": model,
        "messages": list(_messages(request.conversation, body, dialect)),
        "temperature": dialect.temperature(params),
        "top_p": params.top_p,
        dialect.max_tokens_field: params.max_tokens,
        "seed": params.seed,
        "reasoning_effort": params.reasoning_effort,
        "tools": [{"type": "function", "function": t.model_dump()} for t in request.tools] or None,
        "response_format": {"type": "json_schema", "json_schema": schema} if schema else None,
    }
    return body.encode(fields, params.extra_body)


def _tool_calls(value: Any) -> tuple[ToolCall, ...]:
    calls = []
    for number, call in enumerate(objects(value or [], "tool_calls")):
        function = call.get("function")
        function = function if isinstance(function, dict) else {}
        # llama.cpp leaves the id empty; one that is unique in its turn will do.
        call_id = call.get("id") or f"call_{number}"
        calls.append(read_call(call_id, function.get("name"), function.get("arguments")))
    return tuple(calls)


def read_answer(raw: bytes, *, offered: bool) -> Generation:
    """What the model answered; ``offered`` says whether it had tools.

    A refusal is an answer: its words are the text, and ``finish_reason`` is ``refusal``. With tool calls it is
    ``tool_calls``, and the text may be empty.

    Raises:
        RetryableError: broken JSON, no choices, or no content without a reason for it.
        RequestError: cut off by a content filter, or an answer of another shape.
    """
    data = decode(raw)
    choices = objects(data.get("choices"), "choices")
    if not choices:
        bad_response("choices is empty", retry=True)
    message = choices[0].get("message")
    if not isinstance(message, dict):
        bad_response("choices[0].message is no object")
    finish = text_or_none(choices[0].get("finish_reason"), "finish_reason")
    if finish == "content_filter":
        raise RequestError("the answer was cut off by the provider's content filter", cause="content_filter")
    text = text_or_none(message.get("content"), "content")
    refusal = text_or_none(message.get("refusal"), "refusal")
    # vLLM and DeepSeek say reasoning_content, newer vLLM and OpenRouter reasoning.
    reasoning = text_or_none(message.get("reasoning_content") or message.get("reasoning") or None, "reasoning")
    if refusal and not text:
        text, finish = refusal, "refusal"
    calls = _tool_calls(message.get("tool_calls"))
    if calls and not offered:
        bad_response("a tool call, though no tool was offered")
    if calls and finish == "stop":
        finish = "tool_calls"
    # A reasoning model that spent all its tokens has nothing more to say: that is an empty answer, not a failure.
    if text is None and not calls and finish != "length" and reasoning is None:
        bad_response("content is null", retry=True)
    return Generation(
        text=text or "",
        finish_reason=finish,
        model=text_or_none(data.get("model"), "model"),
        usage=read_usage(data, "prompt", "completion"),
        reasoning=reasoning,
        tool_calls=calls,
    )
