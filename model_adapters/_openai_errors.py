"""Turns an error answer of an OpenAI-compatible server into a `RequestError` that tells the truth."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from comic_eval.errors import RequestError, RetryableError

from ._http_errors import Redactor, retry_after

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
