"""What both OpenAI APIs have in common on the wire: bodies as bytes, and token counts."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import orjson

from comic_eval.errors import RequestError, UserError
from comic_eval.types import EncodedImage, Generation, Request, SamplingParams, ToolCall, Usage

from ._answers import bad_response, count

# These decide what is asked and how the answer is read; an extra_body that names them would falsify the record.
RESERVED = frozenset({"model", "messages", "input", "instructions", "stream", "n", "background"})
# These the user may set, unless the request does.
SHARED = frozenset({"tools", "tool_choice", "response_format", "text", "include"})
REASONING_MODEL = re.compile(r"^(?:openai/)?(?:o\d|gpt-5)(?!.*chat)", re.IGNORECASE)


@dataclass(frozen=True)
class Dialect:
    """How a server wants decoding settings.

    OpenAI's own service has ``max_completion_tokens``; every other server knows ``max_tokens``. OpenAI's reasoning
    models refuse every temperature but their own, so the harness's default of 0 is left out for them; any other
    temperature was chosen by the user and is sent, whatever the server then says.
    """

    max_tokens_field: Literal["max_tokens", "max_completion_tokens"]
    reasoning: bool
    image_detail: str | None = None

    @classmethod
    def of(cls, model: str, host: str, image_detail: str | None) -> Dialect:
        reasoning = REASONING_MODEL.match(model) is not None
        own = host == "api.openai.com" or host.endswith((".openai.com", ".openai.azure.com"))
        field: Literal["max_tokens", "max_completion_tokens"]
        field = "max_completion_tokens" if own or reasoning else "max_tokens"
        return cls(max_tokens_field=field, reasoning=reasoning, image_detail=image_detail)

    def temperature(self, params: SamplingParams) -> float | None:
        return None if self.reasoning and params.temperature == 0 else params.temperature


class Api(Protocol):
    """One of the two APIs, as its module offers it."""

    PATH: str

    def request_body(self, model: str, request: Request, dialect: Dialect) -> bytes: ...

    def read_answer(self, raw: bytes, *, offered: bool) -> Generation: ...


class Body:
    """A request body in the making. Pictures are kept out of the JSON encoder: megabytes of base64 are copied once."""

    # Nobody can guess it, so no text of a data set can pass for a picture's place.
    _SLOT = b'"' + secrets.token_hex(16).encode() + b'"'

    def __init__(self) -> None:
        self._urls: list[bytes] = []

    def image_url(self, image: EncodedImage) -> orjson.Fragment:
        """The place of a picture's data URL. Places must be encoded in the order in which they were asked for."""
        self._urls.append(image.data_url)
        return orjson.Fragment(self._SLOT)

    def encode(self, fields: dict[str, Any], extra: Mapping[str, Any]) -> bytes:
        """The body as JSON without its null fields, with ``extra`` merged at the top level.

        Raises:
            UserError: ``extra`` names a field that is not the user's to set.
            RequestError: the text cannot be sent (a lone surrogate is no Unicode).
        """
        fields = {k: v for k, v in fields.items() if v is not None}
        if taken := (RESERVED | SHARED & fields.keys()) & extra.keys():
            raise UserError(f"extra_body may not set {', '.join(sorted(taken))}: comic-eval sets it; remove it there")
        try:
            outline = orjson.dumps({**fields, **extra})
        except orjson.JSONEncodeError as error:
            raise RequestError(f"the request is no valid JSON: {error}", cause="bad_request") from None
        first, *rest = outline.split(self._SLOT)
        return b"".join(
            [first, *(p for url, text in zip(self._urls, rest, strict=True) for p in (b'"', url, b'"', text))]
        )


def answer_format(request: Request) -> dict[str, Any] | None:
    """The schema that the answer must follow, named as both APIs want it; None where the request has none."""
    if request.response_schema is None:
        return None
    return {"name": "answer", "strict": True, "schema": request.response_schema}


def read_call(call_id: Any, name: Any, arguments: Any, opaque: str | None = None) -> ToolCall:
    """One tool call of an answer; ``arguments`` stays the text that the model wrote, valid JSON or not."""
    if not (isinstance(call_id, str) and isinstance(name, str) and isinstance(arguments, str)):
        bad_response("a tool call lacks id, name or arguments")
    return ToolCall(id=call_id, name=name, arguments=arguments, opaque=opaque)


def read_usage(data: dict[str, Any], inputs: str, outputs: str) -> Usage:
    """Token counts under the names of one API (``prompt``/``completion`` or ``input``/``output``).

    Counts that are missing or make no sense are None: the answer is no worse for them.
    """
    usage = data.get("usage")

    def detail(side: str, name: str) -> int | None:
        return count(usage.get(f"{side}_tokens_details"), name) if isinstance(usage, dict) else None

    return Usage(
        input_tokens=count(usage, f"{inputs}_tokens"),
        output_tokens=count(usage, f"{outputs}_tokens"),
        cached_tokens=detail(inputs, "cached_tokens"),
        image_tokens=detail(inputs, "image_tokens"),
        reasoning_tokens=detail(outputs, "reasoning_tokens"),
    )
