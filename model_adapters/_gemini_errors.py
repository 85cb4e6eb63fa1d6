"""Turns an error answer of the Gemini API into a `RequestError` that tells the truth."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from comic_eval.errors import RequestError, RetryableError

from ._http_errors import Redactor, retry_after

RETRYABLE = frozenset({408, 409, 425, 429, 499})
TOO_LONG = re.compile(r"token count .*exceeds|exceeds the maximum number of tokens|input is too long", re.IGNORECASE)
TAG = re.compile(r"<[^>]*>")
DURATION = re.compile(r"(\d+(?:\.\d+)?)s")


def _details(error: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    details = error.get("details")
    return (d for d in (details if isinstance(details, list) else ()) if isinstance(d, dict))


def _retry_delay(error: Mapping[str, Any]) -> float | None:
    """Seconds of a ``google.rpc.RetryInfo`` in the error's details, written ``"34.07s"``."""
    for detail in _details(error):
        if match := DURATION.fullmatch(str(detail.get("retryDelay", ""))):
            return float(match[1])
    return None


def _daily_quota(error: Mapping[str, Any]) -> bool:
    """Whether a quota by the day is used up: waiting seconds does not help, whatever the RetryInfo says."""
    for detail in _details(error):
        violations = detail.get("violations")
        for violation in violations if isinstance(violations, list) else ():
            if isinstance(violation, dict) and "PerDay" in str(violation.get("quotaId", "")):
                return True
    return False


def status_error(status: int, headers: Mapping[str, str], body: Any, redact: Redactor) -> RequestError:
    """The error that an HTTP status other than 200 stands for.

    Args:
        body: the answer's JSON; for other answers ``{"message": text}``, as the SDK has it.
    """
    error = body.get("error", body) if isinstance(body, dict) else body
    error = error if isinstance(error, dict) else {"message": error}
    words = " ".join(TAG.sub(" ", str(error.get("message") or "")).split())
    message = redact(f"HTTP {status}: {words}" if words else f"HTTP {status}")
    reasons = {d.get("reason") for d in _details(error)}
    if 300 <= status < 400:
        target = redact(headers.get("location", "elsewhere"))
        return RequestError(f"HTTP {status}: the server redirects to {target}; use that as base_url",
                            cause=f"http_{status}", status=status)  # fmt: skip
    if status in (401, 403) or "API_KEY_INVALID" in reasons or "API key not valid" in words:
        return RequestError(message, cause="auth", status=status)
    if status == 429 and _daily_quota(error):
        return RequestError(message, cause="quota", status=status)
    if status < 500 and status != 429 and TOO_LONG.search(words):
        return RequestError(message, cause="context_length", status=status)
    if status == 404 and re.search(r"models?\b.*not found|not supported for generateContent", words):
        return RequestError(message, cause="model_not_found", status=status)
    cause = {429: "rate_limit", 408: "timeout"}.get(status, f"http_{status}")
    if status in RETRYABLE or status >= 500:
        waits = [w for w in (retry_after(headers), _retry_delay(error)) if w is not None]
        return RetryableError(message, cause=cause, status=status, retry_after=max(waits, default=None))
    return RequestError(message, cause=cause, status=status)
