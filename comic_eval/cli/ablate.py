"""``comic-eval ablate``: what a perfect crop buys, and what its controls buy."""

from __future__ import annotations

from typing import Any

import click

from comic_eval.cli.crop_options import crop_options
from comic_eval.cli.run import run

EPILOG = """\b
Views:
  page              the whole page with its marks; what all others are compared with
  panel             the oracle crop: the target panel, or each of several
  character         each marked character
  page+panel        the page, then the oracle crop
  noise             random pixels of the oracle crop's size instead of it
  other-panel       a wrong panel of the page, of similar size, instead of it
  page+noise        page+panel with noise in the crop's place
  page+other-panel  page+panel with a wrong panel in the crop's place
  blind             nothing

\b
Exit status:
  0  complete
  2  a mistake in the call, or a server that turns every request away: the
     key (HTTP 401, 403) or the model's name or URL (404) is not accepted
  3  complete, but some requests failed; the same call asks those again
  4  incomplete; the same call goes on where it stopped

Every view and budget is a run of its own, NAME-VIEW-BUDGET in --runs-dir; NAME/ablation.json holds the comparison."""

# Said in the words of ``comic-eval run``.
BEFORE = ("model",)
AFTER = (
    *("benchmark", "split", "tasks", "language", "limit", "family", "runs_dir", "judge", "seed", "base_url", "api"),
    *("judge_crop", "judge_base_url", "judge_settings", "allow_self_judge"),
    *("adapter_settings", "temperature", "default_temperature", "top_p", "max_tokens", "sampling_seed"),
    *("reasoning_effort", "extra_body", "concurrency", "rpm", "tpm", "max_retries", "timeout", "price", "no_cache"),
)


class Names(click.ParamType[tuple[str, ...]]):
    """Comma-separated names."""

    name = "A,B"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        return tuple(part.strip() for part in value.split(",") if part.strip())


class Budgets(click.ParamType[tuple[int, ...]]):
    """Comma-separated whole numbers, 1 or more."""

    name = "N,N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        try:
            numbers = tuple(int(part) for part in value.split(","))
        except ValueError:
            self.fail("must be whole numbers, such as 16384,1024", param, ctx)
        if min(numbers) < 1:
            self.fail("must be 1 or more", param, ctx)
        return numbers


@click.command(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--views",
    default="page,panel,character,page+panel,noise,other-panel,blind",
    show_default=True,
    type=Names(),
    help="Views, separated by commas; page must be among them.",
)
@click.option(
    "--budget", "budgets", default="16384,1024", show_default=True, type=Budgets(), help="Visual tokens a picture."
)
@click.option("--name", help="Name of the experiment. Default: made of model, benchmark and a digest of all settings.")
@crop_options
@click.option("--json", "as_json", is_flag=True, help="Print ablation.json, and nothing else, on stdout.")
@click.option("--quiet", is_flag=True, help="No progress.")
@click.option("--dry-run", is_flag=True, help="Show what would be asked; send nothing, write nothing.")
@click.pass_context
def ablate(ctx: click.Context, /, **options: Any) -> None:
    """Ask the same questions under several views and budgets, and compare each view with the whole page.

    Prints the paper's Table 4 for a model, with paired differences, their intervals and exact tests. The same call goes
    on where it stopped.
    """
    from comic_eval.cli.ablate_action import execute

    ctx.exit(execute(options))


_BY_NAME = {param.name: param for param in run.params}
ablate.params = [
    *(_BY_NAME[name] for name in BEFORE),
    *ablate.params[:3],
    *(_BY_NAME[name] for name in AFTER),
    *ablate.params[3:],
]
