"""What failures of all HTTP providers have in common: waits that servers ask for, lost connections, keys kept out."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime

from comic_eval.errors import RetryableError

KEY_LIKE = re.compile(r"\bsk-[A-Za-z0-9_*-]{6,}|\bAIza[A-Za-z0-9_-]{10,}|\bBearer\s+\S+", re.IGNORECASE)
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


def connection_error(error: BaseException, redact: Redactor) -> RetryableError:
    """The error that a request without an answer stands for: no connection, a reset, or a time-out."""
    # The client's transport calls every lost connection a time-out; the innermost cause knows better.
    while error.__cause__ is not None and not isinstance(error.__cause__, asyncio.CancelledError):
        error = error.__cause__
    if {"TimeoutError", "TimeoutException"} & {kind.__name__ for kind in type(error).__mro__}:
        return RetryableError("the server did not answer in time", cause="timeout")
    detail = redact(str(error) or type(error).__name__)
    return RetryableError(f"the connection failed: {detail}", cause="connection")
