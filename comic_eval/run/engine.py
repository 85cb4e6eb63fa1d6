"""Asks the samples of a plan with many workers in one event loop, in bounded memory.

Each worker takes the next item, has its picture drawn, asks, reads the answer and hands over a record; pictures exist
only while a worker holds them or the renderer's bounded cache does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from comic_eval.answers.tags import survives_cut
from comic_eval.contracts import Adapter, Judge, Task
from comic_eval.costs.purse import MaxCostReached
from comic_eval.errors import RequestError
from comic_eval.images.renderer import Renderer, Shown
from comic_eval.judging.desk import JudgeStopped
from comic_eval.run.ask import Asker, Reply, failure_of
from comic_eval.run.plan import Item, conversation, params_of, prompt_of
from comic_eval.run.record import Failure, Record, SentImage
from comic_eval.run.zooming import Zooming, play_episode, show_crops
from comic_eval.types import Box, Extraction, Generation, Request, SamplingParams, Score, Status, Usage
from comic_eval.zoom.trace import Trace

# Decoding and encoding release the interpreter's lock, so two threads keep a request's picture ready without starving
# the event loop; more would only raise the number of decoded pages in memory.
RENDER_THREADS = 2
# Finish reasons of Chat Completions and of Responses for an answer that hit the limit on output tokens.
_CUT_OFF = {"length", "max_output_tokens"}


@dataclass(frozen=True, slots=True)
class Parts:
    """What the engine works with.

    ``run`` is the short digest that every record carries. With ``zooming`` every sample is an episode. ``crops`` are
    the boxes, by sample id, that are shown in place of a view.
    """

    run: str
    adapter: Adapter
    asker: Asker
    renderer: Renderer
    tasks: Mapping[str, Task]
    judge: Judge
    params: SamplingParams
    system: str | None = None
    zooming: Zooming | None = None
    crops: Mapping[str, tuple[Box, ...]] | None = None


@dataclass(slots=True)
class Draft:
    """An item on its way to a record: what it is shown, its request, and what came back or went wrong."""

    item: Item
    prompt: str = ""
    shown: Shown | None = None
    request: Request | None = None
    reply: Reply | None = None
    trace: Trace | None = None
    failure: Failure | None = None


class Engine:
    """Turns items into records."""

    def __init__(self, parts: Parts, workers: int) -> None:
        self._parts = parts
        self._workers = workers
        self._needs_images = parts.adapter.info.needs_images
        self._pool = ThreadPoolExecutor(RENDER_THREADS, thread_name_prefix="render")

    async def run(self, items: Iterable[Item], sink: Callable[[Record], None], stop: asyncio.Event) -> None:
        """Asks all items; ``sink`` is called with each record, in the event loop, in the order of finishing.

        Returns when all are done, or soon after ``stop`` is set; then, on cancellation and when ``sink`` raises (which
        is passed on), samples in flight are dropped without a record.
        """
        source = iter(items)
        workers = [asyncio.create_task(self._work(source, sink)) for _ in range(self._workers)]
        stopped = asyncio.create_task(stop.wait())
        try:
            waiting: set[asyncio.Task[Any]] = {stopped, *workers}
            while not stopped.done() and waiting - {stopped}:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done - {stopped}:
                    task.result()
        finally:
            for task in (stopped, *workers):
                task.cancel()
            await asyncio.gather(stopped, *workers, return_exceptions=True)
            self.close()

    def close(self) -> None:
        """Ends the drawing threads; `run` does it by itself."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def _work(self, source: Iterator[Item], sink: Callable[[Record], None]) -> None:
        for item in source:
            sink(await self.answer(item))
            # Baselines answer without ever waiting; signals and the display need their turn.
            await asyncio.sleep(0)

    async def answer(self, item: Item) -> Record:
        """Asks one item. Whatever goes wrong with it is in the record.

        Raises:
            MaxCostReached: the limit on cost leaves no room for its request.
        """
        draft = await self.draft(item)
        if draft.request is None:
            return self.record_of(draft)
        try:
            draft.reply, draft.trace = await self._ask(item, draft.request, draft.shown)
        except MaxCostReached:
            raise
        except Exception as error:  # noqa: BLE001 - as in `draft`
            draft.failure = failure_of(error, "zoom_error" if self._parts.zooming else "adapter_error")
        return await self.finish(draft)

    async def draft(self, item: Item) -> Draft:
        """Draws the pictures of an item and writes its request; without one, the draft has the failure in its place."""
        draft = Draft(item)
        stage = "image"
        try:
            draft.shown = await self._show(item)
            stage = "task"
            draft.prompt = prompt_of(item, self._parts.tasks)
            draft.request = Request(
                conversation=conversation(draft.shown.images if draft.shown else (), draft.prompt, self._parts.system),
                params=params_of(self._parts.params, item.repeat),
                question=item.sample.to_question(),
            )
        except Exception as error:  # noqa: BLE001 - one bad sample (a damaged picture, a plugin's defect) is recorded
            # with its cause and makes the run end with a failure status; it must not cost the thousands beside it.
            draft.failure = failure_of(error, f"{stage}_error")
        return draft

    async def finish(self, draft: Draft) -> Record:
        """Reads and scores the reply of a draft."""
        item, reply, trace = draft.item, draft.reply, draft.trace
        if draft.failure is not None or reply is None:
            return self.record_of(draft)
        stage = "task"
        try:
            if reply.generation is None:
                return self.record_of(draft, error=reply.failure)
            if trace is not None and trace.stop == "max_turns":
                return self.record_of(draft, status="unparsed", reason="max_turns")
            task = self._parts.tasks[item.sample.task]
            extraction = task.extract(reply.generation.text, item.sample)
            cut_off = reply.generation.finish_reason in _CUT_OFF
            if extraction.value is None or (cut_off and not survives_cut(reply.generation.text)):
                # More output tokens would help, whatever the cut-off text looks like.
                reason = "truncated" if cut_off else extraction.reason
                return self.record_of(draft, status="unparsed", reason=reason)
            stage = "judge" if task.info.kind == "open" else "task"
            score = await self._score(task, extraction, item)
        except JudgeStopped:
            raise
        except Exception as error:  # noqa: BLE001 - as in `draft`
            return self.record_of(draft, error=failure_of(error, f"{stage}_error"))
        status: Status = "unscored" if score.value is None else "scored"
        return self.record_of(draft, status=status, extracted=extraction.value, score=score)

    async def _ask(self, item: Item, request: Request, shown: Shown | None) -> tuple[Reply, Trace | None]:
        parts = self._parts
        if parts.zooming is None or shown is None:
            return await parts.asker.ask(request, item.repeat), None
        episode = await play_episode(
            parts.zooming, item, request, shown, asker=parts.asker, renderer=parts.renderer, pool=self._pool
        )
        return episode.reply, episode.trace

    async def _show(self, item: Item) -> Shown | None:
        if not self._needs_images:
            return None
        renderer = self._parts.renderer
        loop = asyncio.get_running_loop()
        if self._parts.crops is not None:
            boxes = self._parts.crops[item.sample.id]
            return await loop.run_in_executor(self._pool, show_crops, renderer, item.sample, boxes)
        warm = renderer.peek(item.sample, item.view)
        if warm is not None:
            return warm
        return await loop.run_in_executor(self._pool, renderer.render, item.sample, item.view)

    async def _score(self, task: Task, extraction: Extraction, item: Item) -> Score:
        if task.info.kind != "open":
            return task.score(extraction, item.sample)
        try:
            return await self._parts.judge.grade(extraction.value or "", item.sample)
        except RequestError as error:
            return Score(value=None, reason=f"judge_{error.cause}")

    def record_of(
        self,
        draft: Draft,
        *,
        status: Status = "failed",
        extracted: str | None = None,
        score: Score | None = None,
        reason: str | None = None,
        error: Failure | None = None,
    ) -> Record:
        """The journal's line of a draft; a failed one unless a status is given."""
        item, shown, reply = draft.item, draft.shown, draft.reply
        sample = item.sample
        generation: Generation | None = reply.generation if reply else None
        return Record(
            run=self._parts.run,
            sample_id=sample.id,
            task=sample.task,
            page=sample.page,
            language=sample.language,
            pair_id=sample.pair_id,
            view=item.view,
            budget=item.budget,
            repeat=item.repeat,
            status=status,
            prompt=draft.prompt,
            text=generation.text if generation else None,
            reasoning=generation.reasoning if generation else None,
            extracted=extracted,
            answer=sample.answer,
            score=score.value if score else None,
            detail=score.detail if score else {},
            reason=score.reason if score and score.reason else reason,
            finish_reason=generation.finish_reason if generation else None,
            usage=_spent(reply).model_dump(exclude_none=True),
            latency_s=reply.latency_s if reply else None,
            retries=reply.retries if reply else 0,
            error=error or draft.failure,
            images=tuple(SentImage(w=i.size[0], h=i.size[1], sha256=i.sha256) for i in shown.images) if shown else (),
            cached=reply.cached if reply else False,
            model=generation.model if generation else None,
            trace=draft.trace,
            judge=score.judge if score else None,
            batch=reply.batch if reply else False,
            time=datetime.now(UTC).isoformat(timespec="milliseconds"),
        )


def _spent(reply: Reply | None) -> Usage:
    if reply is None:
        return Usage()
    return reply.generation.usage if reply.generation else reply.spent or Usage()
