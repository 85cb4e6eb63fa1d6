from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, bootstrap, permutation_test

from comic_eval.analysis.paired import (
    cluster_bootstrap_difference,
    holm,
    mcnemar_exact,
    sign_flip_exact,
    smallest_significant,
)

counts = st.integers(0, 400)


# Reference values: scipy.stats.binomtest(min(b, c), b + c, 0.5) of SciPy 1.17.1 and
# statsmodels.stats.contingency_tables.mcnemar(exact=True) of statsmodels 0.15.0, which agree.
@pytest.mark.parametrize(
    ("lost", "gained", "p"),
    [
        (5, 0, 0.0625),
        (10, 2, 0.03857421875),
        (8, 7, 1.0),
        (59, 6, 4.964650327128616e-12),
        (121, 59, 4.4344492637551645e-06),
        (150, 86, 3.7159361395713866e-05),
        (0, 6, 0.03125),
    ],
)
def test_mcnemar_gives_the_reference_values(lost: int, gained: int, p: float) -> None:
    assert mcnemar_exact(lost, gained) == pytest.approx(p, rel=1e-12)


@given(counts, counts)
def test_mcnemar_is_the_two_sided_binomial_test(lost: int, gained: int) -> None:
    n = lost + gained
    expected = binomtest(min(lost, gained), n, 0.5).pvalue if n else 1.0
    assert mcnemar_exact(lost, gained) == pytest.approx(expected, rel=1e-9, abs=1e-300)
    assert mcnemar_exact(lost, gained) == mcnemar_exact(gained, lost)


def test_mcnemar_by_hand_over_all_outcomes() -> None:
    """All 2^9 ways in which nine discordant samples can fall, counted one by one."""
    flips = [sum(way) for way in itertools.product((0, 1), repeat=9)]
    for gained in range(10):
        extreme = sum(min(f, 9 - f) <= min(gained, 9 - gained) for f in flips)
        assert mcnemar_exact(9 - gained, gained) == extreme / 2**9


def test_mcnemar_of_nothing_discordant_shows_nothing() -> None:
    assert mcnemar_exact(0, 0) == 1.0
    assert mcnemar_exact(60_000, 60_000) == 1.0
    with pytest.raises(ValueError, match="negative"):
        mcnemar_exact(-1, 3)


def test_the_smallest_number_that_can_be_significant() -> None:
    assert smallest_significant(5) is None
    assert smallest_significant(6) == smallest_significant(1000) == 6
    assert smallest_significant(100, alpha=0.05 / 6) == 8
    assert smallest_significant(7, alpha=0.05 / 6) is None
    assert smallest_significant(0) is None


# Reference values: statsmodels.stats.multitest.multipletests(method="holm") of statsmodels 0.15.0.
@pytest.mark.parametrize(
    ("ps", "adjusted"),
    [
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.6, 0.6, 0.001], [1.0, 1.0, 0.003]),
        ([0.0005, 0.011, 0.02, 0.04, 0.13, 0.5], [0.003, 0.055, 0.08, 0.12, 0.26, 0.5]),
        ([0.2], [0.2]),
        ([], []),
    ],
)
def test_holm_gives_the_reference_values(ps: list[float], adjusted: list[float]) -> None:
    assert holm(ps) == pytest.approx(adjusted)


def test_holm_refuses_what_is_no_p_value() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([0.5, math.nan])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.randoms())
def test_holm_rejects_what_the_step_down_procedure_rejects(ps: list[float], lot: object) -> None:
    adjusted = holm(ps)
    for p, q in zip(ps, adjusted, strict=True):
        assert p <= q <= min(1.0, len(ps) * p) + 1e-12
    for alpha in (0.01, 0.05, 0.3):
        rejected = set()
        for rank, i in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
            if (len(ps) - rank) * ps[i] > alpha:
                break
            rejected.add(i)
        assert {i for i, q in enumerate(adjusted) if q <= alpha} == rejected
    order = list(range(len(ps)))
    lot.shuffle(order)  # type: ignore[attr-defined]
    assert holm([ps[i] for i in order]) == [adjusted[i] for i in order]


