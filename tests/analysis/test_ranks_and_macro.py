"""Joint draws of pages, averages over tasks, and rank intervals."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comic_eval.analysis.intervals import cluster_bootstrap_mean
from comic_eval.analysis.macro import chance_corrected, macro_average
from comic_eval.analysis.ranks import best_ranks, rank_intervals, worst_ranks
from comic_eval.analysis.resample import percentile, resample, tally

Rows = list[tuple[str, str, list[float]]]


def test_draws_are_those_of_all_resamples() -> None:
    """Two tasks on three pages: the 27 equally likely draws, counted one by one."""
    scores = {"a": ([1, 0], [1]), "b": ([0], [1, 1]), "c": ([1], [0])}
    rows: Rows = [
        (task, page, [float(s)])
        for page, both in scores.items()
        for task, several in zip(("x", "y"), both, strict=True)
        for s in several
    ]
    exact = []
    for drawn in itertools.product("abc", repeat=3):
        x = [s for page in drawn for s in scores[page][0]]
        y = [s for page in drawn for s in scores[page][1]]
        exact.append((np.mean(x) + np.mean(y)) / 2)
    draws = resample(tally(rows, ["x", "y"]), resamples=60_000)
    assert draws is not None
    averages = macro_average(draws)[:, 0]
    assert averages.mean() == pytest.approx(np.mean(exact), abs=0.003)
    assert averages.std() == pytest.approx(np.std(exact), abs=0.003)
    values, counts = np.unique(np.round(averages, 9), return_counts=True)
    expected, times = np.unique(np.round(exact, 9), return_counts=True)
    assert values == pytest.approx(expected)
    assert counts / 60_000 == pytest.approx(times / 27, abs=0.01)


def test_one_task_has_the_interval_of_the_cluster_bootstrap() -> None:
    rng = np.random.default_rng(2)
    pages = [f"p{i}" for i in rng.integers(0, 25, 120)]
    right = (rng.random(120) < 0.4).astype(float).tolist()
    draws = resample(tally([("t", p, [r]) for p, r in zip(pages, right, strict=True)], ["t"]))
    assert draws is not None
    assert percentile(draws[:, 0, 0]) == pytest.approx(cluster_bootstrap_mean(right, pages), abs=0.01)


def test_the_average_over_tasks_covers_the_truth_where_pages_are_easy_or_hard() -> None:
    """30 pages, on each of which three tasks are all easy or all hard: tasks drawn apart would cover far less."""
    rng = np.random.default_rng(0)
    covered = apart = 0
    trials = 150
    for _ in range(trials):
        easy = rng.random(30) < 0.5
        rows: Rows = [
            (task, f"p{page:02}", [float(rng.random() < (0.8 if easy[page] else 0.2))])
            for page in range(30)
            for task in ("x", "y", "z")
            for _ in range(3)
        ]
        draws = resample(tally(rows, ["x", "y", "z"]), resamples=600)
        assert draws is not None
        low, high = percentile(macro_average(draws)[:, 0])
        covered += low <= 0.5 <= high
        mean = np.mean([r[2][0] for r in rows])
        error = np.sqrt(sum(np.var([r[2][0] for r in rows if r[0] == t]) / 90 for t in "xyz")) / 3
        apart += abs(mean - 0.5) <= 1.96 * error
    assert 0.89 <= covered / trials <= 0.99
    assert apart / trials < 0.8


@given(st.permutations(range(12)), st.permutations(range(3)))
def test_no_order_matters(rows_in: list[int], runs_in: list[int]) -> None:
    rng = np.random.default_rng(4)
    rows: Rows = [("xy"[i % 2], f"p{i // 3}", rng.integers(0, 2, 3).astype(float).tolist()) for i in range(12)]
    first = resample(tally(rows, ["x", "y"]), resamples=50)
    shuffled: Rows = [(rows[i][0], rows[i][1], [rows[i][2][run] for run in runs_in]) for i in rows_in]
    second = resample(tally(shuffled, ["y", "x"]), resamples=50)
    assert first is not None
    assert second is not None
    assert second[:, ::-1] == pytest.approx(first[:, :, runs_in])


def test_a_task_on_few_pages_is_never_empty_in_a_draw() -> None:
    rows: Rows = [("common", f"p{i}", [1.0]) for i in range(20)] + [("rare", "p3", [0.0])]
    draws = resample(tally(rows, ["common", "rare"]), resamples=500)
    assert draws is not None
    assert draws.shape == (500, 2, 1)
    assert np.isfinite(draws).all()


def test_draws_that_cannot_be_made_are_not() -> None:
    assert resample(tally([("t", "p", [1.0])], ["t"])) is None
    # Eight tasks with a page each: hardly any draw has all.
    assert resample(tally([(f"t{i}", f"p{i}", [1.0]) for i in range(8)], [f"t{i}" for i in range(8)])) is None
    with pytest.raises(ValueError, match="without questions"):
        tally([("t", "p", [1.0])], ["t", "u"])


def test_above_chance() -> None:
    accuracies = np.array([[0.25, 1.0, 0.1], [0.75, 1.0, 0.5]])
    found = chance_corrected(accuracies, [0.25, 0.5])
    assert found[0] == pytest.approx([0, 1, -0.2])
    assert found[1] == pytest.approx([0.5, 1, 0])
    assert macro_average(found) == pytest.approx([0.25, 1, -0.1])
    with pytest.raises(ValueError, match="chance level"):
        chance_corrected(accuracies, [0.25, 1.0])


def test_ranks_of_ties() -> None:
    scores = np.array([0.5, 0.9, 0.5, 0.1])
    assert best_ranks(scores).tolist() == [2, 1, 2, 4]
    assert worst_ranks(scores).tolist() == [3, 1, 3, 4]


def test_rank_intervals_know_what_is_certain() -> None:
    rng = np.random.default_rng(1)
    rows: Rows = []
    for i in range(400):
        common = float(rng.random() < 0.5)
        rows.append(("t", f"p{i // 4:03}", [float(rng.random() < 0.9), common, common, float(rng.random() < 0.48)]))
    draws = resample(tally(rows, ["t"]), resamples=2000)
    assert draws is not None
    best, one, same, near = rank_intervals(draws[:, 0])
    assert best == (1, 1)
    assert one == same
    assert one[0] == 2
    assert one[1] >= 3
    assert near[1] == 4


@given(st.lists(st.lists(st.integers(0, 5), min_size=3, max_size=3), min_size=1, max_size=40))
def test_rank_intervals_are_ordered_and_hold_a_rank(draws: list[list[int]]) -> None:
    for low, high in rank_intervals(np.array(draws, dtype=float)):
        assert 1 <= low <= high <= 3
