"""One start of a generation: go on where it stopped, ask, filter, write."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comic_eval.benchmark.questions import provenance
from comic_eval.benchmark.questions.asking import Interviewer, UnwritableError, Voice
from comic_eval.benchmark.questions.filters import is_repeated
from comic_eval.benchmark.questions.job import Accepted, Job, Outcome
from comic_eval.benchmark.questions.output import Author, as_bytes, with_questions, write_pages
from comic_eval.benchmark.questions.prepare import Prepared
from comic_eval.benchmark.questions.progress import Progress
from comic_eval.benchmark.questions.report import Report, make_report
from comic_eval.benchmark.questions.spec import GenerationManifest, enter, make_start
from comic_eval.benchmark.questions.work import Worker
from comic_eval.contracts import Adapter, RunContext
from comic_eval.errors import RequestError, RunFolderError, UserError
from comic_eval.files import write_atomic
from comic_eval.run.ask import Asker
from comic_eval.run.breaker import Breaker, Refused, Unavailable
from comic_eval.run.cache import ResponseCache
from comic_eval.run.clock import RealClock
from comic_eval.run.files import to_json
from comic_eval.run.folder import JOURNAL, make_folder, read_records
from comic_eval.run.journal import Journal
from comic_eval.run.lock import RunLock
from comic_eval.run.record import Key, Record
from comic_eval.run.redact import printable
from comic_eval.run.spec import Operation

# The folder inside OUT that holds the work: manifest, journal, report.
HOME = "generation"
REPORT = "report.json"
LEDGER = "written.json"
WAY_OUT = "choose another OUT folder"


@dataclass(frozen=True)
class Generation:
    """How one start ended.

    Attributes:
        folder: the pages folder; it holds pages once every panel was worked on.
        stopped: why it ended early; None if it did not.
    """

    folder: Path
    report: Report
    stopped: str | None

    @property
    def exit_status(self) -> int:
        """0 complete, 3 complete with failed requests, 4 incomplete."""
        return 4 if self.stopped else self.report.exit_status


async def run_generation(
    prepared: Prepared,
    out: Path,
    *,
    operation: Operation,
    cache_dir: Path,
    arguments: Mapping[str, Any],
    progress: Progress,
    stop: asyncio.Event,
) -> Generation:
    """Starts a generation or goes on with it.

    Raises:
        UserError: OUT cannot be used, a model cannot be started, or the server refuses every request.
    """
    _check_out(out, prepared.source.folder)
    home = out / HOME
    make_folder(home)
    with RunLock(home, way_out=WAY_OUT):
        manifest = GenerationManifest(
            spec=prepared.spec,
            adapter=prepared.writer.info.model_copy(update={"settings": prepared.spec.model_settings}),
            blind_adapter=prepared.guesser.info.model_copy(update={"settings": prepared.spec.blind_settings}),
            starts=(make_start(dict(arguments), operation),),
        )
        enter(home, manifest)
        outcomes: dict[str, Outcome] = {}
        try:
            with Journal(home / JOURNAL) as journal:
                stopped = await _ask_all(prepared, home, journal, outcomes, operation, cache_dir, progress, stop)
        finally:
            # Also after an interruption or a refusal, so that the report never lags behind the journal.
            report, accepted = _settle(prepared, outcomes, home)
            unwritten = _write_report(home, report)
        if report.complete and not stopped:
            author = Author(prepared.spec.family, prepared.spec.prompts_sha256)
            files = with_questions(prepared.source.files(), accepted, author)
            texts = _provenance(prepared, report, accepted) | as_bytes(files.labels)
            write_pages(out, texts, files.copies, home / LEDGER)
    return Generation(out, report, stopped or unwritten)


def _check_out(out: Path, pages_folder: Path) -> None:
    if out.resolve() == pages_folder.resolve():
        raise RunFolderError(f"{out}: is the pages folder itself, which is never changed. Name another folder for OUT")
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise RunFolderError(f"{out}: is no folder. Name a new or empty folder for OUT")
    if out.exists() and not (out / HOME).is_dir() and any(out.iterdir()):
        raise RunFolderError(f"{out}: is not empty and holds no questions in the making. Name a new or empty folder")


def _known(home: Path, run: str) -> dict[Key, Record]:
    """The last record of every request so far.

    Raises:
        RunFolderError: the journal is damaged, or another generation's.
    """
    records = {record.key: record for record in read_records(home)}
    for record in records.values():
        if record.run != run:
            raise RunFolderError(
                f"{home / JOURNAL}: holds answers of generation {record.run}, but this is {run}. "
                "Put the journal back where it belongs, or choose another OUT folder"
            )
    return records


async def _ask_all(
    prepared: Prepared,
    home: Path,
    journal: Journal,
    outcomes: dict[str, Outcome],
    operation: Operation,
    cache_dir: Path,
    progress: Progress,
    stop: asyncio.Event,
) -> str | None:
    """Works on every panel; returns why it ended early.

    Raises:
        UserError: a model cannot be started, or the server refuses every request.
    """
    spec, jobs = prepared.spec, prepared.jobs
    known = _known(home, spec.short_digest)
    answered = sum(record.answered for record in known.values())
    adapters = list({id(adapter): adapter for adapter in (prepared.writer, prepared.guesser)}.values())
    most = [a.info.max_concurrency for a in adapters if a.info.max_concurrency]
    workers = max(1, min(operation.concurrency, len(jobs), *most))
    interviewer = Interviewer(spec.short_digest, journal, known, spec.budget, progress.asked)
    try:
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(_started(adapters, cache_dir))
            cache = stack.enter_context(_cache(adapters, operation, cache_dir))
            voices = [_voice(a, prepared, operation, cache, progress, bool(answered), workers) for a in adapters]
            worker = Worker(prepared, interviewer, voices[0], voices[-1])
            stack.callback(worker.close)
            progress.begin(len(jobs), answered)
            stack.callback(progress.end)
            await _share_out(jobs, worker, workers, journal, outcomes, progress, stop)
    except UnwritableError as error:
        return (
            f"the journal cannot be written: {error} ({home / JOURNAL}). Every answer in it is safe. "
            "Free space and repeat the call: it goes on where it stopped"
        )
    except Unavailable as error:
        return (
            f"no request gets through ({error.failure.cause}): {printable(error.failure.message)}. "
            "Repeat the call when the server answers again: it goes on where it stopped"
        )
    except Refused as error:
        status = f"HTTP {error.failure.status}, " if error.failure.status else ""
        raise UserError(
            f"the server refuses every request ({status}{error.failure.cause}): {printable(error.failure.message)} "
            f"{error.way_out}, then repeat the call"
        ) from error
    return "interrupted; repeat the call to go on" if len(outcomes) < len(jobs) else None


def _voice(
    adapter: Adapter,
    prepared: Prepared,
    operation: Operation,
    cache: ResponseCache | None,
    progress: Progress,
    answered_before: bool,
    workers: int,
) -> Voice:
    settings = prepared.spec.model_settings if adapter is prepared.writer else prepared.spec.blind_settings
    asker = Asker(
        adapter,
        settings,
        operation,
        RealClock(),
        cache=None if adapter.info.deterministic else cache,
        on_retry=progress.retried,
        warn=progress.warn,
    )
    pending = max(1, len(prepared.jobs))
    breaker = Breaker(pending=pending, answered_before=answered_before, workers=workers)
    return Voice(adapter.info.id, asker, breaker)


async def _share_out(
    jobs: Sequence[Job],
    worker: Worker,
    workers: int,
    journal: Journal,
    outcomes: dict[str, Outcome],
    progress: Progress,
    stop: asyncio.Event,
) -> None:
    """Lets ``workers`` at a time work on the panels, until all are done or ``stop`` is set."""
    source = iter(jobs)

    async def work() -> None:
        for job in source:
            outcome = await worker.work(job)
            outcomes[job.key] = outcome
            progress.finished(outcome)
            with contextlib.suppress(OSError):  # the next write tells
                await asyncio.to_thread(journal.sync)

    tasks = [asyncio.create_task(work()) for _ in range(workers)]
    stopped = asyncio.create_task(stop.wait())
    waiting: set[asyncio.Task[Any]] = {stopped, *tasks}
    try:
        while not stopped.done() and waiting - {stopped}:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stopped}:
                task.result()
    finally:
        for task in (stopped, *tasks):
            task.cancel()
        await asyncio.gather(stopped, *tasks, return_exceptions=True)


def _settle(
    prepared: Prepared, outcomes: Mapping[str, Outcome], home: Path
) -> tuple[Report, dict[str, list[tuple[str, Accepted]]]]:
    """The report, and what each page gets: page id -> panel id and question, in reading order."""
    ordered = [outcomes[job.key] for job in prepared.jobs if job.key in outcomes]
    accepted: dict[str, list[tuple[str, Accepted]]] = {}
    repeated = 0
    for outcome in ordered:
        page = outcome.job.page
        mine = accepted.setdefault(page.id, [])
        for question in outcome.accepted:
            text = question.texts[page.language]
            if any(is_repeated(text, earlier.texts[page.language]) for _, earlier in mine):
                repeated += 1
            else:
                mine.append((outcome.job.panel.id, question))
    report = make_report(
        prepared.spec.short_digest,
        ordered,
        read_records(home),
        final=[question for questions in accepted.values() for _, question in questions],
        repeated=repeated,
        pages=prepared.pages,
        left_alone=prepared.left_alone,
        panels=len(prepared.jobs),
        without_position=prepared.without_position,
    )
    return report, accepted


def _provenance(
    prepared: Prepared, report: Report, accepted: Mapping[str, Sequence[tuple[str, Accepted]]]
) -> dict[str, bytes]:
    """The file that tells where labels and questions come from; none where there was none and nothing is new."""
    path = prepared.source.folder / provenance.FILE
    before = path.read_text(encoding="utf-8") if path.is_file() else None
    questions = [question for page in accepted.values() for _, question in page]
    text = provenance.provenance(before, prepared.spec, report, questions) if questions else before
    return {} if text is None else {provenance.FILE: text.encode()}


def _write_report(home: Path, report: Report) -> str | None:
    try:
        write_atomic(home / REPORT, to_json(report.model_dump(mode="json")))
    except OSError as error:
        return f"{home / REPORT} cannot be written ({error.strerror}); every answer is safe in {JOURNAL}"
    return None


@contextlib.asynccontextmanager
async def _started(adapters: Iterable[Adapter], cache_dir: Path) -> AsyncIterator[None]:
    """The adapters, started; closed in any case."""
    async with contextlib.AsyncExitStack() as stack:
        for adapter in adapters:
            stack.push_async_callback(adapter.close)
            try:
                await adapter.start(RunContext(cache_dir=cache_dir))
            except RequestError as error:
                raise UserError(f"{adapter.info.id} cannot be started: {printable(str(error))}") from error
        yield


@contextlib.contextmanager
def _cache(adapters: Iterable[Adapter], operation: Operation, folder: Path) -> Iterator[ResponseCache | None]:
    """The response cache, or None where it is not wanted or serves nothing."""
    if not operation.use_cache or all(a.info.deterministic for a in adapters):
        yield None
        return
    with ResponseCache(folder) as cache:
        yield cache
