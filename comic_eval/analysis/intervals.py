"""Confidence intervals of one proportion or mean."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np

RESAMPLES = 10_000
SEED = 20251106
# Standard normal quantile of a two-sided 95 % interval.
Z95 = 1.959963984540054
# Cells of the table of drawn clusters that are held at a time; bounds memory for large benchmarks.
_MAX_CELLS = 2_000_000

Interval = tuple[float, float]


def wilson(correct: float, n: int, z: float = Z95) -> Interval | None:
    """The score interval of a binomial proportion; None for n = 0.

    It takes questions to be independent, which questions of one page are not; it stands beside the clustered bootstrap
    because it stays honest where all answers are right or all are wrong.

    Args:
        correct: successes, 0 to n; a fraction where several answers share a question.
        n: trials.
        z: normal quantile, 1.96 for 95 %.

    Source: Wilson (1927), "Probable inference, the law of succession, and statistical inference", JASA 22(158).
    """
    if n == 0:
        return None
    p = correct / n
    center = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    # At the ends the formula gives 0 and 1 exactly; floating point may miss them by an ulp.
    low = 0.0 if correct == 0 else max(0.0, center - half)
    high = 1.0 if correct == n else min(1.0, center + half)
    return low, high


def cluster_bootstrap_mean(
    values: Sequence[float],
    clusters: Sequence[Hashable],
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
    level: float = 0.95,
) -> Interval | None:
    """Percentile interval of a mean when whole clusters (pages), not single values, are drawn with replacement.

    Every resample draws as many clusters as there are and takes the mean over all their values, so clusters of
    different sizes weigh by their size. The result depends on the values of each cluster and the seed, not on the
    order of the data.

    Returns:
        None with fewer than two clusters, where resampling says nothing. Where all clusters have the same mean (all
        answers right), the interval has no width; look at `wilson` then.

    Source: Davison and Hinkley (1997), "Bootstrap Methods and their Application", section 3.8; Miller (2024), "Adding
    error bars to evals", arXiv:2411.00640, section 2.2, for the clustering of questions that share a context.
    """
    if len(values) != len(clusters):
        raise ValueError("values and clusters differ in length")
    groups: dict[Hashable, list[float]] = {}
    for value, cluster in zip(values, clusters, strict=True):
        groups.setdefault(cluster, []).append(value)
    if len(groups) < 2:
        return None
    # Sorted by content, so that neither order nor names of the clusters matter.
    pairs = np.array(sorted((math.fsum(g), float(len(g))) for g in groups.values()))
    sums, sizes = pairs[:, 0], pairs[:, 1]
    k = len(groups)
    rng = np.random.default_rng(seed)
    means = np.empty(resamples)
    step = max(1, _MAX_CELLS // k)
    for start in range(0, resamples, step):
        count = min(step, resamples - start)
        drawn = rng.integers(k, size=(count, k))
        means[start : start + count] = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    tail = (1.0 - level) / 2
    low, high = np.quantile(means, [tail, 1.0 - tail])
    return float(low), float(high)
