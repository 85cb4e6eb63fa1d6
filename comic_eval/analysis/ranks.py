"""Where runs rank, and how far the drawing of the pages could have moved them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from comic_eval.analysis.resample import Scores

# Means that are equal on paper may differ in the last bits.
_DECIMALS = 9


def best_ranks(scores: Scores) -> NDArray[np.int64]:
    """1 + the number of runs with a higher score, over the last axis: runs that tie share the better rank."""
    rounded = np.round(scores, _DECIMALS)
    return np.asarray(1 + (rounded[..., None, :] > rounded[..., :, None]).sum(axis=-1))


def worst_ranks(scores: Scores) -> NDArray[np.int64]:
    """The number of runs with at least that score, over the last axis: runs that tie share the worse rank."""
    rounded = np.round(scores, _DECIMALS)
    return np.asarray((rounded[..., None, :] >= rounded[..., :, None]).sum(axis=-1))


def rank_intervals(draws: Scores, level: float = 0.95) -> list[tuple[int, int]]:
    """Percentile intervals of ranks over draws of the pages (resamples x runs), 1 being the best.

    All runs are scored on the same drawn pages. A tie counts as the better rank at the lower end and as the worse one
    at the upper end, so runs that answer alike share an interval, however the ties fall.

    Source: Goldstein and Spiegelhalter (1996), "League tables and their limitations: statistical issues in comparisons
    of institutional performance", Journal of the Royal Statistical Society A 159(3); Hall and Miller (2009), "Using
    the bootstrap to quantify the authority of an empirical ranking", Annals of Statistics 37(6B), who show that such
    intervals are only approximate where runs are nearly equal.
    """
    tail = (1 - level) / 2
    low = np.quantile(best_ranks(draws), tail, axis=0, method="lower")
    high = np.quantile(worst_ranks(draws), 1 - tail, axis=0, method="higher")
    return [(int(a), int(b)) for a, b in zip(low, high, strict=True)]
