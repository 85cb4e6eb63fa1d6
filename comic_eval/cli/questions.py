"""``comic-eval data questions``: open questions for pages that carry none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from comic_eval.cli.run import run

EPILOG = """\b
Exit status:
  0  complete
  2  a mistake in the call, or a server that turns every request away: the
     key (HTTP 401, 403) or the model's name or URL (404) is not accepted
  3  complete, but some requests failed; the same call asks those again
  4  incomplete; the same call goes on where it stopped

Models make mistakes: look at the questions before you score anybody by them. OUT/generation holds every request and
answer, and report.json with the share that each filter let pass."""

# What a model is asked with is said in the words of ``comic-eval run``.
SHARED = (
    *("model", "base_url", "api", "adapter_settings", "temperature", "default_temperature", "top_p", "max_tokens"),
    *("sampling_seed", "reasoning_effort", "extra_body", "concurrency", "rpm", "tpm", "max_retries", "timeout"),
    *("no_cache", "quiet"),
)


@click.command(epilog=EPILOG)
@click.argument("pages_folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("out_folder", type=click.Path(path_type=Path))
@click.option(
    "--coco",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="COCO-style annotations (repeatable); PAGES_FOLDER holds the pictures.",
)
@click.option(
    "--mapping",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="YAML file that says what the COCO file's categories mean.",
)
@click.option("--blind-model", metavar="PROVIDER:NAME", help="Tries to answer without the picture. Default: --model.")
@click.option(
    "--blind-setting",
    "blind_settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="A setting of the blind model's adapter, such as base_url=URL. Repeatable.",
)
@click.option("--blind-attempts", default=3, show_default=True, type=click.IntRange(min=1))
@click.option("--blind-temperature", default=1.0, show_default=True, type=click.FloatRange(min=0))
@click.option("--questions", default=3, show_default=True, type=click.IntRange(1, 20), help="Questions a panel.")
@click.option(
    "--attempts", default=3, show_default=True, type=click.IntRange(min=1), help="Requests for replies of no use."
)
@click.option("--budget", default=4096, show_default=True, type=click.IntRange(min=1), help="Visual tokens a panel.")
@click.option("--padding", default=0.0, show_default=True, type=click.FloatRange(0, 2), help="Margin around a panel.")
@click.option("--limit", type=click.IntRange(min=1), help="Pages to work on, from the first; may grow later.")
@click.option("--all", "all_pages", is_flag=True, help="Add questions to pages that carry some, too.")
@click.option("--no-schema", is_flag=True, help="Ask for JSON in words alone, for servers that refuse a schema.")
@click.option("--cache-dir", default="runs/.cache", show_default=True, metavar="DIR", type=click.Path(file_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON, and nothing else, on stdout.")
@click.pass_context
def questions(ctx: click.Context, /, **options: Any) -> None:
    """Let a model write open questions for the pages in PAGES_FOLDER that carry none.

    OUT_FOLDER becomes a pages folder with the questions filled in, for `data build`. Each panel is cut out, captioned
    and asked about; questions that leak their answer, say where the panel stands or repeat others are dropped, those
    answered right without the picture are marked guessable. Pages in two languages get every question in both.
    """
    if bool(options["coco"]) != (options["mapping"] is not None):
        raise click.UsageError("--coco and --mapping go together")
    from comic_eval.cli.questions_action import execute

    ctx.exit(execute(options))


questions.params += [param for param in run.params if param.name in SHARED]
