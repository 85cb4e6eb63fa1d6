"""What ``comic-eval judge`` does; apart from its options, so that ``--help`` imports none of it."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console, Group

from comic_eval.analysis.table import summary_table
from comic_eval.benchmark import load_benchmark
from comic_eval.cli.cost_options import price_table
from comic_eval.cli.judge_options import chosen_judge
from comic_eval.cli.run_action import operation_of, stop_on_signals
from comic_eval.contracts import Judge
from comic_eval.errors import UserError
from comic_eval.files import write_atomic
from comic_eval.judging.calibration import calibrate as compare
from comic_eval.judging.desk import JudgeStopped, open_judge
from comic_eval.judging.grading import grade_all
from comic_eval.judging.labels import BUNDLED, bundled_labels, read_labels
from comic_eval.judging.probes import Case, build_probes, probe_report
from comic_eval.judging.rejudge import open_run, rejudge
from comic_eval.judging.tables import calibration_table, probe_table
from comic_eval.judging.template import pick, write_template
from comic_eval.plugins import create_judge
from comic_eval.run.display import make_progress
from comic_eval.run.folder import JOURNAL, SUMMARY
from comic_eval.run.redact import printable
from comic_eval.types import Sample, Score

STOPPED = 4
NOT_WELL = 3


def calibrate(options: dict[str, Any]) -> int:
    """Carries out ``judge calibrate`` and returns its exit status.

    Raises:
        UserError: a mistake in the call or in the file of labels.
    """
    path = options["labels"] or BUNDLED["pepper-carrot"]
    found = read_labels(path)
    labels = [label for label in found if label.label is not None]
    if len(labels) < len(found):
        click.secho(f"{len(found) - len(labels)} of {len(found)} answers have no label yet", fg="yellow", err=True)
    if not labels:
        raise UserError(f"{path}: no answer is labelled; write correct or incorrect into the column label")
    if options["judge_crop"]:
        raise UserError("--judge-crop: a file of labels has no pictures; leave the option out")
    judge = _judge(options)
    try:
        scores = _grade(options, judge, [(label.answer, label.to_sample()) for label in labels])
    except JudgeStopped as error:
        return _stopped(error)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    result = compare(judge.id, labels, scores, source=path.name, sha256=sha256)
    if options["as_json"]:
        click.echo(result.model_dump_json(indent=2))
    else:
        _print(calibration_table(result))
        for place in result.errors[: options["show_errors"]]:
            label, score = labels[place], scores[place]
            said = "right" if score.value == 1.0 else "wrong"
            why = score.judge.reason if score.judge and score.judge.reason else "no reason given"
            click.echo(f"\njudged {said}: {printable(label.answer, 400)}")
            click.echo(f"  question: {printable(label.question, 200)}\n  reference: {printable(label.reference, 300)}")
            click.echo(f"  judge: {printable(why, 300)}")
    return NOT_WELL if result.overall.unscored else 0


def probe(options: dict[str, Any]) -> int:
    """Carries out ``judge probe`` and returns its exit status.

    Raises:
        UserError: a mistake in the call, or a benchmark without open questions.
    """
    data = load_benchmark(options["benchmark"])
    wanted = ("en", "fr") if options["language"] == "both" else (options["language"],)
    languages = [language for language in wanted if language in data.languages]
    samples = [s for language in languages for s in data.select(split=options["split"], language=language)]
    paraphrases = [label for label in bundled_labels(data) if label.kind == "paraphrase"]
    cases = build_probes(samples, options["n"], paraphrases)
    judge = _judge(options)
    try:
        scores = _grade(options, judge, [(case.answer, case.sample) for case in cases], data.folder)
    except JudgeStopped as error:
        return _stopped(error)
    if options["out"]:
        _write_cases(options["out"], cases, scores)
    report = probe_report(judge.id, data.name, data.revision, cases, scores)
    if options["as_json"]:
        click.echo(report.model_dump_json(indent=2))
    else:
        _print(probe_table(report))
    return 0 if report.held else NOT_WELL


def template(out: Path, run: str, n: int, runs_dir: Path, benchmark: str | None) -> None:
    """Carries out ``judge template``.

    Raises:
        UserError: there is no such run, or OUT exists.
    """
    asked = open_run(runs_dir, run, benchmark)
    records = pick(asked.gradable, n)
    write_template(out, records, asked.benchmark)
    click.echo(f"{out}: {len(records)} answers of {len(asked.gradable)}. Write correct or incorrect into label, then:")
    click.echo(f"  comic-eval judge calibrate --labels {out} --judge JUDGE")


def rerun(options: dict[str, Any]) -> int:
    """Carries out ``judge rerun`` and returns its exit status.

    Raises:
        UserError: a mistake in the call, a folder that cannot be used, or a server that refuses every request.
    """
    asked = open_run(options["runs_dir"], options["run"], options["benchmark"])
    where = options["benchmark"] or asked.manifest.starts[-1].arguments.get("benchmark")
    plain = {k: str(v) if isinstance(v, Path) else v for k, v in options.items()} | {"benchmark": where}

    async def main() -> Any:
        return await rejudge(
            asked,
            _judge(options),
            runs_dir=options["runs_dir"],
            operation=operation_of(options),
            progress=make_progress("none" if options["quiet"] else "auto"),
            name=options["name"],
            prices=price_table(options["prices"]),
            arguments={"argv": sys.argv[1:]} | plain,
            stop=stop_on_signals(),
        )

    result = asyncio.run(main())
    if options["as_json"]:
        click.echo(result.summary.model_dump_json(indent=2))
    else:
        _print(summary_table(result.summary))
        click.echo(f"\nevery answer and verdict: {result.folder / JOURNAL}")
        click.echo(f"scores and counts:        {result.folder / SUMMARY}")
    if result.undecided:
        click.secho(f"{result.undecided} answers could not be graded; the same call asks again", fg="red", err=True)
    if result.stopped:
        click.secho(f"stopped: {printable(result.stopped, 600)}", fg="red", err=True)
    return int(result.exit_status)


def _judge(options: dict[str, Any]) -> Judge:
    chosen = chosen_judge(options)
    return create_judge(chosen) if isinstance(chosen, str) else chosen


def _grade(
    options: dict[str, Any], judge: Judge, answers: Sequence[tuple[str, Sample]], pages: Path | None = None
) -> list[Score]:
    """Grades all answers; what was graded before an interruption comes from the response cache the next time."""
    operation = operation_of(options)

    async def main() -> list[Score]:
        opened = open_judge(
            judge,
            operation,
            options["runs_dir"] / ".cache",
            pages=pages,
            prices=price_table(options["prices"]),
            warn=lambda message: click.secho(message, fg="yellow", err=True),
        )
        async with opened as ready:
            return await grade_all(ready, answers, operation.concurrency)

    return asyncio.run(main())


def _stopped(error: JudgeStopped) -> int:
    if error.refused:
        raise UserError(str(error)) from error
    click.secho(f"stopped: {printable(str(error), 600)}", fg="red", err=True)
    return STOPPED


def _write_cases(path: Path, cases: Sequence[Case], scores: Sequence[Score]) -> None:
    lines = [
        {
            "attack": case.attack,
            "must_pass": case.must_pass,
            "sample_id": case.sample.id,
            "answer": case.answer,
            **score.model_dump(mode="json", exclude_none=True),
        }
        for case, score in zip(cases, scores, strict=True)
    ]
    if path.exists():
        raise UserError(f"{path}: exists already; choose another --out")
    try:
        write_atomic(path, b"".join(orjson.dumps(line) + b"\n" for line in lines))
    except OSError as error:
        raise UserError(f"--out {path}: cannot be written ({error.strerror})") from error


def _print(table: Group) -> None:
    console = Console()
    # Not a terminal: the table as wide as it is, rather than folded to 80 columns.
    (console if console.is_terminal else Console(width=200)).print(table)
