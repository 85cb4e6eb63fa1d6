"""What the OpenAI API accepts: strict checks of request bodies, with the API's own error shapes.

`check_chat` and `check_responses` return what the model would see, or raise `ApiError` as the real API answers.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from PIL import Image

from support.openai_tools import ApiError, ItemOrder, ToolTurn, bad, check_format, check_tools, typed, unknown

# The top-level fields that the two APIs know (a test compares them with the SDK's own types).
_CHAT = """
    audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens messages
    metadata modalities model moderation n parallel_tool_calls prediction presence_penalty prompt_cache_key
    prompt_cache_options prompt_cache_retention reasoning_effort response_format safety_identifier seed service_tier
    stop store stream stream_options temperature tool_choice tools top_logprobs top_p user verbosity
    web_search_options"""
_RESPONSES = """
    access_programs background context_management conversation image include input instructions
    max_output_tokens
    max_tool_calls metadata model moderation parallel_tool_calls previous_response_id prompt prompt_cache_key
    prompt_cache_options prompt_cache_retention reasoning safety_identifier service_tier store stream stream_options
    temperature text tool_choice tools top_logprobs top_p truncation user"""
CHAT_FIELDS = frozenset(_CHAT.split())
RESPONSES_FIELDS = frozenset(_RESPONSES.split())
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
DETAILS = ("auto", "low", "high", "original")
REASONING_MODEL = re.compile(r"^(o\d|gpt-5)")
DATA_URL = re.compile(r"data:(image/(?:jpeg|png|webp|gif));base64,")
FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP", "image/gif": "GIF"}


@dataclass(frozen=True)
class SentImage:
    """A picture as it arrived: ``size`` in pixels, ``n_bytes`` and ``sha256`` of the encoded file, ``at`` its place."""

    size: tuple[int, int]
    media_type: str
    n_bytes: int
    sha256: str
    detail: str | None = None
    at: str = ""

    @property
    def tokens(self) -> int:
        return math.ceil(self.size[0] * self.size[1] / 784)


@dataclass(frozen=True)
class Seen:
    """What a request showed the model.

    Attributes:
        text: all of it in order; a picture leaves no trace in it.
        outline: one word a message or item: ``user``, ``assistant``, ``call:ID``, ``result:ID``, ``reasoning:ID``.
    """

    text: str
    images: tuple[SentImage, ...]
    outline: tuple[str, ...] = ()

    @property
    def tokens(self) -> int:
        return len(self.text.split()) + sum(i.tokens for i in self.images)


class Images:
    """Decodes data URLs once: equal pictures are looked up by digest, so that a benchmark measures its client."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[int, int], str, int]] = {}

    def read(self, url: str, param: str, detail: str | None) -> SentImage:
        if url.startswith(("http://", "https://")):
            raise bad("Failed to download image: this server has no network.", param, "invalid_image_url")
        match = DATA_URL.match(url)
        if not match:
            raise bad(
                f"Invalid '{param}'. Expected a base64-encoded data URL with an image MIME type.", param, "invalid_url"
            )
        digest = hashlib.sha256(url.encode()).hexdigest()
        if digest not in self._known:
            try:
                data = base64.b64decode(url[match.end() :], validate=True)
            except binascii.Error:
                raise bad("Invalid base64 image_url.", param, "invalid_base64") from None
            try:
                with Image.open(io.BytesIO(data)) as image:
                    image.load()
                    found, size = image.format, image.size
            except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
                raise bad("You uploaded an unsupported image.", param, "invalid_image_format") from None
            if found != FORMATS[match[1]]:
                raise bad(f"The image is {found}, but was declared {match[1]}.", param, "invalid_image_format")
            self._known[digest] = (size, hashlib.sha256(data).hexdigest(), len(data))
        size, sha256, n_bytes = self._known[digest]
        if detail is not None and detail not in DETAILS:
            raise bad(f"Invalid value: '{detail}'. Supported values are: {', '.join(DETAILS)}.", param)
        return SentImage(size=size, media_type=match[1], n_bytes=n_bytes, sha256=sha256, detail=detail, at=param)


