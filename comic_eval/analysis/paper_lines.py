"""The paper's table beside measured numbers as lines of text, the same for a terminal and for Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from comic_eval.analysis.intervals import Interval
from comic_eval.analysis.paper import ACCURACY, Column
from comic_eval.analysis.paper_measured import Beside, Cell, Line
from comic_eval.analysis.power import detectable_from
from comic_eval.analysis.table import BLANK, share
from comic_eval.run.redact import printable

Kind = Literal["paper", "gain", "measured", "foot"]
STATISTICS = {"mean_calls": "avg. tool calls", "mean_iou": "avg. IoU"}
_SUPERSCRIPTS = "¹²³⁴⁵⁶⁷⁸⁹"


@dataclass(frozen=True)
class TextLine:
    """A line of the table; cells may hold a line break."""

    kind: Kind
    label: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """A table in words: ``header`` has one text a column, ``notes`` stand below it, ``cautions`` last."""

    title: str
    header: tuple[str, ...]
    lines: tuple[TextLine, ...]
    notes: tuple[str, ...]
    cautions: tuple[str, ...]


def layout(beside: Beside) -> Layout:
    """Writes the table out."""
    odd = list(dict.fromkeys(c.published.note for line in beside.lines for c in line.cells if _odd(c) and c.published))
    marks = {note: _SUPERSCRIPTS[i % 9] for i, note in enumerate(odd) if note is not None}
    several = len({(line.name, line.condition) for line in beside.lines}) > len({line.name for line in beside.lines})
    lines: list[TextLine] = []
    for line in beside.lines:
        lines += _lines(line, marks, several)
    lines += _foot(beside)
    shares = any(line.statistic == ACCURACY for line in beside.lines)
    measured = [c for line in beside.lines for c in line.cells if c.measured]
    notes = [
        f"quoted from {beside.source.id}, Table {beside.number}, in percent; [95 %] Wilson, from numbers of test "
        "questions that were recovered from the percentages: the paper states neither"
        if any(c.published and c.published.ci95 for line in beside.lines for c in line.cells)
        else f"quoted from {beside.source.id}, Table {beside.number}",
        *(f"{marks[note]} {note}" for note in odd if note is not None),
        *beside.notes,
        *_legend(beside, measured),
    ]
    return Layout(
        title=f"Table {beside.number} of the paper: {beside.title}",
        header=tuple(_heading(column, sizes=shares) for column in beside.columns.values()),
        lines=tuple(lines),
        notes=tuple(notes),
        cautions=beside.cautions,
    )


def _odd(cell: Cell) -> bool:
    return cell.published is not None and cell.published.note is not None


def _heading(column: Column, *, sizes: bool) -> str:
    words = "\n".join(column.title.split())
    size = "" if column.n is None or not sizes else f"\nn={column.n}"
    return words + size + ("" if column.chance is None or not sizes else f"\nchance {100 * column.chance:.0f}")


def _lines(line: Line, marks: dict[str, str], several: bool) -> list[TextLine]:
    label = printable(line.name, 60)
    if several or not line.in_paper:
        label += f" ({printable(line.condition, 40)})"
    if line.statistic in STATISTICS:
        label += f", {STATISTICS[line.statistic]}"
    found = []
    if line.in_paper:
        found.append(TextLine("paper", label, tuple(_published(c, marks, line.statistic) for c in line.cells)))
        if any(c.published and c.published.gain is not None for c in line.cells):
            found.append(TextLine("gain", "  gain in the paper", tuple(map(_gain, line.cells))))
    if line.run is not None:
        run = printable(line.run, 60)
        label = f"  measured: {run}" if line.in_paper else f"{label}\n  measured: {run}"
        found.append(TextLine("measured", label, tuple(_measured(c, line.statistic) for c in line.cells)))
    return found


def _published(cell: Cell, marks: dict[str, str], statistic: str) -> str:
    quoted = cell.published
    if quoted is None:
        return "/"
    decimals = 3 if statistic == "mean_iou" else 2
    return f"{quoted.value:.{decimals}f}{marks.get(quoted.note or '', '')}{_interval(quoted.ci95)}"


def _interval(interval: Interval | None) -> str:
    return "" if interval is None else f" [{100 * interval[0]:.0f}, {100 * interval[1]:.0f}]"


def _gain(cell: Cell) -> str:
    if cell.published is None or cell.published.gain is None:
        return ""
    z = "" if cell.published.gain_z is None else f" z {round(cell.published.gain_z, 1) + 0.0:.1f}"
    return f"{cell.published.gain:+.2f}{z}"


def _measured(cell: Cell, statistic: str) -> str:
    found = cell.measured
    if found is None:
        return cell.standing
    decimals = {"mean_iou": 3, "mean_calls": 2}.get(statistic)
    value = f"{100 * found.value:.1f}{_interval(found.ci95)}" if decimals is None else f"{found.value:.{decimals}f}"
    size = f"n={share(found.n)}"
    standing = cell.standing.upper() if cell.standing == "outside" else cell.standing
    return f"{value}\n{size}\n{standing}" if len(standing) > 8 else f"{value}\n{size} {standing}"


def _foot(beside: Beside) -> list[TextLine]:
    """What two test sets of the column's size can show; the paper's own rows and measured ones alike."""
    if any(line.statistic != ACCURACY for line in beside.lines):
        return []
    cells = []
    for column in beside.columns.values():
        shown = detectable_from(0.5, column.n, column.n) if column.n else None
        cells.append(BLANK if shown is None else f"{100 * shown:.0f} points")
    return [TextLine("foot", "difference that n shows", tuple(cells))]


def _legend(beside: Beside, measured: list[Cell]) -> list[str]:
    lines = []
    if any(c.published and c.published.gain is not None for line in beside.lines for c in line.cells):
        lines.append(
            "gain: over the base row of the same table; z: the gain over its standard error, rows taken as independent"
        )
    if any(line.statistic == ACCURACY for line in beside.lines):
        lines.append(
            "difference that n shows: between two accuracies near 50 % on n questions each, unpaired, found "
            "with a power of 80 % at the level 0.05"
        )
    if not measured:
        return [*lines, "nothing was measured here: name runs after the table, or map them with --run RUN=ROW"]
    if any(c.standing in ("inside", "outside") for c in measured):
        lines.append(
            "inside, OUTSIDE: the measured number against the paper's interval; it has an error of its own, and of 20 "
            "equal numbers one lies outside by chance"
        )
    empty = [line.name for line in beside.lines if line.in_paper and line.run is None]
    if empty:
        lines.append(f"missing, nothing measured: {', '.join(dict.fromkeys(empty))}")
    if any(c.measured and (c.measured.failed or c.measured.unparsed) for c in measured):
        failed = sum(c.measured.failed for c in measured if c.measured)
        unparsed = sum(c.measured.unparsed for c in measured if c.measured)
        lines.append(f"measured: {share(failed)} failed and {share(unparsed)} unparsed answers count as wrong")
    if unscored := sum(c.measured.unscored for c in measured if c.measured):
        lines.append(
            f"incomplete: {share(unscored)} answers have no verdict of the judge; they are not counted as right"
        )
    return lines
