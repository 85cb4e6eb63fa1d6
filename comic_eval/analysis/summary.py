"""A run in numbers: everything here follows from its journal and manifest alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from statistics import fmean
from typing import Literal

from pydantic import Field

from comic_eval.analysis.intervals import RESAMPLES, SEED, Interval, cluster_bootstrap_mean, wilson
from comic_eval.analysis.repeats import Majority, Questions, majority, passes
from comic_eval.analysis.zooming import ZoomStats, diagnose, zoom_stats
from comic_eval.judging.usage import JudgeSummary, summarize_judge
from comic_eval.run.folder import read_outcomes
from comic_eval.run.manifest import Manifest, TaskPlan, read_manifest
from comic_eval.run.record import Key, Outcome
from comic_eval.types import Frozen

# Whole unless several answers share a question.
Count = int | float
COUNTED = ("unparsed", "failed", "unscored")


class TaskSummary(Frozen):
    """The scores of one task.

    ``n = correct + wrong + unparsed + failed + unscored`` counts the samples that are finished; ``planned`` those that
    the run is to ask. With several answers a question, ``n`` still counts questions, each of whose answers counts as
    its share of one: ``correct`` is the sum of the questions' mean scores, and ``accuracy`` the mean over repeats.

    Attributes:
        accuracy: correct / n, the headline: whatever is not correct counts against it. None for n = 0.
        accuracy_answered: correct / (n - failed - unscored): what the model got right of what it answered.
        ci95: 95 % bootstrap interval of the accuracy, clustered by page; None with fewer than two pages, without width
            where all answers are right or all are not.
        ci95_wilson: 95 % Wilson interval, as if questions were independent.
        chance: level of a random answer over the planned samples; None where there is none.
        geometry: level of a baseline that reads only boxes, over the planned samples.
        mae: counting: mean absolute error over the ``mae_n`` answers that gave a number. It says nothing of the others:
            a model may lower it by not answering where it is unsure.
        within_one: counting: share of all n with an error of at most one; whatever gave no number counts against it.
        detail: means of the scorer's further numbers, over the answers that it scored.
        failures: number of failed samples by cause; unparsed and unscored ones by reason.
        comparable: False where the judge's scores must not stand beside an LLM judge's.
        not_attempted: of the wrong answers, those that the judge found to be no attempt.
        zoom: statistics of its zoom episodes; None where there are none.
        repeats: answers a question; ``failures`` and the reasons count answers, not questions.
        pass_at_k: k -> chance that one of k answers is right; over the questions that have all their answers.
        majority: what the most frequent answers score; None for open questions and single answers.
    """

    title: str
    kind: Literal["choice", "number", "open"]
    planned: int
    pages: int
    n: int
    correct: Count
    wrong: Count
    unparsed: Count
    failed: Count
    unscored: Count
    accuracy: float | None
    accuracy_answered: float | None
    ci95: Interval | None
    ci95_wilson: Interval | None
    chance: float | None = None
    geometry: float | None = None
    mae: float | None = None
    mae_n: int | None = None
    within_one: float | None = None
    detail: dict[str, float] = Field(default_factory=dict)
    failures: dict[str, int] = Field(default_factory=dict)
    unparsed_reasons: dict[str, int] = Field(default_factory=dict)
    unscored_reasons: dict[str, int] = Field(default_factory=dict)
    comparable: bool = True
    not_attempted: int = 0
    zoom: ZoomStats | None = None
    repeats: int = 1
    pass_at_k: dict[str, float] = Field(default_factory=dict)
    majority: Majority | None = None


class UsageSummary(Frozen):
    """Tokens of all answers of the run, as the provider counted them; None where it never said.

    Attributes:
        answers: samples (times repeats) with an answer.
        from_cache: how many of them the response cache gave, so that this run spent nothing on them.
        retries: failed attempts that were followed by another.
        mean_latency_s: seconds an answer, over all answers.
        cost_usd: of the answers that were not cached, and of episodes that failed late, where a price is known.
    """

    answers: int
    from_cache: int
    retries: int
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    image_tokens: int | None = None
    reasoning_tokens: int | None = None
    mean_latency_s: float | None = None
    cost_usd: float | None = None


class Bootstrap(Frozen):
    """How ``ci95`` was made."""

    cluster: str = "page"
    resamples: int = RESAMPLES
    seed: int = SEED


class Summary(Frozen):
    """``summary.json``.

    Attributes:
        planned, done: answers that the run is to get, and that it has, if only as failures: samples times repeats.
        complete: whether every planned sample is finished, if only as a failure.
        macro_accuracy: mean accuracy over ``macro_tasks``, the tasks whose scores are comparable; None unless all of
            them have samples.
        note: the adapter's own words about itself.
        judge: id of the judge of open answers.
        judging: what it did and cost; None where no judge of models graded.
        judge_notes: what a reader of its scores should know.
        judged_from: the run whose answers were graded anew.
    """

    name: str
    model: str
    benchmark: str
    revision: str
    split: str
    language: str
    view: str
    budget: int
    limit: int | None
    planned: int
    done: int
    complete: bool
    tasks: dict[str, TaskSummary]
    macro_accuracy: float | None
    macro_tasks: tuple[str, ...]
    usage: UsageSummary
    judge: str
    judging: JudgeSummary | None = None
    judge_notes: tuple[str, ...] = ()
    judged_from: str | None = None
    note: str | None = None
    reads_images: bool = True
    zoom_warning: str | None = None
    bootstrap: Bootstrap = Bootstrap()

    @property
    def failed(self) -> Count:
        return sum(t.failed for t in self.tasks.values())

    @property
    def unparsed(self) -> Count:
        return sum(t.unparsed for t in self.tasks.values())

    @property
    def exit_status(self) -> int:
        """0 complete, 3 complete with failed requests, 4 incomplete."""
        if not self.complete:
            return 4
        return 3 if self.failed else 0


def build_summary(outcomes: Mapping[Key, Outcome], manifest: Manifest) -> Summary:
    """Counts the outcomes of a run."""
    by_task: dict[str, list[Outcome]] = {name: [] for name in manifest.tasks}
    for outcome in outcomes.values():
        by_task[outcome.task].append(outcome)
    repeats = manifest.spec.repeats
    questions: dict[str, dict[str, list[Outcome]]] = {name: {} for name in manifest.tasks}
    if repeats > 1:
        for key, outcome in outcomes.items():
            questions[outcome.task].setdefault(key.sample_id, []).append(outcome)
    tasks = {
        name: summarize_task(
            by_task[name],
            plan,
            comparable=plan.kind != "open" or manifest.judge.comparable,
            questions=list(questions[name].values()) if repeats > 1 else None,
            repeats=repeats,
        )
        for name, plan in manifest.tasks.items()
    }
    macro = {name: t.accuracy for name, t in tasks.items() if t.comparable}
    known = [a for a in macro.values() if a is not None]
    spec = manifest.spec
    return Summary(
        name=manifest.name,
        model=spec.model,
        benchmark=spec.benchmark.name,
        revision=spec.benchmark.revision,
        split=spec.split,
        language=spec.language,
        view=spec.view,
        budget=spec.budget,
        limit=spec.limit,
        planned=manifest.planned,
        done=len(outcomes),
        complete=len(outcomes) == manifest.planned,
        tasks=tasks,
        macro_accuracy=fmean(known) if known and len(known) == len(macro) else None,
        macro_tasks=tuple(macro),
        usage=summarize_usage(outcomes.values(), manifest),
        judge=spec.judge,
        judging=summarize_judge([o.judge for o in outcomes.values() if o.judge]),
        judge_notes=manifest.judge.notes,
        judged_from=manifest.judged_from,
        note=manifest.adapter.note,
        reads_images=manifest.adapter.reads_images,
        zoom_warning=_zoom_warning(outcomes, manifest),
    )


def _zoom_warning(outcomes: Mapping[Key, Outcome], manifest: Manifest) -> str | None:
    # A probe that plays another run's turns says nothing new about how the model writes boxes.
    if manifest.spec.coords is None or manifest.spec.replay is not None:
        return None
    found = diagnose([o.trace for o in outcomes.values() if o.trace], manifest.spec.coords)
    return str(found) if found else None


def summarize_task(
    outcomes: list[Outcome],
    plan: TaskPlan,
    *,
    comparable: bool,
    questions: Questions | None = None,
    repeats: int = 1,
) -> TaskSummary:
    """Scores one task from the outcomes of its samples.

    Args:
        questions: the same outcomes by question, where questions have several; ``repeats`` says how many they are to
            have.
    """
    grouped: Questions = [[o] for o in outcomes] if questions is None else questions
    n = len(grouped)
    scored = [o for o in outcomes if o.status == "scored"]
    shares = _shares(grouped)
    correct, wrong, unparsed, failed, unscored = (shares[s] for s in ("correct", "wrong", *COUNTED))
    answered = n - failed - unscored
    counting = plan.kind == "number"
    errors = [o.detail["abs_error"] for o in scored if "abs_error" in o.detail]
    return TaskSummary(
        title=plan.title,
        kind=plan.kind,
        planned=plan.planned,
        pages=len({o.page for o in outcomes}),
        n=n,
        correct=correct,
        wrong=wrong,
        unparsed=unparsed,
        failed=failed,
        unscored=unscored,
        accuracy=correct / n if n else None,
        accuracy_answered=correct / answered if answered else None,
        ci95=cluster_bootstrap_mean([_right(q) for q in grouped], [q[0].page for q in grouped]),
        ci95_wilson=wilson(correct, n),
        chance=plan.chance,
        geometry=plan.geometry,
        mae=fmean(errors) if counting and errors else None,
        mae_n=len(errors) if counting else None,
        within_one=sum(o.detail.get("within_one", 0.0) for o in scored) / len(outcomes) if counting and n else None,
        detail=_means(scored),
        failures=_counts(o.cause for o in outcomes if o.status == "failed"),
        unparsed_reasons=_counts(o.reason for o in outcomes if o.status == "unparsed"),
        unscored_reasons=_counts(o.reason for o in outcomes if o.status == "unscored"),
        comparable=comparable,
        not_attempted=sum(o.reason == "not_attempted" for o in scored),
        zoom=zoom_stats(traces) if (traces := [o.trace for o in outcomes if o.trace]) else None,
        repeats=repeats,
        pass_at_k=passes(grouped, repeats) if repeats > 1 else {},
        majority=majority(grouped) if repeats > 1 and plan.kind != "open" else None,
    )


def _right(question: Sequence[Outcome]) -> float:
    return sum(o.score == 1.0 for o in question) / len(question)


def _shares(questions: Questions) -> dict[str, Count]:
    """How many questions came to each end, each answer counting as its share of its question; exact."""
    ends = Counter((_end(o), len(q)) for q in questions for o in q)
    sums = {end: Fraction(0) for end in ("correct", "wrong", *COUNTED)}
    for (end, answers), count in ends.items():
        sums[end] += Fraction(count, answers)
    return {end: int(s) if s.denominator == 1 else float(s) for end, s in sums.items()}


def _end(outcome: Outcome) -> str:
    if outcome.status != "scored":
        return outcome.status
    return "correct" if outcome.score == 1.0 else "wrong"


def summarize_usage(outcomes: Iterable[Outcome], manifest: Manifest) -> UsageSummary:
    """Adds up tokens, time and cost."""
    outcomes = list(outcomes)
    answered = [o for o in outcomes if o.status != "failed"]
    tokens: Counter[str] = Counter()
    for outcome in answered:
        tokens.update(outcome.usage)
    latencies = [o.latency_s for o in answered if o.latency_s is not None]
    prices = manifest.prices
    return UsageSummary(
        answers=len(answered),
        from_cache=sum(o.cached for o in answered),
        retries=sum(o.retries for o in outcomes),
        input_tokens=tokens.get("input_tokens"),
        output_tokens=tokens.get("output_tokens"),
        cached_tokens=tokens.get("cached_tokens"),
        image_tokens=tokens.get("image_tokens"),
        reasoning_tokens=tokens.get("reasoning_tokens"),
        mean_latency_s=fmean(latencies) if latencies else None,
        cost_usd=sum(prices.cost(o.usage, batch=o.batch) for o in outcomes if not o.cached) if prices else None,
    )


def _means(scored: list[Outcome]) -> dict[str, float]:
    values: dict[str, list[float]] = {}
    for outcome in scored:
        for name, value in outcome.detail.items():
            values.setdefault(name, []).append(value)
    return {name: fmean(values[name]) for name in sorted(values)}


def _counts(words: Iterable[str | None]) -> dict[str, int]:
    counts = Counter(word or "unknown" for word in words)
    return dict(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])))


def load_summary(folder: Path) -> Summary:
    """Rebuilds the summary of a run folder from its journal and manifest; ``summary.json`` itself is not read.

    Raises:
        RunFolderError: there is no run, or its files are damaged.
    """
    manifest = read_manifest(folder)
    return build_summary(read_outcomes(folder, manifest.spec_digest[:12]), manifest)