def _numbers(body: dict[str, Any]) -> None:
    for key, low, high in (("temperature", 0, 2), ("top_p", 0, 1)):
        value = body.get(key)
        if value is not None and not low <= typed(value, (int, float), key, "a decimal") <= high:
            raise bad(f"Invalid '{key}': {value} is outside [{low}, {high}].", key, "decimal_out_of_range")
    for key, least in (("max_tokens", 1), ("max_completion_tokens", 1), ("max_output_tokens", 16)):
        value = body.get(key)
        if value is not None and typed(value, int, key, "an integer") < least:
            raise bad(f"Invalid '{key}': integer below minimum value {least}.", key, "integer_below_min_value")
    if body.get("seed") is not None:
        typed(body["seed"], int, "seed", "an integer")


def _reasoning_rules(body: dict[str, Any], effort: Any, param: str) -> None:
    if effort is not None and effort not in EFFORTS:
        raise bad(f"Invalid value: {effort!r}. Supported values are: {', '.join(EFFORTS)}.", param)
    model = body["model"]
    if not REASONING_MODEL.match(model):
        if effort is not None and model.startswith("gpt-"):
            raise bad(f"Unsupported parameter: '{param}' is not supported with this model.", param)
        return
    if "max_tokens" in body:
        raise bad(
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead.",
            "max_tokens",
            "unsupported_parameter",
        )
    for key in ("temperature", "top_p"):
        if body.get(key) not in (None, 1):
            raise bad(
                f"Unsupported value: '{key}' does not support {body[key]} with this model. Only the default (1) value "
                "is supported.",
                key,
                "unsupported_value",
            )


def _model(body: dict[str, Any], models: tuple[str, ...]) -> None:
    if "model" not in body:
        raise ApiError(400, "you must provide a model parameter")
    model = typed(body["model"], str, "model", "a string")
    if models and model not in models:
        raise ApiError(404, f"The model `{model}` does not exist or you do not have access to it.", param=None,
                       code="model_not_found")  # fmt: skip


def _parts(
    content: list[Any], where: str, role: str, read_part: Callable[[dict[str, Any], str, str], str | SentImage]
) -> Iterator[str | SentImage]:
    if not content:
        raise bad(f"Invalid '{where}': empty array.", where, "empty_array")
    for i, part in enumerate(content):
        at = f"{where}[{i}]"
        yield read_part(typed(part, dict, at, "an object"), at, role)


def _seen(found: list[str | SentImage], outline: list[str]) -> Seen:
    return Seen(
        text="\n".join(f for f in found if isinstance(f, str)),
        images=tuple(f for f in found if isinstance(f, SentImage)),
        outline=tuple(outline),
    )


def check_chat(body: dict[str, Any], images: Images, *, models: tuple[str, ...], extra: frozenset[str]) -> Seen:
    """Checks a body of POST /chat/completions.

    Args:
        extra: top-level fields allowed besides the API's own, as servers with options of their own have them.
    """
    unknown(body, CHAT_FIELDS | extra)
    _model(body, models)
    _numbers(body)
    _reasoning_rules(body, body.get("reasoning_effort"), "reasoning_effort")
    check_tools(body, lambda tool, at: typed(tool.get("function"), dict, f"{at}.function", "an object"))
    check_format(body.get("response_format"), "response_format", nested=True)

    def read_part(part: dict[str, Any], at: str, role: str) -> str | SentImage:
        kind = part.get("type")
        if kind == "text":
            unknown(part, frozenset({"type", "text"}), at + ".")
            return str(typed(part.get("text"), str, f"{at}.text", "a string"))
        if kind == "image_url" and role == "user":
            unknown(part, frozenset({"type", "image_url"}), at + ".")
            image = typed(part.get("image_url"), dict, f"{at}.image_url", "an object")
            unknown(image, frozenset({"url", "detail"}), f"{at}.image_url.")
            url = typed(image.get("url"), str, f"{at}.image_url.url", "a string")
            return images.read(url, f"{at}.image_url.url", image.get("detail"))
        raise bad(f"Invalid value: '{kind}' in a message of role '{role}'.", f"{at}.type")

    if "messages" not in body:
        raise bad("Missing required parameter: 'messages'.", "messages", "missing_required_parameter")
    found: list[str | SentImage] = []
    outline: list[str] = []
    turn = ToolTurn()
    if not typed(body["messages"], list, "messages", "an array"):
        raise bad("Invalid 'messages': empty array.", "messages", "empty_array")
    for i, message in enumerate(body["messages"]):
        at = f"messages[{i}]"
        known = frozenset({"role", "content", "name", "tool_calls", "tool_call_id"})
        unknown(typed(message, dict, at, "an object"), known, at + ".")
        role = message.get("role")
        if role not in ("system", "developer", "user", "assistant", "tool"):
            raise bad(f"Invalid value: '{role}'.", f"{at}.role")
        turn.step(message, role, at)
        outline += [f"result:{message['tool_call_id']}"] if role == "tool" else [role]
        outline += [f"call:{call['id']}" for call in message.get("tool_calls") or ()]
        content = message.get("content")
        if isinstance(content, str):
            found.append(content)
        elif content is None and message.get("tool_calls"):
            continue
        else:
            found += _parts(typed(content, list, f"{at}.content", "an array"), f"{at}.content", role, read_part)
    turn.end()
    return _seen(found, outline)


