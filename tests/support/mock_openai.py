"""A strict, faithful OpenAI server on the loopback interface, with faults on demand (see `openai_faults`).

In a test::

    with MockOpenAI(reply="<answer>B</answer>", faults=["rate_limit", None, "reset"]) as server:
        adapter = create_adapter("openai:gpt-4o-mini", base_url=server.base_url)
        ...
        assert [r.outcome for r in server.requests] == ["rate_limit", "answered", "reset"]

As a process of its own, for benchmarks (it prints one line of JSON with its ``base_url`` and counts at ``/_stats``)::

    python -m support.mock_openai --port 0 --latency 0.2 --reply "<answer>B</answer>"
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import inspect
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import orjson
from aiohttp import web

from support.loopback import Loopback
from support.openai_faults import FAILURES, Fault, FaultKind, changed, in_pieces, json_response
from support.openai_protocol import Images, Seen, SentImage, check_chat, check_responses
from support.openai_replies import Reply, chat_body, responses_body
from support.openai_tools import ApiError


@dataclass
class RecordedRequest:
    """One request as the server saw it.

    Attributes:
        index: 0 for the first request that arrived.
        api: ``chat`` or ``responses``.
        headers: with lower-case names.
        text: all text that the model was shown.
        images: the pictures that it was shown.
        outline: its messages or items in order, see `Seen`.
        params: the body without messages, input and instructions.
        body_sha256: digest of the body as sent; equal digests are equal requests.
        outcome: ``answered``, the fault's kind, ``rejected: ...`` or, while it runs, ``pending``.
    """

    index: int
    api: Literal["chat", "responses"]
    headers: dict[str, str]
    text: str
    images: tuple[SentImage, ...]
    params: dict[str, Any]
    body_sha256: str
    n_bytes: int
    outline: tuple[str, ...] = ()
    received_at: float = field(default_factory=time.monotonic)
    outcome: str = "pending"


ReplyTo: TypeAlias = str | Reply | Callable[[RecordedRequest], str | Reply | Awaitable[str | Reply]]
Faults: TypeAlias = Sequence[Fault | FaultKind | None] | Callable[[RecordedRequest], Fault | FaultKind | None]


class MockOpenAI(Loopback):
    """The server; a context manager that runs it in a thread of its own.

    Args:
        reply: the answer's text, a `Reply`, or a (sync or async) callable that makes one from the recorded request.
        latency_s: seconds between a request's arrival and its answer.
        faults: the n-th request to arrive gets the n-th fault (None: no fault; after the end: none), or a callable.
        api_key: the only key that is accepted; None accepts any key, but there must be one.
        models: the models that exist; empty accepts any name.
        extra: top-level fields allowed besides the API's own.
        card: what ``/models`` says of a model besides OpenAI's own fields: llama.cpp's ``meta``, vLLM's ``root``, ...
        record: False keeps counts only, for long runs.
    """

    def __init__(
        self,
        reply: ReplyTo = "<answer>A</answer>",
        *,
        latency_s: float = 0.0,
        faults: Faults = (),
        api_key: str | None = None,
        models: Sequence[str] = (),
        extra: Sequence[str] = (),
        card: Mapping[str, Any] | None = None,
        record: bool = True,
        port: int = 0,
    ) -> None:
        super().__init__(port)
        self._reply = reply
        self._latency_s = latency_s
        self._faults = faults
        self._api_key = api_key
        self._models = tuple(models)
        self._extra = frozenset(extra)
        self._card = dict(card or {})
        self._record = record
        self._images = Images()
        self._requests: list[RecordedRequest] = []
        self._arrived = 0
        self._in_flight = 0
        self.max_in_flight = 0
        self.outcomes: Counter[str] = Counter()
        self.n_bytes = 0

    @property
    def base_url(self) -> str:
        return f"{self.root_url}/v1"

    @property
    def requests(self) -> list[RecordedRequest]:
        """Every request that passed the checks so far, in order of arrival; rejected ones only count in `outcomes`."""
        return list(self._requests)

    def add_routes(self, app: web.Application) -> None:
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_post("/v1/responses", self._responses)
        app.router.add_get("/v1/models", self._list_models)
        app.router.add_get("/_stats", self._stats)

    # --- handlers ---------------------------------------------------------------------------------------------------

    async def _list_models(self, request: web.Request) -> web.Response:
        try:
            self._check_key(request)
        except ApiError as error:
            return json_response(error.body, error.status)
        # As with vLLM and llama.cpp it is the time of the question.
        created = int(time.time())
        models = self._models or ("mock-model",)
        data = [{"id": m, "object": "model", "created": created, "owned_by": "mock", **self._card} for m in models]
        return json_response({"object": "list", "data": data})

    async def _stats(self, request: web.Request) -> web.Response:
        counts = {"arrived": self._arrived, "max_in_flight": self.max_in_flight, "n_bytes": self.n_bytes}
        return json_response({**counts, "outcomes": dict(self.outcomes)})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        return await self._handle(request, "chat")

    async def _responses(self, request: web.Request) -> web.StreamResponse:
        return await self._handle(request, "responses")

    async def _handle(self, request: web.Request, api: Literal["chat", "responses"]) -> web.StreamResponse:
        self._in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self._in_flight)
        try:
            recorded, seen, model = self._admit(request, await request.read(), api)
        except ApiError as error:
            self.outcomes[f"rejected: {error}"] += 1
            return json_response(error.body, error.status)
        else:
            return await self._answer(request, recorded, seen, model)
        finally:
            self._in_flight -= 1

    def _check_key(self, request: web.Request) -> None:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not key:
            raise ApiError(401, "You didn't provide an API key. You need to provide your API key in an Authorization "
                                "header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).")  # fmt: skip
        if self._api_key is not None and key != self._api_key:
            raise ApiError(401, f"Incorrect API key provided: {key}.", code="invalid_api_key")

    def _admit(
        self, request: web.Request, raw: bytes, api: Literal["chat", "responses"]
    ) -> tuple[RecordedRequest, Seen, str]:
        self._check_key(request)
        if request.content_type != "application/json":
            raise ApiError(400, f"Unsupported content type: '{request.content_type}'. This API method only accepts "
                                "'application/json' requests.")  # fmt: skip
        try:
            body = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise ApiError(400, f"We could not parse the JSON body of your request. ({error})") from None
        if not isinstance(body, dict):
            raise ApiError(400, "The JSON body of your request must be an object.")
        check = check_chat if api == "chat" else check_responses
        seen = check(body, self._images, models=self._models, extra=self._extra)
        recorded = RecordedRequest(
            index=self._arrived,
            api=api,
            headers={k.lower(): v for k, v in request.headers.items()},
            text=seen.text,
            images=seen.images,
            params={k: v for k, v in body.items() if k not in ("messages", "input", "instructions")},
            body_sha256=hashlib.sha256(raw).hexdigest(),
            n_bytes=len(raw),
            outline=seen.outline,
        )
        self._arrived += 1
        self.n_bytes += len(raw)
        if self._record:
            self._requests.append(recorded)
        return recorded, seen, body["model"]

    async def _answer(
        self, request: web.Request, recorded: RecordedRequest, seen: Seen, model: str
    ) -> web.StreamResponse:
        fault = self._fault(recorded)
        outcome: str = fault.kind if fault else "answered"
        try:
            if self._latency_s:
                await asyncio.sleep(self._latency_s)
            if fault is not None and fault.kind in FAILURES:
                return await FAILURES[fault.kind](request, fault)
            reply = self._reply
            if callable(reply):
                made = reply(recorded)
                reply = await made if inspect.isawaitable(made) else made
            if isinstance(reply, str):
                reply = Reply(reply)
            make_body = chat_body if recorded.api == "chat" else responses_body
            body = make_body(changed(reply, fault), seen, model)
            if fault is not None and fault.kind == "empty_choices":
                body["choices" if recorded.api == "chat" else "output"] = []
            if fault is not None and fault.kind in ("reset", "drip"):
                return await in_pieces(request, orjson.dumps(body), fault)
            return json_response(body)
        except asyncio.CancelledError:
            outcome = f"{fault.kind} (client left)" if fault else "client left"
            raise
        finally:
            recorded.outcome = outcome
            self.outcomes[outcome] += 1

    def _fault(self, recorded: RecordedRequest) -> Fault | None:
        if callable(self._faults):
            fault = self._faults(recorded)
        else:
            fault = self._faults[recorded.index] if recorded.index < len(self._faults) else None
        return Fault(fault) if isinstance(fault, str) else fault


def main() -> None:
    """Serves until it is ended, or until the process that started it is gone."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--reply", default="<answer>A</answer>")
    args = parser.parse_args()

    async def serve() -> None:
        server = MockOpenAI(args.reply, latency_s=args.latency, port=args.port, record=False)
        parent = os.getppid()
        runner = await server.start()
        sys.stdout.write(json.dumps({"base_url": server.base_url}) + "\n")
        sys.stdout.flush()
        while os.getppid() == parent:  # noqa: ASYNC110 - there is no event for the death of a parent
            await asyncio.sleep(0.5)
        await runner.cleanup()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve())


if __name__ == "__main__":
    main()
