"""What can go wrong between a client and the OpenAI API, and how it looks on the wire."""

from __future__ import annotations

import asyncio
import email.utils
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, Protocol

import orjson
from aiohttp import web

from support.openai_replies import Reply
from support.openai_tools import ApiError

FaultKind = Literal[
    "rate_limit",  # 429, with Retry-After where given
    "quota",  # 429 insufficient_quota: waiting does not help
    "http",  # any other status, as the API's error object
    "html",  # any status, as a proxy's HTML page
    "context_length",  # 400 context_length_exceeded
    "content_policy",  # 400, the prompt was refused by a filter
    "timeout",  # never answers
    "disconnect",  # closes before any header
    "reset",  # resets the connection in the middle of the body
    "malformed",  # 200 with a body that is no JSON
    "not_an_object",  # 200 with JSON of another shape
    "empty_choices",  # 200 without choices (Chat) or output (Responses)
    "null_content",  # 200 with content null
    "content_filter",  # 200, the answer was cut by a filter
    "length",  # 200, the answer was cut at max_tokens
    "drip",  # 200, correct but slow: the body comes in small pieces over `seconds`
]


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        status: for ``http`` and ``html``.
        retry_after: seconds, or a moment that is sent as an HTTP date; ``retry_after_ms`` is OpenAI's own header.
        message: replaces the error's message.
        seconds: how long a ``drip`` takes.
    """

    kind: FaultKind
    status: int = 500
    retry_after: float | datetime | str | None = None
    retry_after_ms: int | None = None
    message: str | None = None
    seconds: float = 1.0


def json_response(body: object, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """An answer as the API writes it."""
    return web.Response(body=orjson.dumps(body), status=status, headers=headers, content_type="application/json")


class Pieces(Protocol):
    """What `in_pieces` reads of a fault: ``reset`` breaks off, everything else takes ``seconds``."""

    @property
    def kind(self) -> str: ...

    @property
    def seconds(self) -> float: ...


async def in_pieces(request: web.Request, body: bytes, fault: Pieces) -> web.StreamResponse:
    """Sends a good body in a bad way: broken off by a reset, or slowly."""
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(body))})
    await response.prepare(request)
    if fault.kind == "reset":
        await response.write(body[: len(body) // 2])
        transport = request.transport
        assert transport is not None
        # Linger 0 turns the close into a TCP reset.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        return response
    step = max(1, len(body) // 20)
    for start in range(0, len(body), step):
        await response.write(body[start : start + step])
        await asyncio.sleep(fault.seconds / 20)
    await response.write_eof()
    return response


async def _rate_limit(request: web.Request, fault: Fault) -> web.Response:
    error = ApiError(429, fault.message or "Rate limit reached for requests.", code="rate_limit_exceeded")
    headers = {}
    if isinstance(fault.retry_after, datetime):
        headers["Retry-After"] = email.utils.format_datetime(fault.retry_after, usegmt=True)
    elif fault.retry_after is not None:
        headers["Retry-After"] = str(fault.retry_after)
    if fault.retry_after_ms is not None:
        headers["retry-after-ms"] = str(fault.retry_after_ms)
    return json_response(error.body, 429, headers)


async def _quota(request: web.Request, fault: Fault) -> web.Response:
    error = ApiError(429, "You exceeded your current quota, please check your plan.", code="insufficient_quota")
    return json_response(error.body, 429)


async def _http(request: web.Request, fault: Fault) -> web.Response:
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    return json_response(ApiError(fault.status, fault.message or "It failed.").body, fault.status, headers)


async def _html(request: web.Request, fault: Fault) -> web.Response:
    page = f"<html><body><h1>{fault.status}</h1>{fault.message or ''}</body></html>"
    return web.Response(text=page, status=fault.status, content_type="text/html")


async def _context_length(request: web.Request, fault: Fault) -> web.Response:
    message = "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens."
    return json_response(ApiError(400, message, param="messages", code="context_length_exceeded").body, 400)


async def _content_policy(request: web.Request, fault: Fault) -> web.Response:
    error = ApiError(400, "The prompt was refused by the content filter.", code="content_policy_violation")
    return json_response(error.body, 400)


async def _timeout(request: web.Request, fault: Fault) -> web.Response:
    await asyncio.Event().wait()
    raise AssertionError("unreachable: the client or the server's end cancels the wait")


async def _disconnect(request: web.Request, fault: Fault) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def _malformed(request: web.Request, fault: Fault) -> web.Response:
    return web.Response(body=b'{"id": "chatcmpl-1", "choices": [{"mess', content_type="application/json")


async def _not_an_object(request: web.Request, fault: Fault) -> web.Response:
    return json_response(["an", "array"])


FAILURES: dict[str, Callable[[web.Request, Fault], Awaitable[web.StreamResponse]]] = {
    "rate_limit": _rate_limit,
    "quota": _quota,
    "http": _http,
    "html": _html,
    "context_length": _context_length,
    "content_policy": _content_policy,
    "timeout": _timeout,
    "disconnect": _disconnect,
    "malformed": _malformed,
    "not_an_object": _not_an_object,
}


def changed(reply: Reply, fault: Fault | None) -> Reply:
    """The reply with what a fault does to an answer that is otherwise fine."""
    if fault is None or fault.kind not in ("null_content", "content_filter", "length"):
        return reply
    if fault.kind == "null_content":
        return replace(reply, text=None)
    text = reply.text or ""
    return replace(reply, text=text[: len(text) // 2], finish_reason=fault.kind)
