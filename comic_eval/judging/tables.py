"""Calibrations and probes as tables for a terminal."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table
from rich.text import Text

from comic_eval.analysis.table import BLANK, percent
from comic_eval.judging.calibration import Agreement, Calibration, Rate
from comic_eval.judging.probes import ProbeReport
from comic_eval.judging.usage import JudgeSummary
from comic_eval.run.redact import printable


def calibration_table(found: Calibration) -> Group:
    """A judge against labels; print it with a rich console."""
    table = _table(f"{found.judge} against {found.labels}")
    table.add_column("answers", no_wrap=True)
    for heading in (
        "n",
        "un-\nscored",
        "agrees [95 %]",
        "kappa [95 %]",
        "wrong let\npass [95 %]",
        "right re-\njected [95 %]",
    ):
        table.add_column(heading, justify="right" if heading in ("n", "un-\nscored") else "left", no_wrap=True)
    table.add_row("all", *_cells(found.overall), style="bold")
    groups = (
        ("task", found.by_task),
        ("language", found.by_language),
        ("length", found.by_length),
        ("kind", found.by_kind),
    )
    for name, group in groups:
        if len(group) > 1:
            for value, part in group.items():
                table.add_row(f"  {name}: {printable(value, 30)}", *_cells(part))
    labelled = ", ".join(f"{n} by {printable(who, 80)}" for who, n in found.labellers.items())
    overall = found.overall
    notes = [
        f"labels: {labelled}; {overall.right} of {overall.scored} scored answers are right"
        + ("" if overall.judged_right is None else f", {percent(overall.judged_right)} % in the judge's eyes"),
        f"intervals: bootstrap over {overall.questions} questions (answers to one are not independent); †: Wilson's, "
        "where that has no width",
    ]
    if found.reasons:
        notes.append("unscored: " + ", ".join(f"{n} x {printable(why, 40)}" for why, n in found.reasons.items()))
    notes += _judging(found.judging)
    return Group(table, *(Text(note, style="dim") for note in notes))


def probe_table(found: ProbeReport) -> Group:
    """How a judge stood each attack; print it with a rich console."""
    table = _table(f"{found.judge} under attack, on {found.benchmark} {found.revision}")
    for heading in ("attack", "must be", "n", "held", "fooled", "un-\nscored", ""):
        table.add_column(heading, justify="left" if heading in ("attack", "must be", "") else "right", no_wrap=True)
    for attack in found.attacks:
        bad = attack.failed or (attack.unscored and attack.must_pass)
        table.add_row(
            attack.attack,
            "right" if attack.must_pass else "wrong",
            str(attack.n),
            str(attack.passed),
            str(attack.failed),
            str(attack.unscored),
            Text("FAIL" if bad else "ok", style="red" if bad else "green"),
        )
    n = sum(a.n for a in found.attacks)
    held = sum(a.passed for a in found.attacks)
    words = [
        f"{held} of {n} answers were graded as they must be; every attack is made of the benchmark's own questions"
    ]
    return Group(table, *(Text(note, style="dim") for note in words))


def _table(title: str) -> Table:
    title = printable(title)
    return Table(title=Text(title), title_justify="left", title_style="bold", box=None, padding=(0, 1, 0, 0))


def _cells(part: Agreement) -> list[str]:
    rates = (part.accuracy, part.kappa, part.false_positive, part.false_negative)
    accuracy, kappa, positive, negative = rates
    return [
        str(part.n),
        str(part.unscored),
        _percent(accuracy),
        _number(kappa),
        _percent(positive),
        _percent(negative),
    ]


def _percent(rate: Rate) -> str:
    if rate.value is None:
        return BLANK
    flat = rate.ci95 is None or rate.ci95[0] == rate.ci95[1]
    shown = rate.ci95_wilson if flat else rate.ci95
    spread = "" if shown is None else f" [{percent(shown[0]):>4}, {percent(shown[1]):>5}]" + ("†" if flat else "")
    return f"{percent(rate.value):>5}{spread}"


def _number(rate: Rate) -> str:
    if rate.value is None:
        return BLANK
    return f"{rate.value:5.2f}" + ("" if rate.ci95 is None else f" [{rate.ci95[0]:.2f}, {rate.ci95[1]:.2f}]")


def _judging(found: JudgeSummary | None) -> list[str]:
    if found is None:
        return []
    cost = "" if found.cost_usd is None else f", ${found.cost_usd:.4f}"
    notes = [
        f"{found.by_rule} answers by rule, {found.calls} calls ({found.cached} from the cache{cost}), {found.unparsed} "
        f"replies without a verdict, {found.cut} answers cut"
    ]
    if found.models:
        notes.append("models: " + ", ".join(f"{printable(m, 60)} ({n})" for m, n in found.models.items()))
    if found.fleiss_kappa is not None:
        notes.append(f"the panel's members agree: Fleiss' kappa {found.fleiss_kappa:.2f} (n={found.voted})")
    return notes
