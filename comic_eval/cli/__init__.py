"""The command line: one small file a command group, imported only when its command runs."""

from __future__ import annotations

import importlib

import click

from comic_eval import __version__
from comic_eval.errors import UserError

# Command -> "module:attribute", so that ``comic-eval --help`` imports none of them.
COMMANDS = {
    "run": ("comic_eval.cli.run:run", "Evaluate a model on the seven tasks."),
    "ablate": ("comic_eval.cli.ablate:ablate", "Compare views: the page, oracle crops and their controls."),
    "zoom": ("comic_eval.cli.zoom:zoom", "Statistics of zooms, and tests whether a model uses its crops."),
    "compare": ("comic_eval.cli.compare:compare", "Compare runs: differences, tests, ranks, and a verdict in words."),
    "paper": ("comic_eval.cli.paper:paper", "The tables of the paper beside what was measured."),
    "judge": ("comic_eval.cli.judge:judge", "Calibrate and probe a judge of open answers; grade old runs anew."),
    "view": ("comic_eval.cli.view:view", "Write a run as pages to look at, and open them."),
    "data": ("comic_eval.cli.data:data", "Build, validate, describe and import benchmarks."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they run; their one-line help stands in `COMMANDS`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, attribute = COMMANDS[name][0].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except UserError as error:
            click.secho(f"error: {error}", fg="red", err=True)
            ctx.exit(2)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="comic-eval")
def main() -> None:
    """Evaluate vision-language models on fine-grained comic understanding."""