def check_responses(body: dict[str, Any], images: Images, *, models: tuple[str, ...], extra: frozenset[str]) -> Seen:
    """Checks a body of POST /responses."""
    unknown(body, RESPONSES_FIELDS | extra)
    _model(body, models)
    _numbers(body)
    reasoning = typed(body.get("reasoning") or {}, dict, "reasoning", "an object")
    unknown(reasoning, frozenset({"context", "effort", "generate_summary", "mode", "summary"}), "reasoning.")
    _reasoning_rules(body, reasoning.get("effort"), "reasoning.effort")
    check_tools(body, lambda tool, at: tool)
    check_format((body.get("text") or {}).get("format"), "text.format", nested=False)
    for name in body.get("include") or ():
        if name != "reasoning.encrypted_content":
            raise bad(f"Invalid value: '{name}'.", "include")

    def read_part(part: dict[str, Any], at: str, role: str) -> str | SentImage:
        kind = part.get("type")
        if kind == ("output_text" if role == "assistant" else "input_text"):
            return str(typed(part.get("text"), str, f"{at}.text", "a string"))
        if kind == "input_image" and role == "user":
            unknown(part, frozenset({"type", "image_url", "detail", "file_id"}), at + ".")
            url = typed(part.get("image_url"), str, f"{at}.image_url", "a string")
            return images.read(url, f"{at}.image_url", part.get("detail"))
        raise bad(f"Invalid value: '{kind}' in a message of role '{role}'.", f"{at}.type")

    if "input" not in body:
        raise bad("Missing required parameter: 'input'.", "input", "missing_required_parameter")
    found: list[str | SentImage] = []
    if isinstance(body.get("instructions"), str):
        found.append(body["instructions"])
    if isinstance(body["input"], str):
        return _seen([*found, body["input"]], ["user"])
    items = ItemOrder()
    outline: list[str] = []
    for i, item in enumerate(typed(body["input"], list, "input", "an array")):
        at = f"input[{i}]"
        kind = typed(item, dict, at, "an object").get("type", "message")
        if kind != "message":
            outline.append(items.step(item, kind, at))
            if kind == "function_call_output" and isinstance(item.get("output"), str):
                found.append(item["output"])
            elif kind == "function_call_output":
                output = typed(item.get("output"), list, f"{at}.output", "an array")
                found += _parts(output, f"{at}.output", "user", read_part)
            continue
        unknown(item, frozenset({"type", "role", "content", "status"}), at + ".")
        role = item.get("role")
        if role not in ("system", "developer", "user", "assistant"):
            raise bad(f"Invalid value: '{role}'.", f"{at}.role")
        outline.append(role)
        content = item.get("content")
        if isinstance(content, str):
            found.append(content)
        else:
            found += _parts(typed(content, list, f"{at}.content", "an array"), f"{at}.content", role, read_part)
    items.end()
    return _seen(found, outline)
