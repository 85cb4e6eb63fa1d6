"""Grades the answers of an old run anew, with another judge: a run folder of its own, and not one new answer asked."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from comic_eval.analysis.summary import Summary, build_summary
from comic_eval.benchmark import Benchmark, load_benchmark
from comic_eval.contracts import Judge
from comic_eval.costs.prices import PriceTable
from comic_eval.errors import BenchmarkError, RunFolderError, UserError
from comic_eval.files import write_atomic
from comic_eval.judging.desk import JudgeStopped, open_judge
from comic_eval.judging.grading import grade_one
from comic_eval.judging.guard import check_judge, judge_plan
from comic_eval.run.environment import environment
from comic_eval.run.files import digest, to_json
from comic_eval.run.folder import JOURNAL, SUMMARY, enter, make_folder, read_outcomes, read_records, run_folder
from comic_eval.run.journal import Journal
from comic_eval.run.lock import RunLock
from comic_eval.run.manifest import FILE_NAME as MANIFEST
from comic_eval.run.manifest import Manifest, Start, read_manifest
from comic_eval.run.progress import Progress
from comic_eval.run.record import Key, Record
from comic_eval.run.redact import redact_json
from comic_eval.run.spec import Operation
from comic_eval.run.tally import Tally, TaskTally
from comic_eval.types import Sample, Score

# Asking again would give the same: these are words of the judge, no failures of its server.
_FINAL = {"judge_unparsed", "judge_no_majority"}


@dataclass(frozen=True)
class Judged:
    """An old run with the samples that it asked."""

    folder: Path
    manifest: Manifest
    records: tuple[Record, ...]
    benchmark: Benchmark
    samples: Mapping[str, Sample]

    @property
    def open_tasks(self) -> frozenset[str]:
        """The tasks that a judge grades."""
        return frozenset(name for name, plan in self.manifest.tasks.items() if plan.kind == "open")

    @property
    def gradable(self) -> list[Record]:
        """The answers that a judge can grade."""
        return [r for r in self.records if r.task in self.open_tasks and r.extracted is not None]


@dataclass(frozen=True)
class Rejudged:
    """How a call ended; ``stopped`` says why it ended early. ``undecided`` answers are asked again by the same call."""

    folder: Path
    manifest: Manifest
    summary: Summary
    stopped: str | None
    undecided: int

    @property
    def exit_status(self) -> int:
        """0 complete, 3 complete with failed requests (of the old run or of the judge), 4 incomplete."""
        if self.stopped:
            return 4
        return self.summary.exit_status or (3 if self.undecided else 0)


def open_run(runs_dir: Path, name: str, benchmark: str | Path | None = None) -> Judged:
    """Opens a run to grade or label its answers.

    Args:
        benchmark: where its benchmark lies now; by default where it lay.

    Raises:
        RunFolderError: there is no such run, or it has no open answers.
        BenchmarkError: the benchmark cannot be read, or is not the one that the run asked.
    """
    folder = run_folder(runs_dir, name)
    manifest = read_manifest(folder)
    where = benchmark or str(manifest.starts[-1].arguments.get("benchmark") or manifest.spec.benchmark.name)
    data = load_benchmark(where)
    if data.digest != manifest.spec.benchmark.digest:
        raise BenchmarkError(
            f"{where}: is not the benchmark that {name} asked (revision {data.revision}, then "
            f"{manifest.spec.benchmark.revision}). Say where that lies with --benchmark"
        )
    asked = Judged(folder, manifest, tuple(read_records(folder)), data, {s.id: s for s in data.samples})
    if not asked.gradable:
        raise RunFolderError(f"{folder}: has no answers to open questions, so there is nothing for a judge")
    return asked


async def rejudge(
    asked: Judged,
    judge: Judge,
    *,
    runs_dir: Path,
    operation: Operation,
    progress: Progress,
    name: str | None = None,
    prices: PriceTable | None = None,
    arguments: Mapping[str, Any],
    stop: asyncio.Event,
) -> Rejudged:
    """Grades a run's open answers and copies everything else into a run of its own; the same call goes on with it.

    Answers come from the old journal as they were read then, and count as cached: nothing is spent on them again.

    Args:
        name: of the new run; by default made of the old one's and a digest of the judge's id.

    Raises:
        UserError: the folder cannot be used, a model would grade itself, or the judge's server refuses everything.
    """
    check_judge(judge, asked.manifest.adapter)
    name = name or f"{asked.folder.name}-judged-{digest(judge.id)[:6]}"
    folder = run_folder(runs_dir, name)
    wanted = _manifest(asked, judge, name, operation, arguments)
    if folder.resolve() == asked.folder.resolve():
        raise RunFolderError(f"{folder}: is the run itself, which is never overwritten. Give another --name")
    if (folder / MANIFEST).exists():
        found = read_manifest(folder)
        if found.judged_from != wanted.judged_from or found.spec_digest != wanted.spec_digest:
            raise RunFolderError(f"{folder}: is another run, or was graded by another judge. Give another --name")
    make_folder(folder)
    with RunLock(folder):
        manifest = enter(folder, wanted)
        try:
            with Journal(folder / JOURNAL) as journal:
                stopped = await _grade_rest(
                    asked, judge, manifest, operation, folder, journal, progress, stop, prices, runs_dir / ".cache"
                )
        finally:
            summary = build_summary(read_outcomes(folder, manifest.spec.short_digest), manifest)
            write_atomic(folder / SUMMARY, to_json(summary.model_dump(mode="json")))
    undecided = sum(_failed_to_grade(r) for r in read_records(folder))
    return Rejudged(folder, manifest, summary, stopped, undecided)


def _manifest(asked: Judged, judge: Judge, name: str, operation: Operation, arguments: Mapping[str, Any]) -> Manifest:
    old = asked.manifest
    spec = old.spec.model_copy(update={"judge": judge.id})
    now = datetime.now(UTC).isoformat(timespec="seconds")
    samples = [asked.samples[r.sample_id] for r in asked.gradable]
    return old.model_copy(
        update={
            "name": name,
            "created": now,
            "spec": spec,
            "spec_digest": spec.digest,
            "judge": judge_plan(judge, old.adapter, samples),
            "judged_from": asked.folder.name,
            "starts": (
                Start(time=now, arguments=redact_json(dict(arguments)), operation=operation, environment=environment()),
            ),
        }
    )


def _failed_to_grade(record: Record) -> bool:
    reason = record.reason or ""
    return record.status == "unscored" and reason.startswith("judge_") and reason not in _FINAL


async def _grade_rest(
    asked: Judged,
    judge: Judge,
    manifest: Manifest,
    operation: Operation,
    folder: Path,
    journal: Journal,
    progress: Progress,
    stop: asyncio.Event,
    prices: PriceTable | None,
    shared: Path,
) -> str | None:
    run = manifest.spec.short_digest
    done: dict[Key, Record] = {r.key: r for r in read_records(folder)}
    for record in done.values():
        if record.run != run:
            raise RunFolderError(f"{folder / JOURNAL}: holds answers of run {record.run}, but this is run {run}")
    repeats = manifest.spec.repeats
    tally = Tally({n: TaskTally(plan.planned * repeats) for n, plan in manifest.tasks.items()})
    pending = []
    gradable = {r.key for r in asked.gradable}
    for record in asked.records:
        kept = done.get(record.key)
        same = kept is not None and (kept.text, kept.extracted) == (record.text, record.extracted)
        if kept is not None and same and not _failed_to_grade(kept):
            tally.add_earlier(kept.outcome())
        elif record.key in gradable:
            pending.append(record)
        else:
            copy = _copy(record, run)
            journal.append(copy)
            tally.add_earlier(copy.outcome())
    if not pending:
        return None

    async def work(ready: Judge) -> None:
        for record in source:
            if stop.is_set():
                return
            sample = asked.samples[record.sample_id]
            score = await grade_one(ready, record.extracted or "", sample)
            graded = _copy(record, run, score)
            journal.append(graded)
            tally.add(graded.outcome())

    source = iter(pending)
    opened = open_judge(
        judge,
        operation,
        shared,
        pages=asked.benchmark.folder,
        prices=prices,
        on_retry=tally.count_retry,
        warn=progress.warn,
    )
    why: str | None = None
    try:
        async with opened as ready, _shown(progress, tally), asyncio.TaskGroup() as group:
            for _ in range(min(operation.concurrency, len(pending))):
                group.create_task(work(ready))
    except* JudgeStopped as errors:
        why = _why(errors)
    except* OSError as errors:
        raise RunFolderError(
            f"{folder / JOURNAL}: cannot be written ({errors.exceptions[0]}). Every verdict in it is safe; free space "
            "and repeat the call"
        ) from errors
    if why is None and stop.is_set() and tally.done < tally.planned:
        why = "interrupted; repeat the call to go on"
    return why


def _why(errors: BaseExceptionGroup[JudgeStopped]) -> str:
    error = errors.exceptions[0]
    if isinstance(error, JudgeStopped) and error.refused:
        raise UserError(str(error)) from errors
    return str(error)


def _copy(record: Record, run: str, score: Score | None = None) -> Record:
    """A line of the old journal in the new one, with its new score where there is one."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    changed: dict[str, Any] = {"run": run, "cached": True, "time": now}
    if score is not None:
        changed |= {
            "status": "unscored" if score.value is None else "scored",
            "score": score.value,
            "detail": score.detail,
            "reason": score.reason,
            "judge": score.judge,
        }
    return record.model_copy(update=changed)


@contextlib.asynccontextmanager
async def _shown(progress: Progress, tally: Tally) -> AsyncIterator[None]:
    async def show() -> None:
        while True:
            await asyncio.sleep(progress.interval_s)
            progress.update(tally)

    task = asyncio.create_task(show())
    progress.begin(tally)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        progress.end(tally)
