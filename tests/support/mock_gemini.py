"""A strict, faithful Gemini API on the loopback interface, with faults on demand (see `gemini_faults`).

In a test::

    with MockGemini(reply="<answer>B</answer>", faults=["rate_limit", None]) as server:
        adapter = create_adapter("gemini:gemini-2.5-flash", base_url=server.base_url)
        ...
        assert [r.outcome for r in server.requests] == ["rate_limit", "answered"]
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import orjson
from aiohttp import web

from support.gemini_faults import FAILURES, GeminiFault, GeminiFaultKind, changed
from support.gemini_protocol import Checker, Seen
from support.gemini_replies import GeminiReply, body_of
from support.gemini_schema import ApiError
from support.loopback import Loopback
from support.openai_faults import in_pieces, json_response


@dataclass
class GeminiRequest:
    """One request as the server saw it: what the model was shown, and what became of it.

    ``outcome`` is ``answered``, the fault's kind or, while it runs, ``pending``.
    """

    index: int
    model: str
    version: str
    headers: dict[str, str]
    seen: Seen
    body: dict[str, Any] = field(repr=False)
    body_sha256: str = ""
    outcome: str = "pending"


ReplyTo: TypeAlias = str | GeminiReply | Callable[[GeminiRequest], str | GeminiReply | Awaitable[str | GeminiReply]]
Faults: TypeAlias = (
    Sequence[GeminiFault | GeminiFaultKind | None] | Callable[[GeminiRequest], GeminiFault | GeminiFaultKind | None]
)


class MockGemini(Loopback):
    """The server; a context manager that runs it in a thread of its own.

    Args:
        reply: the answer's text, a `GeminiReply`, or a (sync or async) callable that makes one from the request.
        faults: the n-th request to arrive gets the n-th fault (None: no fault; after the end: none), or a callable.
        api_key: the only key that is accepted; None accepts any key, but there must be one.
        models: the models that exist; empty accepts every name that tells its generation.
    """

    def __init__(
        self,
        reply: ReplyTo = "<answer>A</answer>",
        *,
        faults: Faults = (),
        api_key: str | None = None,
        models: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self._reply = reply
        self._faults = faults
        self._api_key = api_key
        self._models = tuple(models)
        self._checker = Checker()
        self._requests: list[GeminiRequest] = []
        self.outcomes: Counter[str] = Counter()

    @property
    def base_url(self) -> str:
        return self.root_url

    @property
    def requests(self) -> list[GeminiRequest]:
        """Every request that passed the checks so far, in order of arrival; rejected ones only count in `outcomes`."""
        return list(self._requests)

    def add_routes(self, app: web.Application) -> None:
        app.router.add_post("/{version:v1|v1beta}/models/{model}:generateContent", self._generate)

    async def _generate(self, request: web.Request) -> web.StreamResponse:
        try:
            recorded = self._admit(request, await request.read())
        except ApiError as error:
            self.outcomes[f"rejected: {error}"] += 1
            return json_response(error.body, error.code)
        return await self._answer(request, recorded)

    def _admit(self, request: web.Request, raw: bytes) -> GeminiRequest:
        key, model = request.headers.get("x-goog-api-key", ""), request.match_info["model"]
        if not key:
            raise ApiError(403, "Method doesn't allow unregistered callers (callers without established identity).")
        if self._api_key is not None and key != self._api_key:
            info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
            raise ApiError(400, "API key not valid. Please pass a valid API key.", [info])
        if self._models and model not in self._models:
            raise ApiError(404, f"models/{model} is not found for API version {request.match_info['version']}, or is "
                                "not supported for generateContent.")  # fmt: skip
        try:
            body = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise ApiError(400, f"Invalid JSON payload received. {error}") from None
        recorded = GeminiRequest(
            index=len(self._requests),
            model=model,
            version=request.match_info["version"],
            headers={k.lower(): v for k, v in request.headers.items()},
            seen=self._checker.check(body, model),
            body=body,
            body_sha256=hashlib.sha256(raw).hexdigest(),
        )
        self._requests.append(recorded)
        return recorded

    async def _answer(self, request: web.Request, recorded: GeminiRequest) -> web.StreamResponse:
        fault = self._fault(recorded)
        outcome: str = fault.kind if fault else "answered"
        try:
            if fault is not None and fault.kind in FAILURES:
                return await FAILURES[fault.kind](request, fault)
            reply = self._reply
            if callable(reply):
                made = reply(recorded)
                reply = await made if inspect.isawaitable(made) else made
            if isinstance(reply, str):
                reply = GeminiReply(reply)
            body = body_of(changed(reply, fault), recorded.seen, recorded.model, self._checker)
            if fault is not None and fault.kind in ("reset", "drip"):
                return await in_pieces(request, orjson.dumps(body), fault)
            return json_response(body)
        except asyncio.CancelledError:
            outcome = f"{fault.kind} (client left)" if fault else "client left"
            raise
        finally:
            recorded.outcome = outcome
            self.outcomes[outcome] += 1

    def _fault(self, recorded: GeminiRequest) -> GeminiFault | None:
        if callable(self._faults):
            fault = self._faults(recorded)
        else:
            fault = self._faults[recorded.index] if recorded.index < len(self._faults) else None
        return GeminiFault(fault) if isinstance(fault, str) else fault
