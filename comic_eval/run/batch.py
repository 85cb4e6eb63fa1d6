"""`run --batch`: all open questions through the provider's batch API, over as many starts as it takes.

Before a batch is submitted, its intent is on the disk; a start that finds an intent without the provider's handle asks
the provider for the batch's label before it submits anything. So a process that is killed at any moment submits nothing
twice, and what the provider answered is collected by the next start.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from comic_eval.contracts import BatchAdapter, BatchStatus, Submitted
from comic_eval.costs.estimate import bound
from comic_eval.costs.image_tokens import ImageTokenRule, resolve
from comic_eval.costs.purse import Purse
from comic_eval.errors import RequestError, RetryableError, UserError
from comic_eval.run.ask import Asker, Reply, failure_of, storable_generation
from comic_eval.run.batch_book import Batch, BatchBook, request_id
from comic_eval.run.breaker import Unavailable
from comic_eval.run.engine import Draft, Engine
from comic_eval.run.plan import Item
from comic_eval.run.prepare import Prepared
from comic_eval.run.record import Record
from comic_eval.run.redact import printable
from comic_eval.run.retry import next_wait
from comic_eval.run.spec import Operation
from comic_eval.types import Generation, Request

# Pictures and texts of one batch are in memory together; providers take more, a machine may not.
MOST_BYTES = 120 * 2**20
MOST_REQUESTS = 10_000
# Of a request besides its pictures and texts.
REQUEST_BYTES = 2_000

T = TypeVar("T")


@dataclass(frozen=True)
class Tools:
    """What a batch run works with; ``say`` tells the user how far it is."""

    model: str
    adapter: BatchAdapter
    engine: Engine
    asker: Asker
    book: BatchBook
    operation: Operation
    sink: Callable[[Record], None]
    stop: asyncio.Event
    say: Callable[[str], None]
    purse: Purse | None = None
    rule: ImageTokenRule | None = None


class BatchRun:
    """One start of a batch run.

    Args:
        label: first part of the batches' labels: letters, digits and hyphens, at most 24.
        pending: the items without an answer.
    """

    def __init__(self, tools: Tools, label: str, pending: Sequence[Item]) -> None:
        self._tools = tools
        self._label = label
        self._items = {request_id(item.key): item for item in pending}
        self._rng = random.Random()  # noqa: S311 - jitter

    async def run(self) -> None:
        """Submits, waits and collects until every item has a record, or soon after ``stop`` is set.

        Raises:
            MaxCostReached: the limit leaves no room for the rest, and no batch is under way.
            Unavailable: the provider does not answer.
            UserError: the provider refuses a batch, or does not know one that was submitted.
        """
        await self._settle_intents()
        held = {i for batch in self._tools.book.open for i in batch.held}
        rest = [item for i, item in self._items.items() if i not in held]
        while not self._tools.stop.is_set():
            rest = await self._submit_all(rest)
            before = len(self._tools.book.open)
            if not before:
                return
            rest += await self._collect_ended()
            if len(self._tools.book.open) == before:
                await self._pause(self._tools.operation.batch_poll_s)

    async def _settle_intents(self) -> None:
        """Finds out whether batches that an earlier start meant to submit exist."""
        for batch in [b for b in self._tools.book.open if b.state == "intended"]:
            age = (datetime.now(UTC) - datetime.fromisoformat(batch.created)).total_seconds()
            # A provider's listing may lag behind its submissions.
            await self._pause(max(0.0, self._tools.operation.batch_poll_s - age))
            if self._tools.stop.is_set():
                return
            handles = await self._call(partial(self._tools.adapter.find, batch.label))
            if handles:
                self._tools.book.put(batch.model_copy(update={"state": "submitted", "handle": handles[0]}))
            else:
                self._drop(batch)

    async def _submit_all(self, rest: list[Item]) -> list[Item]:
        """Submits as many as memory, provider and purse allow; returns the items that wait."""
        while rest and not self._tools.stop.is_set():
            drafts, used, needed = await self._next_batch(rest)
            if not drafts and used < len(rest):
                if self._tools.book.open:
                    return rest[used:]
                assert self._tools.purse is not None  # noqa: S101 - nothing else refuses a request
                raise self._tools.purse.reached(needed)
            if drafts:
                batch = await self._submit(drafts, needed)
                taken = len(batch.held)
                rest = [d.item for d in drafts[taken:]] + rest[used:]
                self._tools.say(f"batch {batch.handle}: {taken} requests submitted")
            else:
                rest = rest[used:]
        return rest

    async def _next_batch(self, rest: Sequence[Item]) -> tuple[list[Draft], int, float]:
        """Requests from the front of ``rest``, how many items they took, and the most that they cost.

        Items whose answers the cache has, or whose pictures cannot be drawn, get their records at once. Where nothing
        fits, the cost is that of the first request that does not.
        """
        drafts: list[Draft] = []
        size, cost = 0, 0.0
        for number, item in enumerate(rest):
            draft = await self._tools.engine.draft(item)
            if draft.request is None:
                self._tools.sink(self._tools.engine.record_of(draft))
                continue
            draft.reply = self._tools.asker.kept(draft.request, item.repeat)
            if draft.reply is not None:
                self._tools.sink(await self._tools.engine.finish(draft))
                continue
            usd = self._most(draft.request)
            if self._tools.purse is not None and not self._tools.purse.has_room(cost + usd):
                return drafts, number, cost if drafts else usd
            length = _length(draft.request)
            if drafts and (size + length > MOST_BYTES or len(drafts) == MOST_REQUESTS):
                return drafts, number, cost
            drafts.append(draft)
            size, cost = size + length, cost + usd
        return drafts, len(rest), cost

    def _most(self, request: Request) -> float:
        purse = self._tools.purse
        return purse.cost(bound(request, self._tools.rule)) if purse else 0.0

    async def _submit(self, drafts: Sequence[Draft], usd: float) -> Batch:
        requests = [(request_id(d.item.key), d.request) for d in drafts if d.request is not None]
        label = f"{self._label}-{uuid.uuid4().hex}"
        created = datetime.now(UTC).isoformat(timespec="milliseconds")
        batch = Batch(label=label, requests=tuple(i for i, _ in requests), created=created)
        self._tools.book.put(batch)
        if self._tools.purse is not None:
            self._tools.purse.set_aside(label, usd)
        submitted = await self._submit_once(requests, label)
        found = batch.model_copy(
            update={"state": "submitted", "handle": submitted.handle, "accepted": submitted.accepted}
        )
        self._tools.book.put(found)
        if self._tools.purse is not None and submitted.accepted < len(requests):
            kept = sum(self._most(request) for _, request in requests[: submitted.accepted])
            self._tools.purse.set_aside(label, kept)
        return found

    async def _submit_once(self, requests: Sequence[tuple[str, Request]], label: str) -> Submitted:
        """Submits; after an attempt that may have succeeded unheard, looks for the batch before the next."""
        tried = False

        async def attempt() -> Submitted:
            nonlocal tried
            if tried and (handles := await self._tools.adapter.find(label)):
                return Submitted(handle=handles[0], accepted=len(requests))
            tried = True
            return await self._tools.adapter.submit(requests, label=label)

        try:
            return await self._call(attempt)
        except RequestError as error:
            self._drop(next(b for b in self._tools.book.open if b.label == label))
            raise UserError(
                f"{self._tools.model}: the batch cannot be submitted: {printable(str(error))} Without --batch the same "
                "questions are asked one by one"
            ) from error

    async def _collect_ended(self) -> list[Item]:
        """Collects every batch that has ended; returns items that none of them held after all."""
        left: list[Item] = []
        for batch in self._tools.book.open:
            if self._tools.stop.is_set():
                break
            status = await self._known(batch, partial(self._tools.adapter.poll, batch.handle or ""))
            if status.total:
                self._tools.say(f"batch {batch.handle}: {status.finished or 0} of {status.total} requests finished")
            if status.ended:
                left += await self._collect(batch, status)
        return left

    async def _collect(self, batch: Batch, status: BatchStatus) -> list[Item]:
        missing = {i: self._items[i] for i in batch.held if i in self._items}
        if status.state != "failed":
            outcomes = await self._known(batch, partial(_collected, self._tools.adapter, batch.handle or ""))
            for custom_id, outcome in outcomes:
                item = missing.pop(custom_id, None)
                if item is not None:
                    await self._record(item, outcome)
        left: list[Item] = []
        for item in missing.values():
            if status.state != "failed" and batch.accepted is None:
                left.append(item)
                continue
            words = status.message or f"the batch is {status.state} and has no answer to this request"
            await self._record(item, RequestError(words, cause=f"batch_{status.state}"))
        self._tools.book.put(batch.model_copy(update={"state": "collected"}))
        if self._tools.purse is not None:
            self._tools.purse.collected(batch.label)
        return left

    async def _record(self, item: Item, outcome: Generation | RequestError) -> None:
        draft = await self._tools.engine.draft(item)
        if isinstance(outcome, RequestError):
            draft.reply = Reply(None, failure_of(outcome, "batch_error"), batch=True)
        else:
            generation = storable_generation(outcome)
            draft.reply = Reply(generation, batch=True)
            if draft.request is not None:
                self._tools.asker.keep(draft.request, item.repeat, generation)
        self._tools.sink(await self._tools.engine.finish(draft))

    def _drop(self, batch: Batch) -> None:
        self._tools.book.forget(batch)
        if self._tools.purse is not None:
            self._tools.purse.collected(batch.label)

    async def _known(self, batch: Batch, work: Callable[[], Awaitable[T]]) -> T:
        try:
            return await self._call(work)
        except RequestError as error:
            raise UserError(
                f"batch {batch.handle}: {printable(str(error))} If the provider no longer has it, take its entry out "
                f"of {self._tools.book.path}, and its questions are submitted again"
            ) from error

    async def _call(self, work: Callable[[], Awaitable[T]]) -> T:
        """Calls the provider, again after failures that may pass.

        Raises:
            RequestError: a failure that will not pass.
            Unavailable: one that did not.
        """
        started = time.monotonic()
        attempt = 0
        while True:
            try:
                async with asyncio.timeout(self._tools.operation.timeout_s):
                    return await work()
            except (RetryableError, TimeoutError) as raised:
                error = raised if isinstance(raised, RetryableError) else RetryableError("no answer", cause="timeout")
                wait = next_wait(error, attempt, time.monotonic() - started, self._tools.operation, self._rng)
                if wait is None:
                    raise Unavailable(failure_of(error, "batch_error")) from error
                attempt += 1
                await asyncio.sleep(wait)

    async def _pause(self, seconds: float) -> None:
        """Waits, but not for longer than until ``stop`` is set."""
        if seconds > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._tools.stop.wait(), seconds)


async def _collected(adapter: BatchAdapter, handle: str) -> list[tuple[str, Generation | RequestError]]:
    return [outcome async for outcome in adapter.collect(handle)]


def _length(request: Request) -> int:
    """Bytes of a request's line, about: pictures go as base64."""
    conversation = request.conversation
    texts = sum(len(m.text) for m in conversation.messages)
    return REQUEST_BYTES + texts + sum(len(i.data) * 4 // 3 for i in conversation.images)


def check_batches(prepared: Prepared, operation: Operation) -> None:
    """Refuses a batch run that cannot be.

    Raises:
        UserError: the adapter has no batch API, or the model is to zoom.
    """
    if not operation.batch:
        return
    if not isinstance(prepared.adapter, BatchAdapter):
        raise UserError(f"--batch: {prepared.spec.model} has no batch API; openai: and gemini: models have one")
    if prepared.zooming is not None:
        raise UserError("--batch: a zoom episode takes several turns, and a batch is one. Leave out --batch or --zoom")


def batch_tools(
    prepared: Prepared,
    operation: Operation,
    engine: Engine,
    asker: Asker,
    book: BatchBook,
    *,
    sink: Callable[[Record], None],
    stop: asyncio.Event,
    say: Callable[[str], None],
    purse: Purse | None,
) -> Tools:
    """What a start works with, of a run that `check_batches` accepts."""
    adapter = prepared.adapter
    info = adapter.info
    assert isinstance(adapter, BatchAdapter)  # noqa: S101 - check_batches has seen to it
    rule = resolve(info.id, info.settings)
    return Tools(info.id, adapter, engine, asker, book, operation, sink, stop, say, purse, rule)


async def run_batches(tools: Tools, label: str, pending: Sequence[Item]) -> None:
    """Runs `BatchRun`, and ends the engine's threads."""
    try:
        await BatchRun(tools, label, pending).run()
    finally:
        tools.engine.close()
