"""Two or more runs compared on the same questions: differences, exact tests, ranks, and what the split can show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from fractions import Fraction
from math import lcm
from pathlib import Path

import numpy as np

from comic_eval.analysis.compared import (
    Compared,
    Competitor,
    Difference,
    Disagreement,
    Finding,
    MacroScore,
    Reply,
    RunScore,
    Task,
)
from comic_eval.analysis.intervals import Interval, cluster_bootstrap_mean, wilson
from comic_eval.analysis.macro import chance_corrected, macro_average
from comic_eval.analysis.paired import (
    cluster_bootstrap_difference,
    holm,
    mcnemar_exact,
    sign_flip_exact,
    smallest_significant,
)
from comic_eval.analysis.pairing import Entrant, Field, Pairing, side_by_side
from comic_eval.analysis.power import ALPHA, detectable_difference
from comic_eval.analysis.ranks import best_ranks, rank_intervals
from comic_eval.analysis.resample import Scores, Tallies, percentile, resample, swap_p, tally
from comic_eval.analysis.summary import Bootstrap


def compare_runs(
    folders: Sequence[Path],
    *,
    tasks: Sequence[str] | None = None,
    across: Collection[str] = (),
    pairing: Pairing = "sample",
    cluster_of: Callable[[str], str] | None = None,
    cluster: str = "page",
    disagreements: int = 0,
) -> Compared:
    """Compares the first run with each of the others, question by question.

    Args:
        folders: run folders, two or more.
        tasks, across, pairing: as in `comic_eval.analysis.pairing.side_by_side`.
        cluster_of: the cluster of a page, which is drawn as a whole; None for the page itself.
        cluster: what a cluster is called.
        disagreements: how many questions a task to list on which the runs differ.

    Raises:
        UserError: runs that must not be compared, or what ``cluster_of`` raises.
        RunFolderError: a run's files cannot be read.
    """
    field = side_by_side(folders, tasks=tasks, across=across, pairing=pairing)
    pages = {q: field.page(q) for qs in field.questions.values() for q in qs}
    unit = {q: cluster_of(page) for q, page in pages.items()} if cluster_of else pages
    spec = field.runs[0].manifest.spec
    macro_tasks = tuple(t for t in field.tasks if field.comparable(t))
    corrected = tuple(t for t in macro_tasks if (chance := field.plan(t).chance) is not None and chance < 1)
    return Compared(
        runs=tuple(_competitor(run, field) for run in field.runs),
        benchmark=spec.benchmark.name,
        revision=spec.benchmark.revision,
        split=spec.split,
        pairing=pairing,
        across=field.across,
        cluster=cluster,
        clusters=len(set(unit.values())),
        bootstrap=Bootstrap(cluster=cluster),
        tasks={t: _task(field, t) for t in field.tasks},
        scores=tuple(s for t in field.tasks for s in _scores(field, t, unit)),
        differences=_differences(field, unit),
        macro_tasks=macro_tasks,
        corrected_tasks=corrected,
        macro=_macro(field, macro_tasks, corrected, unit) if len(macro_tasks) > 1 else (),
        disagreements=tuple(d for t in field.tasks for d in _disagreements(field, t, disagreements)),
        notes=field.notes,
    )


def _competitor(run: Entrant, field: Field) -> Competitor:
    spec = run.manifest.spec
    answers = (a for qs in field.questions.values() for q in qs for a in run.questions[q])
    return Competitor(
        name=run.name,
        folder=str(run.folder),
        model=spec.model,
        condition=run.condition,
        budget=spec.budget,
        language=spec.language,
        judge=run.manifest.judge.id,
        repeats=spec.repeats,
        complete=run.complete,
        counts=dict(sorted(Counter(a.status for a in answers).items())),
    )


def _task(field: Field, task: str) -> Task:
    plan, questions = field.plan(task), field.questions[task]
    return Task(
        title=plan.title,
        kind=plan.kind,
        n=len(questions),
        pages=len({field.page(q) for q in questions}),
        chance=plan.chance,
        comparable=field.comparable(task),
    )


def _scores(field: Field, task: str, unit: Mapping[str, str]) -> list[RunScore]:
    questions = field.questions[task]
    drawn = _drawn(field, [task], unit)
    several = len(field.runs) > 2
    intervals = rank_intervals(drawn[1][:, 0]) if several and drawn[1] is not None else None
    ranks = best_ranks(drawn[0].accuracies[0]) if several else None
    found = []
    for place, run in enumerate(field.runs):
        values = [float(run.score(q)) for q in questions]
        status = Counter(a.status for q in questions for a in run.questions[q])
        found.append(
            RunScore(
                run=run.name,
                task=task,
                n=len(questions),
                accuracy=float(sum(run.score(q) for q in questions) / len(questions)),
                ci95=cluster_bootstrap_mean(values, [unit[q] for q in questions]),
                ci95_wilson=wilson(float(sum(run.score(q) for q in questions)), len(questions)),
                unparsed=status["unparsed"],
                failed=status["failed"],
                unscored=status["unscored"],
                rank=int(ranks[place]) if ranks is not None else None,
                rank95=intervals[place] if intervals is not None else None,
            )
        )
    return found


def _drawn(field: Field, tasks: Sequence[str], unit: Mapping[str, str]) -> tuple[Tallies, Scores | None]:
    rows = [(t, unit[q], [float(r.score(q)) for r in field.runs]) for t in tasks for q in field.questions[t]]
    tallies = tally(rows, tasks)
    return tallies, resample(tallies)


def _differences(field: Field, unit: Mapping[str, str]) -> tuple[Difference, ...]:
    tests = [(other, task) for other in field.runs[1:] for task in field.tasks]
    ps = [_p(field.runs[0], other, field.questions[task]) for other, task in tests]
    # Holm's first step, the one that any test of the family may have to take.
    alpha = ALPHA / len(tests)
    return tuple(
        _difference(field, other, task, unit, p, p_holm, alpha)
        for (other, task), p, p_holm in zip(tests, ps, holm(ps), strict=True)
    )


def _p(first: Entrant, second: Entrant, questions: Sequence[str]) -> float:
    differences = [second.score(q) - first.score(q) for q in questions]
    if {abs(d) for d in differences} <= {0, 1}:
        return mcnemar_exact(differences.count(Fraction(-1)), differences.count(Fraction(1)))
    common = lcm(*(d.denominator for d in differences))
    return sign_flip_exact([int(d * common) for d in differences])


def _difference(
    field: Field, other: Entrant, task: str, unit: Mapping[str, str], p: float, p_holm: float, alpha: float
) -> Difference:
    first, questions = field.runs[0], field.questions[task]
    n = len(questions)
    before, after = [first.score(q) for q in questions], [other.score(q) for q in questions]
    units = [unit[q] for q in questions]
    lost = sum(b < a for a, b in zip(before, after, strict=True))
    gained = sum(b > a for a, b in zip(before, after, strict=True))
    ci95 = cluster_bootstrap_difference(list(map(float, before)), list(map(float, after)), units)
    least = smallest_significant(n, alpha)
    discordance = (lost + gained) / n
    difference = float((sum(after) - sum(before)) / n)
    both = [
        float(b - a)
        for q, a, b in zip(questions, before, after, strict=True)
        if all(x.status in ("scored", "unparsed") for x in (*first.questions[q], *other.questions[q]))
    ]
    answered = sum(both) / len(both) if both else None
    return Difference(
        first=first.name,
        second=other.name,
        task=task,
        n=n,
        clusters=len(set(units)),
        lost=lost,
        gained=gained,
        difference=difference,
        n_answered=len(both),
        answered=answered,
        ci95=ci95,
        p=p,
        p_holm=p_holm,
        discordance=discordance,
        smallest=least / n if least is not None else None,
        detectable=detectable_difference(n, discordance, alpha),
        finding=_finding(difference, ci95, p_holm, least, answered),
    )


def _finding(
    difference: float, ci95: Interval | None, p_holm: float, least: int | None, answered: float | None
) -> Finding:
    """Better or worse only where the exact test and the clustered interval agree that it is not chance.

    Nor where it comes of failed and unscored answers alone: without them nothing, or the contrary, is left.
    """
    if least is None:
        return "too few"
    if p_holm > ALPHA:
        return "no difference"
    if ci95 is None or ci95[0] <= 0 <= ci95[1] or answered is None or answered * difference <= 0:
        return "unsure"
    return "better" if difference > 0 else "worse"


def _macro(
    field: Field, tasks: tuple[str, ...], corrected: tuple[str, ...], unit: Mapping[str, str]
) -> tuple[MacroScore, ...]:
    tallies, draws = _drawn(field, tasks, unit)
    chance = [field.plan(t).chance or 0.0 for t in corrected]
    kept = [tasks.index(t) for t in corrected]
    plain = _Average(macro_average(tallies.accuracies), None if draws is None else macro_average(draws))
    without: _Average | None = None
    if corrected:
        of_tasks = chance_corrected(tallies.accuracies[kept], chance)
        of_draws = None if draws is None else macro_average(chance_corrected(draws[:, kept], chance))
        without = _Average(macro_average(of_tasks), of_draws)
    several = len(field.runs) > 2
    ps = holm([swap_p(tallies, i) for i in range(1, len(field.runs))])
    ranks = best_ranks(plain.points) if several else None
    intervals = rank_intervals(plain.draws) if several and plain.draws is not None else None
    return tuple(
        MacroScore(
            run=run.name,
            accuracy=plain.of(i),
            ci95=plain.interval(i),
            corrected=without.of(i) if without else None,
            corrected_ci95=without.interval(i) if without else None,
            difference=plain.against_first(i),
            difference_ci95=plain.interval_against_first(i),
            p_holm=ps[i - 1] if i else None,
            corrected_difference=without.against_first(i) if without else None,
            corrected_difference_ci95=without.interval_against_first(i) if without else None,
            rank=int(ranks[i]) if ranks is not None else None,
            rank95=intervals[i] if intervals is not None else None,
        )
        for i, run in enumerate(field.runs)
    )


class _Average:
    """An average of every run, with its draws."""

    def __init__(self, points: Scores, draws: Scores | None) -> None:
        self.points = points
        self.draws = draws

    def of(self, run: int) -> float:
        return float(self.points[run])

    def interval(self, run: int) -> Interval | None:
        return None if self.draws is None else percentile(self.draws[:, run])

    def against_first(self, run: int) -> float | None:
        return float(self.points[run] - self.points[0]) if run else None

    def interval_against_first(self, run: int) -> Interval | None:
        if not run or self.draws is None:
            return None
        return percentile(np.asarray(self.draws[:, run] - self.draws[:, 0]))


def _disagreements(field: Field, task: str, limit: int) -> list[Disagreement]:
    differing = [q for q in field.questions[task] if len({r.score(q) for r in field.runs}) > 1]
    return [
        Disagreement(
            task=task,
            question=q,
            page=field.page(q),
            answer=field.runs[0].questions[q][0].answer,
            sample_ids={r.name: r.questions[q][0].sample_id for r in field.runs},
            replies={
                r.name: tuple(Reply(text=a.extracted, status=a.status, right=a.right) for a in r.questions[q])
                for r in field.runs
            },
        )
        for q in differing[:limit]
    ]
