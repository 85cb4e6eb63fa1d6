"""The paper's tables and figures beside measured numbers, for a terminal and as Markdown."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table
from rich.text import Text

from comic_eval.analysis.paper import PaperFigure, Source
from comic_eval.analysis.paper_lines import Kind, layout
from comic_eval.analysis.paper_measured import Beside

_STYLES: dict[Kind, str] = {"paper": "", "gain": "dim", "measured": "cyan", "foot": "dim"}


def beside_table(beside: Beside) -> Group:
    """The table with its notes; print it with a rich console."""
    laid = layout(beside)
    table = Table(
        title=Text(laid.title, style="bold"), title_justify="left", box=None, padding=(0, 1, 0, 0), show_edge=False
    )
    table.add_column("", no_wrap=True)
    for heading in laid.header:
        table.add_column(Text(heading), justify="left", no_wrap=True, vertical="top")
    for line in laid.lines:
        style = _STYLES[line.kind]
        table.add_row(Text(line.label, style=style), *(Text(cell, style=style) for cell in line.cells))
    notes = [Text(note, style="dim") for note in laid.notes]
    return Group(table, Text(""), *notes, *(Text(caution, style="yellow") for caution in laid.cautions))


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
