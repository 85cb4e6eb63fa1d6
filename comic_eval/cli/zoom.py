"""``comic-eval zoom``: what a run's zooms were worth, and whether the model uses them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from comic_eval.cli.ablate import Budgets, Names
from comic_eval.cli.run import run

SETTINGS = {"help_option_names": ["-h", "--help"]}
PROBE_EPILOG = """\b
Exit status:
  0  complete
  2  a mistake in the call, or a server that turns every request away: the
     key (HTTP 401, 403) or the model's name or URL (404) is not accepted
  3  complete, but some requests failed; the same call asks those again
  4  incomplete; the same call goes on where it stopped"""
# Said in the words of ``comic-eval run``.
_MODEL = ("base_url", "api", "adapter_settings")
_OPERATION = ("runs_dir", "concurrency", "rpm", "tpm", "max_retries", "timeout", "price", "no_cache", "quiet")
_SAMPLING = (
    *("temperature", "default_temperature", "top_p", "max_tokens", "sampling_seed", "reasoning_effort", "extra_body"),
)
_BY_NAME = {param.name: param for param in run.params}


def _with_options(command: click.Command, names: Sequence[str]) -> None:
    command.params = [*command.params, *(_BY_NAME[name] for name in names)]


@click.group(context_settings=SETTINGS)
def zoom() -> None:
    """Look into the zoom episodes of a run."""


@zoom.command(context_settings=SETTINGS)
@click.argument("name", metavar="RUN")
@click.option("--json", "as_json", is_flag=True, help="Print the statistics as JSON, and nothing else, on stdout.")
def stats(**options: Any) -> None:
    """Print Table 6 of a run."""
    from comic_eval.cli.zoom_action import show_stats

    show_stats(options)


@zoom.command(context_settings=SETTINGS)
@click.argument("name", metavar="RUN")
@click.argument("sample", metavar="SAMPLE_ID")
def trace(**options: Any) -> None:
    """Print one episode as readable text."""
    from comic_eval.cli.zoom_action import show_trace

    show_trace(options)


@zoom.command(context_settings=SETTINGS, epilog=PROBE_EPILOG)
@click.argument("name", metavar="RUN")
@click.option(
    "--budget", "budgets", default="16384,1024", show_default=True, type=Budgets(), help="Visual tokens of the page."
)
@click.option("--benchmark", metavar="NAME|FOLDER", help="Where the run's benchmark lies now. Default: where it lay.")
@click.option("--json", "as_json", is_flag=True, help="Print reliance.json, and nothing else, on stdout.")
@click.pass_context
def reliance(ctx: click.Context, /, **options: Any) -> None:
    """Does the model use its crops? Replace them and see (LFPC).

    Plays the episodes of RUN again up to their first crop, which is then the region asked for, the target or noise, and
    lets the same model go on; `direct` asks it without the tool. Each of the four at each budget is a run of its own,
    RUN-reliance-ARM-BUDGET; RUN-reliance/reliance.json holds the comparison. The model is reached as in RUN unless
    --base-url, --api or --adapter-setting say otherwise.
    """
    from comic_eval.cli.zoom_action import probe_reliance

    ctx.exit(probe_reliance(options))


@zoom.command(context_settings=SETTINGS, epilog=PROBE_EPILOG)
@click.argument("name", metavar="RUN")
@click.option("--model", required=True, metavar="PROVIDER:NAME", help="The second model.")
@click.option(
    "--beside", default="page,panel", show_default=True, type=Names(), help="Views of the same samples, asked too."
)
@click.option("--budget", type=click.IntRange(min=1), help="Visual tokens a picture. Default: as in RUN.")
@click.option("--benchmark", metavar="NAME|FOLDER", help="Where the run's benchmark lies now. Default: where it lay.")
@click.option("--json", "as_json", is_flag=True, help="Print sufficiency.json, and nothing else, on stdout.")
@click.pass_context
def sufficiency(ctx: click.Context, /, **options: Any) -> None:
    """Can a second model answer from the crops alone? (ERGO)

    Shows the crops of RUN's episodes to another model, without the page, and the page and the oracle crop of the same
    samples beside them.
    """
    from comic_eval.cli.zoom_action import probe_sufficiency

    ctx.exit(probe_sufficiency(options))


for _command in (stats, trace):
    _with_options(_command, ("runs_dir",))
_with_options(reliance, (*_MODEL, *_OPERATION))
_with_options(sufficiency, (*_MODEL, *_SAMPLING, *_OPERATION))
