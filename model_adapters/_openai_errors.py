"""Turns what an OpenAI-compatible server (or the way to it) did wrong into a `RequestError` that tells the truth."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from comic_eval.errors import RequestError, RetryableError

# Statuses that a later attempt may cure, as in OpenAI's own client; so does everything from 500 on.
RETRYABLE = frozenset({408, 409, 425, 429})
QUOTA_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
CONTENT_CODES = frozenset({"content_filter", "content_policy_violation"})
# Only OpenAI gives a code for it; vLLM, SGLang, llama.cpp and others say it in words.
CONTEXT_WORDS = re.compile(
    r"context[ _](?:length|size|window)|maximum context|max_model_len|too many tokens|(?:prompt|input) is too long"
    r"|longer than the (?:model|maximum)|exceed_context_size",
    re.IGNORECASE,
)
MODEL_WORDS = re.compile(
    r"\bmodel\b.*(?:does not exist|not found|not exist)|model_not_found", re.IGNORECASE | re.DOTALL
)
KEY_LIKE = re.compile(r"\bsk-[A-Za-z0-9_*-]{6,}|\bBearer\s+\S+", re.IGNORECASE)
LONGEST_MESSAGE = 400


class Redactor:
    """Takes keys out of texts that came from a server: some repeat the key that they refuse."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = tuple(sorted({s for s in secrets if len(s) >= 4}, key=len, reverse=True))

    def __call__(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "[key]")
        text = KEY_LIKE.sub("[key]", text)
        return text if len(text) <= LONGEST_MESSAGE else text[:LONGEST_MESSAGE] + " ..."


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds to wait as the server asked: ``retry-after-ms``, or ``Retry-After`` in seconds or as an HTTP date.

    Args:
        now: seconds since 1970; the present by default.
    """
    for name, scale in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers[name]) / scale
        except (KeyError, ValueError):
            continue
        # A NaN fails this comparison too.
        return seconds if 0 <= seconds < 1e9 else None
    try:
        moment = parsedate_to_datetime(headers["retry-after"]).timestamp()
    except (KeyError, ValueError, OverflowError):
        return None
    return max(0.0, moment - (time.time() if now is None else now))


def _error_object(body: bytes) -> tuple[str, str]:
    """Code and message of an error body, whichever of the common shapes it has."""
    try:
        data: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        text = re.sub(r"<[^>]*>", " ", body[:4000].decode("utf-8", "replace"))
        return "", " ".join(text.split())
    error = data.get("error", data) if isinstance(data, dict) else data
    if not isinstance(error, dict):
        return "", str(error)
    code = error.get("code") or error.get("type") or ""
    return str(code), str(error.get("message") or error.get("detail") or error)


def status_error(status: int, headers: Mapping[str, str], body: bytes, redact: Redactor) -> RequestError:
    """The error that an HTTP status other than 2xx stands for."""
    code, words = _error_object(body)
    message = redact(f"HTTP {status}: {words}" if words else f"HTTP {status}")
    if 300 <= status < 400:
        target = redact(headers.get("location", "elsewhere"))
        return RequestError(f"HTTP {status}: the server redirects to {target}; use that as base_url",
                            cause=f"http_{status}", status=status)  # fmt: skip
    if status in (401, 403):
        return RequestError(message, cause="auth", status=status)
    if code in QUOTA_CODES:
        return RequestError(message, cause="quota", status=status)
    if status < 500 and code in CONTENT_CODES:
        return RequestError(message, cause="content_filter", status=status)
    if status < 500 and status != 429 and (code == "context_length_exceeded" or CONTEXT_WORDS.search(words)):
        return RequestError(message, cause="context_length", status=status)
    if status == 404 and (code == "model_not_found" or MODEL_WORDS.search(words)):
        return RequestError(message, cause="model_not_found", status=status)
    if status == 404:
        return RequestError(f"{message} (is base_url right? It usually ends in /v1)", cause="http_404", status=404)
    cause = {429: "rate_limit", 408: "timeout"}.get(status, f"http_{status}")
    # OpenAI says so explicitly where a status alone would mislead.
    wanted = headers.get("x-should-retry")
    if wanted == "true" or (wanted != "false" and (status in RETRYABLE or status >= 500)):
        return RetryableError(message, cause=cause, status=status, retry_after=retry_after(headers))
    return RequestError(message, cause=cause, status=status)


def connection_error(error: BaseException, redact: Redactor) -> RetryableError:
    """The error that a request without an answer stands for: no connection, a reset, or a time-out."""
    # The client's transport calls every lost connection a time-out; the innermost cause knows better.
    while error.__cause__ is not None and not isinstance(error.__cause__, asyncio.CancelledError):
        error = error.__cause__
    if {"TimeoutError", "TimeoutException"} & {kind.__name__ for kind in type(error).__mro__}:
        return RetryableError("the server did not answer in time", cause="timeout")
    detail = redact(str(error) or type(error).__name__)
    return RetryableError(f"the connection failed: {detail}", cause="connection")
