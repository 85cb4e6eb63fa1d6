"""``comic-eval compare``: whether one run is better than another, and what the split could show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from comic_eval.analysis.compared import Compared

EPILOG = """\b
Exit status:
  0  compared
  2  a mistake in the call, or runs that must not be compared"""


def _names(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    return None if value is None else tuple(part.strip() for part in value.split(",") if part.strip())


@click.command(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("runs", nargs=-1, metavar="A B [C]...")
@click.option("--runs-dir", default="runs", show_default=True, metavar="DIR", type=click.Path(path_type=Path))
@click.option("--tasks", callback=_names, metavar="A,B", help="Tasks to compare.  [default: all]")
@click.option(
    "--across",
    default="",
    callback=_names,
    metavar="WHAT,...",
    help="Compare although the runs differ in: benchmark, split, samples, view, budget, judge.",
)
@click.option(
    "--pair",
    "pairing",
    type=click.Choice(["sample", "language"]),
    default="sample",
    show_default=True,
    help="How questions are paired; language: the English and the French form of one question.",
)
@click.option(
    "--by",
    "cluster",
    type=click.Choice(["page", "book"]),
    default="page",
    show_default=True,
    help="What the bootstrap draws as a whole.",
)
@click.option(
    "--book-pattern",
    metavar="REGEX",
    help="How a page's id tells its book, with a group (?P<book>...), where the benchmark does not say.",
)
@click.option("--benchmark", metavar="NAME|FOLDER", help="With --by book: the benchmark, where it has moved.")
@click.option(
    "--disagreements",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="List up to N questions a task on which the runs differ.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON, and nothing else, on stdout.")
def compare(
    runs: tuple[str, ...],
    runs_dir: Path,
    tasks: tuple[str, ...] | None,
    across: tuple[str, ...],
    pairing: str,
    cluster: str,
    book_pattern: str | None,
    benchmark: str | None,
    disagreements: int,
    as_json: bool,
) -> None:
    """Compare runs on the same questions: A with each of the others.

    Runs are folders, or names of runs below --runs-dir. Prints differences a task with paired intervals and exact
    tests, the average over tasks, ranks of three or more runs, the difference that so many questions can show, and a
    verdict in words.
    """
    from comic_eval.analysis.compare import compare_runs
    from comic_eval.report.source import find_folder

    folders = [find_folder(run, runs_dir) for run in runs]
    if cluster == "page" and (book_pattern or benchmark):
        raise click.UsageError("--book-pattern and --benchmark go with --by book")
    compared = compare_runs(
        folders,
        tasks=tasks,
        across=across,
        pairing="language" if pairing == "language" else "sample",
        cluster_of=_books(folders, benchmark, book_pattern) if cluster == "book" else None,
        cluster=cluster,
        disagreements=disagreements,
    )
    click.echo(compared.model_dump_json(indent=2)) if as_json else _print(compared)


def _books(folders: list[Path], benchmark: str | None, pattern: str | None) -> Callable[[str], str]:
    from comic_eval.benchmark.books import book_of_page, book_of_pattern
    from comic_eval.report.source import find_benchmark
    from comic_eval.run.manifest import read_manifest

    if pattern is not None:
        return book_of_pattern(pattern)
    return book_of_page([find_benchmark(read_manifest(folder), benchmark) for folder in folders])


def _print(compared: Compared) -> None:
    from rich.console import Console

    from comic_eval.analysis.compare_table import compare_table

    # Not a terminal: the table as wide as it is, rather than folded to 80 columns.
    console = Console()
    (console if console.is_terminal else Console(width=200)).print(compare_table(compared))
