"""What a comparison shows, in words."""

from __future__ import annotations

from comic_eval.analysis.compared import Compared, Difference, MacroScore
from comic_eval.run.redact import printable


def verdict(compared: Compared) -> dict[str, list[str]]:
    """``second against first`` -> a line a task: who is better, or that so many questions could not show it.

    Someone is better only where the exact test, after its correction, and the clustered interval agree.
    """
    first = compared.runs[0].name
    found = {}
    for run in compared.runs[1:]:
        lines = [_line(compared, d) for d in compared.differences if d.second == run.name]
        lines += [_average(compared, m, first) for m in compared.macro if m.run == run.name]
        found[f"{_name(run.name)} against {_name(first)}"] = lines
    return found


def _line(compared: Compared, d: Difference) -> str:
    title = printable(compared.tasks[d.task].title, 40)
    if d.finding == "too few":
        return f"{title}: n={d.n} is too few to show any difference"
    if d.finding == "no difference":
        sight = "" if d.detectable is None else f"; {100 * d.detectable:.0f} points would show 4 times in 5"
        return f"{title}: no difference that n={d.n} could show ({points(d.difference)} points{sight})"
    winner = _name(d.second if d.difference > 0 else d.first)
    interval = f" [{points(d.ci95[0])}, {points(d.ci95[1])}]" if d.ci95 and d.ci95[0] != d.ci95[1] else ""
    numbers = f"{points(d.difference)} points{interval}, p Holm {p_value(d.p_holm)}, n={d.n}"
    if d.n_answered < d.n:
        rest = "" if d.answered is None else f", {points(d.answered)} points without them"
        numbers += f"; {d.n - d.n_answered} failed or unscored counted as wrong{rest}"
    if d.finding != "unsure":
        return f"{title}: {winner} is better ({numbers})"
    why = f"all on one {compared.cluster}" if d.ci95 is None else f"and the interval over {compared.cluster}s reaches 0"
    if d.ci95 is not None and not d.ci95[0] <= 0 <= d.ci95[1]:
        why = "by failed and unscored answers alone"
    return f"{title}: perhaps {winner} is better ({numbers}, {why})"


def _average(compared: Compared, m: MacroScore, first: str) -> str:
    label = f"mean of {len(compared.macro_tasks)} tasks"
    if m.difference is None or m.difference_ci95 is None:
        return f"{label}: too few {compared.cluster}s for an interval"
    low, high = m.difference_ci95
    numbers = f"({points(m.difference)} points{f' [{points(low)}, {points(high)}]' if low < high else ''})"
    if low <= 0 <= high or m.p_holm is None:
        return f"{label}: no clear difference {numbers}"
    winner = _name(m.run if m.difference > 0 else first)
    if m.p_holm > compared.alpha:
        return f"{label}: perhaps {winner} is better {numbers[:-1]}, but p Holm {p_value(m.p_holm)})"
    return f"{label}: {winner} is better {numbers}"


def points(difference: float) -> str:
    """A difference of accuracies in points, ``+3.4``."""
    return f"{100 * difference:+.1f}"


def p_value(p: float) -> str:
    return "<0.0001" if p < 0.0001 else f"{p:.4f}"


def _name(name: str) -> str:
    return printable(name, 60)
