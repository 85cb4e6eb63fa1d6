"""Comparing two conditions on the same samples: exact tests of the difference, and its interval."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from comic_eval.analysis.intervals import RESAMPLES, SEED, Interval, cluster_bootstrap_mean


def mcnemar_exact(lost: int, gained: int) -> float:
    """The two-sided exact p-value of McNemar's test.

    Under the null hypothesis a sample on which two conditions disagree goes either way with probability 1/2, so the
    smaller of the two counts is binomial. Samples on which they agree carry nothing. It takes samples to be
    independent, which questions about one page are not quite; the clustered interval stands beside it.

    Args:
        lost: samples that only the first condition got right.
        gained: samples that only the second got right.

    Returns:
        Twice the smaller binomial tail, at most 1; 1 where nothing is discordant.

    Source: McNemar (1947), "Note on the sampling error of the difference between correlated proportions or
    percentages", Psychometrika 12(2); its exact conditional (binomial) form as in Fagerland, Lydersen and Laake (2013),
    "The McNemar test for binary matched-pairs data", BMC Medical Research Methodology 13:91.
    """
    if lost < 0 or gained < 0:
        raise ValueError("counts are never negative")
    n, k = lost + gained, min(lost, gained)
    # In whole numbers, so that no rounding touches a tail however small.
    term, tail = 1, 1
    for i in range(k):
        term = term * (n - i) // (i + 1)
        tail += term
    p: float = 2 * tail / 2**n
    return min(1.0, p)


def sign_flip_exact(differences: Sequence[int]) -> float:
    """The two-sided exact p-value of a randomisation test of paired differences, in whole units.

    Under the null hypothesis each difference may as well have had the other sign; p is the share of all ways to sign
    them whose sum is at least as far from 0 as the observed one. With differences of -1, 0 and 1 it is
    `mcnemar_exact`; it goes on to questions that were asked several times, whose scores are fractions.

    Args:
        differences: one a question (or a page), in multiples of a common unit.

    Source: Fisher (1935), "The Design of Experiments", section 21; exact by adding up all outcomes as in Pagano and
    Tritchler (1983), "On obtaining permutation distributions in polynomial time", JASA 78(382).
    """
    sizes = [abs(d) for d in differences if d]
    # chances[s]: that the signed differences so far add up to s - total; sums of positive numbers, so no tail is lost.
    total = sum(sizes)
    chances = np.zeros(2 * total + 1)
    chances[total] = 1.0
    for size in sizes:
        moved = np.zeros_like(chances)
        moved[size:] += chances[: chances.size - size]
        moved[: chances.size - size] += chances[size:]
        chances = moved / 2
    observed = abs(sum(differences))
    if observed == 0:
        return 1.0
    return float(min(1.0, chances[: total - observed + 1].sum() + chances[total + observed :].sum()))


def smallest_significant(n: int, alpha: float = 0.05) -> int | None:
    """The least number of samples that must change, all in one direction, for `mcnemar_exact` to reach ``alpha``.

    Args:
        n: number of pairs; more samples than that cannot change.
        alpha: the level that a single test must reach, after whatever correction for several tests.

    Returns:
        None if not even a change of all ``n`` would be significant: such a comparison can show nothing.
    """
    return next((k for k in range(1, n + 1) if mcnemar_exact(0, k) <= alpha), None)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for testing all of them together, in the given order.

    An adjusted value below alpha is significant while the chance of any false finding in the whole family stays below
    alpha, however the tests depend on one another.

    Source: Holm (1979), "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics
    6(2).
    """
    if not all(0 <= p <= 1 for p in p_values):
        raise ValueError("a p-value lies between 0 and 1")
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted


def cluster_bootstrap_difference(
    first: Sequence[float],
    second: Sequence[float],
    clusters: Sequence[Hashable],
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
    level: float = 0.95,
) -> Interval | None:
    """Percentile interval of ``mean(second) - mean(first)`` when whole clusters (pages) are drawn with replacement.

    Both conditions of a sample are drawn together, so what they share cancels out.

    Args:
        first: scores of the first condition.
        second: scores of the second, of the same samples in the same order.
        clusters: the cluster (page) of each sample.

    Returns:
        None with fewer than two clusters. Without width where every cluster has the same mean difference; it then says
        nothing about the error.

    Source: the randomized cluster bootstrap of Field and Welsh (2007), "Bootstrapping clustered data", Journal of the
    Royal Statistical Society B 69(3); differences paired by question as in Miller (2024), "Adding error bars to evals",
    arXiv:2411.00640.
    """
    differences = [b - a for a, b in zip(first, second, strict=True)]
    return cluster_bootstrap_mean(differences, clusters, resamples=resamples, seed=seed, level=level)
