"""A clock that stands still until everybody waits on it."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Coroutine
from typing import Any


class FakeClock:
    """Meets `comic_eval.run.clock.Clock`; `run` turns it."""

    def __init__(self) -> None:
        self._now = 0.0
        self._count = 0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (self._now + seconds, self._count, future))
        await future

    async def run(self, *work: Coroutine[Any, Any, Any]) -> None:
        """Runs all of ``work``, moving on to the next sleeper's time whenever nothing else can go on."""
        tasks = [asyncio.create_task(w) for w in work]
        while not all(task.done() for task in tasks):
            for _ in range(20):
                await asyncio.sleep(0)
            if self._sleepers and not all(task.done() for task in tasks):
                self._now, _, future = heapq.heappop(self._sleepers)
                future.set_result(None)
        await asyncio.gather(*tasks)
