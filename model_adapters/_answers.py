"""Strict reading of a server's JSON answer: what breaks the protocol is a failure, never a guess."""

from __future__ import annotations

from typing import Any, NoReturn

import orjson

from comic_eval.errors import RequestError, RetryableError


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


def count(source: Any, name: str) -> int | None:
    """A number of tokens; None where it is missing or makes no sense, since the answer is no worse for it."""
    value = source.get(name) if isinstance(source, dict) else None
    return value if type(value) is int and value >= 0 else None
