"""The paper's tables: every quoted number, its interval, and runs beside it."""

from __future__ import annotations

import asyncio
import io
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from support.panel_pages import make_panel_pages
from support.runs import FixedJudge, TableModel
from support.small_benchmark import make_benchmark

from comic_eval.analysis.intervals import wilson
from comic_eval.analysis.paper import (
    PaperTable,
    Published,
    count,
    paper_figure,
    paper_table,
    published,
    read_paper,
)
from comic_eval.analysis.paper_lines import layout
from comic_eval.analysis.paper_measured import Beside, Cell, Line, table_beside_runs
from comic_eval.analysis.paper_table import beside_markdown, beside_table, figure_text
from comic_eval.errors import UserError
from comic_eval.run.evaluate import evaluate_async

TABLES = read_paper().tables


def cell(table: int, row: str, column: str, condition: str = "page") -> Published:
    found = paper_table(table)
    (chosen,) = [r for r in found.rows if (r.name, r.condition) == (row, condition)]
    quoted = published(found, chosen, column)
    assert quoted is not None
    return quoted


def run(folder: Path, runs: Path, name: str, model: str = "gpt-5-mini", **arguments: Any) -> Path:
    """A model that gives one wrong and some right answers."""
    adapter = TableModel(otherwise=lambda r: "<answer>C</answer>", name=model)
    wanted: dict[str, Any] = {"model": adapter, "benchmark": folder, "runs_dir": runs, "name": name}
    asyncio.run(evaluate_async(**(wanted | arguments)))
    return runs / name


def line(beside: Beside, name: str, condition: str = "page") -> Line:
    (found,) = [found for found in beside.lines if (found.name, found.condition) == (name, condition)]
    return found


def one(of: Line, column: str) -> Cell:
    return next(c for c in of.cells if c.column == column)


def shown(beside: Beside) -> str:
    console = Console(width=200, file=io.StringIO())
    console.print(beside_table(beside))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("table", TABLES, ids=lambda table: f"table {table.number}")
def test_every_number_is_a_whole_count_or_says_that_it_is_not(table: PaperTable) -> None:
    columns = read_paper().columns
    for row in table.rows:
        assert len(row.values) == len(table.columns)
        if row.statistic != "accuracy":
            continue
        for name in table.columns:
            quoted = published(table, row, name)
            n = columns[name].n
            if quoted is None or n is None:
                continue
            note = table.note(row, name)
            whole = isinstance(count(quoted.value, quoted.n or n), int)
            assert whole == (note is None or note.whole), (row.name, name)
            assert (quoted.n != n) == (note is not None and note.n is not None)
            assert note is None or not isinstance(count(quoted.value, n), int)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: f"table {table.number}")
def test_notes_point_at_cells_that_exist_and_base_rows_too(table: PaperTable) -> None:
    rows = {(r.name, r.condition) for r in table.rows}
    for note in table.cells:
        assert (note.row, note.condition) in rows
        assert note.column in table.columns
    names = {r.name for r in table.rows}
    assert {r.base for r in table.rows if r.base} <= names
    assert set(table.columns) <= set(read_paper().columns)


def test_some_numbers_by_hand() -> None:
    depth = cell(3, "Qwen2.5-VL-7B-Instruct", "depth_comparison")
    assert (depth.value, depth.n) == (49.51, 103)
    assert depth.ci95 == wilson(51, 103)
    assert cell(3, "GPT-4o-2024-08-06", "dialog_reordering").n == 125
    odd = cell(4, "Qwen2.5-VL-7B-Instruct", "depth_comparison", "panel")
    assert odd.ci95 == wilson(54.34 * 1.03, 103)
    assert odd.note is not None
    assert "no whole number" in odd.note
    gain = cell(5, "Region-Aware RL", "depth_comparison", "zoom")
    assert gain.gain == 7.77
    assert gain.gain_z == pytest.approx(1.1208, abs=1e-3)
    assert cell(5, "Region-Aware RL", "action_recognition", "zoom").gain_z == pytest.approx(6.06, abs=0.01)
    assert cell(4, "Gemini-2.5-flash", "depth_comparison", "panel").gain == 22.33
    assert cell(7, "RL (character)", "character_counting").gain == 2.7
    assert cell(8, "Original", "mangavqa").ci95 is None
    assert cell(8, "Original", "mmmu").ci95 == wilson(484, 900)
    for number in (2, 9):
        with pytest.raises(UserError, match="quoted are the tables 3, 4, 5, 6, 7, 8"):
            paper_table(number)
    with pytest.raises(UserError, match="there is figure 7 only"):
        paper_figure(3)


