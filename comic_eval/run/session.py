"""One start of a run: lock, manifest, resume, ask, summary."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comic_eval.analysis.summary import Summary, build_summary
from comic_eval.contracts import RunContext
from comic_eval.costs.prices import find_prices
from comic_eval.costs.purse import MaxCostReached, Purse
from comic_eval.costs.spending import check_limit, open_purse, recorded_cost
from comic_eval.errors import RequestError, UserError
from comic_eval.files import write_atomic
from comic_eval.judging.desk import JudgeStopped, infos_of, open_judge
from comic_eval.run.ask import Asker
from comic_eval.run.batch import batch_tools, check_batches, run_batches
from comic_eval.run.batch_book import BatchBook
from comic_eval.run.breaker import Breaker, Refused, Unavailable
from comic_eval.run.cache import ResponseCache
from comic_eval.run.clock import RealClock
from comic_eval.run.engine import Engine, Parts
from comic_eval.run.files import to_json
from comic_eval.run.folder import JOURNAL, SUMMARY, enter, make_folder, read_outcomes, run_folder
from comic_eval.run.journal import Journal
from comic_eval.run.lock import RunLock
from comic_eval.run.manifest import Manifest, read_manifest
from comic_eval.run.prepare import Prepared, make_manifest
from comic_eval.run.progress import Progress
from comic_eval.run.record import Record
from comic_eval.run.redact import printable
from comic_eval.run.served import note_served
from comic_eval.run.spec import Operation, Prices
from comic_eval.run.tally import Tally, TaskTally

CACHE = ".cache"
# After a power cut at most this much is asked again; a killed process loses nothing that was written.
SYNC_EVERY_S = 2.0
# Questions come page by page, so only the pictures of the pages in work are asked for again.
IMAGE_MEMORY = 32 * 2**20


@dataclass(frozen=True)
class Session:
    """How one start of a run ended. ``stopped`` says why it ended early, None if it did not."""

    folder: Path
    manifest: Manifest
    summary: Summary
    stopped: str | None

    @property
    def exit_status(self) -> int:
        return 4 if self.stopped else self.summary.exit_status


async def run_session(
    prepared: Prepared,
    *,
    runs_dir: Path,
    operation: Operation,
    prices: Prices | None,
    arguments: Mapping[str, Any],
    progress: Progress,
    stop: asyncio.Event,
) -> Session:
    """Starts a run or goes on with it.

    Raises:
        UserError: the folder cannot be used, the model cannot be started, or the server refuses every request.
    """
    info = prepared.adapter.info
    prices = prices or find_prices(info)
    check_limit(operation, prices, prepared.params, info)
    check_batches(prepared, operation)
    if operation.max_cost_usd is not None and infos_of(prepared.judge):
        raise UserError(
            f"--max-cost does not cover what the judge {prepared.judge.id} spends. Run with --judge reference under "
            "the limit, then grade the answers with `comic-eval judge rerun`, or leave the limit out"
        )
    folder = run_folder(runs_dir, prepared.name)
    make_folder(folder)
    with RunLock(folder):
        manifest = enter(folder, make_manifest(prepared, operation=operation, prices=prices, arguments=arguments))
        try:
            with Journal(folder / JOURNAL) as journal:
                stopped = await _ask_rest(prepared, manifest, operation, folder, journal, progress, stop)
        finally:
            # Also after an interruption or a refusal, so that the summary never lags behind the journal.
            summary = build_summary(read_outcomes(folder, prepared.spec.short_digest), manifest)
            unwritten = _write_summary(folder, summary)
    return Session(folder, read_manifest(folder), summary, stopped or unwritten)


def _write_summary(folder: Path, summary: Summary) -> str | None:
    try:
        write_atomic(folder / SUMMARY, to_json(summary.model_dump(mode="json")))
    except OSError as error:
        return f"{folder / SUMMARY} cannot be written ({error.strerror}); every answer is safe in {JOURNAL}"
    return None


async def _ask_rest(
    prepared: Prepared,
    manifest: Manifest,
    operation: Operation,
    folder: Path,
    journal: Journal,
    progress: Progress,
    stop: asyncio.Event,
) -> str | None:
    """Asks whatever has no answer yet; returns why it ended early.

    Raises:
        UserError: the model cannot be started, or the server refuses every request.
    """
    planned = {item.key: item.sample.answer for item in prepared.items}
    outcomes = read_outcomes(folder, prepared.spec.short_digest, planned)
    answered = {key: o for key, o in outcomes.items() if o.status != "failed"}
    pending = [item for item in prepared.items if item.key not in answered]
    repeats = prepared.spec.repeats
    tasks = {name: TaskTally(plan.planned * repeats) for name, plan in manifest.tasks.items()}
    tally = Tally(tasks, prices=manifest.prices)
    for outcome in answered.values():
        tally.add_earlier(outcome)
    if not pending:
        return None
    book = BatchBook(folder)
    if book.open and not operation.batch:
        raise UserError(
            f"{book.path}: {len(book.open)} batches of this run are at the provider. Repeat the call with --batch, "
            "which collects them"
        )
    workers = min(operation.concurrency, prepared.adapter.info.max_concurrency or operation.concurrency, len(pending))
    shared = folder.parent / CACHE
    purse: Purse | None = None
    breaker = Breaker(pending=len(pending), answered_before=bool(answered), workers=workers)

    def sink(record: Record) -> None:
        try:
            journal.append(record)
        except OSError as error:
            raise _UnwritableError(error.strerror or str(error)) from error
        outcome = record.outcome()
        tally.add(outcome)
        if purse is not None and manifest.prices is not None:
            purse.written((record.sample_id, record.repeat), recorded_cost(record, manifest.prices))
        if operation.batch:
            return
        if record.error is None:
            breaker.answered()
        else:
            breaker.failed(record.error)

    try:
        async with (
            _started(prepared, shared),
            _background(progress, tally, journal),
            contextlib.AsyncExitStack() as stack,
        ):
            manifest = note_served(folder, manifest, prepared.adapter)
            for warning in manifest.warnings:
                progress.warn(warning)
            with (
                _cache(prepared, operation, shared) as cache,
                open_purse(folder, folder / JOURNAL, prepared.adapter.info, operation, manifest.prices) as purse,
            ):
                judge = await stack.enter_async_context(
                    open_judge(
                        prepared.judge,
                        operation,
                        shared,
                        pages=prepared.benchmark.folder,
                        on_retry=tally.count_retry,
                        warn=progress.warn,
                    )
                )
                asker = Asker(
                    prepared.adapter,
                    prepared.spec.model_settings,
                    operation,
                    RealClock(),
                    cache=cache,
                    on_retry=tally.count_retry,
                    warn=progress.warn,
                    purse=purse,
                )
                spec = prepared.spec
                parts = Parts(
                    run=spec.short_digest,
                    adapter=prepared.adapter,
                    asker=asker,
                    renderer=prepared.renderer(shared / "images", IMAGE_MEMORY),
                    tasks=prepared.tasks,
                    judge=judge,
                    params=prepared.params,
                    system=spec.system,
                    zooming=prepared.zooming,
                    crops=prepared.probe.crops if prepared.probe and prepared.probe.crops else None,
                )
                engine = Engine(parts, workers)
                if operation.batch:
                    tools = batch_tools(
                        prepared, operation, engine, asker, book, sink=sink, stop=stop, say=progress.say, purse=purse
                    )
                    await run_batches(tools, f"comic-{spec.short_digest}", pending)
                else:
                    await engine.run(pending, sink, stop)
    except MaxCostReached as error:
        return str(error)
    except JudgeStopped as error:
        if error.refused:
            raise UserError(str(error)) from error
        return str(error)
    except _UnwritableError as error:
        return (
            f"the journal cannot be written: {error} ({folder / JOURNAL}). Every answer in it is safe. "
            "Free space and repeat the call: it goes on where it stopped"
        )
    except Unavailable as error:
        return (
            f"no request gets through ({error.failure.cause}): {printable(error.failure.message)}. "
            "Repeat the call when the server answers again: it goes on where it stopped"
        )
    except Refused as error:
        raise UserError(_refusal(prepared, error)) from error
    if not stop.is_set() or tally.done >= tally.planned:
        return None
    at_work = f"; {len(book.open)} batches go on at the provider" if book.open else ""
    return f"interrupted{at_work}; repeat the call to go on"


class _UnwritableError(Exception):
    """The journal takes no more lines."""


def _refusal(prepared: Prepared, error: Refused) -> str:
    status = f"HTTP {error.failure.status}, " if error.failure.status else ""
    return (
        f"{prepared.spec.model}: the server refuses every request ({status}{error.failure.cause}): "
        f"{printable(error.failure.message)} "
        f"{error.way_out}, then repeat the call: it asks what has no answer yet"
    )


@contextlib.asynccontextmanager
async def _started(prepared: Prepared, cache_dir: Path) -> AsyncIterator[None]:
    """The adapter, started; closed in any case."""
    adapter = prepared.adapter
    try:
        try:
            await adapter.start(RunContext(train_samples=prepared.train, seed=prepared.spec.seed, cache_dir=cache_dir))
        except RequestError as error:
            raise UserError(f"{prepared.spec.model} cannot be started: {printable(str(error))}") from error
        yield
    finally:
        await adapter.close()


@contextlib.contextmanager
def _cache(prepared: Prepared, operation: Operation, folder: Path) -> Iterator[ResponseCache | None]:
    """The response cache, or None where it is not wanted or serves nothing."""
    if not operation.use_cache or prepared.adapter.info.deterministic:
        yield None
        return
    with ResponseCache(folder) as cache:
        yield cache


@contextlib.asynccontextmanager
async def _background(progress: Progress, tally: Tally, journal: Journal) -> AsyncIterator[None]:
    """Keeps the display fresh and the journal on the disk meanwhile."""

    async def show() -> None:
        while True:
            await asyncio.sleep(progress.interval_s)
            progress.update(tally)

    async def sync() -> None:
        while True:
            await asyncio.sleep(SYNC_EVERY_S)
            with contextlib.suppress(OSError):  # the next write tells
                await asyncio.to_thread(journal.sync)

    tasks = [asyncio.create_task(show()), asyncio.create_task(sync())]
    progress.begin(tally)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        progress.end(tally)
