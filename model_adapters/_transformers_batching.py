"""Groups requests that wait for a local model into batches, by a budget of padded tokens. Knows nothing of models.

Requests are prepared one at a time in one thread (tokenizers and image processors are not made for more) while another
thread runs the model over what is ready, so that both are busy together.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from comic_eval.errors import RequestError


class OutOfMemoryError(Exception):
    """Raised by a model whose memory does not suffice for a batch."""


class Ready(Protocol):
    """A prepared request: equal ``group`` may share a batch; ``tokens`` is the longest that its sequence can become."""

    @property
    def group(self) -> Hashable: ...

    @property
    def tokens(self) -> int: ...


Q = TypeVar("Q")
P = TypeVar("P", bound=Ready)
R = TypeVar("R")


@dataclass(eq=False)
class _Job(Generic[P, R]):
    ready: P
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[R] = field(repr=False)

    def settle(self, result: R | RequestError | None) -> None:
        """Hands the result to whoever waits for it, from the model's thread; None cancels."""

        def done() -> None:
            if self.future.done():
                return
            if result is None:
                self.future.cancel()
            elif isinstance(result, RequestError):
                self.future.set_exception(result)
            else:
                self.future.set_result(result)

        # A loop that is closed has nobody left who waits.
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(done)


class Batcher(Generic[Q, P, R]):
    """Takes requests from an event loop, answers them in batches.

    Args:
        prepare: makes a request ready; what it raises goes to the one who asked.
        run: answers a batch, in order. Gets a function that tells that nobody waits for the batch any more. Raises
            `OutOfMemoryError` where a smaller batch may do.
        token_budget: ``longest sequence * batch size`` stays below it. A single request may exceed it.
    """

    def __init__(
        self,
        prepare: Callable[[Q], P],
        run: Callable[[Sequence[P], Callable[[], bool]], Sequence[R]],
        *,
        token_budget: int,
    ) -> None:
        self._prepare = prepare
        self._run = run
        self._budget = token_budget
        self._changed = threading.Condition()
        self._waiting: list[_Job[P, R]] = []
        self._preparing = 0
        self._closed = False
        self._preparer = ThreadPoolExecutor(1, thread_name_prefix="prepare")
        self._runner = threading.Thread(target=self._work, name="model", daemon=True)
        self._runner.start()

    async def submit(self, request: Q) -> R:
        """The answer to one request.

        Raises:
            RequestError: it cannot be answered.
        """
        loop = asyncio.get_running_loop()
        with self._changed:
            self._preparing += 1
        try:
            ready = await loop.run_in_executor(self._preparer, self._prepare, request)
            job: _Job[P, R] = _Job(ready, loop, loop.create_future())
        except BaseException:
            self._prepared(None)
            raise
        self._prepared(job)
        return await job.future

    def _prepared(self, job: _Job[P, R] | None) -> None:
        with self._changed:
            self._preparing -= 1
            if job is not None:
                self._waiting.append(job)
            self._changed.notify_all()

    def close(self) -> None:
        """Stops both threads; blocks until the model has noticed. What still waits is cancelled."""
        with self._changed:
            self._closed = True
            waiting, self._waiting = self._waiting, []
            self._changed.notify_all()
        self._preparer.shutdown(wait=True, cancel_futures=True)
        self._runner.join()
        for job in waiting:
            job.settle(None)

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._closed and not self._complete():
                    self._changed.wait()
                if self._closed:
                    return
                batch = self._choose()
                self._waiting = [job for job in self._waiting if job not in batch]
            batch = [job for job in batch if not job.future.done()]
            if batch:
                self._answer(batch)

    def _complete(self) -> bool:
        """Whether waiting longer would not make the next batch larger."""
        if not self._waiting or self._preparing == 0:
            return bool(self._waiting)
        group = self._waiting[0].ready.group
        return len(self._choose()) < sum(job.ready.group == group for job in self._waiting)

    def _choose(self) -> list[_Job[P, R]]:
        """The oldest request, and those behind it that fit beside it."""
        first, *rest = self._waiting
        batch, longest = [first], first.ready.tokens
        for job in rest:
            length = max(longest, job.ready.tokens)
            if job.ready.group == first.ready.group and length * (len(batch) + 1) <= self._budget:
                batch.append(job)
                longest = length
        return batch

    def _answer(self, batch: list[_Job[P, R]]) -> None:
        try:
            results = self._run([job.ready for job in batch], lambda: self._unwanted(batch))
        except OutOfMemoryError as error:
            if len(batch) == 1:
                batch[0].settle(RequestError(str(error), cause="out_of_memory"))
                return
            half = len(batch) // 2
            # Batches of this size would fail again, one after the other.
            self._budget = max(1, max(job.ready.tokens for job in batch) * (len(batch) - half))
            self._answer(batch[:half])
            self._answer(batch[half:])
        except Exception as error:  # noqa: BLE001 - whatever the model's code raises belongs to a request, not to the thread
            if len(batch) == 1:
                batch[0].settle(_attributed(error))
                return
            # One request is to blame: alone, each shows whether it is the one.
            for job in batch:
                self._answer([job])
        else:
            for job, result in zip(batch, results, strict=True):
                # An answer that was broken off by close() is none.
                job.settle(None if self._closed else result)

    def _unwanted(self, batch: list[_Job[P, R]]) -> bool:
        return self._closed or all(job.future.done() for job in batch)


def _attributed(error: Exception) -> RequestError:
    if isinstance(error, RequestError):
        return error
    return RequestError(f"the model failed: {type(error).__name__}: {error}", cause="model_error")
