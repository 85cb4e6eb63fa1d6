"""What ``comic-eval run`` does; apart from its options, so that ``--help`` imports none of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from comic_eval.analysis.failure_table import failure_table, nothing_answered
from comic_eval.analysis.summary import Summary, load_summary
from comic_eval.analysis.table import share, summary_table
from comic_eval.analysis.zoom_table import zoom_table
from comic_eval.cli.cost_options import forecast_lines, price_table, system_prompt
from comic_eval.cli.crop_options import crop_settings
from comic_eval.cli.judge_options import chosen_judge
from comic_eval.cli.option_group import names
from comic_eval.cli.zoom_options import zoom_settings
from comic_eval.errors import UserError
from comic_eval.plugins import parse_model_id
from comic_eval.report.source import find_folder
from comic_eval.run.applicable import describe
from comic_eval.run.evaluate import RunResult, evaluate_async
from comic_eval.run.folder import JOURNAL, SUMMARY, run_folder
from comic_eval.run.manifest import FILE_NAME as MANIFEST
from comic_eval.run.prepare import prepare
from comic_eval.run.preview import preview
from comic_eval.run.progress import Display
from comic_eval.run.redact import printable
from comic_eval.run.spec import Operation, Prices
from comic_eval.types import SamplingParams
from comic_eval.zoom.crop import CropRules


def execute(options: dict[str, Any], crop: dict[str, Any]) -> int:
    """Carries out one call and returns its exit status.

    Args:
        crop: the fields of `CropRules` that were typed.

    Raises:
        UserError: a mistake in the call.
    """
    runs_dir = Path(options["runs_dir"])
    beside = [load_summary(find_folder(name, runs_dir)) for name in options["beside"]]
    chosen = _chosen(options) | zoom_settings(options, crop)
    if options["resume"]:
        _check_exists(runs_dir, options["name"])
    if options["dry_run"]:
        _show_preview(options, chosen, runs_dir)
        return 0
    display: Display = "none" if options["quiet"] else "auto"
    try:
        result = _until_interrupted(options, chosen, runs_dir, display)
    except KeyboardInterrupt:
        click.secho("interrupted at once; every answer in the journal is safe, repeat the call to go on", err=True)
        return 4
    if options["as_json"]:
        click.echo(result.summary.model_dump_json(indent=2))
    else:
        _show(result, beside)
    _explain(result, to_stderr=options["as_json"])
    return result.exit_status


def _check_exists(runs_dir: Path, name: str | None) -> None:
    if name is None:
        raise UserError("--resume goes on with a named run: give its --name")
    if not (run_folder(runs_dir, name) / MANIFEST).is_file():
        known = sorted(path.parent.name for path in runs_dir.glob(f"*/{MANIFEST}"))
        raise UserError(f"{runs_dir / name}: no such run to go on with. There are: {', '.join(known) or 'none'}")


def _chosen(options: dict[str, Any]) -> dict[str, Any]:
    """The arguments that `prepare` and `evaluate_async` share."""
    keys = ("model", "benchmark", "split", "view", "budget", "language", "limit", "seed", "name", "repeats")
    return {key: options[key] for key in keys} | {
        "tasks": names(options["tasks"]),
        "params": sampling_params(options),
        "adapter_settings": adapter_settings(options),
        "crop": CropRules(**crop_settings(options)),
        "system": system_prompt(options["system"]),
        "judge": chosen_judge(options),
    }


def sampling_params(options: dict[str, Any]) -> SamplingParams:
    """The decoding settings, from the same options."""
    return SamplingParams(
        temperature=None if options["default_temperature"] else options["temperature"],
        top_p=options["top_p"],
        max_tokens=options["max_tokens"],
        seed=options["sampling_seed"],
        reasoning_effort=options["reasoning_effort"],
        extra_body=options["extra_body"] or {},
    )


def adapter_settings(options: dict[str, Any]) -> dict[str, Any]:
    """The adapter's keyword arguments, from the options of every command that asks a model."""
    settings: dict[str, Any] = {key: options[key] for key in ("base_url", "api") if options[key] is not None}
    settings |= key_values("--adapter-setting", options["adapter_settings"])
    if parse_model_id(options["model"])[0] == "openai":
        # The adapter's own time limit would otherwise end what --timeout allows.
        settings.setdefault("timeout_s", options["timeout"])
    return settings


def key_values(option: str, pairs: Sequence[str]) -> dict[str, Any]:
    """The settings that a repeatable KEY=VALUE option gives; values are read as JSON where they are some."""
    settings: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UserError(f"{option} {pair!r}: write KEY=VALUE")
        try:
            settings[key] = json.loads(value)
        except ValueError:
            settings[key] = value
    return settings


