"""Draws a benchmark's statistics: Figure 3 of "Zooming into Comics" (arXiv:2511.06490) for any benchmark."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comic_eval.benchmark.stats import Stats, TaskRow, panels_of, split_rank
from comic_eval.errors import BenchmarkError
from comic_eval.files import replacing

if TYPE_CHECKING:
    from collections.abc import Sequence

FORMATS = (".png", ".pdf", ".svg")
# Okabe and Ito's colours, which colour-blind readers can tell apart.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")


def draw_stats(stats: Stats, path: Path, *, language: str | None = None) -> None:
    """Writes the figure: tasks by split, answer types, position phrases, single- and multi-panel questions.

    Args:
        path: a new .png, .pdf or .svg file.
        language: whose questions are drawn, since languages are never pooled; English where there is any.

    Raises:
        BenchmarkError: matplotlib is missing, or the path cannot be written.
    """
    if path.suffix.lower() not in FORMATS:
        raise BenchmarkError(f"figure {path}: unknown kind of file → end its name in {', '.join(FORMATS)}")
    if path.exists():
        raise BenchmarkError(f"figure {path}: the file exists already → name another one, or remove it")
    if language is None:
        language = "en" if "en" in stats.languages else stats.languages[0]
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise BenchmarkError("the figure needs matplotlib → pip install 'comic-eval[figures]'") from error
    rows = stats.select(language=language, scored=True)
    figure = Figure(figsize=(11, 5.5), layout="constrained")
    grid = figure.add_gridspec(3, 2, width_ratios=(1.5, 1))
    _tasks(figure.add_subplot(grid[:, 0]), rows)
    _bars(figure.add_subplot(grid[0, 1]), "Answer types", _count(rows, lambda row: row.type))
    positions: Counter[str] = Counter()
    for row in rows:
        positions.update(row.positions)
    phrases = Counter({kind.replace("_", " "): n for kind, n in positions.items()})
    _bars(figure.add_subplot(grid[1, 1]), "Position phrases (Panel Understanding)", phrases)
    _bars(figure.add_subplot(grid[2, 1]), "Panels that a question is about", _count(rows, panels_of))
    total = sum(row.samples for row in rows)
    apart = sum(row.samples for row in stats.select(language=language, scored=False))
    note = f", {apart} guessable ones kept apart" if apart else ""
    figure.suptitle(f"{_plain(stats.name)} {_plain(stats.revision)}: {total} questions in {language}{note}")
    try:
        with replacing(path) as temporary:
            figure.savefig(temporary, dpi=150, format=path.suffix[1:].lower(), metadata=_no_date(path))
    except OSError as error:
        raise BenchmarkError(f"figure {path} cannot be written: {error.strerror} → name another place") from error


def _tasks(axes: Any, rows: Sequence[TaskRow]) -> None:
    titles = list(dict.fromkeys(row.title for row in rows))
    splits = sorted({row.split for row in rows}, key=split_rank)
    height = 0.8 / max(1, len(splits))
    for i, split in enumerate(splits):
        counts = [sum(row.samples for row in rows if (row.title, row.split) == (title, split)) for title in titles]
        places = [place - 0.4 + height * (i + 0.5) for place in range(len(titles))]
        colour = COLOURS[i % len(COLOURS)]
        bars = axes.barh(places, counts, height=0.9 * height, color=colour, label=_plain(split))
        axes.bar_label(bars, [f" {n}" for n in counts], fontsize=8)
    axes.set_yticks(range(len(titles)), [_plain(title) for title in titles])
    axes.margins(x=0.08)
    axes.invert_yaxis()
    axes.set_xlabel("questions")
    axes.legend(title="split", frameon=False)
    axes.set_title("Tasks by split", loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)


def _bars(axes: Any, title: str, counts: Counter[str]) -> None:
    axes.set_title(title, loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    if not counts:
        axes.text(0.5, 0.5, "none", ha="center", transform=axes.transAxes)
        axes.set_axis_off()
        return
    names, numbers = zip(*counts.most_common(), strict=True)
    bars = axes.barh([_plain(name) for name in names], numbers, color=COLOURS[0], height=0.6)
    total = sum(numbers)
    axes.bar_label(bars, [f" {n} ({n / total:.0%})" for n in numbers], fontsize=8)
    axes.set_xlim(0, max(numbers) * 1.3)
    axes.invert_yaxis()


def _count(rows: Sequence[TaskRow], name: Any) -> Counter[str]:
    counts: Counter[str] = Counter()
    for row in rows:
        counts[name(row)] += row.samples
    return counts


def _plain(text: str) -> str:
    """Text that matplotlib neither reads as a formula nor fails to draw."""
    return "".join(c for c in text if c.isprintable()).replace("$", r"\$")


def _no_date(path: Path) -> dict[str, None] | None:
    """The same statistics give the same bytes."""
    return {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix.lower())
