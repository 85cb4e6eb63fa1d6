"""Requests in the form of the Gemini API, as google-genai's own types. Importing this module imports google-genai."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from google.genai import types

from comic_eval.errors import RequestError, UserError
from comic_eval.types import (
    Conversation,
    EncodedImage,
    ImagePart,
    Message,
    Part,
    Request,
    SamplingParams,
    ToolCall,
    ToolSpec,
)

from ._gemini_answer import UNNAMED
from ._gemini_models import ToolImages, thinking_of

# These decide what is asked and how the answer is read; an extra_body that names them would falsify the record.
RESERVED = frozenset({"contents", "model", "systemInstruction", "system_instruction", "tools"})
RESERVED_IN_CONFIG = frozenset({"candidateCount", "candidate_count"})


def _thinking(model: str, effort: str | None) -> types.ThinkingConfig | None:
    if effort is None:
        return None
    value = thinking_of(model, effort)
    if isinstance(value, int):
        return types.ThinkingConfig(thinking_budget=value)
    return types.ThinkingConfig(thinking_level=types.ThinkingLevel(value))


def contents(conversation: Conversation, tool_images: ToolImages) -> list[types.Content]:
    """The turns without system messages. The results of one turn's calls are one turn of the user's.

    Args:
        tool_images: where pictures of tool results go: inside the function response (generation 3), or behind all
            function responses of the turn, for models that cannot see them there.
    """
    return list(_turns(conversation, tool_images))


def _turns(conversation: Conversation, tool_images: ToolImages) -> Iterator[types.Content]:
    calls: dict[str, ToolCall] = {}
    results: list[types.Part] = []
    behind: list[types.Part] = []
    for message in conversation.messages:
        if message.role == "tool":
            call = calls.get(message.tool_call_id or "")
            if call is None:
                raise RequestError(f"no tool call has the id {message.tool_call_id!r}", cause="bad_request")
            if arguments(call) is None:
                behind += [_part(p) for p in message.content]
                continue
            inside = tool_images == "function_response"
            results.append(_result(call, message, message.images if inside else ()))
            behind += [] if inside else [_image(i) for i in message.images]
            continue
        if results or behind:
            yield types.Content(role="user", parts=[*results, *behind])
            results, behind = [], []
        if message.role != "system":
            calls |= {c.id: c for c in message.tool_calls}
            parts = [_part(p) for p in message.content if isinstance(p, ImagePart) or p.text or not message.tool_calls]
            parts += [_call(c) for c in message.tool_calls]
            yield types.Content(role="model" if message.role == "assistant" else "user", parts=parts)
    if results or behind:
        yield types.Content(role="user", parts=[*results, *behind])


def _text(text: str) -> types.Part:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise RequestError(f"the request is no valid JSON: {error}", cause="bad_request") from None
    return types.Part(text=text)


def _image(image: EncodedImage) -> types.Part:
    return types.Part.from_bytes(data=image.data, mime_type=image.media_type)


def _part(part: Part) -> types.Part:
    return _image(part.image) if isinstance(part, ImagePart) else _text(part.text)


def arguments(call: ToolCall) -> dict[str, Any] | None:
    """A call's arguments; None for those that are no JSON object, which the API cannot hold as a call."""
    try:
        value = orjson.loads(call.arguments)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _name_and_id(call: ToolCall) -> dict[str, str]:
    """Ids that the adapter made up stay here: the API pairs such calls and responses by their order."""
    return {"name": call.name} | ({} if call.id.startswith(UNNAMED) else {"id": call.id})


def _call(call: ToolCall) -> types.Part:
    values = arguments(call)
    if values is None:
        return _text(call.arguments or call.name)
    # The client takes bytes and writes them in base64 again.
    signature = base64.b64decode(call.opaque) if call.opaque else None
    return types.Part(function_call=types.FunctionCall(args=values, **_name_and_id(call)), thought_signature=signature)


def _result(call: ToolCall, message: Message, images: tuple[EncodedImage, ...]) -> types.Part:
    try:
        response = orjson.loads(message.text)
    except orjson.JSONDecodeError:
        response = None
    parts = [types.FunctionResponsePart.from_bytes(data=i.data, mime_type=i.media_type) for i in images]
    return types.Part(
        function_response=types.FunctionResponse(
            response=response if isinstance(response, dict) else {"output": message.text},
            parts=parts or None,
            **_name_and_id(call),
        )
    )


def _system(conversation: Conversation) -> types.Content | None:
    parts = [_part(p) for m in conversation.messages if m.role == "system" for p in m.content]
    return types.Content(role="user", parts=parts) if parts else None


def _tools(tools: tuple[ToolSpec, ...]) -> list[Any] | None:
    declared = [
        types.FunctionDeclaration(name=t.name, description=t.description, parameters_json_schema=t.parameters)
        for t in tools
    ]
    return [types.Tool(function_declarations=declared)] if declared else None


def check_extra(extra: Mapping[str, Any]) -> None:
    """
    Raises:
        UserError: ``extra_body`` names a field that is not the user's to set.
    """
    inner = extra.get("generationConfig", {})
    taken = RESERVED & extra.keys() | (RESERVED_IN_CONFIG & inner.keys() if isinstance(inner, dict) else set())
    if taken:
        raise UserError(f"extra_body may not set {', '.join(sorted(taken))}: comic-eval sets it; remove it there")


def config(model: str, request: Request, media_resolution: str | None) -> types.GenerateContentConfig:
    """Everything of a request but its turns.

    ``max_tokens`` bounds thoughts and answer together, as the API counts them. ``extra_body`` is merged into the
    request's JSON (``{"generationConfig": {"topK": 1}}``).
    """
    params: SamplingParams = request.params
    check_extra(params.extra_body)
    resolution = types.MediaResolution(f"MEDIA_RESOLUTION_{media_resolution.upper()}") if media_resolution else None
    return types.GenerateContentConfig(
        system_instruction=_system(request.conversation),
        temperature=params.temperature,
        top_p=params.top_p,
        max_output_tokens=params.max_tokens,
        seed=params.seed,
        thinking_config=_thinking(model, params.reasoning_effort),
        media_resolution=resolution,
        tools=_tools(request.tools),
        response_mime_type="application/json" if request.response_schema is not None else None,
        response_json_schema=request.response_schema,
        http_options=types.HttpOptions(extra_body=params.extra_body) if params.extra_body else None,
        # One call here is one request there; and the answer comes as it was sent, for strict reading.
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        automatic_continuation=False,
        should_return_http_response=True,
    )