def stop_on_signals() -> asyncio.Event:
    """An event that the first Ctrl-C (or SIGTERM) sets, for the running loop; the second ends the process at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def interrupt() -> None:
        stop.set()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

    with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C cancels, and the journal is safe all the same
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, interrupt)
    return stop


def _until_interrupted(options: dict[str, Any], chosen: dict[str, Any], runs_dir: Path, display: Display) -> RunResult:
    """Runs until it is done or the user presses Ctrl-C, which ends it cleanly; a second Ctrl-C ends it at once."""

    async def main() -> RunResult:
        stop = stop_on_signals()
        return await evaluate_async(
            **chosen,
            runs_dir=runs_dir,
            operation=operation_of(options).model_copy(
                update={
                    "max_cost_usd": options["max_cost"],
                    "batch": options["batch"],
                    "batch_poll_s": options["batch_poll"],
                }
            ),
            prices=prices_of(options["price"]) or price_table(options["prices"]),
            display=display,
            arguments=_recorded(options),
            stop=stop,
        )

    return asyncio.run(main())


def operation_of(options: dict[str, Any]) -> Operation:
    """Limits, retries and cache, from the same options."""
    return Operation(
        concurrency=options["concurrency"],
        requests_per_minute=options["rpm"],
        tokens_per_minute=options["tpm"],
        max_retries=options["max_retries"],
        timeout_s=options["timeout"],
        use_cache=not options["no_cache"],
    )


def prices_of(numbers: tuple[float, ...] | None) -> Prices | None:
    if numbers is None:
        return None
    return Prices(input=numbers[0], output=numbers[1], cached_input=numbers[2] if len(numbers) > 2 else None)


def _recorded(options: dict[str, Any]) -> dict[str, Any]:
    plain = {k: str(v) if isinstance(v, Path) else list(v) if isinstance(v, tuple) else v for k, v in options.items()}
    return {"argv": sys.argv[1:]} | plain


def _show_preview(options: dict[str, Any], chosen: dict[str, Any], runs_dir: Path) -> None:
    prices = prices_of(options["price"]) or price_table(options["prices"])
    plan = preview(prepare(**chosen), runs_dir, prices=prices, batch=options["batch"])
    if options["as_json"]:
        click.echo(plan.model_dump_json(indent=2))
        return
    for name, count in plan.tasks.items():
        click.echo(f"{count:6}  {printable(name)}")
    click.echo(f"{plan.samples:6}  samples, of which {plan.answered} are answered already by run {plan.name}")
    click.echo(
        f"{plan.requests:6}  requests with {plan.images} images ({plan.distinct_images} different), "
        f"{plan.pixels / 1e6:.1f} megapixels: about {plan.image_tokens:,} image tokens at "
        f"{plan.pixels_per_token} pixels each, and {plan.prompt_characters:,} characters of prompts"
    )
    for line in forecast_lines(plan.forecast):
        click.echo(line)
    if plan.left_out:
        click.echo(f"no view {printable(options['view'], 40)}: {printable(describe(plan.left_out), 1000)}")
    click.echo("Nothing was sent or written. Answers in the response cache would cost nothing.")


def _show(result: RunResult, beside: list[Summary]) -> None:
    console = Console()
    # Not a terminal: the table as wide as it is, rather than folded to 80 columns.
    wide = Console(width=200) if not console.is_terminal else console
    unanswered = nothing_answered(result.summary)
    wide.print(failure_table(result.summary) if unanswered else summary_table(result.summary))
    zooms = zoom_table(result.summary)
    if zooms is not None and not unanswered:
        wide.print()
        wide.print(zooms)
    if beside and not unanswered:
        wide.print()
        wide.print(summary_table([result.summary, *beside]))
    click.echo()
    click.echo(f"every question and answer: {result.folder / JOURNAL}")
    click.echo(f"scores and counts:         {result.folder / SUMMARY}")


def _explain(result: RunResult, *, to_stderr: bool) -> None:
    """Says in words what keeps the run from being complete and clean."""
    summary = result.summary
    if result.manifest.left_out:
        view = printable(result.manifest.spec.view, 40)
        click.secho(f"no view {view}: {printable(describe(result.manifest.left_out), 1000)}", fg="yellow", err=True)
    for warning in (*result.manifest.warnings, summary.zoom_warning):
        if warning:
            click.secho(f"warning: {printable(warning, 1000)}", fg="yellow", err=True)
    if summary.failed:
        causes = Counter(r.error.cause for r in result.records if r.error)
        click.secho(f"{share(summary.failed)} samples failed; the same call asks them again:", fg="red", err=True)
        for cause, count in causes.most_common():
            example = next(r.error.message for r in result.records if r.error and r.error.cause == cause)
            click.echo(f"  {count} x {printable(cause, 40)}, for instance: {printable(example)}", err=True)
    if result.stopped:
        click.secho(f"stopped: {printable(result.stopped, 600)}", fg="red", err=True)
    if not summary.complete:
        click.secho(f"INCOMPLETE: {summary.done} of {summary.planned} samples are finished.", fg="red", err=True)
    if to_stderr:
        click.echo(f"run folder: {result.folder}", err=True)
