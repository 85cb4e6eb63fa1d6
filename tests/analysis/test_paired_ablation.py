"""The experiment as a Python call: the same samples under every view, and what the comparison says."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from scipy.stats import binomtest
from support.panel_pages import PANELS, make_panel_pages
from support.runs import TableModel

import comic_eval
from comic_eval.analysis.ablation import Ablation, Comparison
from comic_eval.analysis.ablation_table import ablation_table
from comic_eval.errors import PluginError, RequestError, RunFolderError, UserError
from comic_eval.experiments.ablate import AblateResult, ablate_async, plan_ablation
from comic_eval.run.evaluate import evaluate_async
from comic_eval.run.folder import read_records
from comic_eval.run.lock import RunLock
from comic_eval.run.manifest import read_manifest
from comic_eval.run.spec import Operation
from comic_eval.types import Request
from comic_eval.zoom.crop import CropRules

PAGES = 12
RIGHT = {"action_recognition": "<answer>C</answer>", "character_counting": "<answer>2</answer>"}
WRONG = {"action_recognition": "<answer>A</answer>", "character_counting": "<answer>9</answer>"}
FAST = Operation(concurrency=4, max_retries=0)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_panel_pages(tmp_path_factory.mktemp("panels") / "pages", PAGES).folder


def needs_a_crop(request: Request) -> str:
    """Right about an action where a crop is shown, and on two pages; about counts and orders always."""
    task, page = request.question.task, int(request.question.page[-2:])
    if task == "dialog_reordering":
        return "<answer>A</answer>"
    sizes = [image.source_size for image in request.conversation.images]
    sees = any(size[0] < 200 for size in sizes)
    if task == "action_recognition":
        return (RIGHT if sees or page < 2 else WRONG)[task]
    return RIGHT[task]


def run(pages: Path, runs: Path, model: Any, **arguments: Any) -> AblateResult:
    settings: dict[str, Any] = {
        "views": ("page", "panel", "blind"),
        "budgets": (16384,),
        "operation": FAST,
        "name": "x",
        "runs_dir": runs,
    }
    return asyncio.run(ablate_async(**{"model": model, "benchmark": pages} | settings | arguments))


def compared(ablation: Ablation, task: str, view: str, budget: int = 16384) -> Comparison:
    (found,) = [c for c in ablation.comparisons if (c.task, c.view, c.budget) == (task, view, budget)]
    return found


def shown(ablation: Ablation) -> str:
    console = Console(width=200, file=io.StringIO())
    console.print(ablation_table(ablation))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_crop_that_helps_shows_with_its_exact_p(pages: Path, tmp_path: Path) -> None:
    result = run(pages, tmp_path, TableModel(otherwise=needs_a_crop))
    assert result.exit_status == 0
    action = compared(result.ablation, "action_recognition", "panel")
    assert (action.n, action.lost, action.gained) == (12, 0, 10)
    assert action.difference == pytest.approx(10 / 12)
    assert action.p == pytest.approx(binomtest(0, 10, 0.5).pvalue)
    assert action.ci95 is not None
    assert 0.5 < action.ci95[0] < 10 / 12 < action.ci95[1] <= 1.0
    # Five tests: two tasks have the panel, all three are asked blind.
    assert len(result.ablation.comparisons) == 5
    assert action.p_holm == pytest.approx(5 * action.p)
    assert action.smallest == pytest.approx(8 / 12)  # 2 / 2 ** 8 <= 0.05 / 5 < 2 / 2 ** 7
    counting = compared(result.ablation, "character_counting", "panel")
    assert (counting.difference, counting.p, counting.p_holm) == (0, 1, 1)
    assert json.loads(result.path.read_text()) == result.ablation.model_dump(mode="json")
    assert result.path == tmp_path / "x" / "ablation.json"


def test_every_view_is_a_run_of_its_own_and_sends_what_it_says(pages: Path, tmp_path: Path) -> None:
    views = ("page", "panel", "character", "page+panel", "noise", "other-panel", "blind")
    model = TableModel(otherwise=needs_a_crop)
    result = run(pages, tmp_path, model, views=views, budgets=(16384, 32))
    by_run = {c.run: c for c in result.ablation.conditions}
    assert set(by_run) == {
        *(f"x-{view}-{budget}" for view in ("page", "panel", "character", "noise") for budget in (16384, 32)),
        *(f"x-{view}-{budget}" for view in ("page-panel", "other-panel") for budget in (16384, 32)),
        "x-blind",
    }
    assert by_run["x-blind"].budgets == (16384, 32)
    assert by_run["x-character-32"].left_out == {
        "character_counting": {"no_character_view": PAGES},
        "dialog_reordering": {"no_target_region": PAGES},
    }
    assert by_run["x-other-panel-32"].left_out["character_counting"] == {"no_wrong_panel": PAGES}
    images = {(c.task, c.view): c.images for c in result.ablation.cells if c.budget == 32}
    assert images["action_recognition", "page"] == images["action_recognition", "panel"] == 1
    assert images["action_recognition", "page+panel"] == 2
    assert images["character_counting", "panel"] == len(PANELS)
    assert images["action_recognition", "blind"] == 0
    for cell in result.ablation.cells:
        assert cell.n == PAGES
        assert cell.tokens is not None
        assert cell.images is not None
        assert cell.tokens <= cell.images * cell.budget
    asked: dict[str, set[str]] = {}
    for name in by_run:
        asked[name] = {r.sample_id for r in read_records(tmp_path / name) if r.task == "action_recognition"}
        manifest = read_manifest(tmp_path / name)
        assert (manifest.spec.crop is None) == (manifest.spec.view in ("page", "blind"))
    assert len({frozenset(ids) for ids in asked.values()}) == 1


def test_the_prompt_follows_the_view(pages: Path, tmp_path: Path) -> None:
    run(pages, tmp_path, TableModel(otherwise=needs_a_crop), views=("page", "panel", "page+panel", "blind"))
    prompts = {
        view: read_records(tmp_path / name)[0].prompt
        for view, name in {"page": "x-page-16384", "panel": "x-panel-16384", "both": "x-page-panel-16384"}.items()
    }
    assert prompts["page"].startswith("The image shows a page")
    assert prompts["panel"].startswith("You are shown one or more parts of a comic page")
    assert prompts["both"].startswith("The first image shows a page")
    blind = read_records(tmp_path / "x-blind")[0]
    assert "is not shown" in blind.prompt
    assert blind.images == ()


def test_the_same_call_asks_nothing_again_and_starts_the_model_once(pages: Path, tmp_path: Path) -> None:
    model = TableModel(otherwise=needs_a_crop)
    first = run(pages, tmp_path, model)
    assert (model.started, model.closed) == (1, 1)
    again = TableModel(otherwise=needs_a_crop)
    second = run(pages, tmp_path, again)
    assert again.requests == []
    assert (again.started, again.closed) == (0, 0)
    assert second.ablation == first.ablation


def test_other_budgets_go_on_with_the_same_blind_run(pages: Path, tmp_path: Path) -> None:
    run(pages, tmp_path, TableModel(otherwise=needs_a_crop), views=("page", "blind"), budgets=(64,))
    again = TableModel(otherwise=needs_a_crop)
    result = run(pages, tmp_path, again, views=("page", "blind"), budgets=(32,))
    assert result.exit_status == 0
    assert {c.budget for c in result.ablation.cells} == {32}
    assert len(again.requests) == result.ablation.conditions[0].planned


def test_an_interrupted_experiment_says_so_and_goes_on(pages: Path, tmp_path: Path) -> None:
    async def stopped() -> AblateResult:
        stop = asyncio.Event()

        def answer(request: Request) -> str:
            if len(model.requests) > PAGES * 3 + 4:
                stop.set()
            return needs_a_crop(request)

        model = TableModel(otherwise=answer)
        return await ablate_async(
            model=model,
            benchmark=pages,
            views=("page", "panel", "blind"),
            budgets=(16384,),
            operation=FAST,
            name="x",
            runs_dir=tmp_path,
            stop=stop,
        )

    result = asyncio.run(stopped())
    assert result.exit_status == 4
    assert result.stopped is not None
    assert "1 runs not begun" in result.stopped
    assert "INCOMPLETE: run x-panel-16384" in shown(result.ablation)
    model = TableModel(otherwise=needs_a_crop)
    assert run(pages, tmp_path, model).exit_status == 0
    assert len(model.requests) < PAGES * (2 + 3)


def test_failed_samples_count_as_wrong_and_are_told(pages: Path, tmp_path: Path) -> None:
    def answer(request: Request) -> Any:
        task, page = request.question.task, int(request.question.page[-2:])
        if task == "action_recognition" and page < 3 and request.conversation.images[0].source_size[0] < 200:
            return RequestError("no", cause="content_filter", status=400)
        return {"dialog_reordering": "hm"}.get(task) or RIGHT[task]

    result = run(pages, tmp_path, TableModel(otherwise=answer), views=("page", "panel"))
    assert result.exit_status == 3
    action = compared(result.ablation, "action_recognition", "panel")
    assert (action.n, action.lost, action.gained) == (12, 3, 0)
    text = shown(result.ablation)
    assert "counted as wrong over all views and budgets: 3 failed, 12 unparsed" in text


def test_the_table_says_what_is_missing_and_what_cannot_be_shown(pages: Path, tmp_path: Path) -> None:
    result = run(pages, tmp_path, TableModel(otherwise=needs_a_crop), views=("page", "panel"), limit=12)
    text = shown(result.ablation)
    assert "no view panel: Dialog Reordering (4): each has no target region" in text
    assert "TOO FEW SAMPLES: with 2 comparisons no difference" in text
    assert "samples chosen by --limit 12" in text
    large = shown(run(pages, tmp_path / "b", TableModel(otherwise=needs_a_crop)).ablation)
    assert "Action Recognition 66.7 (n = 12)" in large
    assert "+83.3" in large
    assert "TOO FEW" not in large


def test_crop_rules_are_recorded_and_cannot_change_under_one_name(pages: Path, tmp_path: Path) -> None:
    run(pages, tmp_path, TableModel(otherwise=needs_a_crop), crop=CropRules(padding=0.1))
    assert read_manifest(tmp_path / "x-panel-16384").spec.crop == CropRules(padding=0.1)
    with pytest.raises(RunFolderError, match=r"crop\.padding: 0\.1, now 0\.0"):
        run(pages, tmp_path, TableModel(otherwise=needs_a_crop))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"views": ("panel", "blind")}, UserError, "views panel, blind: name page"),
        ({"views": ("page",)}, UserError, "at least one other"),
        ({"views": ("page", "panle")}, UserError, "unknown view 'panle'"),
        ({"budgets": ()}, UserError, "one or more numbers of visual tokens"),
        ({"budgets": (0,)}, UserError, "1 or more"),
        ({"tasks": ["dialog_reordering"]}, UserError, "no sample has a view 'panel': 12 of dialog_reordering"),
        ({"adapter_settings": {"x": 1}}, PluginError, "adapter object"),
        ({"name": "a/b"}, RunFolderError, "run name"),
        ({"name": "a" * 110}, RunFolderError, "run name"),
    ],
)
def test_mistakes_show_before_anything_is_sent(
    pages: Path, tmp_path: Path, arguments: dict[str, Any], error: type[UserError], message: str
) -> None:
    model = TableModel(otherwise=needs_a_crop)
    with pytest.raises(error, match=message):
        run(pages, tmp_path, model, **arguments)
    assert model.requests == []
    assert list(tmp_path.iterdir()) == []


def test_from_python_in_one_call(pages: Path, tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "benchmark": pages,
        "runs_dir": tmp_path,
        "views": ("page", "panel"),
        "budgets": (1024,),
    }
    result = comic_eval.ablate(model=TableModel(otherwise=needs_a_crop), name="x", **settings)
    assert isinstance(result, comic_eval.AblateResult)
    assert (result.exit_status, result.path) == (0, tmp_path / "x" / "ablation.json")
    assert read_manifest(tmp_path / "x-panel-1024").starts[0].arguments == {"ablation": "x", "benchmark": str(pages)}


@pytest.mark.parametrize("name", ["ablate", "evaluate"])
def test_a_blocking_call_inside_an_event_loop_names_the_other(name: str) -> None:
    async def notebook() -> None:
        getattr(comic_eval, name)(model="first")

    with pytest.raises(UserError, match=rf"{name}\(\) was called inside an event loop .*await {name}_async"):
        asyncio.run(notebook())


def test_one_process_at_a_time_and_no_run_of_the_same_name(pages: Path, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    with RunLock(tmp_path / "x"), pytest.raises(RunFolderError, match="another process works"):
        run(pages, tmp_path, TableModel(otherwise=needs_a_crop))
    asyncio.run(
        evaluate_async(model=TableModel(otherwise=needs_a_crop), benchmark=pages, name="y", runs_dir=tmp_path, limit=3)
    )
    with pytest.raises(RunFolderError, match="folder of a single run"):
        run(pages, tmp_path, TableModel(otherwise=needs_a_crop), name="y")


def test_a_run_under_a_crop_view_leaves_out_what_has_none(pages: Path, tmp_path: Path) -> None:
    model = TableModel(otherwise=needs_a_crop)
    result = asyncio.run(
        evaluate_async(model=model, benchmark=pages, view="panel", name="p", runs_dir=tmp_path, operation=FAST)
    )
    assert result.exit_status == 0
    assert set(result.summary.tasks) == {"action_recognition", "character_counting"}
    assert result.manifest.left_out == {"dialog_reordering": {"no_target_region": PAGES}}


def test_default_names_differ_with_whatever_changes_answers(pages: Path) -> None:
    def name(**arguments: Any) -> str:
        common: dict[str, Any] = {
            "benchmark": pages,
            "split": "test",
            "tasks": None,
            "language": "en",
            "limit": None,
            "judge": "reference",
            "seed": 0,
        }
        return plan_ablation(model="first", **(common | arguments)).name

    names = [name(), name(seed=1), name(limit=6), name(crop=CropRules(padding=0.2)), name(tasks=["action_recognition"])]
    assert len(set(names)) == len(names)
    assert name(views=("page", "panel"), budgets=(64,)) == name()
    assert name().startswith("ablate-baseline-first-panels-")
