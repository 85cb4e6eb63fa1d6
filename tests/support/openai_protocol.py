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


class ApiError(Exception):
    """An error answer: ``{"error": {"message", "type", "param", "code"}}`` with its HTTP status."""

    def __init__(self, status: int, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        kinds = {401: "invalid_request_error", 429: "requests", 500: "server_error", 503: "server_error"}
        self.body = {
            "error": {
                "message": message,
                "type": kinds.get(status, "invalid_request_error"),
                "param": param,
                "code": code,
            }
        }


@dataclass(frozen=True)
class SentImage:
    """A picture as it arrived: ``size`` in pixels, ``n_bytes`` and ``sha256`` of the encoded file."""

    size: tuple[int, int]
    media_type: str
    n_bytes: int
    sha256: str
    detail: str | None = None

    @property
    def tokens(self) -> int:
        return math.ceil(self.size[0] * self.size[1] / 784)


@dataclass(frozen=True)
class Seen:
    """What a request showed the model: all text in order (a picture leaves no trace in it), and the pictures."""

    text: str
    images: tuple[SentImage, ...]

    @property
    def tokens(self) -> int:
        return len(self.text.split()) + sum(i.tokens for i in self.images)


def _bad(message: str, param: str, code: str = "invalid_value") -> ApiError:
    return ApiError(400, message, param=param, code=code)


def _typed(value: Any, kinds: type | tuple[type, ...], param: str, what: str) -> Any:
    if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
        raise _bad(f"Invalid type for '{param}': expected {what}.", param, "invalid_type")
    return value


class Images:
    """Decodes data URLs once: equal pictures are looked up by digest, so that a benchmark measures its client."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[int, int], str, int]] = {}

    def read(self, url: str, param: str, detail: str | None) -> SentImage:
        if url.startswith(("http://", "https://")):
            raise _bad("Failed to download image: this server has no network.", param, "invalid_image_url")
        match = DATA_URL.match(url)
        if not match:
            raise _bad(
                f"Invalid '{param}'. Expected a base64-encoded data URL with an image MIME type.", param, "invalid_url"
            )
        digest = hashlib.sha256(url.encode()).hexdigest()
        if digest not in self._known:
            try:
                data = base64.b64decode(url[match.end() :], validate=True)
            except binascii.Error:
                raise _bad("Invalid base64 image_url.", param, "invalid_base64") from None
            try:
                with Image.open(io.BytesIO(data)) as image:
                    image.load()
                    found, size = image.format, image.size
            except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
                raise _bad("You uploaded an unsupported image.", param, "invalid_image_format") from None
            if found != FORMATS[match[1]]:
                raise _bad(f"The image is {found}, but was declared {match[1]}.", param, "invalid_image_format")
            self._known[digest] = (size, hashlib.sha256(data).hexdigest(), len(data))
        size, sha256, n_bytes = self._known[digest]
        if detail is not None and detail not in DETAILS:
            raise _bad(f"Invalid value: '{detail}'. Supported values are: {', '.join(DETAILS)}.", param)
        return SentImage(size=size, media_type=match[1], n_bytes=n_bytes, sha256=sha256, detail=detail)


def _unknown(body: dict[str, Any], known: frozenset[str], prefix: str = "") -> None:
    for key in body:
        if key not in known:
            raise _bad(f"Unknown parameter: '{prefix}{key}'.", prefix + key, "unknown_parameter")


def _numbers(body: dict[str, Any]) -> None:
    for key, low, high in (("temperature", 0, 2), ("top_p", 0, 1)):
        value = body.get(key)
        if value is not None and not low <= _typed(value, (int, float), key, "a decimal") <= high:
            raise _bad(f"Invalid '{key}': {value} is outside [{low}, {high}].", key, "decimal_out_of_range")
    for key, least in (("max_tokens", 1), ("max_completion_tokens", 1), ("max_output_tokens", 16)):
        value = body.get(key)
        if value is not None and _typed(value, int, key, "an integer") < least:
            raise _bad(f"Invalid '{key}': integer below minimum value {least}.", key, "integer_below_min_value")
    if body.get("seed") is not None:
        _typed(body["seed"], int, "seed", "an integer")


def _reasoning_rules(body: dict[str, Any], effort: Any, param: str) -> None:
    if effort is not None and effort not in EFFORTS:
        raise _bad(f"Invalid value: {effort!r}. Supported values are: {', '.join(EFFORTS)}.", param)
    model = body["model"]
    if not REASONING_MODEL.match(model):
        if effort is not None and model.startswith("gpt-"):
            raise _bad(f"Unsupported parameter: '{param}' is not supported with this model.", param)
        return
    if "max_tokens" in body:
        raise _bad(
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead.",
            "max_tokens",
            "unsupported_parameter",
        )
    for key in ("temperature", "top_p"):
        if body.get(key) not in (None, 1):
            raise _bad(
                f"Unsupported value: '{key}' does not support {body[key]} with this model. Only the default (1) value "
                "is supported.",
                key,
                "unsupported_value",
            )


def _model(body: dict[str, Any], models: tuple[str, ...]) -> None:
    if "model" not in body:
        raise ApiError(400, "you must provide a model parameter")
    model = _typed(body["model"], str, "model", "a string")
    if models and model not in models:
        raise ApiError(404, f"The model `{model}` does not exist or you do not have access to it.", param=None,
                       code="model_not_found")  # fmt: skip


def _parts(
    content: list[Any], where: str, role: str, read_part: Callable[[dict[str, Any], str, str], str | SentImage]
) -> Iterator[str | SentImage]:
    if not content:
        raise _bad(f"Invalid '{where}': empty array.", where, "empty_array")
    for i, part in enumerate(content):
        at = f"{where}[{i}]"
        yield read_part(_typed(part, dict, at, "an object"), at, role)


def _seen(found: list[str | SentImage]) -> Seen:
    return Seen(
        text="\n".join(f for f in found if isinstance(f, str)),
        images=tuple(f for f in found if isinstance(f, SentImage)),
    )


def check_chat(body: dict[str, Any], images: Images, *, models: tuple[str, ...], extra: frozenset[str]) -> Seen:
    """Checks a body of POST /chat/completions.

    Args:
        extra: top-level fields allowed besides the API's own, as servers with options of their own have them.
    """
    _unknown(body, CHAT_FIELDS | extra)
    _model(body, models)
    _numbers(body)
    _reasoning_rules(body, body.get("reasoning_effort"), "reasoning_effort")

    def read_part(part: dict[str, Any], at: str, role: str) -> str | SentImage:
        kind = part.get("type")
        if kind == "text":
            _unknown(part, frozenset({"type", "text"}), at + ".")
            return str(_typed(part.get("text"), str, f"{at}.text", "a string"))
        if kind == "image_url" and role == "user":
            _unknown(part, frozenset({"type", "image_url"}), at + ".")
            image = _typed(part.get("image_url"), dict, f"{at}.image_url", "an object")
            _unknown(image, frozenset({"url", "detail"}), f"{at}.image_url.")
            url = _typed(image.get("url"), str, f"{at}.image_url.url", "a string")
            return images.read(url, f"{at}.image_url.url", image.get("detail"))
        raise _bad(f"Invalid value: '{kind}' in a message of role '{role}'.", f"{at}.type")

    if "messages" not in body:
        raise _bad("Missing required parameter: 'messages'.", "messages", "missing_required_parameter")
    found: list[str | SentImage] = []
    waiting: set[str] = set()
    if not _typed(body["messages"], list, "messages", "an array"):
        raise _bad("Invalid 'messages': empty array.", "messages", "empty_array")
    for i, message in enumerate(body["messages"]):
        at = f"messages[{i}]"
        known = frozenset({"role", "content", "name", "tool_calls", "tool_call_id"})
        _unknown(_typed(message, dict, at, "an object"), known, at + ".")
        role = message.get("role")
        if role not in ("system", "developer", "user", "assistant", "tool"):
            raise _bad(f"Invalid value: '{role}'.", f"{at}.role")
        waiting = _tool_turn(message, role, waiting, at)
        content = message.get("content")
        if isinstance(content, str):
            found.append(content)
        elif content is None and message.get("tool_calls"):
            continue
        else:
            found += _parts(_typed(content, list, f"{at}.content", "an array"), f"{at}.content", role, read_part)
    return _seen(found)


def _tool_turn(message: dict[str, Any], role: str, waiting: set[str], at: str) -> set[str]:
    """Every tool call must be answered at once, and only a call can be answered. Returns the calls still open."""
    if role == "tool":
        if message.get("tool_call_id") not in waiting:
            raise _bad("Messages with role 'tool' must be a response to a preceding message with 'tool_calls'.", at)
        return waiting - {message["tool_call_id"]}
    if waiting:
        raise _bad(f"An assistant message with 'tool_calls' must be followed by tool messages for {waiting}.", at)
    calls = message.get("tool_calls")
    if calls is None:
        return set()
    for i, call in enumerate(_typed(calls, list, f"{at}.tool_calls", "an array")):
        where = f"{at}.tool_calls[{i}]"
        _unknown(_typed(call, dict, where, "an object"), frozenset({"id", "type", "function"}), where + ".")
        _tool_fields(call.get("function"), where + ".function")
    return {str(call["id"]) for call in calls}


def _tool_fields(function: Any, where: str) -> None:
    _typed(function, dict, where, "an object")
    for key in ("name", "arguments"):
        _typed(function.get(key), str, f"{where}.{key}", "a string")


def check_responses(body: dict[str, Any], images: Images, *, models: tuple[str, ...], extra: frozenset[str]) -> Seen:
    """Checks a body of POST /responses."""
    _unknown(body, RESPONSES_FIELDS | extra)
    _model(body, models)
    _numbers(body)
    reasoning = _typed(body.get("reasoning") or {}, dict, "reasoning", "an object")
    _unknown(reasoning, frozenset({"context", "effort", "generate_summary", "mode", "summary"}), "reasoning.")
    _reasoning_rules(body, reasoning.get("effort"), "reasoning.effort")

    def read_part(part: dict[str, Any], at: str, role: str) -> str | SentImage:
        kind = part.get("type")
        if kind == ("output_text" if role == "assistant" else "input_text"):
            return str(_typed(part.get("text"), str, f"{at}.text", "a string"))
        if kind == "input_image" and role == "user":
            _unknown(part, frozenset({"type", "image_url", "detail", "file_id"}), at + ".")
            url = _typed(part.get("image_url"), str, f"{at}.image_url", "a string")
            return images.read(url, f"{at}.image_url", part.get("detail"))
        raise _bad(f"Invalid value: '{kind}' in a message of role '{role}'.", f"{at}.type")

    if "input" not in body:
        raise _bad("Missing required parameter: 'input'.", "input", "missing_required_parameter")
    found: list[str | SentImage] = []
    if isinstance(body.get("instructions"), str):
        found.append(body["instructions"])
    if isinstance(body["input"], str):
        return _seen([*found, body["input"]])
    called: set[str] = set()
    for i, item in enumerate(_typed(body["input"], list, "input", "an array")):
        at = f"input[{i}]"
        if isinstance(item, dict) and item.get("type") == "function_call":
            _tool_fields(item, at)
            called.add(_typed(item.get("call_id"), str, f"{at}.call_id", "a string"))
            continue
        if isinstance(item, dict) and item.get("type") == "function_call_output":
            if item.get("call_id") not in called:
                raise _bad(f"No tool call found for function call output with call_id {item.get('call_id')}.", at)
            output = item.get("output")
            if isinstance(output, str):
                found.append(output)
            else:
                output = _typed(output, list, f"{at}.output", "an array")
                found += _parts(output, f"{at}.output", "user", read_part)
            continue
        _unknown(_typed(item, dict, at, "an object"), frozenset({"type", "role", "content", "status"}), at + ".")
        role = item.get("role")
        if role not in ("system", "developer", "user", "assistant"):
            raise _bad(f"Invalid value: '{role}'.", f"{at}.role")
        content = item.get("content")
        if isinstance(content, str):
            found.append(content)
        else:
            found += _parts(_typed(content, list, f"{at}.content", "an array"), f"{at}.content", role, read_part)
    return _seen(found)
