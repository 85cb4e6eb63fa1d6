"""Counts that always add up, and the tables made of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from comic_eval.analysis.summary import Summary, build_summary, summarize_task
from comic_eval.analysis.table import summary_table
from comic_eval.contracts import AdapterInfo
from comic_eval.run.environment import environment
from comic_eval.run.manifest import JudgePlan, Manifest, Start, TaskPlan
from comic_eval.run.record import Key, Outcome
from comic_eval.run.spec import BenchmarkRef, Operation, RunSpec

PLAN = TaskPlan(title="Depth", kind="choice", metric="accuracy", planned=10, pages=3, chance=0.5, geometry=0.67)
STATUSES = ("scored", "unparsed", "unscored", "failed")


def outcome(status: str = "scored", score: float | None = 1.0, page: str = "p1", **fields: Any) -> Outcome:
    base: dict[str, Any] = {
        "task": "depth",
        "page": page,
        "status": status,
        "score": score if status == "scored" else None,
        "reason": None,
        "cause": "timeout" if status == "failed" else None,
        "detail": {},
        "usage": {},
        "retries": 0,
        "cached": False,
        "latency_s": None,
    }
    return Outcome(**(base | fields))


outcomes = st.lists(
    st.builds(
        outcome,
        status=st.sampled_from(STATUSES),
        score=st.sampled_from([0.0, 1.0]),
        page=st.sampled_from(["p1", "p2", "p3"]),
    ),
    max_size=25,
)


@given(outcomes)
def test_counts_add_up(found: list[Outcome]) -> None:
    task = summarize_task(found, PLAN, comparable=True)
    assert task.n == len(found)
    assert task.n == task.correct + task.wrong + task.unparsed + task.failed + task.unscored
    assert sum(task.failures.values()) == task.failed
    assert sum(task.unparsed_reasons.values()) == task.unparsed
    assert sum(task.unscored_reasons.values()) == task.unscored
    if task.n == 0:
        assert (task.accuracy, task.ci95, task.ci95_wilson) == (None, None, None)
        return
    assert task.accuracy == task.correct / task.n
    assert task.ci95_wilson is not None
    assert task.ci95_wilson[0] <= task.accuracy <= task.ci95_wilson[1]
    if task.accuracy_answered is not None:
        assert task.accuracy_answered >= task.accuracy
    else:
        assert task.failed + task.unscored == task.n


def test_all_failed() -> None:
    task = summarize_task([outcome("failed", page=p) for p in ("p1", "p2")], PLAN, comparable=True)
    assert (task.accuracy, task.accuracy_answered, task.ci95) == (0.0, None, (0.0, 0.0))


def test_a_perfect_score_has_a_wilson_interval_with_width() -> None:
    task = summarize_task([outcome(page=p) for p in ("p1", "p2", "p3")], PLAN, comparable=True)
    assert task.ci95 == (1.0, 1.0)
    assert task.ci95_wilson is not None
    assert task.ci95_wilson[0] < 0.5


def test_partial_credit_is_not_correct() -> None:
    task = summarize_task([outcome(score=0.5)], PLAN, comparable=True)
    assert (task.correct, task.wrong) == (0, 1)


def manifest(tasks: dict[str, TaskPlan], **spec: Any) -> Manifest:
    base: dict[str, Any] = {
        "model": "test:model",
        "benchmark": BenchmarkRef(name="small", version="1", revision="1+abc", digest="abc"),
        "split": "test",
        "tasks": tuple(tasks),
        "language": "en",
        "view": "page",
        "budget": 1024,
        "judge": "reference-1",
    }
    resolved = RunSpec(**(base | spec))
    start = Start(time="now", arguments={}, operation=Operation(), environment=environment())
    return Manifest(
        name="run",
        created="now",
        spec=resolved,
        spec_digest=resolved.digest,
        sample_ids_sha256="x",
        prompts_sha256="x",
        license="CC0-1.0",
        adapter=AdapterInfo(id="test:model", note="reads [bold]text[/bold] only\x1b[31m", reads_images=False),
        judge=JudgePlan(id="reference-1", comparable=False),
        tasks=tasks,
        starts=(start,),
    )


def summary(**spec: Any) -> Summary:
    opened = PLAN.model_copy(update={"title": "Panel Understanding", "kind": "open", "chance": None, "planned": 1})
    counted = PLAN.model_copy(update={"title": "Counting", "kind": "number", "planned": 2})
    found = {
        Key("a", "page", 1024, 0): outcome(page="p1"),
        Key("b", "page", 1024, 0): outcome("failed", page="p2"),
        Key("c", "page", 1024, 0): outcome(task="open", page="p2", detail={"token_f1": 0.5}),
        Key("d", "page", 1024, 0): outcome(task="count", page="p1", detail={"abs_error": 0.0, "within_one": 1.0}),
        Key("e", "page", 1024, 0): outcome(task="count", score=0.0, detail={"abs_error": 3.0, "within_one": 0.0}),
    }
    plans = {"open": opened, "depth": PLAN.model_copy(update={"planned": 2}), "count": counted}
    return build_summary(found, manifest(plans, **spec))


def test_the_mean_leaves_out_what_is_not_comparable() -> None:
    found = summary()
    assert found.macro_tasks == ("depth", "count")
    assert found.macro_accuracy == pytest.approx(0.5)
    assert not found.tasks["open"].comparable
    assert found.tasks["open"].detail == {"token_f1": 0.5}
    assert found.tasks["count"].mae == pytest.approx(1.5)
    assert found.tasks["count"].mae_n == 2
    assert found.tasks["depth"].mae_n is None
    assert found.tasks["count"].within_one == pytest.approx(0.5)
    assert found.complete
    assert found.exit_status == 3


def test_the_error_of_counts_is_over_parsed_answers_and_within_one_over_all() -> None:
    plan = PLAN.model_copy(update={"title": "Counting", "kind": "number", "planned": 4})
    found = build_summary(
        {
            Key("a", "page", 1024, 0): outcome(task="count", detail={"abs_error": 0.0, "within_one": 1.0}),
            Key("b", "page", 1024, 0): outcome("unparsed", task="count"),
            Key("c", "page", 1024, 0): outcome("failed", task="count"),
            Key("d", "page", 1024, 0): outcome("unparsed", task="count"),
        },
        manifest({"count": plan}),
    ).tasks["count"]
    assert (found.mae, found.mae_n, found.within_one, found.n) == (0.0, 1, 0.25, 4)


def test_a_missing_sample_makes_a_run_incomplete() -> None:
    found = build_summary({Key("a", "page", 1024, 0): outcome()}, manifest({"depth": PLAN}))
    assert (found.done, found.planned, found.complete, found.exit_status) == (1, 10, False, 4)


def test_a_run_without_answers_has_no_scores() -> None:
    found = build_summary({}, manifest({"depth": PLAN}))
    assert found.macro_accuracy is None
    assert "–" in printed(found)


def printed(*summaries: Summary, width: int = 120) -> str:
    console = Console(width=width, record=True, file=None, color_system=None)
    with console.capture() as capture:
        console.print(summary_table(summaries if len(summaries) > 1 else summaries[0]))
    return capture.get()


def test_the_table_of_one_run_says_everything() -> None:
    text = printed(summary(), width=80)
    assert "test:model on small 1+abc" in text
    row = next(line for line in text.splitlines() if line.startswith("Depth"))
    assert "50.0" in row
    assert "67.0" in row
    assert "Panel Understanding*" in text
    assert "reference-1: not comparable with an LLM judge" in text
    assert "1 timeout" in text
    assert "mean absolute error 1.50 over the 2 parsed answers, within one 50.0 % of all" in " ".join(text.split())
    assert "mean of 2 tasks" in text


def test_the_table_says_what_was_asked_and_what_came_from_the_cache() -> None:
    text = " ".join(printed(summary(split="val", language="fr", view="panel"), width=80).split())
    assert "split val, language fr, view panel, budget 1024" in text
    assert "response cache" not in text
    assert "language fr" in " ".join(printed(summary(language="fr"), summary(language="fr", model="b:b")).split())
    assert "language en/fr" in " ".join(printed(summary(), summary(language="fr")).split())
    assert "@256" in printed(summary(), summary(budget=256))
    kept = build_summary({Key("a", "page", 1024, 0): outcome(cached=True)}, manifest({"depth": PLAN}))
    assert "1 of 1 answers came from the response cache" in " ".join(printed(kept).split())


def test_foreign_text_stays_text_on_the_terminal() -> None:
    text = printed(summary(model="test:[red]evil[/red]\x1b[2J"))
    assert "[red]evil[/red]" in text
    assert "[bold]text[/bold]" in text
    assert "\x1b" not in text


def test_runs_stand_side_by_side_and_differences_are_said() -> None:
    text = printed(summary(), summary(model="test:other", view="blind"))
    assert "other (blind)" in text
    assert "was shown no page" in text
    assert "CAUTION" not in text
    assert "CAUTION" in printed(summary(), summary(split="val"))


def test_means_over_different_tasks_do_not_stand_in_one_row() -> None:
    one = build_summary({Key("a", "page", 1024, 0): outcome()}, manifest({"depth": PLAN}))
    assert "mean of" in printed(summary(), summary(model="test:other"))
    assert "mean of" not in printed(summary(), one)


def test_incomplete_runs_say_so() -> None:
    text = printed(build_summary({Key("a", "page", 1024, 0): outcome()}, manifest({"depth": PLAN}, limit=10)))
    assert "INCOMPLETE: 1 of 10 samples" in text
    assert "chosen by --limit" in text
