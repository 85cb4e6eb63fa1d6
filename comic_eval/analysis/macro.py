"""The average over tasks, every task counting alike, and what is left of it after the luck of guessing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from comic_eval.analysis.resample import Scores


def macro_average(accuracies: Scores) -> Scores:
    """The mean over tasks of accuracies (... x tasks x runs): every task counts alike, however many questions it has.

    Its interval comes of the same formula over the draws of `comic_eval.analysis.resample.resample`: the tasks' errors
    are not independent, since they ask about the same pages.

    Source: Sebastiani (2002), "Machine learning in automated text categorization", ACM Computing Surveys 34(1),
    section 7.1, for macro against micro averages.
    """
    return np.asarray(accuracies.mean(axis=-2))


def chance_corrected(accuracies: Scores, chance: Sequence[float]) -> Scores:
    """``(accuracy - chance) / (1 - chance)`` a task: 0 for a guesser, 1 for perfection, below 0 for less.

    Only for tasks that have a chance level. Counting and open answers have none: what a guesser would get there
    depends on how it guesses, so no number is made up for them.

    Args:
        accuracies: ... x tasks x runs.
        chance: the level of a random answer, a task; below 1.

    Source: Frary (1988), "Formula scoring of multiple-choice tests (correction for guessing)", Educational
    Measurement: Issues and Practice 7(2); the same form as Cohen (1960), "A coefficient of agreement for nominal
    scales", Educational and Psychological Measurement 20(1).
    """
    levels = np.asarray(chance, dtype=np.float64)
    if not ((levels >= 0) & (levels < 1)).all():
        raise ValueError("a chance level is at least 0 and below 1")
    return np.asarray((accuracies - levels[:, None]) / (1 - levels[:, None]))
