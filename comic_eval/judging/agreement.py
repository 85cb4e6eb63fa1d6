"""How far raters agree beyond chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence


def cohen_kappa(first: Sequence[Hashable], second: Sequence[Hashable]) -> float | None:
    """Agreement of two raters beyond what their own shares of each category give by chance; 1 is perfect.

    Returns:
        None without items, and where both always say the same one thing, so that chance alone explains it.

    Source: Cohen (1960), "A coefficient of agreement for nominal scales", Educational and Psychological Measurement
    20(1).
    """
    n = len(first)
    if n != len(second):
        raise ValueError("the two raters rated different items")
    if not n:
        return None
    observed = sum(a == b for a, b in zip(first, second, strict=True)) / n
    one, other = Counter(first), Counter(second)
    expected = sum(one[c] * other[c] for c in one) / (n * n)
    return None if expected == 1.0 else (observed - expected) / (1 - expected)


def fleiss_kappa(ratings: Sequence[Sequence[Hashable]]) -> float | None:
    """Agreement of a fixed number of raters beyond chance.

    Args:
        ratings: one sequence an item, with one category a rater; equally many for every item.

    Returns:
        None without items, with fewer than two raters, and where all ratings are of one category.

    Source: Fleiss (1971), "Measuring nominal scale agreement among many raters", Psychological Bulletin 76(5).
    """
    if not ratings or len(ratings[0]) < 2:
        return None
    raters = len(ratings[0])
    if any(len(item) != raters for item in ratings):
        raise ValueError("every item needs the same number of ratings")
    counts = [Counter(item) for item in ratings]
    agreed = [sum(c * (c - 1) for c in item.values()) / (raters * (raters - 1)) for item in counts]
    total = sum(counts, Counter())
    expected = sum((c / (len(ratings) * raters)) ** 2 for c in total.values())
    return None if expected == 1.0 else (sum(agreed) / len(agreed) - expected) / (1 - expected)
