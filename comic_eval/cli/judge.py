"""``comic-eval judge``: how far a judge can be trusted, and grading old runs with another one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from comic_eval.cli.judge_options import JUDGE, judge_settings

OUT = click.Path(dir_okay=False, path_type=Path)
RUNS = click.option("--runs-dir", default="runs", show_default=True, type=click.Path(file_okay=False, path_type=Path))
WHERE = click.option("--benchmark", metavar="NAME|FOLDER", help="Where the run's benchmark lies now.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON, and nothing else, on stdout.")
ASKING = (
    JUDGE,
    judge_settings,
    click.option("--concurrency", default=8, show_default=True, type=click.IntRange(min=1), help="Answers at a time."),
    click.option("--rpm", type=click.FloatRange(min=0, min_open=True), help="Requests a minute at most."),
    click.option("--tpm", type=click.FloatRange(min=0, min_open=True), help="Tokens a minute at most."),
    click.option("--max-retries", default=5, show_default=True, type=click.IntRange(min=0)),
    click.option("--timeout", default=600.0, show_default=True, type=click.FloatRange(min=0, min_open=True)),
    click.option("--prices", metavar="FILE", type=OUT, help="A file of prices, used before those that come with us."),
    click.option("--no-cache", is_flag=True, help="Neither use earlier replies of the judge, nor keep new ones."),
    RUNS,
)


def asking(command: Any) -> Any:
    """Adds the judge and how it is asked."""
    for option in reversed(ASKING):
        command = option(command)
    return command


@click.group()
def judge() -> None:
    """Calibrate and probe a judge of open answers, and grade old runs anew."""


@judge.command()
@click.option("--labels", metavar="FILE", type=OUT, help="Answers with labels.  [default: those of pepper-carrot]")
@asking
@JSON
@click.option("--show-errors", default=0, show_default=True, help="Print so many answers that the judge got wrong.")
@click.pass_context
def calibrate(ctx: click.Context, /, **options: Any) -> None:
    """Compare a judge's verdicts with labels: accuracy, Cohen's kappa, what it lets pass and what it rejects.

    FILE has one answer a line (JSON lines, or CSV with headings): question, reference, facts, answer, label (correct or
    incorrect), and where known sample_id, task, page, language, kind and labeller. `judge template` writes one to fill
    in. Exit status: 0 complete, 3 if some answers stayed unscored, 4 if the judge's server is gone.
    """
    from comic_eval.cli.judge_action import calibrate as action

    ctx.exit(action(options))


@judge.command()
@asking
@click.option("--benchmark", default="pepper-carrot", show_default=True, metavar="NAME|FOLDER")
@click.option("--split", default="test", show_default=True)
@click.option("--language", type=click.Choice(["en", "fr", "both"]), default="both", show_default=True)
@click.option("-n", "n", default=12, show_default=True, type=click.IntRange(min=1), help="Questions to attack with.")
@click.option("--out", metavar="FILE", type=OUT, help="Write every attack with the judge's reply as JSON lines.")
@JSON
@click.pass_context
def probe(ctx: click.Context, /, **options: Any) -> None:
    """Attack a judge: empty answers, contradictions, instructions and verdicts inside the answer, ...

    Attacks are made of the benchmark's own questions, the same every time; right answers, restated and paraphrased,
    must pass. Exit status: 0 if the judge stood all of it, 3 if it did not, 4 if its server is gone.
    """
    from comic_eval.cli.judge_action import probe as action

    ctx.exit(action(options))


@judge.command()
@click.argument("out", type=OUT)
@click.option("--run", required=True, metavar="RUN", help="The run whose answers are to be labelled.")
@click.option("-n", "n", default=150, show_default=True, type=click.IntRange(min=1), help="Number of answers.")
@RUNS
@WHERE
def template(out: Path, run: str, n: int, runs_dir: Path, benchmark: str | None) -> None:
    """Write answers of a run to OUT (.csv or .jsonl) for people to label.

    They are spread over right and wrong ones and over lengths; neither the model's name nor the judge's verdict is in
    the file. Write correct or incorrect into the column label, then give the file to `judge calibrate --labels`.
    """
    from comic_eval.cli.judge_action import template as action

    action(out, run, n, runs_dir, benchmark)


@judge.command()
@click.argument("run")
@asking
@WHERE
@click.option("--name", help="Name of the new run. Default: RUN-judged- and a digest of the judge.")
@JSON
@click.option("--quiet", is_flag=True, help="No progress.")
@click.pass_context
def rerun(ctx: click.Context, /, **options: Any) -> None:
    """Grade the open answers of RUN with another judge, in a new run folder; no answer is asked anew.

    The same call goes on where it stopped. Exit status as of `comic-eval run`.
    """
    from comic_eval.cli.judge_action import rerun as action

    ctx.exit(action(options))
