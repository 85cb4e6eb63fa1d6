"""Region sufficiency in numbers: a second model's accuracy from the first one's crops, beside page and oracle crop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from comic_eval.analysis.intervals import Interval, cluster_bootstrap_mean, wilson
from comic_eval.analysis.paired import cluster_bootstrap_difference, mcnemar_exact
from comic_eval.analysis.reliance import ALL, correct
from comic_eval.run.folder import read_records
from comic_eval.run.manifest import read_manifest
from comic_eval.run.record import Record
from comic_eval.types import Frozen

CROPS = "crops"


class ShownScore(Frozen):
    """One task under one condition.

    ``difference``, its ``difference_ci95`` and ``p`` compare the crops with this condition, over the samples that both
    have: accuracy from the crops minus accuracy here.
    """

    task: str
    shown: str
    n: int
    correct: int
    unparsed: int
    failed: int
    accuracy: float
    ci95: Interval | None
    ci95_wilson: Interval | None
    pairs: int | None = None
    difference: float | None = None
    difference_ci95: Interval | None = None
    p: float | None = None


class Sufficiency(Frozen):
    """``sufficiency.json``; ``without_crop`` counts the run's samples that took no crop and were not asked."""

    run: str
    model: str
    second: str
    budget: int
    without_crop: int
    scores: tuple[ShownScore, ...]
    complete: bool
    failed: int


def build_sufficiency(
    run: str,
    model: str,
    second: str,
    shown: Sequence[tuple[str, Path]],
    planned: int,
    without_crop: int,
    budget: int,
    tasks: Sequence[str],
) -> Sufficiency:
    """Compares the conditions, from their journals alone.

    Args:
        shown: condition and folder of every run that began, the crops first.
        planned: number of runs that belong to the test.
        without_crop: samples of the earlier run that took no crop.
    """
    found = {name: {r.sample_id: r for r in read_records(folder)} for name, folder in shown}
    done = [read_manifest(folder).planned == len(found[name]) for name, folder in shown]
    crops = found.get(CROPS, {})
    scores = [_score(task, name, answers, crops) for task in [*tasks, ALL] for name, answers in found.items()]
    return Sufficiency(
        run=run,
        model=model,
        second=second,
        budget=budget,
        without_crop=without_crop,
        scores=tuple(s for s in scores if s),
        complete=len(shown) == planned and all(done),
        failed=sum(r.status == "failed" for answers in found.values() for r in answers.values()),
    )


def _score(task: str, shown: str, answers: Mapping[str, Record], crops: Mapping[str, Record]) -> ShownScore | None:
    mine = [r for r in answers.values() if task in (ALL, r.task)]
    if not mine:
        return None
    values = [correct(r) for r in mine]
    score = ShownScore(
        task=task,
        shown=shown,
        n=len(mine),
        correct=int(sum(values)),
        unparsed=sum(r.status == "unparsed" for r in mine),
        failed=sum(r.status == "failed" for r in mine),
        accuracy=fmean(values),
        ci95=cluster_bootstrap_mean(values, [r.page for r in mine]),
        ci95_wilson=wilson(sum(values), len(mine)),
    )
    both = [r for r in mine if r.sample_id in crops]
    if shown == CROPS or not both:
        return score
    here, there = [correct(r) for r in both], [correct(crops[r.sample_id]) for r in both]
    return score.model_copy(
        update={
            "pairs": len(both),
            "difference": fmean(there) - fmean(here),
            "difference_ci95": cluster_bootstrap_difference(here, there, [r.page for r in both]),
            "p": mcnemar_exact(
                sum(a > b for a, b in zip(here, there, strict=True)),
                sum(b > a for a, b in zip(here, there, strict=True)),
            ),
        }
    )
