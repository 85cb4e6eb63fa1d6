"""An ablation as tables for a terminal: for each budget the paper's Table 4, one row a view under each task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from comic_eval.analysis.ablation import Ablation, Cell, Comparison
from comic_eval.analysis.table import BLANK, OPEN, percent
from comic_eval.images.not_applicable import REASONS
from comic_eval.run.redact import printable

Key = tuple[str, str, int]


def ablation_table(ablation: Ablation) -> Group:
    """One table a budget, with notes below; print it with a rich console."""
    budgets = sorted({cell.budget for cell in ablation.cells}, reverse=True)
    parts: list[Table | Text] = []
    for budget in budgets:
        parts += [_table(ablation, budget), Text("")]
    return Group(*parts, *(Text(note, style="dim") for note in _notes(ablation)), *_warnings(ablation))


def _table(ablation: Ablation, budget: int) -> Table:
    title = f"{ablation.model} on {ablation.benchmark} {ablation.revision}, {budget:,} visual tokens a picture"
    table = Table(
        title=escape(printable(title, 200)), title_justify="left", title_style="bold", box=None, padding=(0, 1, 0, 0)
    )
    for heading in ("task", "view"):
        table.add_column(heading, no_wrap=True)
    for heading in ("n", "accuracy", f"Δ {ablation.baseline}", "[95 %]", "p", "p Holm", "lost", "gained", "tokens"):
        table.add_column(heading, justify="right", no_wrap=True)
    compared: Mapping[Key, Comparison] = {(c.task, c.view, c.budget): c for c in ablation.comparisons}
    cells: Mapping[Key, Cell] = {(c.task, c.view, c.budget): c for c in ablation.cells}
    here = [c for c in ablation.conditions if budget in c.budgets]
    for task in dict.fromkeys(cell.task for cell in ablation.cells):
        label = next(c for c in ablation.cells if c.task == task)
        name = Text(printable(label.title, 40) + ("" if label.comparable else OPEN), style="bold")
        for condition in here:
            cell = cells.get((task, condition.view, budget))
            table.add_row(name, condition.view, *_numbers(cell, compared.get((task, condition.view, budget))))
            name = Text("")
    return table


def _numbers(cell: Cell | None, comparison: Comparison | None) -> list[Text]:
    if cell is None:
        return [Text(BLANK, style="dim"), Text("no view", style="dim")]
    numbers = [str(cell.n), percent(cell.accuracy)]
    style = ""
    if comparison is None:
        numbers += [""] * 6
    else:
        style = "bold" if comparison.p_holm <= 0.05 else ""
        low_high = comparison.ci95
        # Every page changed alike: resampling pages then says nothing of the error.
        has_width = low_high is not None and low_high[0] != low_high[1]
        numbers += [
            _points(comparison.difference),
            f"[{_points(low_high[0])}, {_points(low_high[1])}]" if low_high and has_width else BLANK,
            _p(comparison.p),
            _p(comparison.p_holm),
            str(comparison.lost),
            str(comparison.gained),
        ]
    tokens = BLANK if cell.tokens is None else f"{cell.tokens:,.0f}"
    return [*(Text(number, style=style) for number in numbers), Text(tokens, style="dim")]


def _points(difference: float) -> str:
    return f"{100 * difference:+.1f}"


def _p(value: float) -> str:
    return "<0.0001" if value < 0.0001 else f"{value:.4f}"


def _notes(ablation: Ablation) -> list[str]:
    notes = [
        f"Δ {ablation.baseline}: accuracy minus that of view {ablation.baseline} at the same budget, in points, paired "
        f"over the same samples; 95 % bootstrap over pages; p: exact McNemar test, then Holm's correction over all "
        f"{len(ablation.comparisons)} comparisons; bold: p Holm at most {ablation.alpha:g}",
        "failed, unparsed and unscored answers count as wrong; tokens: sent pixels / "
        f"{ablation.pixels_per_token}, mean a sample",
    ]
    if any(not cell.comparable for cell in ablation.cells):
        notes.append(f"{OPEN} judge {printable(ablation.judge, 40)}: not comparable with an LLM judge")
    notes += _left_out(ablation)
    if ablation.note:
        notes.append(f"{printable(ablation.model, 60)}: {printable(ablation.note)}")
    if ablation.limit is not None:
        notes.append(f"samples chosen by --limit {ablation.limit}; the same ones under every view")
    return notes


def _left_out(ablation: Ablation) -> list[str]:
    """Which tasks have no such views, and why: one line a reason and set of views."""
    titles = {cell.task: printable(cell.title, 40) for cell in ablation.cells}
    views: dict[tuple[str, str, int], dict[str, None]] = {}
    for condition in ablation.conditions:
        for task, reasons in condition.left_out.items():
            for reason, count in reasons.items():
                views.setdefault((reason, task, count), {})[condition.view] = None
    lines: dict[tuple[str, str], list[str]] = {}
    for (reason, task, count), names in views.items():
        lines.setdefault((reason, ", ".join(names)), []).append(f"{titles.get(task, printable(task, 40))} ({count})")
    sentences: Mapping[str, str] = {str(reason): sentence for reason, sentence in REASONS.items()}
    return [
        f"no view {names}: {', '.join(tasks)}: each {sentences.get(reason, printable(reason, 40))}"
        for (reason, names), tasks in lines.items()
    ]


def _warnings(ablation: Ablation) -> list[Text]:
    lines = []
    smallest = {(c.task, c.n): c.smallest for c in ablation.comparisons}
    titles = {cell.task: printable(cell.title, 40) for cell in ablation.cells}
    hopeless = [f"{titles[task]} (n = {n})" for (task, n), least in smallest.items() if least is None]
    if hopeless:
        lines.append(
            f"TOO FEW SAMPLES: with {len(ablation.comparisons)} comparisons no difference, not even of 100 points, "
            f"could be significant for {', '.join(hopeless)}"
        )
    known = [
        f"{titles[task]} {100 * least:.1f} (n = {n})" for (task, n), least in smallest.items() if least is not None
    ]
    if known:
        lines.append(
            "smaller differences than these, in points, could not be significant here, even if every change went one "
            f"way: {', '.join(known)}"
        )
    bad: Counter[str] = Counter()
    for cell in ablation.cells:
        bad.update({"failed": cell.failed, "unparsed": cell.unparsed, "unscored": cell.unscored})
    if +bad:
        counts = ", ".join(f"{count} {word}" for word, count in bad.items() if count)
        lines.append(f"counted as wrong over all views and budgets: {counts}")
    lines += [
        f"INCOMPLETE: run {printable(c.run, 120)} has {c.done} of {c.planned} samples"
        for c in ablation.conditions
        if not c.complete
    ]
    return [Text(line, style="yellow") for line in lines]
