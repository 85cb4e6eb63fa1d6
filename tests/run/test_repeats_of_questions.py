"""Several answers a question: planned side by side, seeds that count on, and scores that keep their meaning."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.runs import RIGHT, Answer, TableModel, make_pages

from comic_eval import evaluate
from comic_eval.analysis.repeats import majority, pass_at_k, pass_levels, vote
from comic_eval.errors import UserError
from comic_eval.run.evaluate import RunResult
from comic_eval.run.record import Outcome
from comic_eval.types import Request, SamplingParams

WARM = SamplingParams(temperature=0.7, seed=10)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pages(tmp_path_factory.mktemp("repeats") / "pages", 4).folder


def run(pages: Path, runs: Path, model: TableModel, *, repeats: int = 3, name: str = "r", **more: object) -> RunResult:
    arguments: dict[str, object] = {"params": WARM, "concurrency": 1, **more}
    return evaluate(model=model, benchmark=pages, runs_dir=runs, name=name, repeats=repeats, **arguments)  # type: ignore[arg-type]


def by_seed(request: Request) -> Answer:
    """Right at the first repeat, wrong at the second, unreadable at the third."""
    return (RIGHT[request.question.task], "<answer>1</answer>", "who knows")[(request.params.seed or 0) - 10]


def test_repeats_are_asked_side_by_side_with_seeds_that_count_on(pages: Path, tmp_path: Path) -> None:
    model = TableModel(deterministic=False)
    result = run(pages, tmp_path, model, system="You read comics.")
    assert len(model.requests) == 8 * 3
    for group in (model.requests[i : i + 3] for i in range(0, 24, 3)):
        assert len({r.question.id for r in group}) == 1
        assert [r.params.seed for r in group] == [10, 11, 12]
    first = model.requests[0].conversation.messages
    assert [m.role for m in first] == ["system", "user"]
    assert first[0].text == "You read comics."
    spec = json.loads((result.folder / "manifest.json").read_text())["spec"]
    assert (spec["repeats"], spec["system"]) == (3, "You read comics.")
    assert {r.repeat for r in result.records} == {0, 1, 2}


def test_scores_are_means_and_n_counts_questions(pages: Path, tmp_path: Path) -> None:
    result = run(pages, tmp_path, TableModel(deterministic=False, otherwise=by_seed))
    task = result.summary.tasks["character_counting"]
    assert (task.planned, task.n, task.repeats) == (4, 4, 3)
    assert task.accuracy == pytest.approx(1 / 3)
    assert task.n == pytest.approx(task.correct + task.wrong + task.unparsed + task.failed + task.unscored)
    assert task.correct == pytest.approx(4 / 3)
    assert task.pass_at_k == pytest.approx({"1": 1 / 3, "2": 2 / 3, "3": 1.0})
    # One vote for 2, one for 1: a tie.
    assert task.majority is not None
    assert (task.majority.no_majority, task.majority.accuracy) == (4, 0.0)
    assert task.pages == 4
    assert (result.summary.planned, result.summary.done, result.summary.complete) == (24, 24, True)
    assert result.exit_status == 0
    stored = json.loads((result.folder / "summary.json").read_text())["tasks"]["character_counting"]
    assert stored["pass_at_k"]["3"] == 1.0


def test_single_answers_keep_whole_numbers(pages: Path, tmp_path: Path) -> None:
    result = run(pages, tmp_path, TableModel(deterministic=False), repeats=1)
    task = json.loads((result.folder / "summary.json").read_text())["tasks"]["action_recognition"]
    assert [type(task[k]) for k in ("n", "correct", "wrong", "unparsed", "failed", "unscored")] == [int] * 6
    assert (task["repeats"], task["pass_at_k"], task["majority"]) == (1, {}, None)


def test_repeats_are_resumed_one_by_one(pages: Path, tmp_path: Path) -> None:
    model = TableModel(deterministic=False)
    result = run(pages, tmp_path, model)
    lines = (result.folder / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (result.folder / "journal.jsonl").write_bytes(b"".join(lines[:5]))
    again = TableModel(deterministic=False)
    resumed = run(pages, tmp_path, again)
    assert (len(again.requests), resumed.summary.done) == (0, 24)  # the response cache keeps repeats apart
    assert len({(r.sample_id, r.repeat) for r in resumed.records}) == 24


def test_another_number_of_repeats_is_another_run(pages: Path, tmp_path: Path) -> None:
    run(pages, tmp_path, TableModel(deterministic=False))
    with pytest.raises(UserError, match="repeats: 3, now 2"):
        run(pages, tmp_path, TableModel(deterministic=False), repeats=2)


@pytest.mark.parametrize(
    ("model", "params", "words"),
    [
        (TableModel(deterministic=True), WARM, "always gives the same answer"),
        (TableModel(deterministic=False), SamplingParams(temperature=0), "--temperature above 0"),
    ],
)
def test_repeats_that_say_nothing_are_refused(
    pages: Path, tmp_path: Path, model: TableModel, params: SamplingParams, words: str
) -> None:
    with pytest.raises(UserError, match=words):
        run(pages, tmp_path, model, params=params)


@given(st.integers(1, 12).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_pass_at_k_is_the_share_of_draws_with_a_right_answer(numbers: tuple[int, int, int]) -> None:
    n, c, k = numbers
    draws = list(itertools.combinations([True] * c + [False] * (n - c), k)) if n <= 8 else []
    if draws:
        assert pass_at_k(n, c, k) == pytest.approx(fmean(any(d) for d in draws))
    assert pass_at_k(n, c, 1) == pytest.approx(c / n)
    assert (pass_at_k(n, c, n) == 1.0) == (c > 0)


def test_levels_are_powers_of_two_and_all() -> None:
    assert pass_levels(1) == (1,)
    assert pass_levels(6) == (1, 2, 4, 6)
    assert pass_levels(8) == (1, 2, 4, 8)


def answer(vote: str | None, score: float | None = 0.0, page: str = "p") -> Outcome:
    status = "scored" if vote else "unparsed"
    return Outcome("t", page, status, score if vote else None, None, None, {}, {}, 0, False, None, vote=vote)  # type: ignore[arg-type]


def test_the_majority_votes() -> None:
    right = [answer("A", 1.0), answer("A", 1.0), answer("B")]
    assert vote(right) is right[0]
    assert vote([answer("A", 1.0), answer("B")]) is None
    assert vote([answer(None), answer("B"), answer(None)]) is not None
    assert vote([answer(None)]) is None
    found = majority([right, [answer("A", 1.0, "q"), answer("B", page="q")]])
    assert found is not None
    assert (found.accuracy, found.no_majority) == (0.5, 1)
