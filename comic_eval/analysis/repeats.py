"""Several answers to one question: mean, pass@k, and the majority's vote."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from statistics import fmean

from comic_eval.analysis.intervals import Interval, cluster_bootstrap_mean
from comic_eval.run.record import Outcome
from comic_eval.types import Frozen

Questions = Sequence[Sequence[Outcome]]
"""The answers of each question."""


class Majority(Frozen):
    """What the most frequent answer of each question scores.

    Attributes:
        accuracy: share of questions whose most frequent answer is right.
        ci95: 95 % bootstrap interval, clustered by page.
        no_majority: questions without any answer to count, or with a tie between answers; they count as wrong.
    """

    accuracy: float
    ci95: Interval | None
    no_majority: int


def pass_at_k(n: int, c: int, k: int) -> float:
    """The chance that at least one of ``k`` answers, drawn from ``n`` of which ``c`` are right, is right.

    1 - C(n - c, k) / C(n, k), which is unbiased, unlike 1 - (1 - c / n) ** k.

    Args:
        n: answers, at least ``k``.
        c: right ones.

    Source: Chen et al. (2021), "Evaluating large language models trained on code", arXiv:2107.03374, equation 1.
    """
    if not 1 <= k <= n or not 0 <= c <= n:
        raise ValueError(f"pass@{k} of {c} right answers among {n}")
    return 1.0 - math.comb(n - c, k) / math.comb(n, k)


def pass_levels(repeats: int) -> tuple[int, ...]:
    """The k that are shown: powers of two, and all repeats."""
    return tuple(sorted({*(2**i for i in range(repeats.bit_length()) if 2**i <= repeats), repeats}))


def passes(questions: Questions, repeats: int) -> dict[str, float]:
    """Mean pass@k over the questions that have all their answers; empty where none has.

    Unparsed, unscored and failed answers are not right ones.
    """
    complete = [q for q in questions if len(q) == repeats]
    if not complete:
        return {}
    right = [sum(o.score == 1.0 for o in q) for q in complete]
    return {str(k): fmean(pass_at_k(repeats, c, k) for c in right) for k in pass_levels(repeats)}


def vote(question: Sequence[Outcome]) -> Outcome | None:
    """One of the answers that agree with the most others; None where there is none, or a tie.

    Every readable answer has one vote; answers that could not be read have none.
    """
    votes = Counter(o.vote for o in question if o.vote is not None)
    ranked = votes.most_common(2)
    if not ranked or (len(ranked) == 2 and ranked[0][1] == ranked[1][1]):
        return None
    return next(o for o in question if o.vote == ranked[0][0])


def majority(questions: Questions) -> Majority | None:
    """The majority's vote over all questions; None without any."""
    if not questions:
        return None
    winners = [vote(q) for q in questions]
    right = [float(w is not None and w.score == 1.0) for w in winners]
    return Majority(
        accuracy=fmean(right),
        ci95=cluster_bootstrap_mean(right, [q[0].page for q in questions]),
        no_majority=sum(w is None for w in winners),
    )
