"""What comparing runs comes to: scores, differences, averages and disagreements, as data."""

from __future__ import annotations

from typing import Literal

from comic_eval.analysis.intervals import Interval
from comic_eval.analysis.pairing import Pairing
from comic_eval.analysis.power import ALPHA, POWER
from comic_eval.analysis.summary import Bootstrap
from comic_eval.types import Frozen

# Percentile intervals of fewer clusters are too narrow (Cameron and Miller 2015, "A practitioner's guide to
# cluster-robust inference", Journal of Human Resources 50(2), section VI, name 20 to 50).
FEW_CLUSTERS = 20

Finding = Literal["better", "worse", "unsure", "no difference", "too few"]
Rank = tuple[int, int]


class Competitor(Frozen):
    """A run that was compared, in its manifest's words; ``counts`` are its answers by status, over what is compared."""

    name: str
    folder: str
    model: str
    condition: str
    budget: int
    language: str
    judge: str
    repeats: int
    complete: bool
    counts: dict[str, int]


class RunScore(Frozen):
    """One run on one task, over the questions that all runs share.

    Attributes:
        accuracy: share of right answers; failed, unparsed and unscored ones are not right.
        ci95: bootstrap clustered as the comparison is; ``ci95_wilson`` takes questions as independent.
        rank, rank95: place among the runs, and its interval; None with two runs.
    """

    run: str
    task: str
    n: int
    accuracy: float
    ci95: Interval | None
    ci95_wilson: Interval | None
    unparsed: int
    failed: int
    unscored: int
    rank: int | None = None
    rank95: Rank | None = None


class Difference(Frozen):
    """A run against the first one on one task.

    Attributes:
        lost, gained: questions on which the run scores lower, or higher, than the first.
        difference: accuracy of the run minus that of the first, -1 to 1.
        answered: the same over the ``n_answered`` questions that both answered with a verdict.
        ci95: of the difference; paired bootstrap, clustered.
        p: exact two-sided McNemar test; with several answers a question, exact sign-flip test of their means.
        p_holm: after Holm's correction over all ``Difference``s of the comparison.
        discordance: share of questions on which the two score differently.
        smallest: the smallest difference that could have been significant, were all changes in one direction.
        detectable: the difference that would be found with ``Compared.power``, at this discordance; None for none.
    """

    first: str
    second: str
    task: str
    n: int
    clusters: int
    lost: int
    gained: int
    difference: float
    n_answered: int
    answered: float | None
    ci95: Interval | None
    p: float
    p_holm: float
    discordance: float
    smallest: float | None
    detectable: float | None
    finding: Finding


class MacroScore(Frozen):
    """The mean over ``Compared.macro_tasks``, and the chance-corrected mean over ``Compared.corrected_tasks``.

    ``difference`` and ``corrected_difference`` are against the first run, whose own are None. Intervals are bootstraps
    that draw pages with the questions of all tasks and all runs. ``p_holm`` is of the plain difference: swap test over
    pages, Holm-corrected over all runs but the first.
    """

    run: str
    accuracy: float
    ci95: Interval | None
    corrected: float | None
    corrected_ci95: Interval | None
    difference: float | None
    difference_ci95: Interval | None
    p_holm: float | None
    corrected_difference: float | None
    corrected_difference_ci95: Interval | None
    rank: int | None
    rank95: Rank | None


class Reply(Frozen):
    """What a run answered: ``text`` is the answer that was read, or None with its ``status``."""

    text: str | None
    status: str
    right: bool


class Disagreement(Frozen):
    """A question that not all runs answered equally well: run -> sample id and replies."""

    task: str
    question: str
    page: str
    answer: str
    sample_ids: dict[str, str]
    replies: dict[str, tuple[Reply, ...]]


class Task(Frozen):
    """A task of the comparison; ``chance`` is None where a guess has no level."""

    title: str
    kind: str
    n: int
    pages: int
    chance: float | None
    comparable: bool


class Compared(Frozen):
    """``comic-eval compare --json``. Everything follows from manifests and journals."""

    runs: tuple[Competitor, ...]
    benchmark: str
    revision: str
    split: str
    pairing: Pairing
    across: tuple[str, ...]
    cluster: str
    clusters: int
    alpha: float = ALPHA
    power: float = POWER
    bootstrap: Bootstrap = Bootstrap()
    tasks: dict[str, Task]
    scores: tuple[RunScore, ...]
    differences: tuple[Difference, ...]
    macro_tasks: tuple[str, ...]
    corrected_tasks: tuple[str, ...]
    macro: tuple[MacroScore, ...]
    disagreements: tuple[Disagreement, ...]
    notes: tuple[str, ...]

    @property
    def few_clusters(self) -> bool:
        return self.clusters < FEW_CLUSTERS
