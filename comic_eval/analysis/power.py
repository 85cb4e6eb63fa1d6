"""What a test split can detect: the power of the tests that compare runs, and the differences they would find."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from scipy.stats import binom, norm

ALPHA = 0.05
POWER = 0.8
# Numbers of discordant pairs with less probability than this together cannot move a power in its third decimal.
_NEGLIGIBLE = 1e-9


def mcnemar_power(n: int, discordance: float, difference: float, alpha: float = ALPHA) -> float:
    """The probability that `comic_eval.analysis.paired.mcnemar_exact` gives a p-value of at most ``alpha``.

    The number of discordant pairs is binomial, and given it the number of gains is; the power is the average of the
    test's conditional power. Pairs are taken to be independent; questions that share pages tell less.

    Args:
        n: pairs.
        discordance: probability that the two conditions disagree on a pair, 0 to 1.
        difference: accuracy of the second minus that of the first condition; at most ``discordance`` in size.
        alpha: level of the single test, after whatever correction for several tests.

    Source: Duffy (1984), "Asymptotic and exact power for the McNemar test and its analogue with R controls per case",
    Biometrics 40(4), for the exact unconditional form.
    """
    if n < 0 or not 0 <= discordance <= 1 or abs(difference) > discordance + 1e-12:
        raise ValueError(f"no such design: {n} pairs, discordance {discordance}, difference {difference}")
    if n == 0 or discordance == 0:
        return 0.0
    low, high = int(binom.ppf(_NEGLIGIBLE, n, discordance)), int(binom.ppf(1 - _NEGLIGIBLE, n, discordance))
    discordant = np.arange(low, high + 1)
    critical = _critical(discordant, alpha)
    gains = min(1.0, max(0.0, (discordance + difference) / (2 * discordance)))
    conditional = binom.cdf(critical, discordant, gains) + binom.sf(discordant - critical - 1, discordant, gains)
    return float(np.sum(binom.pmf(discordant, n, discordance) * np.where(critical < 0, 0.0, conditional)))


def _critical(discordant: np.ndarray, alpha: float) -> np.ndarray:
    """The largest smaller count at which the two-sided exact test rejects, for each number of pairs; -1 for none."""
    found = binom.ppf(alpha / 2, discordant, 0.5)
    found = np.where(binom.cdf(found, discordant, 0.5) > alpha / 2, found - 1, found)
    return np.where(2 * found < discordant, found, -1)


@lru_cache(maxsize=1024)
def detectable_difference(n: int, discordance: float, alpha: float = ALPHA, power: float = POWER) -> float | None:
    """The smallest difference between two paired conditions that the exact McNemar test finds with that power.

    Args:
        n: pairs.
        discordance: how often the two conditions disagree, as observed. A difference beyond it needs more discordant
            pairs; these are then all taken to go one way.

    Returns:
        A difference of accuracies, 0 to 1, to four decimals; None where not even a change of all pairs would do.
    """
    return _smallest(lambda d: mcnemar_power(n, max(discordance, d), d, alpha), 1.0, power)


def two_proportion_power(first: float, second: float, n_first: int, n_second: int, alpha: float = ALPHA) -> float:
    """Power of the two-sided z-test (pooled variance under the null) between two independent groups of questions.

    For numbers whose answers are not at hand, such as a published accuracy: runs on the same questions are compared
    pair by pair, which finds smaller differences.

    Source: Fleiss, Levin and Paik (2003), "Statistical Methods for Rates and Proportions", 3rd edition, chapter 4.
    """
    pooled = (n_first * first + n_second * second) / (n_first + n_second)
    null = math.sqrt(pooled * (1 - pooled) * (1 / n_first + 1 / n_second))
    error = math.sqrt(first * (1 - first) / n_first + second * (1 - second) / n_second)
    difference = abs(second - first)
    if error == 0:
        return float(difference > 0)
    reach = float(norm.ppf(1 - alpha / 2)) * null
    return float(norm.cdf((difference - reach) / error) + norm.cdf((-difference - reach) / error))


@lru_cache(maxsize=1024)
def detectable_from(
    first: float, n_first: int, n_second: int, alpha: float = ALPHA, power: float = POWER
) -> float | None:
    """The smallest difference from the accuracy ``first`` that `two_proportion_power` finds with that power.

    Returns:
        The smaller of the differences upwards and downwards, to four decimals; None where neither has room.
    """
    ways = [
        _smallest(lambda d: two_proportion_power(first, first + d, n_first, n_second, alpha), 1 - first, power),
        _smallest(lambda d: two_proportion_power(first, first - d, n_first, n_second, alpha), first, power),
    ]
    return min((w for w in ways if w is not None), default=None)


def two_proportion_z(first: float, second: float, n_first: int, n_second: int) -> float | None:
    """The difference ``second - first`` between two independent groups in units of its own standard error (Wald's z).

    Returns:
        None where each is 0 or 1, which leaves no variance.

    Source: Fleiss, Levin and Paik (2003), "Statistical Methods for Rates and Proportions", 3rd edition, chapter 3, with
    the unpooled variance that an interval of the difference has.
    """
    error = math.sqrt(first * (1 - first) / n_first + second * (1 - second) / n_second)
    return None if error == 0 else (second - first) / error


def _smallest(power_of: Callable[[float], float], limit: float, wanted: float) -> float | None:
    """By halving: a larger difference is found more often."""
    if limit <= 0 or power_of(limit) < wanted:
        return None
    low, high = 0.0, limit
    while high - low > 1e-5:
        middle = (low + high) / 2
        if power_of(middle) < wanted:
            low = middle
        else:
            high = middle
    return round(high, 4)