def test_the_interval_of_a_difference_is_that_of_all_resamples() -> None:
    """Three pages: all 27 equally likely resamples, against the quantiles of many drawn ones."""
    first = [1, 0, 0, 1, 0, 0]
    second = [1, 1, 1, 0, 0, 1]
    pages = ["a", "a", "b", "b", "c", "c"]
    sums = {"a": 1, "b": 0, "c": 1}
    exact = sorted(sum(sums[p] for p in drawn) / 6 for drawn in itertools.product("abc", repeat=3))
    found = cluster_bootstrap_difference(first, second, pages)
    assert found == (pytest.approx(exact[0]), pytest.approx(exact[-1]))  # 1/27 > 2.5 % lies at either end


def test_the_interval_is_that_of_scipys_bootstrap_over_pages() -> None:
    rng = np.random.default_rng(5)
    sizes = rng.integers(1, 6, 25)
    pages = np.repeat(np.arange(25), sizes)
    first, second = ((rng.random(pages.size) < p).astype(float) for p in (0.4, 0.6))
    sums = np.array([(second - first)[pages == page].sum() for page in range(25)])
    reference = bootstrap(
        (sums, sizes.astype(float)),
        lambda s, n, axis=-1: s.sum(axis) / n.sum(axis),
        paired=True,
        method="percentile",
        n_resamples=20_000,
        rng=np.random.default_rng(1),
        vectorized=True,
    ).confidence_interval
    found = cluster_bootstrap_difference(first.tolist(), second.tolist(), pages.tolist())
    assert found == pytest.approx((reference.low, reference.high), abs=0.01)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    """40 pages of 4 questions whose difference depends on the page; an interval that ignores pages covers less."""
    rng = np.random.default_rng(0)
    covered = naive = 0
    trials = 200
    for _ in range(trials):
        gain = rng.choice([-0.2, 0.0, 0.5], size=40)
        first = rng.random((40, 4)) < 0.4
        second = rng.random((40, 4)) < 0.4 + gain[:, None]
        pages = np.repeat(np.arange(40), 4).tolist()
        a, b = first.astype(float).ravel().tolist(), second.astype(float).ravel().tolist()
        low, high = cluster_bootstrap_difference(a, b, pages, resamples=1000) or (0, 0)
        covered += low <= 0.1 <= high
        d = np.subtract(b, a)
        naive += abs(d.mean() - 0.1) <= 1.96 * d.std() / math.sqrt(d.size)
    assert 0.90 <= covered / trials <= 0.99
    assert naive < covered


def test_pairing_cancels_what_both_share() -> None:
    rng = np.random.default_rng(1)
    hard = rng.random(300) < 0.5
    second = hard.copy()
    second[:10] = True
    pages = list(range(300))
    low, high = cluster_bootstrap_difference(hard.astype(float).tolist(), second.astype(float).tolist(), pages) or (
        1,
        0,
    )
    assert 0 <= low < high < 0.05


def test_one_page_has_no_interval_and_lengths_must_agree() -> None:
    assert cluster_bootstrap_difference([1, 0], [0, 1], ["a", "a"]) is None
    with pytest.raises(ValueError, match=r"shorter|length"):
        cluster_bootstrap_difference([1, 0], [0], ["a", "b"])


@given(counts, counts, st.integers(0, 50))
def test_signs_of_single_answers_are_mcnemars_test(lost: int, gained: int, same: int) -> None:
    found = sign_flip_exact([-1] * lost + [1] * gained + [0] * same)
    assert found == pytest.approx(mcnemar_exact(lost, gained), rel=1e-9)


@given(st.lists(st.integers(-4, 4), max_size=9))
def test_signs_by_hand_over_all_ways(differences: list[int]) -> None:
    ways = [
        sum(s * d for s, d in zip(way, differences, strict=True))
        for way in itertools.product((1, -1), repeat=len(differences))
    ]
    expected = sum(abs(w) >= abs(sum(differences)) for w in ways) / len(ways)
    assert sign_flip_exact(differences) == pytest.approx(expected, abs=1e-12)
    assert sign_flip_exact([-d for d in differences]) == sign_flip_exact(differences)


def test_signs_of_fractions_are_scipys_permutation_test() -> None:
    """Means of four answers a question, against scipy.stats.permutation_test over all 2^12 ways."""
    first = np.array([0, 1, 2, 4, 4, 3, 1, 0, 2, 2, 1, 3])
    second = np.array([1, 1, 4, 4, 3, 4, 3, 2, 2, 4, 1, 4])
    reference = permutation_test(
        (second, first), lambda a, b, axis: (a - b).sum(axis=axis), permutation_type="samples", n_resamples=np.inf
    )
    assert sign_flip_exact((second - first).tolist()) == pytest.approx(reference.pvalue)
