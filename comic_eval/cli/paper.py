"""``comic-eval paper``: the paper's tables beside what was measured."""

from __future__ import annotations

from pathlib import Path

import click

HELP = {"help_option_names": ["-h", "--help"]}
TABLES = ("3", "4", "5", "6", "7", "8")


@click.group(context_settings=HELP)
def paper() -> None:
    """Print a table of "Zooming into Comics" (arXiv:2511.06490) beside what was measured."""


@paper.command(context_settings=HELP)
@click.argument("number", type=click.Choice(TABLES), metavar="N")
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@click.option(
    "--run", "mapped", multiple=True, metavar="RUN=ROW", help="Put a run into the row of that name. Repeatable."
)
@click.option("--runs-dir", default="runs", show_default=True, metavar="DIR", type=click.Path(path_type=Path))
@click.option("--markdown", is_flag=True, help="Print Markdown.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, and nothing else, on stdout.")
def table(
    number: str, runs: tuple[str, ...], mapped: tuple[str, ...], runs_dir: Path, markdown: bool, as_json: bool
) -> None:
    """Print table N (3 to 8), each number with its interval, beside the numbers of runs.

    A RUN is put into the row of its model and of what it was shown (the page, the oracle crop of the panel, zooming);
    --run says the row where the model's name does not. Runs of models that the paper does not have get rows of their
    own.
    """
    from comic_eval.analysis.paper_measured import table_beside_runs
    from comic_eval.analysis.paper_table import beside_markdown, beside_table
    from comic_eval.report.source import find_folder

    pairs = []
    for entry in mapped:
        run, separator, row = entry.partition("=")
        if not separator or not run or not row:
            raise click.UsageError(f"--run {entry!r}: say RUN=ROW, such as --run 'my-run=SFT-S'")
        pairs.append((find_folder(run, runs_dir), row))
    beside = table_beside_runs(int(number), [find_folder(run, runs_dir) for run in runs], pairs)
    if as_json:
        click.echo(beside.model_dump_json(indent=2))
    elif markdown:
        click.echo(beside_markdown(beside), nl=False)
    else:
        from rich.console import Console

        # Not a terminal: the table as wide as it is, rather than folded to 80 columns.
        console = Console()
        (console if console.is_terminal else Console(width=200)).print(beside_table(beside))


@paper.command(context_settings=HELP)
@click.argument("number", type=click.Choice(["7"]), metavar="7")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, and nothing else, on stdout.")
def figure(number: str, as_json: bool) -> None:
    """Print what the paper says of figure 7, whose curves have no numbers."""
    from comic_eval.analysis.paper import paper_figure, read_paper
    from comic_eval.analysis.paper_table import figure_text

    found = paper_figure(int(number))
    click.echo(found.model_dump_json(indent=2) if as_json else figure_text(found, read_paper().source), nl=as_json)
