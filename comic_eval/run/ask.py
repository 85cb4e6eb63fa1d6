"""Gets one answer from a model: cache, limits, time limit, retries."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from comic_eval.contracts import Adapter, NamesItsModel
from comic_eval.costs.purse import Purse, Ticket
from comic_eval.errors import RequestError, RetryableError
from comic_eval.run.cache import ResponseCache, cache_key
from comic_eval.run.clock import Clock
from comic_eval.run.limits import Gate
from comic_eval.run.record import Failure
from comic_eval.run.redact import redact, storable
from comic_eval.run.retry import next_wait
from comic_eval.run.spec import Operation
from comic_eval.types import Generation, Request, ToolCall, Usage

MAX_MESSAGE = 500


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, or the failure in its place; ``spent`` is what turns before the failure cost."""

    generation: Generation | None
    failure: Failure | None = None
    cached: bool = False
    retries: int = 0
    latency_s: float | None = None
    spent: Usage | None = None
    batch: bool = False


def failure_of(error: Exception, cause: str) -> Failure:
    """An exception as it is recorded: named, shortened, without keys."""
    if isinstance(error, RequestError):
        message = redact(storable(str(error)))[:MAX_MESSAGE]
        return Failure(cause=storable(error.cause), status=error.status, message=message)
    return Failure(cause=cause, message=redact(storable(f"{type(error).__name__}: {error}"))[:MAX_MESSAGE])


def storable_generation(generation: Generation) -> Generation:
    """The generation as a file can hold it; the very same one but for lone surrogates."""
    texts = {name: getattr(generation, name) for name in ("text", "reasoning", "finish_reason", "model")}
    cleaned: dict[str, Any] = {
        name: storable(text) for name, text in texts.items() if text and storable(text) is not text
    }
    calls = tuple(_storable_call(call) for call in generation.tool_calls)
    if calls != generation.tool_calls:
        cleaned["tool_calls"] = calls
    return generation.model_copy(update=cleaned) if cleaned else generation


def _storable_call(call: ToolCall) -> ToolCall:
    return ToolCall.model_validate({k: v and storable(v) for k, v in call})


class Asker:
    """Asks one adapter, for all workers of a run.

    Args:
        settings: the adapter's settings as the specification holds them; part of every cache key.
        cache: None asks the model always.
        on_retry: called at every failed attempt that is followed by another.
        warn: told once if the cache fails; the run goes on without it.
        purse: the limit on cost, where there is one.
    """

    def __init__(
        self,
        adapter: Adapter,
        settings: dict[str, Any],
        operation: Operation,
        clock: Clock,
        *,
        cache: ResponseCache | None = None,
        on_retry: Callable[[], None] = lambda: None,
        warn: Callable[[str], None] = lambda message: None,
        purse: Purse | None = None,
    ) -> None:
        self._adapter = adapter
        self._purse = purse
        self._settings = settings
        self._operation = operation
        self._clock = clock
        self._cache = cache
        self._on_retry = on_retry
        self._warn = warn
        self._gate = Gate(
            clock,
            requests_per_minute=operation.requests_per_minute,
            tokens_per_minute=operation.tokens_per_minute,
        )
        self._rng = random.Random()  # noqa: S311 - jitter

    async def ask(self, request: Request, repeat: int = 0) -> Reply:
        """Answers a request or says why not.

        Raises:
            MaxCostReached: the limit on cost leaves no room for it.
        """
        reply = self.kept(request, repeat)
        if reply is not None:
            return reply
        reply = await self._attempts(request, (request.question.id, repeat))
        if reply.generation is not None:
            # Before the journal's line: a process killed in between has the answer here, and asks nothing twice.
            self.keep(request, repeat, reply.generation.model_copy(update={"latency_s": reply.latency_s}))
        return reply

    def kept(self, request: Request, repeat: int) -> Reply | None:
        """The answer that the cache has to a request."""
        if self._cache is None:
            return None
        kept = self._lookup(self._key(request, repeat))
        return None if kept is None else Reply(kept, cached=True, latency_s=kept.latency_s)

    def keep(self, request: Request, repeat: int, generation: Generation) -> None:
        """Keeps an answer in the cache."""
        if self._cache is not None:
            self._keep(self._key(request, repeat), generation)

    def _key(self, request: Request, repeat: int) -> str:
        served = self._adapter.served if isinstance(self._adapter, NamesItsModel) else None
        return cache_key(self._adapter.info, self._settings, request, repeat, served)

    def _lookup(self, key: str) -> Generation | None:
        try:
            return self._cache.get(key) if self._cache else None
        except (sqlite3.Error, ValueError) as error:
            self._give_up_cache(error)
            return None

    def _keep(self, key: str, generation: Generation) -> None:
        try:
            if self._cache:
                self._cache.put(key, generation)
        except sqlite3.Error as error:
            self._give_up_cache(error)

    def _give_up_cache(self, error: Exception) -> None:
        path = self._cache.path if self._cache else None
        self._cache = None
        self._warn(f"{path}: the response cache fails ({error}); the run goes on without it")

    async def _attempts(self, request: Request, group: Hashable) -> Reply:
        started: float | None = None
        attempt = 0
        while True:
            ticket = await self._purse.reserve(request, group) if self._purse else None
            booked = await self._gate.enter()
            began = self._clock.now()
            started = began if started is None else started
            try:
                generation = await self._once(request)
            except RetryableError as error:
                self._gate.settle(booked, 0)
                self._spent(ticket, error)
                if error.retry_after:
                    self._gate.pause(min(error.retry_after, self._operation.max_wait_s))
                wait = next_wait(error, attempt, self._clock.now() - started, self._operation, self._rng)
                if wait is None:
                    return Reply(None, failure_of(error, "adapter_error"), retries=attempt)
                attempt += 1
                self._on_retry()
                await self._clock.sleep(wait)
            except Exception as error:  # noqa: BLE001 - adapters are foreign code: whatever they raise is an attributed
                # failure of this one sample, and no reason to lose a run of thousands.
                self._gate.settle(booked, 0)
                self._spent(ticket, error)
                return Reply(None, failure_of(error, "adapter_error"), retries=attempt)
            else:
                usage = generation.usage
                self._spent(ticket, usage)
                used = None if usage.input_tokens is None else usage.input_tokens + (usage.output_tokens or 0)
                self._gate.settle(booked, used)
                latency = generation.latency_s if generation.latency_s is not None else self._clock.now() - began
                return Reply(generation, retries=attempt, latency_s=round(latency, 4))

    def _spent(self, ticket: Ticket | None, outcome: Usage | Exception) -> None:
        if self._purse is None or ticket is None:
            return
        if isinstance(outcome, Usage):
            self._purse.answered(ticket, outcome)
        else:
            self._purse.failed(ticket, outcome)

    async def _once(self, request: Request) -> Generation:
        limit = self._operation.timeout_s
        try:
            async with asyncio.timeout(limit):
                return storable_generation(await self._adapter.generate(request))
        except TimeoutError as error:
            raise RetryableError(f"no complete answer within {limit:g} s", cause="timeout") from error
