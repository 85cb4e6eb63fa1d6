"""What both OpenAI APIs have in common on the wire: bodies as bytes and strict reading of answers."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

import orjson

from comic_eval.errors import RequestError, RetryableError, UserError
from comic_eval.types import EncodedImage, SamplingParams, Usage

# These decide what is asked and how the answer is read; an extra_body that names them would falsify the record.
RESERVED = frozenset({"model", "messages", "input", "instructions", "stream", "n", "background"})
REASONING_MODEL = re.compile(r"^(?:openai/)?(?:o\d|gpt-5)(?!.*chat)", re.IGNORECASE)


@dataclass(frozen=True)
class Dialect:
    """How a server wants decoding settings.

    OpenAI's own service has ``max_completion_tokens``; every other server knows ``max_tokens``. OpenAI's reasoning
    models refuse every temperature but their own, so the harness's default of 0 is left out for them; any other
    temperature was chosen by the user and is sent, whatever the server then says.
    """

    max_tokens_field: Literal["max_tokens", "max_completion_tokens"]
    omits_zero_temperature: bool
    image_detail: str | None = None

    @classmethod
    def of(cls, model: str, host: str, image_detail: str | None) -> Dialect:
        reasoning = REASONING_MODEL.match(model) is not None
        own = host == "api.openai.com" or host.endswith((".openai.com", ".openai.azure.com"))
        field: Literal["max_tokens", "max_completion_tokens"]
        field = "max_completion_tokens" if own or reasoning else "max_tokens"
        return cls(max_tokens_field=field, omits_zero_temperature=reasoning, image_detail=image_detail)

    def temperature(self, params: SamplingParams) -> float | None:
        return None if self.omits_zero_temperature and params.temperature == 0 else params.temperature


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
        if taken := RESERVED & extra.keys():
            raise UserError(f"extra_body may not set {', '.join(sorted(taken))}: comic-eval sets it; remove it there")
        try:
            outline = orjson.dumps({**{k: v for k, v in fields.items() if v is not None}, **extra})
        except orjson.JSONEncodeError as error:
            raise RequestError(f"the request is no valid JSON: {error}", cause="bad_request") from None
        first, *rest = outline.split(self._SLOT)
        return b"".join(
            [first, *(p for url, text in zip(self._urls, rest, strict=True) for p in (b'"', url, b'"', text))]
        )


def decode(body: bytes) -> dict[str, Any]:
    """An answer's JSON object.

    Raises:
        RetryableError: no JSON: a broken answer may come whole the next time.
        RequestError: JSON of another shape.
    """
    try:
        data: Any = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RetryableError(f"the answer is no JSON ({error})", cause="bad_response") from None
    if not isinstance(data, dict):
        raise RequestError(f"the answer is a JSON {type(data).__name__}, not an object", cause="bad_response")
    return data


def bad_response(words: str, *, retry: bool = False) -> NoReturn:
    """Raises the error of an answer that breaks the protocol."""
    kind = RetryableError if retry else RequestError
    raise kind(f"the answer breaks the protocol: {words}", cause="bad_response")


def text_or_none(value: Any, where: str) -> str | None:
    """``value`` if it is text or null; anything else breaks the protocol."""
    if value is not None and not isinstance(value, str):
        bad_response(f"{where} is a JSON {type(value).__name__}")
    return value


def objects(value: Any, where: str) -> list[dict[str, Any]]:
    """``value`` if it is a list of objects; anything else breaks the protocol."""
    if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
        bad_response(f"{where} is no list of objects")
    return value


def read_usage(data: dict[str, Any], inputs: str, outputs: str) -> Usage:
    """Token counts under the names of one API (``prompt``/``completion`` or ``input``/``output``).

    Counts that are missing or make no sense are None: the answer is no worse for them.
    """
    usage = data.get("usage")

    def count(source: Any, name: str) -> int | None:
        value = source.get(name) if isinstance(source, dict) else None
        return value if type(value) is int and value >= 0 else None

    def detail(side: str, name: str) -> int | None:
        return count(usage.get(f"{side}_tokens_details"), name) if isinstance(usage, dict) else None

    return Usage(
        input_tokens=count(usage, f"{inputs}_tokens"),
        output_tokens=count(usage, f"{outputs}_tokens"),
        cached_tokens=detail(inputs, "cached_tokens"),
        image_tokens=detail(inputs, "image_tokens"),
        reasoning_tokens=detail(outputs, "reasoning_tokens"),
    )
