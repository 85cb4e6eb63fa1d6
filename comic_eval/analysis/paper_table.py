"""The paper's tables and figures beside measured numbers, for a terminal and as Markdown."""

from __future__ import annotations

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.table import Table
from rich.text import Text

from comic_eval.analysis.paper import PaperFigure, Source
from comic_eval.analysis.paper_lines import Kind, Layout, layout
from comic_eval.analysis.paper_measured import Beside

_STYLES: dict[Kind, str] = {"paper": "", "gain": "dim", "measured": "cyan", "foot": "dim"}


def beside_table(beside: Beside) -> Group:
    """The table with its notes; print it with a rich console. Columns that do not fit go into a table below."""
    laid = layout(beside)
    notes = [Text(note, style="dim") for note in laid.notes]
    return Group(
        Text(laid.title, style="bold"),
        _Folded(laid),
        *notes,
        *(Text(caution, style="yellow") for caution in laid.cautions),
    )


class _Folded:
    """The table in as many parts as the terminal's width asks for, each with the labels of the rows."""

    def __init__(self, laid: Layout) -> None:
        self._laid = laid

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for part in self._parts(options.max_width):
            table = Table(box=None, padding=(0, 1, 0, 0), show_edge=False)
            table.add_column("", no_wrap=True)
            for i in part:
                table.add_column(Text(self._laid.header[i]), no_wrap=True)
            for line in self._laid.lines:
                style = _STYLES[line.kind]
                table.add_row(Text(line.label, style=style), *(Text(line.cells[i], style=style) for i in part))
            yield table
            yield Text("")

    def _parts(self, width: int) -> list[list[int]]:
        left = width - 1 - max(_width(line.label) for line in self._laid.lines)
        parts: list[list[int]] = [[]]
        used = 0
        for i, heading in enumerate(self._laid.header):
            needed = 1 + max(_width(text) for text in (heading, *(line.cells[i] for line in self._laid.lines)))
            if parts[-1] and used + needed > left:
                parts.append([])
                used = 0
            parts[-1].append(i)
            used += needed
        return parts


def _width(text: str) -> int:
    return max(cell_len(part) for part in text.split("\n"))


def beside_markdown(beside: Beside) -> str:
    """The same as Markdown."""
    laid = layout(beside)
    rows = [["", *laid.header], ["---"] * (1 + len(laid.header)), *([line.label, *line.cells] for line in laid.lines)]
    table = "\n".join("| " + " | ".join(_cell(c) for c in row) + " |" for row in rows)
    notes = "\n".join(f"- {_inline(note)}" for note in (*laid.notes, *laid.cautions))
    return f"### {_inline(laid.title)}\n\n{table}\n\n{notes}\n"


def _cell(text: str) -> str:
    return "<br>".join(_inline(part.strip()) for part in text.split("\n"))


def _inline(text: str) -> str:
    """Text of other people's files as plain text in a Markdown table."""
    for mark in "\\`*_[]<>|#":
        text = text.replace(mark, f"&#{ord(mark)};" if mark in "<>|" else f"\\{mark}")
    return text


def figure_text(figure: PaperFigure, source: Source) -> str:
    """What is known of a figure without numbers, as Markdown, which a terminal reads as well."""
    arms = [f"{i}. {arm.name}: {arm.words}" for i, arm in enumerate(figure.arms, 1)]
    says = [f'- {q.where}: "{q.words}"' for q in figure.says]
    parts = [
        f"### Figure {figure.number} of the paper: {figure.title}",
        "\n".join(arms),
        f"The paper ({source.id}) says:",
        "\n".join(says),
        "\n".join(f"- {note}" for note in figure.notes),
        "Measured: nothing. comic-eval does not train yet, so there are no curves (metrics.jsonl) to show.",
    ]
    return "\n\n".join(parts) + "\n"
