"""Opens a judge: starts its models, and gives them a run's cache, limits and retries."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from comic_eval.contracts import Adapter, AdapterInfo, Judge, RunContext
from comic_eval.costs.prices import PriceTable, find_prices
from comic_eval.errors import RequestError, UserError
from comic_eval.images.renderer import Renderer
from comic_eval.judging.protocol import ModelJudge
from comic_eval.run.ask import Asker, Reply
from comic_eval.run.breaker import Breaker, Refused, Stop
from comic_eval.run.cache import ResponseCache
from comic_eval.run.clock import RealClock
from comic_eval.run.redact import printable
from comic_eval.run.spec import Operation, model_settings
from comic_eval.types import EncodedImage, Request, Sample, Usage

# One panel is enough to see what a question asks; a page's budget would only cost more.
CROP_BUDGET = 1280
CROP_MEMORY = 16 * 2**20
# Refusals in a row after which no later answer will fare better.
_REFUSALS = 5
_MEND = "Mend what the message names (--judge-setting, or the judge model's name)"


class JudgeStopped(Exception):  # noqa: N818 - ends a run, as StopIteration ends a loop
    """The judge's server refuses every request or is gone; answers and verdicts so far are kept.

    Attributes:
        refused: True if it is the user's call that needs mending (key, model's name, base URL, a parameter).
    """

    def __init__(self, judge: str, stop: Stop) -> None:
        failure = stop.failure
        way_out = _MEND if isinstance(stop, Refused) and stop.rejected else "Check its key, name and base URL"
        status = f"HTTP {failure.status}, " if failure.status else ""
        super().__init__(
            f"judge {judge}: no request gets through ({status}{failure.cause}): {printable(failure.message)} "
            f"{way_out}, then repeat the call: it goes on where it stopped"
        )
        self.refused = isinstance(stop, Refused)


class _Desk:
    """The desk of one judge, for all workers."""

    def __init__(
        self,
        judge: ModelJudge,
        askers: dict[str, Asker],
        workers: int,
        *,
        prices: PriceTable | None,
        renderer: Renderer | None,
    ) -> None:
        self._judge = judge.id
        self._askers = askers
        infos = {adapter.info.id: adapter.info for adapter in judge.adapters}
        self._prices = {name: find_prices(info, prices) for name, info in infos.items()}
        self._rooms = {name: asyncio.Semaphore(info.max_concurrency or workers) for name, info in infos.items()}
        self._breakers = {name: Breaker(pending=_REFUSALS, answered_before=False, workers=workers) for name in infos}
        self._renderer = renderer

    async def ask(self, adapter: Adapter, request: Request, attempt: int) -> Reply:
        name = adapter.info.id
        async with self._rooms[name]:
            reply = await self._askers[name].ask(request, attempt)
        if reply.failure is None:
            self._breakers[name].answered()
            return reply
        try:
            self._breakers[name].failed(reply.failure)
        except Stop as stop:
            raise JudgeStopped(self._judge, stop) from stop
        return reply

    def cost(self, adapter: Adapter, usage: Usage) -> float | None:
        prices = self._prices[adapter.info.id]
        return None if prices is None else prices.cost(usage.model_dump(exclude_none=True))

    async def show(self, sample: Sample) -> tuple[EncodedImage, ...]:
        if self._renderer is None:
            raise UserError("a judge with crops needs the benchmark's pages, and none was given")
        return (await asyncio.to_thread(self._renderer.render, sample, "panel")).images


@contextlib.asynccontextmanager
async def open_judge(
    judge: Judge,
    operation: Operation,
    cache_dir: Path,
    *,
    pages: Path | None = None,
    prices: PriceTable | None = None,
    on_retry: Callable[[], None] = lambda: None,
    warn: Callable[[str], None] = lambda message: None,
) -> AsyncIterator[Judge]:
    """Gets a judge ready to grade, and closes its models in any case. Judges that ask no model are ready as they are.

    Args:
        operation: concurrency, limits, retries and whether the response cache is used.
        cache_dir: of the response cache and of pictures.
        pages: the benchmark folder, for judges that are shown crops.
        prices: the user's own, used before the bundled ones.

    Raises:
        UserError: a model cannot be started.
    """
    if not isinstance(judge, ModelJudge):
        yield judge
        return
    adapters = list({adapter.info.id: adapter for adapter in judge.adapters}.values())
    async with contextlib.AsyncExitStack() as stack:
        for adapter in adapters:
            stack.push_async_callback(adapter.close)
            try:
                await adapter.start(RunContext(cache_dir=cache_dir))
            except RequestError as error:
                raise UserError(f"judge {adapter.info.id} cannot be started: {printable(str(error))}") from error
        cache = stack.enter_context(ResponseCache(cache_dir)) if operation.use_cache else None
        askers = {
            adapter.info.id: Asker(
                adapter,
                model_settings(adapter.info),
                operation,
                RealClock(),
                cache=None if adapter.info.deterministic else cache,
                on_retry=on_retry,
                warn=warn,
            )
            for adapter in adapters
        }
        renderer = None
        if judge.crop and pages is not None:
            renderer = Renderer(pages, budget=CROP_BUDGET, cache_dir=cache_dir / "images", memory_bytes=CROP_MEMORY)
        judge.bind(_Desk(judge, askers, operation.concurrency, prices=prices, renderer=renderer))
        stack.callback(judge.bind, None)
        yield judge


def infos_of(judge: Judge) -> Sequence[AdapterInfo]:
    """What the models of a judge say of themselves; none for a judge that asks no model."""
    return [adapter.info for adapter in judge.adapters] if isinstance(judge, ModelJudge) else []
