"""The live display on a terminal; apart, so that nobody else pays for importing rich."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from comic_eval.run.progress import Progress, duration, spent
from comic_eval.run.redact import printable
from comic_eval.run.tally import Tally

INTERVAL_S = 0.5


class LiveProgress(Progress):
    """A table of the tasks with running scores, a bar, and one line of counts."""

    interval_s = INTERVAL_S

    def __init__(self, stream: TextIO) -> None:
        # No refresh thread: the run's own loop calls `update`, so the display never competes with it.
        self._live = Live(console=Console(file=stream), auto_refresh=False, transient=True)

    def begin(self, tally: Tally) -> None:
        self._live.start()
        self.update(tally)

    def update(self, tally: Tally) -> None:
        self._live.update(display(tally), refresh=True)

    def end(self, tally: Tally) -> None:
        self.update(tally)
        self._live.stop()

    def warn(self, message: str) -> None:
        self._live.console.print(Text("warning: " + printable(message), style="yellow"))

    def say(self, message: str) -> None:
        self._live.console.print(Text(printable(message), style="dim"))


def display(tally: Tally) -> Group:
    """The display of one moment."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("task")
    for heading in ("done", "right so far", "unparsed", "failed"):
        table.add_column(heading, justify="right")
    for name, task in tally.tasks.items():
        table.add_row(
            Text(printable(name, 40)),
            f"{task.done}/{task.planned}",
            "" if task.accuracy is None else f"{task.accuracy:.1%}",
            _count(task.unparsed, "yellow"),
            _count(task.failed, "red"),
        )
    bar = Table.grid(padding=(0, 1))
    left = tally.seconds_left
    remaining = "" if left is None else f"{duration(left)} left"
    bar.add_row(
        ProgressBar(total=tally.planned, completed=tally.done, width=30), f"{tally.done}/{tally.planned}", remaining
    )
    counts = [f"{tally.rate:.1f} samples/s"]
    if tally.before:
        counts.append(f"{tally.before} answered before")
    counts += [f"{n} {word}" for n, word in ((tally.cached, "from cache"), (tally.retries, "retries")) if n]
    counts += [f"{n} failed: {printable(cause, 40)}" for cause, n in tally.causes.most_common(3)]
    return Group(table, bar, Text(" · ".join(counts + spent(tally)), style="dim"))


def _count(count: int, style: str) -> Text:
    return Text(str(count) if count else "", style=style)
