"""What can go wrong between a client and the Gemini API, and how it looks on the wire."""

from __future__ import annotations

import asyncio
import email.utils
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from aiohttp import web

from support.gemini_replies import GeminiReply
from support.gemini_schema import ApiError
from support.openai_faults import json_response

GeminiFaultKind = Literal[
    "rate_limit",  # 429, with Retry-After or RetryInfo where given
    "daily_quota",  # 429 for a quota by the day: waiting does not help
    "http",  # any other status, as the API's error object
    "html",  # any status, as a proxy's HTML page
    "broken_error",  # any status, with half an error object
    "context_length",  # 400, too many tokens
    "bad_key",  # 400 API_KEY_INVALID
    "timeout",  # never answers
    "disconnect",  # closes before any header
    "reset",  # resets the connection in the middle of the body
    "malformed",  # 200 with a body that is no JSON
    "not_unicode",  # 200 with a body that is no UTF-8
    "not_an_object",  # 200 with JSON of another shape
    "empty_candidates",  # 200 without candidates and without a reason
    "prompt_blocked",  # 200, the prompt was stopped by a safety filter
    "safety",  # 200, the answer was
    "recitation",  # 200, the answer was stopped as a copy of a source
    "no_content",  # 200, STOP without any part
    "length",  # 200, cut off at maxOutputTokens
    "drip",  # 200, correct but slow: the body comes in small pieces over `seconds`
]


@dataclass(frozen=True)
class GeminiFault:
    """One thing that goes wrong.

    Attributes:
        status: for ``http``, ``html`` and ``broken_error``.
        retry_after: seconds, or a moment that is sent as an HTTP date.
        retry_delay: the RetryInfo of the error's details, such as ``"34.5s"``.
        message: replaces the error's message.
        seconds: how long a ``drip`` takes.
    """

    kind: GeminiFaultKind
    status: int = 500
    retry_after: float | datetime | str | None = None
    retry_delay: str | None = None
    message: str | None = None
    seconds: float = 1.0


def _headers(fault: GeminiFault) -> dict[str, str]:
    if isinstance(fault.retry_after, datetime):
        return {"Retry-After": email.utils.format_datetime(fault.retry_after, usegmt=True)}
    return {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}


def _quota(quota_id: str, fault: GeminiFault) -> list[dict[str, Any]]:
    google = "type.googleapis.com/google.rpc"
    violation = {"quotaMetric": "generativelanguage.googleapis.com/requests", "quotaId": quota_id, "quotaValue": "10"}
    details: list[dict[str, Any]] = [{"@type": f"{google}.QuotaFailure", "violations": [violation]}]
    if fault.retry_delay is not None:
        details.append({"@type": f"{google}.RetryInfo", "retryDelay": fault.retry_delay})
    return details


async def _rate_limit(request: web.Request, fault: GeminiFault) -> web.Response:
    by = "PerDay" if fault.kind == "daily_quota" else "PerMinute"
    details = _quota(f"GenerateRequests{by}PerProjectPerModel-FreeTier", fault)
    error = ApiError(429, fault.message or "You exceeded your current quota, please check your plan.", details)
    return json_response(error.body, 429, _headers(fault))


async def _http(request: web.Request, fault: GeminiFault) -> web.Response:
    return json_response(ApiError(fault.status, fault.message or "It failed.").body, fault.status, _headers(fault))


async def _html(request: web.Request, fault: GeminiFault) -> web.Response:
    page = f"<html><body><h1>{fault.status}</h1>{fault.message or ''}</body></html>"
    return web.Response(text=page, status=fault.status, content_type="text/html")


async def _broken_error(request: web.Request, fault: GeminiFault) -> web.Response:
    return web.Response(body=b'{"error": {"cod', status=fault.status, content_type="application/json")


async def _context_length(request: web.Request, fault: GeminiFault) -> web.Response:
    message = "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."
    return json_response(ApiError(400, message).body, 400)


async def _bad_key(request: web.Request, fault: GeminiFault) -> web.Response:
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
    message = fault.message or "API key not valid. Please pass a valid API key."
    return json_response(ApiError(400, message, [info]).body, 400)


async def _timeout(request: web.Request, fault: GeminiFault) -> web.Response:
    await asyncio.Event().wait()
    raise AssertionError("unreachable: the client or the server's end cancels the wait")


async def _disconnect(request: web.Request, fault: GeminiFault) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def _malformed(request: web.Request, fault: GeminiFault) -> web.Response:
    return web.Response(body=b'{"candidates": [{"content": {"par', content_type="application/json")


async def _not_unicode(request: web.Request, fault: GeminiFault) -> web.Response:
    return web.Response(body=b'{"candidates": "\xff\xfe"}', content_type="application/json", charset="utf-8")


async def _not_an_object(request: web.Request, fault: GeminiFault) -> web.Response:
    return json_response(["an", "array"])


async def _empty_candidates(request: web.Request, fault: GeminiFault) -> web.Response:
    return json_response({"usageMetadata": {"promptTokenCount": 5}, "modelVersion": "mock"})


async def _prompt_blocked(request: web.Request, fault: GeminiFault) -> web.Response:
    rating = {"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "HIGH", "blocked": True}
    feedback = {"blockReason": "SAFETY", "safetyRatings": [rating]}
    return json_response({"promptFeedback": feedback, "usageMetadata": {"promptTokenCount": 5}})


FAILURES: dict[str, Callable[[web.Request, GeminiFault], Awaitable[web.StreamResponse]]] = {
    "rate_limit": _rate_limit,
    "daily_quota": _rate_limit,
    "http": _http,
    "html": _html,
    "broken_error": _broken_error,
    "context_length": _context_length,
    "bad_key": _bad_key,
    "timeout": _timeout,
    "disconnect": _disconnect,
    "malformed": _malformed,
    "not_unicode": _not_unicode,
    "not_an_object": _not_an_object,
    "empty_candidates": _empty_candidates,
    "prompt_blocked": _prompt_blocked,
}


def changed(reply: GeminiReply, fault: GeminiFault | None) -> GeminiReply:
    """The reply with what a fault does to an answer that is otherwise fine."""
    match fault.kind if fault else None:
        case "safety" | "recitation":
            return GeminiReply(finish_reason=str(fault.kind).upper() if fault else None)
        case "no_content":
            return GeminiReply()
        case "length":
            return replace(reply, text=reply.text[: len(reply.text) // 2], finish_reason="MAX_TOKENS")
    return reply
