"""A comparison as tables for a terminal."""

from __future__ import annotations

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from comic_eval.analysis.compared import Compared, Difference, Disagreement, Reply, RunScore
from comic_eval.analysis.intervals import Interval
from comic_eval.analysis.table import BLANK, NO_WIDTH, OPEN, percent
from comic_eval.analysis.verdict import p_value, points, verdict
from comic_eval.run.redact import printable


def compare_table(compared: Compared) -> Group:
    """Scores and differences, the verdict, disagreements, and notes; print it with a rich console."""
    parts: list[Table | Text | Padding] = [Text(line) for line in _heading(compared)]
    parts += [Text(""), _scores(compared), Text(""), _changes(compared)]
    for pair, lines in verdict(compared).items():
        parts += [Text(""), Text(pair, style="bold"), *(Padding(Text(line), (0, 0, 0, 2)) for line in lines)]
    if compared.disagreements:
        parts += [Text(""), *_disagreements(compared)]
    parts += [Text(""), *(Text(note, style="dim") for note in _notes(compared))]
    parts += [Text(note, style="yellow") for note in _cautions(compared)]
    return Group(*parts)


def _heading(compared: Compared) -> list[str]:
    same = {(r.condition, r.budget, r.language) for r in compared.runs}
    lines = [f"{printable(compared.benchmark, 60)} {compared.revision}, split {printable(compared.split, 40)}"]
    for letter, run in zip(_letters(compared), compared.runs, strict=True):
        state = [] if len(same) == 1 else [run.condition, f"{run.budget:,} tokens", run.language]
        if run.repeats > 1:
            state.append(f"{run.repeats} answers a question")
        words = f" ({', '.join(state)})" if state else ""
        lines.append(f"  {letter}  {printable(run.name, 80)}: {printable(run.model, 60)}{words}")
    return lines


def _letters(compared: Compared) -> list[str]:
    return [chr(ord("A") + i) if i < 26 else str(i + 1) for i in range(len(compared.runs))]


def _scores(compared: Compared) -> Table:
    letters = dict(zip((r.name for r in compared.runs), _letters(compared), strict=True))
    several = len(compared.runs) > 2
    table = _table("n", "accuracy", "[95 %]", *["rank [95 %]"] * several)
    for name in compared.tasks:
        label = _label(compared, name)
        for score in (s for s in compared.scores if s.task == name):
            rank = [_rank(score.rank, score.rank95)] * several
            cells = [str(score.n), percent(score.accuracy), _interval(score), *rank]
            table.add_row(label, letters[score.run], *cells)
            label = Text("")
    label, corrected = _averages(compared)
    for m in compared.macro:
        rank = [_rank(m.rank, m.rank95)] * several
        table.add_row(label, letters[m.run], "", percent(m.accuracy), _range(m.ci95) + " ", *rank)
        label = Text("")
    for m in compared.macro:
        if m.corrected is not None:
            table.add_row(corrected, letters[m.run], "", percent(m.corrected), _range(m.corrected_ci95) + " ")
            corrected = Text("")
    return table


def _changes(compared: Compared) -> Table:
    letters = dict(zip((r.name for r in compared.runs), _letters(compared), strict=True))
    table = _table("Δ A", "[95 %]", "p", "p Holm", "lost", "gained", "shows")
    for name in compared.tasks:
        label = _label(compared, name)
        for d in (d for d in compared.differences if d.task == name):
            table.add_row(label, letters[d.second], *_difference(d))
            label = Text("")
    label, corrected = _averages(compared)
    for m in compared.macro:
        if m.difference is not None:
            table.add_row(label, letters[m.run], points(m.difference), _signed_range(m.difference_ci95))
            label = Text("")
    for m in compared.macro:
        if m.corrected_difference is not None:
            interval = _signed_range(m.corrected_difference_ci95)
            table.add_row(corrected, letters[m.run], points(m.corrected_difference), interval)
            corrected = Text("")
    return table


