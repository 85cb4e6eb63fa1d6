"""What ``comic-eval data questions`` does; apart from its options, so that ``--help`` imports none of it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from comic_eval.benchmark.questions import generate_questions
from comic_eval.benchmark.questions.prepare import Settings
from comic_eval.benchmark.questions.progress import Progress
from comic_eval.benchmark.questions.report import Report
from comic_eval.benchmark.questions.session import HOME, REPORT, Generation
from comic_eval.cli.run_action import adapter_settings, operation_of, sampling_params, stop_on_signals
from comic_eval.run.folder import JOURNAL
from comic_eval.run.redact import printable
from comic_eval.zoom.crop import CropRules


def execute(options: dict[str, Any]) -> int:
    """Carries out one call and returns its exit status.

    Raises:
        UserError: a mistake in the call.
    """
    try:
        result = _generate(options)
    except KeyboardInterrupt:
        click.secho("interrupted at once; every answer in the journal is safe, repeat the call to go on", err=True)
        return 4
    if options["as_json"]:
        click.echo(result.report.model_dump_json(indent=2))
    else:
        _show(result)
    _explain(result)
    return result.exit_status


def _generate(options: dict[str, Any]) -> Generation:
    blind = {"model": options["blind_model"] or "", "base_url": None, "api": None, "timeout": options["timeout"]}
    settings = Settings(
        panel_questions=options["questions"],
        blind_attempts=options["blind_attempts"],
        read_attempts=options["attempts"],
        all_pages=options["all_pages"],
        response_schema=not options["no_schema"],
        limit=options["limit"],
        budget=options["budget"],
        crop=CropRules(padding=options["padding"]),
        params=sampling_params(options),
        blind_temperature=None if options["default_temperature"] else options["blind_temperature"],
    )

    async def main() -> Generation:
        return await generate_questions(
            options["pages_folder"],
            options["out_folder"],
            coco=options["coco"],
            mapping=options["mapping"],
            model=options["model"],
            blind_model=options["blind_model"],
            settings=settings,
            adapter_settings=adapter_settings(options),
            blind_settings=adapter_settings(blind | {"adapter_settings": options["blind_settings"]}),
            operation=operation_of(options),
            cache_dir=options["cache_dir"],
            progress=Progress(None if options["quiet"] else sys.stderr),
            arguments=_recorded(options),
            stop=stop_on_signals(),
        )

    return asyncio.run(main())


def _recorded(options: dict[str, Any]) -> dict[str, Any]:
    return {"argv": sys.argv[1:]} | {key: _plain(value) for key, value in options.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def _show(result: Generation) -> None:
    report = result.report
    console = Console()
    wide = Console(width=200) if not console.is_terminal else console
    wide.print(filter_table(report))
    click.echo(
        f"{report.done} of {report.panels} panels on {report.pages} pages are done; {report.panels_without_position} "
        f"more have no unambiguous place, {report.pages_left_alone} pages carry questions and were left alone"
    )
    if report.accepted:
        click.echo(f"{report.guessable} of {report.accepted} questions were answered right blind: marked guessable")
    click.echo(f"every request and answer: {result.folder / HOME / JOURNAL}")
    click.echo(f"counts:                   {result.folder / HOME / REPORT}")
    if report.complete and not result.stopped:
        click.echo(f"Check the questions, then: comic-eval data build {result.folder} BENCHMARK_FOLDER")


def filter_table(report: Report) -> Table:
    """Each filter with what reached it, what it dropped, and the share that passed."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("filter")
    for heading in ("reached", "dropped", "passed"):
        table.add_column(heading, justify="right")
    table.add_column("drops what ...", style="dim")
    for row in report.filters:
        rate = "–" if row.pass_rate is None else f"{row.pass_rate:.1%}"
        table.add_row(row.name.replace("_", " "), str(row.reached), str(row.rejected), rate, row.meaning)
    rate = "–" if report.acceptance_rate is None else f"{report.acceptance_rate:.1%}"
    table.add_row("all", str(report.proposed), str(report.proposed - report.accepted), rate, "", style="bold")
    return table


def _explain(result: Generation) -> None:
    """Says in words what keeps the questions from being complete."""
    report = result.report
    if report.failed:
        causes = ", ".join(f"{count} x {printable(cause, 40)}" for cause, count in report.failures.items())
        click.secho(f"{report.failed} panels failed ({causes}); the same call asks them again", fg="red", err=True)
    for step, count in report.unreadable.items():
        click.secho(f"{count} panels without questions: no reply to the step {step!r} could be used", err=True)
    if result.stopped:
        click.secho(f"stopped: {printable(result.stopped, 600)}", fg="red", err=True)
    if not report.complete:
        words = f"INCOMPLETE: {report.done + report.failed} of {report.panels} panels; the pages are not written yet."
        click.secho(words, fg="red", err=True)
