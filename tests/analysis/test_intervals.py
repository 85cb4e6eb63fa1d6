"""Intervals against reference values and their own laws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comic_eval.analysis.intervals import cluster_bootstrap_mean, wilson


@pytest.mark.parametrize(
    ("correct", "n", "low", "high"),
    [
        # scipy.stats.binomtest(correct, n).proportion_ci(method="wilson"), scipy 1.17.1
        (15, 20, 0.53129912, 0.8881383),
        (0, 10, 0.0, 0.2775328),
        (10, 10, 0.7224672, 1.0),
        (50, 100, 0.40383153, 0.59616847),
        (1, 1, 0.20654931, 1.0),
    ],
)
def test_wilson_against_reference_values(correct: int, n: int, low: float, high: float) -> None:
    assert wilson(correct, n) == pytest.approx((low, high), abs=5e-8)


def test_wilson_solves_its_own_equation() -> None:
    for bound in wilson(23, 57) or ():
        assert abs(23 / 57 - bound) == pytest.approx(1.959963984540054 * math.sqrt(bound * (1 - bound) / 57))


def test_no_trials_have_no_interval() -> None:
    assert wilson(0, 0) is None


@given(n=st.integers(1, 10_000), share=st.floats(0, 1))
def test_wilson_holds_the_estimate_and_stays_inside(n: int, share: float) -> None:
    correct = round(share * n)
    low, high = wilson(correct, n) or (math.nan, math.nan)
    assert 0 <= low <= correct / n <= high <= 1
    assert low < high


def test_pages_of_one_question_bootstrap_like_a_binomial() -> None:
    values = [1.0] * 60 + [0.0] * 40
    low, high = cluster_bootstrap_mean(values, range(100)) or (math.nan, math.nan)
    half = 1.96 * math.sqrt(0.6 * 0.4 / 100)
    assert (low, high) == pytest.approx((0.6 - half, 0.6 + half), abs=0.011)


def test_copies_of_a_question_on_one_page_narrow_nothing() -> None:
    values = [1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0]
    single = cluster_bootstrap_mean(values, range(8))
    copied = cluster_bootstrap_mean([v for v in values for _ in range(10)], [p for p in range(8) for _ in range(10)])
    assert copied == pytest.approx(single)


def test_against_a_plain_loop() -> None:
    rng = np.random.default_rng(7)
    sizes = rng.integers(1, 6, size=30)
    clusters = [f"p{i}" for i, size in enumerate(sizes) for _ in range(size)]
    values = [float(rng.random() < 0.2 + 0.02 * int(c[1:])) for c in clusters]
    groups = [[v for v, c in zip(values, clusters, strict=True) if c == f"p{i}"] for i in range(30)]
    means = []
    for _ in range(4000):
        drawn = [v for i in rng.integers(0, 30, size=30) for v in groups[i]]
        means.append(sum(drawn) / len(drawn))
    expected = np.quantile(means, [0.025, 0.975])
    assert cluster_bootstrap_mean(values, clusters) == pytest.approx(tuple(expected), abs=0.015)


@given(data=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 6)), min_size=2, max_size=40), order=st.randoms())
def test_order_and_names_of_pages_do_not_matter(data: list[tuple[int, int]], order: object) -> None:
    shuffled = list(data)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    one = cluster_bootstrap_mean([v for v, _ in data], [c for _, c in data], resamples=200)
    two = cluster_bootstrap_mean([v for v, _ in shuffled], [f"page {c}" for _, c in shuffled], resamples=200)
    assert one == two
    if one is not None:
        assert 0 <= one[0] <= one[1] <= 1


def test_one_page_has_no_interval_and_equal_pages_have_one_without_width() -> None:
    assert cluster_bootstrap_mean([1.0, 0.0], ["p", "p"]) is None
    assert cluster_bootstrap_mean([], []) is None
    assert cluster_bootstrap_mean([1.0] * 4, "aabb") == (1.0, 1.0)


def test_it_covers_where_pages_are_easy_or_hard_and_an_interval_that_ignores_pages_does_not() -> None:
    """40 pages of 5 questions each, easy (90 %) or hard (30 %) as a whole; the truth is 60 %."""
    rng = np.random.default_rng(11)
    pages = np.repeat(np.arange(40), 5)
    covered = naive = 0
    trials = 300
    for _ in range(trials):
        easy = rng.random(40) < 0.5
        right = (rng.random(200) < np.where(easy[pages], 0.9, 0.3)).astype(float)
        low, high = cluster_bootstrap_mean(right.tolist(), pages.tolist(), resamples=1000) or (1, 0)
        covered += low <= 0.6 <= high
        low, high = wilson(float(right.sum()), 200) or (1, 0)
        naive += low <= 0.6 <= high
    assert 0.91 <= covered / trials <= 0.98
    assert naive / trials < 0.85


def test_many_pages_take_bounded_memory_and_the_same_result() -> None:
    values, pages = [float(i % 3 == 0) for i in range(6000)], list(range(6000))
    low, high = cluster_bootstrap_mean(values, pages, resamples=700) or (math.nan, math.nan)
    assert low < 1 / 3 < high
    assert high - low < 0.04


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="differ in length"):
        cluster_bootstrap_mean([1.0], [])