def test_the_distances_below_chance_in_the_notes() -> None:
    for percent, errors, number in ((19.84, 6.8, 3), (14.29, 8.0, 7)):
        assert (50 - percent) / 100 / (0.25 / 126) ** 0.5 == pytest.approx(errors, abs=0.05)
        assert any(f"({percent}) lies {errors} standard errors" in note for note in paper_table(number).notes)


def test_a_run_on_the_papers_benchmark_stands_inside_or_outside(tmp_path: Path) -> None:
    folder = make_panel_pages(tmp_path / "pages", 12, name="AI4VA-FG").folder
    beside = table_beside_runs(3, [run(folder, tmp_path, "mini")])
    found = line(beside, "GPT-5-mini-2025-08-07")
    assert found.run == "mini"
    action = one(found, "action_recognition")
    assert action.measured is not None
    assert (action.measured.value, action.measured.n, action.standing) == (1.0, 12, "outside")
    assert action.measured.ci95 == wilson(12, 12)
    assert action.detectable is not None
    # The right order is A; the right count 2.
    assert one(found, "dialog_reordering").standing == "outside"
    assert one(found, "panel_understanding").standing == "missing"
    assert {c.standing for c in line(beside, "Gemini-2.5-pro").cells} == {"missing"}
    text = shown(beside)
    assert "n=12 OUTSIDE" in text
    assert "A benchmark called AI4VA-FG is taken at its word" in text
    assert Beside.model_validate_json(beside.model_dump_json()) == beside
    few = table_beside_runs(3, [run(folder, tmp_path, "few", limit=6)])
    assert one(line(few, "GPT-5-mini-2025-08-07"), "action_recognition").standing == "incomplete"


def test_the_number_of_the_paper_is_inside_itself(tmp_path: Path) -> None:
    """A measured 50 % of 12 against 49.51 % of 103."""
    small = make_panel_pages(tmp_path / "pages", 12, name="ai4va fg").folder
    answers = {f"page{p:02}-order-en": "<answer>A</answer>" for p in range(6)}
    adapter = TableModel(answers, otherwise=lambda r: "<answer>B</answer>", name="Qwen2.5-VL-7B-Instruct")
    asyncio.run(evaluate_async(model=adapter, benchmark=small, runs_dir=tmp_path, name="half"))
    found = one(line(table_beside_runs(3, [tmp_path / "half"]), "Qwen2.5-VL-7B-Instruct"), "dialog_reordering")
    assert found.measured is not None
    assert (found.measured.value, found.standing) == (0.5, "inside")


def test_another_benchmark_is_shown_but_not_compared(tmp_path: Path) -> None:
    folder = make_panel_pages(tmp_path / "pages", 3).folder
    made = run(folder, tmp_path, "mine", model="my-model")
    beside = table_beside_runs(3, [made], [])
    own = line(beside, "test:my-model")
    assert not own.in_paper
    assert one(own, "action_recognition").standing == "not in the paper"
    mapped = table_beside_runs(5, [], [(made, "sft-s")])
    assert {c.standing for c in line(mapped, "SFT-S").cells if c.measured} == {"other benchmark"}
    text = shown(mapped)
    assert "other benchmark" in text
    assert "CAUTION: panels is another benchmark than AI4VA-FG" in text


