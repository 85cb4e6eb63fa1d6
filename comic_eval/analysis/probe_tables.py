"""Crop reliance and region sufficiency as tables for a terminal."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table
from rich.text import Text

from comic_eval.analysis.intervals import Interval
from comic_eval.analysis.reliance import ALL, ARMS, Reliance
from comic_eval.analysis.sufficiency import CROPS, Sufficiency
from comic_eval.analysis.table import BLANK, NO_WIDTH, percent
from comic_eval.run.redact import printable

_LEFT_OUT = {
    "no_answer": "a request failed",
    "no_target_region": "the sample has no target region",
    "no_crop": "the episode took no crop",
}
_NOTE = (
    f"p: exact McNemar, not corrected for several tests; {NO_WIDTH} Wilson interval; {BLANK}: an interval without "
    "width says nothing; all: all samples together, whatever their task"
)


def reliance_table(found: Reliance) -> Group:
    """Accuracy of each arm with its difference, a budget at a time; the subset tests and the crops below."""
    parts: list[Table | Text] = []
    scores = {(s.task, s.budget, s.arm): s for s in found.scores}
    changes = {(c.task, c.budget, c.arm): c for c in found.changes}
    tasks = list(dict.fromkeys(s.task for s in found.scores))
    for budget in found.budgets:
        table = _table(f"crop reliance of {found.model}: page at {budget:,} visual tokens", "task", "arm")
        for heading in ("n", "accuracy", "Δ predicted", "[95 %]", "lost", "gained", "p"):
            table.add_column(heading, justify="right", no_wrap=True)
        for task in tasks:
            name = Text(printable(task, 40), style="bold")
            for arm in ARMS:
                score, change = scores.get((task, budget, arm)), changes.get((task, budget, arm))
                if score is None:
                    continue
                cells = [str(score.n), percent(score.accuracy)]
                if change is not None:
                    cells += [_signed(change.difference), _of_difference(change.ci95)]
                    cells += [str(change.lost), str(change.gained), f"{change.p:.3f}"]
                table.add_row(name, arm, *cells)
                name = Text("")
        parts += [table, Text("")]
    for test in found.subsets:
        what = (
            f"ground truth where the crop shows less than {found.poor_coverage:.0%} of the target"
            if test.arm == "ground-truth"
            else "noise where the answer is wrong without the tool and right with it"
        )
        parts.append(
            Text(
                f"{test.budget:,} tokens, {what}: n {test.n}, {percent(test.before)} -> {percent(test.after)} "
                f"{_of_share(test.ci95, test.ci95_wilson)}"
            )
        )
    for crops in found.crops:
        if crops.task == ALL:
            parts.append(
                Text(
                    f"first crops of {crops.n} samples: IoU {crops.iou:.3f}, overlap {crops.overlap:.2f}, "
                    f"area {crops.area_ratio:.1%} of the page, {crops.tokens:.0f} visual tokens"
                )
            )
    parts.append(Text(f"played again: {found.replayed}", style="dim"))
    parts.append(Text(_NOTE, style="dim"))
    parts += [Text(f"left out: {n}: {_LEFT_OUT.get(why, why)}", style="dim") for why, n in found.left_out.items()]
    return Group(*parts)


def sufficiency_table(found: Sufficiency) -> Group:
    """Accuracy from the crops alone, beside what the same samples give otherwise."""
    table = _table(f"{found.second} answers from the crops of {found.model}", "task", "shown")
    for heading in ("n", "accuracy", "[95 %]", "crops minus this", "[95 %]", "p"):
        table.add_column(heading, justify="right", no_wrap=True)
    last = ""
    for score in found.scores:
        shown = "its crops" if score.shown == CROPS else score.shown
        cells = [str(score.n), percent(score.accuracy), _of_share(score.ci95, score.ci95_wilson)]
        if score.difference is not None and score.p is not None:
            cells += [_signed(score.difference), _of_difference(score.difference_ci95), f"{score.p:.3f}"]
        table.add_row(Text(printable(score.task, 40) if score.task != last else "", style="bold"), shown, *cells)
        last = score.task
    notes = [_NOTE, f"{found.without_crop} samples of {found.run} took no crop and were not asked"]
    return Group(table, *(Text(printable(note), style="dim") for note in notes))


def _table(title: str, *columns: str) -> Table:
    table = Table(
        title=Text(printable(title, 200)), title_justify="left", title_style="bold", box=None, padding=(0, 1, 0, 0)
    )
    for heading in columns:
        table.add_column(heading, no_wrap=True)
    return table


def _signed(share: float) -> str:
    return f"{100 * share:+.1f}"


def _of_share(interval: Interval | None, wilson: Interval | None) -> str:
    """The bootstrap interval in percent, or Wilson's (marked) where the bootstrap has none or no width."""
    mark = ""
    if interval is None or interval[0] == interval[1]:
        interval, mark = wilson, NO_WIDTH
    return BLANK if interval is None else f"[{100 * interval[0]:.1f}, {100 * interval[1]:.1f}]{mark}"


def _of_difference(interval: Interval | None) -> str:
    # Without width it says nothing about the error.
    if interval is None or interval[0] == interval[1]:
        return BLANK
    return f"[{100 * interval[0]:+.1f}, {100 * interval[1]:+.1f}]"
