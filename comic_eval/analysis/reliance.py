"""Crop reliance in numbers: what a perfect crop and what noise in the crop's place change (LFPC)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from statistics import fmean
from typing import Literal, get_args

from comic_eval.analysis.intervals import Interval, cluster_bootstrap_mean, wilson
from comic_eval.analysis.paired import cluster_bootstrap_difference, mcnemar_exact
from comic_eval.run.folder import read_records
from comic_eval.run.manifest import Manifest, read_manifest
from comic_eval.run.record import Record
from comic_eval.types import Frozen
from comic_eval.zoom.coords import family_named
from comic_eval.zoom.measure import coverage, matched_ious
from comic_eval.zoom.trace import Trace, ZoomCall

Arm = Literal["predicted", "ground-truth", "noise", "direct"]
ARMS: tuple[Arm, ...] = get_args(Arm)
ALL = "all"
# LFPC selects samples whose crop covers the target poorly; its threshold is not legible, half is ours.
POOR_COVERAGE = 0.5
REPLAYED = (
    "assistant turns up to and including the first that got a crop; its crops and all later ones are the arm's, and "
    "what follows is answered anew"
)


class ArmScore(Frozen):
    """One arm at one budget, of one task or all; whatever is not correct counts against ``accuracy``."""

    task: str
    budget: int
    arm: Arm
    n: int
    correct: int
    unparsed: int
    failed: int
    accuracy: float


class Change(Frozen):
    """An arm against ``predicted`` at the same budget, over the samples that both finished.

    Attributes:
        difference: accuracy of the arm minus that of ``predicted``: Δ_GT or Δ_noise.
        ci95: of the difference; paired bootstrap clustered by page, None with fewer than two pages.
        lost: right as predicted, wrong in the arm.
        gained: wrong as predicted, right in the arm.
        p: exact two-sided McNemar test.
    """

    task: str
    budget: int
    arm: Arm
    n: int
    difference: float
    ci95: Interval | None
    lost: int
    gained: int
    p: float


class SubsetTest(Frozen):
    """LFPC's sharper tests, each on the samples where reliance must show.

    ``ground-truth``: the samples whose crops cover the targets poorly; a model that looks at its crop gains much there.
    ``noise``: the samples that are wrong without the tool and right with it; such a model loses nearly all of them.

    Attributes:
        before: accuracy as predicted (1 in the noise test, by the choice of the samples).
        after: accuracy in the arm, with its bootstrap interval clustered by page and its Wilson interval.
    """

    budget: int
    arm: Literal["ground-truth", "noise"]
    n: int
    before: float | None
    after: float | None
    ci95: Interval | None
    ci95_wilson: Interval | None


class CropMeasures(Frozen):
    """The crops of the turns that were played again, of one task or all.

    Attributes:
        iou: mean over the samples of their calls' mean IoU with the targets.
        overlap: mean share of a target that its best crop shows.
        area_ratio: mean area of a crop, as a share of the page.
        tokens: mean visual tokens of a crop, by the family's pixels a token.
    """

    task: str
    n: int
    iou: float
    overlap: float
    area_ratio: float
    tokens: float


class Reliance(Frozen):
    """``reliance.json``.

    Attributes:
        replayed: what was played again, in words.
        left_out: samples of the run that cannot be probed, by reason.
        planned: samples of each arm and budget.
    """

    run: str
    model: str
    replayed: str = REPLAYED
    budgets: tuple[int, ...]
    planned: int
    left_out: dict[str, int]
    poor_coverage: float = POOR_COVERAGE
    crops: tuple[CropMeasures, ...]
    scores: tuple[ArmScore, ...]
    changes: tuple[Change, ...]
    subsets: tuple[SubsetTest, ...]
    complete: bool
    failed: int


def build_reliance(
    run: str,
    model: str,
    records: Sequence[Record],
    arms: Sequence[tuple[Arm, int, Path]],
    budgets: Sequence[int],
    left_out: Mapping[str, int],
    manifest: Manifest,
) -> Reliance:
    """Compares the arms of a probe, from their journals alone.

    Args:
        records: of the run that is probed.
        arms: arm, budget and folder of every run that began.
        manifest: of the run that is probed.
    """
    found = {(arm, budget): {r.sample_id: r for r in read_records(folder)} for arm, budget, folder in arms}
    planned = max((read_manifest(folder).planned for *_, folder in arms), default=0)
    ids = {key for answers in found.values() for key in answers}
    traces = {r.sample_id: (r.task, r.trace) for r in records if r.trace and r.sample_id in ids}
    tasks = list(manifest.tasks)
    pixels = family_named(manifest.spec.family).pixels_per_token
    scores = [_score(name, budget, arm, _of(name, a)) for (arm, budget), a in found.items() for name in [*tasks, ALL]]
    pairs = [
        (name, budget, arm, _of(name, found["predicted", budget]), _of(name, found[arm, budget]))
        for arm, budget in found
        if arm != "predicted" and ("predicted", budget) in found
        for name in [*tasks, ALL]
    ]
    changes = [_change(*pair) for pair in pairs]
    return Reliance(
        run=run,
        model=model,
        budgets=tuple(budgets),
        planned=planned,
        left_out=dict(left_out),
        crops=tuple(m for name in [*tasks, ALL] if (m := _measures(name, list(traces.values()), pixels))),
        scores=tuple(s for s in scores if s),
        changes=tuple(c for c in changes if c),
        subsets=tuple(_subsets(found, {k: t for k, (_, t) in traces.items()}, budgets)),
        complete=len(arms) == len(ARMS) * len(budgets) and all(len(a) == planned for a in found.values()),
        failed=sum(r.status == "failed" for answers in found.values() for r in answers.values()),
    )


def correct(record: Record) -> float:
    """1 for a right answer, 0 for everything else."""
    return float(record.status == "scored" and record.score == 1.0)


def _of(task: str, answers: Mapping[str, Record]) -> dict[str, Record]:
    return {key: r for key, r in answers.items() if task in (ALL, r.task)}


def _score(task: str, budget: int, arm: Arm, answers: Mapping[str, Record]) -> ArmScore | None:
    if not answers:
        return None
    right = sum(correct(r) for r in answers.values())
    return ArmScore(
        task=task,
        budget=budget,
        arm=arm,
        n=len(answers),
        correct=int(right),
        unparsed=sum(r.status == "unparsed" for r in answers.values()),
        failed=sum(r.status == "failed" for r in answers.values()),
        accuracy=right / len(answers),
    )


def _change(
    task: str, budget: int, arm: Arm, before: Mapping[str, Record], after: Mapping[str, Record]
) -> Change | None:
    both = [key for key in before if key in after]
    if not both:
        return None
    first, second = [correct(before[key]) for key in both], [correct(after[key]) for key in both]
    lost = sum(a > b for a, b in zip(first, second, strict=True))
    gained = sum(b > a for a, b in zip(first, second, strict=True))
    return Change(
        task=task,
        budget=budget,
        arm=arm,
        n=len(both),
        difference=fmean(second) - fmean(first),
        ci95=cluster_bootstrap_difference(first, second, [before[key].page for key in both]),
        lost=lost,
        gained=gained,
        p=mcnemar_exact(lost, gained),
    )


def _subsets(
    found: Mapping[tuple[Arm, int], Mapping[str, Record]], traces: Mapping[str, Trace], budgets: Sequence[int]
) -> list[SubsetTest]:
    tests = []
    for budget in budgets:
        predicted, direct = found.get(("predicted", budget), {}), found.get(("direct", budget), {})

        poor = {key for key in predicted if overlap(traces[key]) < POOR_COVERAGE}
        helped = {k for k, r in predicted.items() if k in direct and correct(r) and not correct(direct[k])}
        if truth := found.get(("ground-truth", budget)):
            tests.append(_subset("ground-truth", budget, predicted, truth, poor))
        if direct and (noise := found.get(("noise", budget))):
            tests.append(_subset("noise", budget, predicted, noise, helped))
    return tests


def _subset(
    arm: Literal["ground-truth", "noise"],
    budget: int,
    before: Mapping[str, Record],
    after: Mapping[str, Record],
    chosen: Set[str],
) -> SubsetTest:
    keys = [key for key in before if key in after and key in chosen]
    second = [correct(after[key]) for key in keys]
    return SubsetTest(
        budget=budget,
        arm=arm,
        n=len(keys),
        before=fmean(correct(before[key]) for key in keys) if keys else None,
        after=fmean(second) if keys else None,
        ci95=cluster_bootstrap_mean(second, [before[key].page for key in keys]) if keys else None,
        ci95_wilson=wilson(sum(second), len(second)),
    )


def overlap(trace: Trace) -> float:
    """Mean share of a target that the best crop of the replayed turns shows."""
    return coverage([c.executed for c in _first_crops(trace) if c.executed], trace.targets)


def _first_crops(trace: Trace) -> list[ZoomCall]:
    """The calls of the turns that a probe plays again."""
    turn = next((c.turn for c in trace.calls if c.executed is not None), -1)
    return [c for c in trace.calls if c.turn <= turn]


def _measures(task: str, traces: Sequence[tuple[str, Trace]], pixels: int) -> CropMeasures | None:
    mine = [trace for name, trace in traces if task in (ALL, name)]
    if not mine:
        return None
    crops = [(c, t) for t in mine for c in _first_crops(t) if c.executed is not None and c.sent_size is not None]
    return CropMeasures(
        task=task,
        n=len(mine),
        iou=fmean(fmean(matched_ious([c.requested for c in _first_crops(t)], t.targets)) for t in mine),
        overlap=fmean(overlap(t) for t in mine),
        area_ratio=fmean(c.executed.area / (t.page_size[0] * t.page_size[1]) for c, t in crops if c.executed),
        tokens=fmean(c.sent_size[0] * c.sent_size[1] / pixels for c, _ in crops if c.sent_size),
    )