def test_views_find_their_rows(tmp_path: Path) -> None:
    folder = make_panel_pages(tmp_path / "pages", 3, name="AI4VA-FG").folder
    model = "Qwen2.5-VL-7B-Instruct"
    page, panel = (run(folder, tmp_path, view, model=model, view=view) for view in ("page", "panel"))
    beside = table_beside_runs(4, [panel, page])
    assert line(beside, model, "page").run == "page"
    assert line(beside, model, "panel").run == "panel"
    blind = run(folder, tmp_path, "blind", model=model, view="blind")
    assert line(table_beside_runs(4, [blind]), f"test:{model}", "blind").run == "blind"
    with pytest.raises(UserError, match="two runs in the row"):
        table_beside_runs(4, [page], [(page, model)])
    with pytest.raises(UserError, match=r"was shown 'blind', but the row 'Qwen2.5-VL-7B-Instruct' is of 'page, panel'"):
        table_beside_runs(4, [], [(blind, model)])
    with pytest.raises(UserError, match="table 4 has no row 'x'"):
        table_beside_runs(4, [], [(page, "x")])


def test_a_zoom_run_fills_table_6(tmp_path: Path) -> None:
    folder = make_panel_pages(tmp_path / "pages", 3, name="AI4VA-FG").folder
    zoom = run(folder, tmp_path, "zoom", zoom=True, coords="xyxy-1000", tasks=["action_recognition"])
    beside = table_beside_runs(6, [], [(zoom, "Region-Aware RL")])
    calls, iou = beside.lines
    found = one(calls, "action_recognition")
    assert found.measured is not None
    assert (found.measured.value, found.measured.n, found.standing) == (0, 3, "no interval")
    assert one(iou, "action_recognition").standing == "missing"  # no call, no IoU
    assert "avg. tool calls" in shown(beside)
    assert line(table_beside_runs(5, [], [(zoom, "Region-Aware RL")]), "Region-Aware RL", "zoom").run == "zoom"


def test_open_answers_of_a_judge_that_is_not_comparable_are_not_compared(tmp_path: Path) -> None:
    folder = make_benchmark(tmp_path / "small", name="AI4VA-FG").folder
    strings = run(folder, tmp_path, "strings")
    judged = run(folder, tmp_path, "judged", judge=FixedJudge())
    for folder_, standing in ((strings, "other judge"), (judged, "outside")):
        beside = table_beside_runs(3, [folder_])
        assert one(line(beside, "GPT-5-mini-2025-08-07"), "panel_understanding").standing == standing


def test_answers_without_a_verdict_are_no_number_yet(tmp_path: Path) -> None:
    folder = make_benchmark(tmp_path / "small", name="AI4VA-FG").folder
    beside = table_beside_runs(3, [run(folder, tmp_path, "undecided", judge=FixedJudge(None))])
    assert one(line(beside, "GPT-5-mini-2025-08-07"), "panel_understanding").standing == "incomplete"
    assert "incomplete: 1 answers have no verdict of the judge" in shown(beside)


def test_a_transfer_benchmark_is_one_number(tmp_path: Path) -> None:
    folder = make_panel_pages(tmp_path / "pages", 4, name="MMMU").folder
    made = run(folder, tmp_path, "mmmu")
    found = line(table_beside_runs(8, [], [(made, "RL")]), "RL")
    assert one(found, "mangavqa").standing == "missing"
    measured = one(found, "mmmu").measured
    assert measured is not None
    assert (measured.n, measured.value) == (12, pytest.approx(4 / 12))


@pytest.mark.parametrize("table", TABLES, ids=lambda table: f"table {table.number}")
def test_markdown_has_as_many_cells_in_every_row(table: PaperTable, tmp_path: Path) -> None:
    folder = make_panel_pages(tmp_path / "pages", 1).folder
    made = run(folder, tmp_path, "a", model="x|<b>`*_[y](z)")
    text = beside_markdown(table_beside_runs(table.number, [made] if table.number not in (6, 8) else []))
    rows = [row for row in text.splitlines() if row.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1
    assert len(rows) >= 2 + len(table.rows)
    assert "<b>" not in text
    for row in table.rows:
        first = next(v for v in row.values if v is not None)
        assert f"{first:.2f}" in text
    assert layout(table_beside_runs(table.number, [])).cautions == ()


def test_figure_7_says_what_is_known() -> None:
    text = figure_text(paper_figure(7), read_paper().source)
    assert "The paper contradicts itself" in text
    assert '"Strategy (1) yields the most efficient tool learning."' in text
    assert "Measured: nothing." in text
