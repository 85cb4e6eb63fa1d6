"""``comic-eval run``: evaluate a model."""

from __future__ import annotations

import json
from typing import Any

import click

from comic_eval.cli.cost_options import cost_options
from comic_eval.cli.crop_options import crop_options
from comic_eval.cli.judge_options import JUDGE, judge_settings
from comic_eval.cli.zoom_options import typed_crop, zoom_options

EPILOG = """\b
Exit status:
  0  complete
  2  a mistake in the call, or a server that turns every request away: the
     key (HTTP 401, 403), the model's name or URL (404) or, from the first
     request on, a parameter (400, 422, ...) is not accepted
  3  complete, but some requests failed; the same call asks those again
  4  incomplete; the same call goes on where it stopped

The API key is read from the environment (OPENAI_API_KEY) and goes into no file."""


class JsonObject(click.ParamType[dict[str, Any]]):
    """A JSON object typed on the command line."""

    name = "JSON"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, Any]:
        if isinstance(value, dict):
            return value
        try:
            found = json.loads(value)
        except ValueError as error:
            self.fail(f"no JSON: {error}", param, ctx)
        if not isinstance(found, dict):
            self.fail('must be a JSON object, such as {"top_k": 20}', param, ctx)
        return found


class Numbers(click.ParamType[tuple[float, ...]]):
    """Comma-separated non-negative numbers."""

    name = "IN,OUT[,CACHED]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        if isinstance(value, tuple):
            return value
        try:
            numbers = tuple(float(part) for part in value.split(","))
        except ValueError:
            self.fail("must be two or three numbers, such as 1.25,10", param, ctx)
        if len(numbers) not in (2, 3) or any(not 0 <= n < 1e9 for n in numbers):
            self.fail("must be two or three numbers of dollars, such as 1.25,10", param, ctx)
        return numbers


@click.command(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--model", required=True, metavar="PROVIDER:NAME", help="For instance openai:gpt-5-mini, local, random.")
@click.option("--benchmark", default="pepper-carrot", show_default=True, metavar="NAME|FOLDER")
@click.option("--split", default="test", show_default=True)
@click.option("--tasks", metavar="A,B", help="Names of tasks, separated by commas. Default: all.")
@click.option(
    "--view",
    default="page",
    show_default=True,
    help="What the model is shown: page, panel, character, page+panel, noise, other-panel, or blind for nothing; "
    "`comic-eval ablate --help` explains them.",
)
@click.option("--budget", default=16384, show_default=True, type=click.IntRange(min=1), help="Visual tokens an image.")
@click.option("--language", default="en", show_default=True, type=click.Choice(["en", "fr"]))
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    help="Number of samples in total, spread evenly over the tasks; the same ones for every model.",
)
@click.option("--name", help="Name of the run. Default: made of model, benchmark, view and a digest of all settings.")
@click.option("--runs-dir", default="runs", show_default=True, metavar="DIR", type=click.Path(file_okay=False))
@JUDGE
@judge_settings
@click.option("--seed", default=0, show_default=True, help="Of everything random that is ours.")
@click.option("--base-url", metavar="URL", help="An OpenAI-compatible server, such as http://localhost:8000/v1.")
@click.option("--api", type=click.Choice(["chat", "responses"]), help="Which of OpenAI's APIs. Default: chat.")
@click.option(
    "--adapter-setting",
    "-S",
    "adapter_settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="A further setting of the adapter; the value is read as JSON where it is some. Repeatable.",
)
@click.option("--temperature", default=0.0, show_default=True, type=click.FloatRange(min=0))
@click.option("--default-temperature", is_flag=True, help="Send no temperature: some models accept only their own.")
@click.option("--top-p", type=click.FloatRange(min=0, min_open=True, max=1))
@click.option(
    "--max-tokens", default=2048, show_default=True, type=click.IntRange(min=1), help="Output tokens an answer."
)
@click.option("--sampling-seed", type=int, help="Seed that is sent to the model.")
@click.option("--reasoning-effort", help="For models that reason: low, medium, high, ...")
@click.option("--extra-body", type=JsonObject(), help="A server's own options, sent as they are.")
@click.option("--concurrency", default=8, show_default=True, type=click.IntRange(min=1), help="Samples at a time.")
@click.option("--rpm", type=click.FloatRange(min=0, min_open=True), help="Requests a minute at most.")
@click.option("--tpm", type=click.FloatRange(min=0, min_open=True), help="Tokens a minute at most.")
@click.option("--max-retries", default=5, show_default=True, type=click.IntRange(min=0))
@click.option(
    "--timeout",
    default=600.0,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    help="Seconds an attempt.",
)
@click.option("--price", type=Numbers(), help="Dollars per million tokens, for the cost.")
@click.option(
    "--no-cache", is_flag=True, help="Neither use answers to the same requests from other runs, nor keep ours."
)
@click.option(
    "--beside", multiple=True, metavar="RUN", help="Show the scores beside those of an earlier run. Repeatable."
)
@zoom_options
@cost_options
@crop_options
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON, and nothing else, on stdout.")
@click.option("--quiet", is_flag=True, help="No progress.")
@click.option("--resume", is_flag=True, help="Only go on with the run called --name; never begin a new one.")
@click.option("--dry-run", is_flag=True, help="Show what would be asked; send nothing, write nothing.")
@click.pass_context
def run(ctx: click.Context, /, **options: Any) -> None:
    """Evaluate a model on comic pages.

    The same call goes on where it stopped: answered samples are not asked again, failed ones are.
    """
    from comic_eval.cli.run_action import execute

    ctx.exit(execute(options, typed_crop(ctx)))
