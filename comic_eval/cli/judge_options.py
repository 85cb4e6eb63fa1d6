"""The options that make a judge, for every command that has one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from comic_eval.cli.option_group import F, with_options

if TYPE_CHECKING:
    from comic_eval.contracts import Judge

JUDGE = click.option(
    "--judge",
    default="reference",
    show_default=True,
    metavar="JUDGE",
    help="Judge of open answers: reference, llm:PROVIDER:NAME, or panel:JUDGE,JUDGE,...",
)
_SETTINGS = (
    click.option("--judge-crop", is_flag=True, help="Show the judge the panel that the question is about."),
    click.option("--judge-base-url", metavar="URL", help="An OpenAI-compatible server for the judge."),
    click.option(
        "--judge-setting",
        "judge_settings",
        multiple=True,
        metavar="KEY=VALUE",
        help="A further setting of the judge or its model's adapter (attempts, max_tokens, ...). Repeatable.",
    ),
    click.option("--allow-self-judge", is_flag=True, help="Let a model grade its own answers; tables will say so."),
)


def judge_settings(command: F) -> F:
    """Adds the options beside ``--judge`` itself."""
    return with_options(command, _SETTINGS)


def chosen_judge(options: dict[str, Any]) -> str | Judge:
    """The judge that the options ask for: its name where that says everything.

    Raises:
        UserError: unknown judge, or settings that it does not take.
    """
    from comic_eval.cli.run_action import key_values
    from comic_eval.plugins import create_judge

    settings = key_values("--judge-setting", options["judge_settings"])
    if options["judge_base_url"] is not None:
        settings["base_url"] = options["judge_base_url"]
    settings |= {"crop": True} if options["judge_crop"] else {}
    settings |= {"allow_self_judge": True} if options["allow_self_judge"] else {}
    return create_judge(options["judge"], **settings) if settings else str(options["judge"])
