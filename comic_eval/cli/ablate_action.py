"""What ``comic-eval ablate`` does; apart from its options, so that ``--help`` imports none of it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from comic_eval.analysis.ablation_table import ablation_table
from comic_eval.cli.crop_options import crop_settings
from comic_eval.cli.judge_options import chosen_judge
from comic_eval.cli.option_group import names
from comic_eval.cli.run_action import (
    adapter_settings,
    operation_of,
    prices_of,
    sampling_params,
    stop_on_signals,
)
from comic_eval.experiments.ablate import AblateResult, ablate_async, plan_ablation
from comic_eval.run.folder import JOURNAL
from comic_eval.run.preview import Preview, preview
from comic_eval.run.progress import Display
from comic_eval.run.redact import printable
from comic_eval.zoom.crop import CropRules


def execute(options: dict[str, Any]) -> int:
    """Carries out one call and returns its exit status.

    Raises:
        UserError: a mistake in the call.
    """
    chosen = _chosen(options)
    if options["dry_run"]:
        _show_preview(chosen, Path(options["runs_dir"]))
        return 0
    try:
        result = _until_interrupted(options, chosen)
    except KeyboardInterrupt:
        click.secho("interrupted at once; every answer in the journals is safe, repeat the call to go on", err=True)
        return 4
    if options["as_json"]:
        click.echo(result.ablation.model_dump_json(indent=2))
    else:
        # Not a terminal: the table as wide as it is, rather than folded to 80 columns.
        console = Console()
        (console if console.is_terminal else Console(width=200)).print(ablation_table(result.ablation))
        click.echo(f"\nthe comparison:            {result.path}")
        click.echo(f"every question and answer: {result.path.parent}-*/{JOURNAL}")
    if result.stopped:
        click.secho(f"stopped: {printable(result.stopped, 600)}", fg="red", err=True)
    return result.exit_status


def _chosen(options: dict[str, Any]) -> dict[str, Any]:
    keys = ("model", "views", "budgets", "benchmark", "split", "language", "limit", "seed", "name", "family")
    return {key: options[key] for key in keys} | {
        "tasks": names(options["tasks"]),
        "params": sampling_params(options),
        "adapter_settings": adapter_settings(options),
        "crop": CropRules(**crop_settings(options)),
        "judge": chosen_judge(options),
    }


def _until_interrupted(options: dict[str, Any], chosen: dict[str, Any]) -> AblateResult:
    """Runs until it is done or the user presses Ctrl-C, which ends it cleanly; a second Ctrl-C ends it at once."""
    display: Display = "none" if options["quiet"] else "auto"

    def announce(name: str, number: int, total: int) -> None:
        if not options["quiet"]:
            click.echo(f"run {number} of {total}: {printable(name, 160)}", err=True)

    async def main() -> AblateResult:
        return await ablate_async(
            **chosen,
            runs_dir=options["runs_dir"],
            operation=operation_of(options),
            prices=prices_of(options["price"]),
            display=display,
            arguments={"argv": sys.argv[1:]} | {k: list(v) if isinstance(v, tuple) else v for k, v in options.items()},
            stop=stop_on_signals(),
            announce=announce,
        )

    return asyncio.run(main())


def _show_preview(chosen: dict[str, Any], runs_dir: Path) -> None:
    plans: list[Preview] = [preview(prepared, runs_dir) for _, prepared in plan_ablation(**chosen).runs]
    for plan in plans:
        click.echo(f"{plan.requests:7} requests, {plan.images:7} images, {plan.image_tokens:13,} tokens  {plan.name}")
    requests, images, tokens = (sum(getattr(p, key) for p in plans) for key in ("requests", "images", "image_tokens"))
    each = plans[0].pixels_per_token
    click.echo(f"{requests:7} requests, {images:7} images, {tokens:13,} tokens  in all, at {each} pixels a token")
    click.echo("Nothing was sent or written. Answers in the response cache would cost nothing.")