def _table(*headings: str) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("task", no_wrap=True)
    table.add_column("", no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _label(compared: Compared, name: str) -> Text:
    task = compared.tasks[name]
    return Text(printable(task.title, 40) + ("" if task.comparable else OPEN), style="bold")


def _averages(compared: Compared) -> tuple[Text, Text]:
    """The labels of the two averages."""
    return (
        Text(f"mean of {_tasks(len(compared.macro_tasks))}", style="bold"),
        Text(f"above chance, {_tasks(len(compared.corrected_tasks))}", style="bold"),
    )


def _interval(score: RunScore) -> str:
    if score.ci95 is None or score.ci95[0] == score.ci95[1]:
        return _range(score.ci95_wilson) + NO_WIDTH
    return _range(score.ci95) + " "


def _range(interval: Interval | None) -> str:
    return BLANK if interval is None else f"[{percent(interval[0]):>4}, {percent(interval[1]):>5}]"


def _signed_range(interval: Interval | None) -> str:
    """Blank without width: every cluster changed alike, which says nothing of the error."""
    if interval is None or interval[0] == interval[1]:
        return BLANK
    return f"[{points(interval[0]):>5}, {points(interval[1]):>5}]"


def _rank(rank: int | None, interval: tuple[int, int] | None) -> str:
    if rank is None:
        return ""
    return str(rank) if interval is None else f"{rank} [{interval[0]}, {interval[1]}]"


def _difference(d: Difference) -> list[Text]:
    style = "bold" if d.finding in ("better", "worse") else ""
    cells = [points(d.difference), _signed_range(d.ci95), p_value(d.p), p_value(d.p_holm), str(d.lost), str(d.gained)]
    shows = "none" if d.detectable is None else f"{100 * d.detectable:.0f}"
    return [*(Text(cell, style=style) for cell in cells), Text(shows, style="dim")]


def _tasks(count: int) -> str:
    return f"{count} task{'s' * (count != 1)}"


def _disagreements(compared: Compared) -> list[Table | Text]:
    letters = _letters(compared)
    table = Table(box=None, padding=(0, 1, 0, 0), title="disagreements", title_justify="left", title_style="bold")
    for heading in ("task", "question", "right answer", *letters):
        table.add_column(heading, overflow="fold")
    for d in compared.disagreements:
        replies = [_replies(d, run.name) for run in compared.runs]
        table.add_row(
            printable(compared.tasks[d.task].title, 40), printable(d.question, 80), _short(d.answer), *replies
        )
    look = [f"look at them: comic-eval view {printable(run.folder, 200)}" for run in compared.runs]
    return [table, *(Text(f"  {line}") for line in look)]


def _replies(disagreement: Disagreement, run: str) -> Text:
    text = Text()
    for i, reply in enumerate(disagreement.replies[run]):
        text.append(" | " if i else "").append(_words(reply), style="green" if reply.right else "red")
    return text


def _words(reply: Reply) -> str:
    mark = "✓" if reply.right else "✗"
    return f"{mark} {_short(reply.text)}" if reply.text is not None else f"{mark} ({reply.status})"


def _short(text: str) -> str:
    return printable(" ".join(text.split()), 70)


def _notes(compared: Compared) -> list[str]:
    family = len(compared.differences)
    pairs = "pair_id, over languages" if compared.pairing == "language" else "sample id"
    notes = [
        f"paired by {pairs}; [95 %]: bootstrap over {compared.clusters} {compared.cluster}s, of all runs together; "
        f"Δ A: accuracy minus that of run A, in points",
        f"p: exact McNemar test{_repeated(compared)}, then Holm's correction over all {family} tests of this table; "
        f"bold: p Holm at most {compared.alpha:g} and an interval without 0",
        f"shows: the difference in points that such a test finds with a power of {100 * compared.power:.0f} %, at the "
        f"corrected level {compared.alpha / family:.2g} and with as many differing answers as here; questions of one "
        "page taken as independent",
        "failed, unparsed and unscored answers count as wrong",
    ]
    notes += _unanswered(compared)
    if compared.macro:
        left = [t.title for t in compared.tasks.values() if not t.comparable]
        without = f"; left out: {', '.join(printable(t, 40) for t in left)}" if left else ""
        notes.append(f"mean: every task counts alike{without}")
        if compared.corrected_tasks:
            notes.append(
                "above chance: mean of (accuracy - chance) / (1 - chance) over the tasks that have a chance level"
            )
    if any(not t.comparable for t in compared.tasks.values()):
        judges = ", ".join(dict.fromkeys(printable(r.judge, 40) for r in compared.runs))
        notes.append(f"{OPEN} judge {judges}: not comparable with an LLM judge")
    if any(s.ci95 is None or s.ci95[0] == s.ci95[1] for s in compared.scores):
        notes.append(f"{NO_WIDTH} Wilson interval: the bootstrap has no width here")
    if len(compared.runs) > 2:
        notes.append("rank [95 %]: percentile interval over the same draws; runs that tie share ranks")
    if compared.across:
        notes.append(f"compared across: {', '.join(compared.across)}")
    return notes + [printable(note, 400) for note in compared.notes if not _is_caution(note)]


def _repeated(compared: Compared) -> str:
    return ", or sign-flip test where questions were asked several times" if _asked_again(compared) else ""


def _asked_again(compared: Compared) -> bool:
    return any(run.repeats > 1 for run in compared.runs)


def _unanswered(compared: Compared) -> list[str]:
    lines = []
    for run in compared.runs:
        missing = [f"{run.counts[s]} {s}" for s in ("failed", "unparsed", "unscored") if run.counts.get(s)]
        if missing:
            lines.append(f"  {printable(run.name, 60)}: {', '.join(missing)}")
    changed = [d for d in compared.differences if d.n_answered < d.n and d.answered is not None]
    lines += [
        f"  {printable(compared.tasks[d.task].title, 40)}, {printable(d.second, 60)}: {points(d.answered or 0.0)} "
        f"points over the {d.n_answered} questions without a failed or unscored answer"
        for d in changed
    ]
    return lines


def _is_caution(note: str) -> bool:
    return note.startswith(("CAUTION", "INCOMPLETE"))


def _cautions(compared: Compared) -> list[str]:
    lines = [printable(note, 400) for note in compared.notes if _is_caution(note)]
    if compared.few_clusters:
        lines.append(
            f"CAUTION: only {compared.clusters} {compared.cluster}s: bootstrap intervals of so few are too narrow"
        )
    return lines
