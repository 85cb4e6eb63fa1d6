"""What is shown of a run in which nothing was answered: it has no accuracy, so a table of zeros would be wrong."""

from __future__ import annotations

from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from comic_eval.analysis.summary import Summary
from comic_eval.run.redact import printable


def nothing_answered(run: Summary) -> bool:
    """Whether there is no answer to score, right or wrong."""
    return run.usage.answers == 0


def failure_table(run: Summary) -> Group:
    """Failed requests by task and cause; print it with a rich console."""
    title = f"no answers, so no scores: {run.model} on {run.benchmark} {run.revision}"
    table = Table(
        title=escape(printable(title)), title_justify="left", title_style="bold", box=None, padding=(0, 1, 0, 0)
    )
    table.add_column("task", no_wrap=True)
    table.add_column("failed", justify="right", no_wrap=True)
    table.add_column("causes", no_wrap=True)
    for task in run.tasks.values():
        causes = ", ".join(f"{count} x {printable(cause, 40)}" for cause, count in task.failures.items())
        table.add_row(Text(printable(task.title, 40)), str(sum(task.failures.values())), Text(causes))
    return Group(table, Text(f"{run.done} of {run.planned} samples were tried; none was answered", style="dim"))
