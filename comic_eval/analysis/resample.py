"""Drawing pages (or books) with replacement, jointly for all tasks and runs, so that what they share cancels out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comic_eval.analysis.intervals import RESAMPLES, SEED, Interval

Scores = NDArray[np.float64]
# Cells of the table of drawn clusters that are held at a time; bounds memory for large benchmarks.
_MAX_CELLS = 2_000_000
# Draws in which some task has no question are drawn anew, this many times as often as draws are wanted.
_PATIENCE = 5


@dataclass(frozen=True)
class Tallies:
    """Scores added up by cluster and task.

    Attributes:
        tasks: the names along the second axis.
        sums: clusters x tasks x runs, the sum of the scores.
        counts: clusters x tasks, the number of questions; the same for all runs.
    """

    tasks: tuple[str, ...]
    sums: Scores
    counts: Scores

    @property
    def clusters(self) -> int:
        return int(self.counts.shape[0])

    @property
    def accuracies(self) -> Scores:
        """tasks x runs."""
        return np.asarray(self.sums.sum(axis=0) / self.counts.sum(axis=0)[:, None])


def tally(questions: Iterable[tuple[str, str, Sequence[float]]], tasks: Sequence[str]) -> Tallies:
    """Adds up questions, each a task of ``tasks``, a cluster and one score a run.

    Clusters are put in the order of their names, so that the order of the questions changes nothing.

    Raises:
        ValueError: a task has no question.
    """
    rows = [(task, cluster, scores) for task, cluster, scores in questions]
    clusters = {name: place for place, name in enumerate(sorted({cluster for _, cluster, _ in rows}))}
    places = {name: place for place, name in enumerate(tasks)}
    if set(places) - {task for task, _, _ in rows}:
        raise ValueError("a task without questions has no accuracy")
    counts = np.zeros((len(clusters), len(places)))
    sums = np.zeros((*counts.shape, len(rows[0][2])))
    for task, cluster, scores in rows:
        counts[clusters[cluster], places[task]] += 1
        sums[clusters[cluster], places[task]] += scores
    return Tallies(tuple(tasks), sums, counts)


def resample(tallies: Tallies, *, resamples: int = RESAMPLES, seed: int = SEED) -> Scores | None:
    """Accuracies of many draws of as many clusters as there are: resamples x tasks x runs.

    A page is drawn with its questions of all tasks and the answers of all runs. Draws that leave a task without any
    question are drawn anew, so intervals hold for test sets in which every task occurs.

    Returns:
        None with fewer than two clusters, or where nearly every draw leaves out a task.

    Source: Davison and Hinkley (1997), "Bootstrap Methods and their Application", section 3.8, with whole clusters as
    units; Field and Welsh (2007), "Bootstrapping clustered data", Journal of the Royal Statistical Society B 69(3).
    """
    k, tasks, runs = tallies.sums.shape
    if k < 2:
        return None
    rng = np.random.default_rng(seed)
    flat = tallies.sums.reshape(k, tasks * runs)
    found: list[Scores] = []
    enough = drawn = 0
    step = max(1, min(resamples, _MAX_CELLS // k))
    while enough < resamples and drawn < _PATIENCE * resamples:
        weights = rng.multinomial(k, np.full(k, 1 / k), size=step).astype(np.float64)
        counts = weights @ tallies.counts
        whole = (counts > 0).all(axis=1)
        sums = (weights[whole] @ flat).reshape(-1, tasks, runs)
        found.append(sums / counts[whole][:, :, None])
        enough += int(whole.sum())
        drawn += step
    return np.concatenate(found)[:resamples] if enough >= resamples else None


def swap_p(tallies: Tallies, run: int, *, resamples: int = RESAMPLES, seed: int = SEED) -> float:
    """The two-sided p-value of the macro average of ``run`` against run 0, when whole clusters are swapped.

    If the two are alike, each cluster's answers may as well have been the other's; p is the share of random swaps,
    and of what was seen, whose difference is at least as large. It needs no minimum of clusters: few give a large p,
    where a percentile interval would be too narrow.

    Source: Edgington and Onghena (2007), "Randomization Tests", 4th edition, chapter 3; 1 added to both counts as in
    Phipson and Smyth (2010), "Permutation p-values should never be zero", arXiv:1603.05766.
    """
    sizes = tallies.counts.sum(axis=0)[None, :]
    parts = ((tallies.sums[:, :, run] - tallies.sums[:, :, 0]) / sizes).mean(axis=1)
    rng = np.random.default_rng(seed)
    reached = sum(
        int((np.abs(rng.choice((-1.0, 1.0), size=(100, len(parts))) @ parts) >= abs(parts.sum()) - 1e-12).sum())
        for _ in range(resamples // 100)
    )
    return (1 + reached) / (1 + resamples // 100 * 100)


def percentile(draws: Scores, level: float = 0.95) -> Interval:
    """The percentile interval of a number over its draws.

    Source: Efron (1981), "Nonparametric standard errors and confidence intervals", Canadian Journal of Statistics 9(2).
    """
    tail = (1 - level) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return float(low), float(high)
