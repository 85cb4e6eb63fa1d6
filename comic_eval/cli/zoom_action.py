"""What ``comic-eval zoom`` does; apart from its options, so that ``--help`` imports none of it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import click
import orjson
from rich.console import Console, RenderableType

from comic_eval.analysis.probe_tables import reliance_table, sufficiency_table
from comic_eval.analysis.summary import load_summary
from comic_eval.analysis.zoom_table import zoom_table
from comic_eval.cli.run_action import adapter_settings, operation_of, prices_of, sampling_params, stop_on_signals
from comic_eval.errors import UserError
from comic_eval.experiments.reliance import RelianceResult, reliance_async
from comic_eval.experiments.series import Carry
from comic_eval.experiments.sufficiency import SufficiencyResult, sufficiency_async
from comic_eval.run.folder import read_records, run_folder
from comic_eval.run.manifest import read_manifest
from comic_eval.run.redact import printable_text
from comic_eval.zoom.trace import render

Result = TypeVar("Result", RelianceResult, SufficiencyResult)


def show_stats(options: dict[str, Any]) -> None:
    """Prints Table 6 of a run.

    Raises:
        UserError: no such run, or one without episodes.
    """
    summary = load_summary(run_folder(Path(options["runs_dir"]), options["name"]))
    table = zoom_table(summary)
    if table is None:
        raise UserError(f"{options['name']}: has no zoom episodes; make some with `comic-eval run --zoom`")
    if options["as_json"]:
        found = {name: task.zoom.model_dump() for name, task in summary.tasks.items() if task.zoom}
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    else:
        _print(table)
    if summary.zoom_warning:
        click.secho(f"warning: {summary.zoom_warning}", fg="yellow", err=True)


def show_trace(options: dict[str, Any]) -> None:
    """Prints the episodes of one sample.

    Raises:
        UserError: no such run or sample, or a sample without an episode.
    """
    folder = run_folder(Path(options["runs_dir"]), options["name"])
    read_manifest(folder)
    records = [r for r in read_records(folder) if r.sample_id == options["sample"]]
    if not records:
        raise UserError(f"{folder}: has no answer to a sample {options['sample']!r}; ids stand in its journal")
    for record in records:
        if record.trace is None:
            why = f": {record.error.cause}" if record.error else ""
            raise UserError(f"{options['sample']}: has no episode ({record.status}{why})")
        score = "" if record.score is None else f", score {record.score:g}"
        click.echo(printable_text(f"{record.sample_id}\n{record.prompt}\n\n{render(record.trace)}"))
        click.echo(
            printable_text(f"{record.status}: {record.extracted or record.reason}, right is {record.answer}{score}")
        )


def probe_reliance(options: dict[str, Any]) -> int:
    """Carries out ``zoom reliance`` and returns its exit status.

    Raises:
        UserError: a mistake in the call.
    """
    runs_dir = Path(options["runs_dir"])
    manifest = read_manifest(run_folder(runs_dir, options["name"]))
    asked = {"model": manifest.spec.model} | _reached(options, manifest.starts[-1].arguments)

    def call(carry: Carry) -> Coroutine[Any, Any, RelianceResult]:
        return reliance_async(
            options["name"],
            carry=carry,
            budgets=options["budgets"],
            adapter_settings=adapter_settings(asked),
            benchmark=options["benchmark"],
        )

    result = _until_interrupted(options, call)
    if result is None:
        return 4
    for warning in result.warnings:
        click.secho(f"warning: not as in the run: {printable_text(warning)}", fg="yellow", err=True)
    return _show(options, result, result.reliance.model_dump_json(indent=2), reliance_table(result.reliance))


def probe_sufficiency(options: dict[str, Any]) -> int:
    """Carries out ``zoom sufficiency`` and returns its exit status.

    Raises:
        UserError: a mistake in the call.
    """

    def call(carry: Carry) -> Coroutine[Any, Any, SufficiencyResult]:
        return sufficiency_async(
            options["name"],
            model=options["model"],
            carry=carry,
            beside=options["beside"],
            budget=options["budget"],
            params=sampling_params(options),
            adapter_settings=adapter_settings(options),
            benchmark=options["benchmark"],
        )

    result = _until_interrupted(options, call)
    if result is None:
        return 4
    return _show(options, result, result.sufficiency.model_dump_json(indent=2), sufficiency_table(result.sufficiency))


def _reached(options: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """How the model is reached: as the run reached it, but for what was typed now."""
    typed = {key: options[key] for key in ("base_url", "api", "adapter_settings", "timeout")}
    settings = before.get("adapter_settings") or ()
    if isinstance(settings, dict):  # from Python, where only texts are recorded as they were
        settings = [f"{key}={value}" for key, value in settings.items()]
    return {
        "base_url": typed["base_url"] or before.get("base_url"),
        "api": typed["api"] or before.get("api"),
        "adapter_settings": [*settings, *typed["adapter_settings"]],
        "timeout": typed["timeout"],
    }


def _until_interrupted(options: dict[str, Any], call: Callable[[Carry], Coroutine[Any, Any, Result]]) -> Result | None:
    """Runs until it is done or the user presses Ctrl-C, which ends it cleanly; None after a second one."""

    def announce(name: str, number: int, total: int) -> None:
        if not options["quiet"]:
            click.echo(f"run {number} of {total}: {name}", err=True)

    async def main() -> Result:
        carry = Carry(
            runs_dir=Path(options["runs_dir"]),
            operation=operation_of(options),
            prices=prices_of(options["price"]),
            display="none" if options["quiet"] else "auto",
            arguments={"argv": sys.argv[1:]} | {k: list(v) if isinstance(v, tuple) else v for k, v in options.items()},
            stop=stop_on_signals(),
            announce=announce,
        )
        return await call(carry)

    try:
        return asyncio.run(main())
    except KeyboardInterrupt:
        click.secho("interrupted at once; every answer in the journals is safe, repeat the call to go on", err=True)
        return None


def _show(options: dict[str, Any], result: RelianceResult | SufficiencyResult, data: str, table: RenderableType) -> int:
    if options["as_json"]:
        click.echo(data)
    else:
        _print(table)
        click.echo(f"\nthe comparison: {result.path}")
    if result.stopped:
        click.secho(f"stopped: {printable_text(result.stopped)}", fg="red", err=True)
    return result.exit_status


def _print(table: RenderableType) -> None:
    # Not a terminal: the table as wide as it is, rather than folded to 80 columns.
    console = Console()
    (console if console.is_terminal else Console(width=200)).print(table)
