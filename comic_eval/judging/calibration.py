"""How far a judge can be trusted: its verdicts against reference labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comic_eval.analysis.intervals import RESAMPLES, SEED, Interval, wilson
from comic_eval.analysis.resample import percentile
from comic_eval.answers.normalise import words
from comic_eval.judging.labels import Label
from comic_eval.judging.usage import JudgeSummary, summarize_judge
from comic_eval.types import Frozen, Score

# Words; the last has no upper end.
LENGTHS = (5, 15, 30)
# Columns of the table of counts.
_TP, _FP, _FN, _TN, _UNSCORED = range(5)
Counts = NDArray[np.float64]


class Rate(Frozen):
    """A number with its 95 % intervals: bootstrap over questions (None where it has none), and Wilson's."""

    value: float | None
    ci95: Interval | None = None
    ci95_wilson: Interval | None = None


class Agreement(Frozen):
    """A judge against labels.

    Attributes:
        n: labelled answers; ``scored`` of them got a verdict, and all rates are over these.
        questions: the clusters of the bootstrap.
        right: how many of the scored answers are labelled right.
        accuracy: share of verdicts that agree with the label.
        kappa: Cohen's kappa; None where the labels are all of one kind, so that it could only be 0.
        false_positive: share of the wrong answers that the judge lets pass.
        false_negative: share of the right answers that it rejects.
        judged_right: share of right answers in the judge's eyes; beside ``right / scored`` it tells its bias.
    """

    n: int
    scored: int
    unscored: int
    questions: int
    right: int
    accuracy: Rate
    kappa: Rate
    false_positive: Rate
    false_negative: Rate
    judged_right: float | None


class Calibration(Frozen):
    """``judge calibrate``: overall and by task, language, answer length in words, and kind of answer.

    Attributes:
        labellers: who made the labels -> number of answers.
        reasons: why answers stayed unscored.
        judging: calls, tokens and cost; None for a judge that asks no model.
        errors: places (from 0) of the labels that the judge contradicts.
    """

    judge: str
    labels: str
    labels_sha256: str
    labellers: dict[str, int]
    overall: Agreement
    by_task: dict[str, Agreement]
    by_language: dict[str, Agreement]
    by_length: dict[str, Agreement]
    by_kind: dict[str, Agreement]
    reasons: dict[str, int]
    judging: JudgeSummary | None = None
    errors: tuple[int, ...] = ()
    resamples: int = RESAMPLES
    seed: int = SEED


def agreement(labels: Sequence[Label], scores: Sequence[Score]) -> Agreement:
    """Compares verdicts with labels, both given for the same answers in the same order.

    Source: kappa of Cohen (1960), Educational and Psychological Measurement 20(1); intervals by drawing questions with
    replacement, Davison and Hinkley (1997), section 3.8: answers to one question are not independent.
    """
    clusters: dict[Any, list[int]] = {}
    for label, score in zip(labels, scores, strict=True):
        clusters.setdefault(label.question_key, [0] * 5)[_cell(label, score)] += 1
    # Sorted, so that the order of the file changes nothing.
    table = np.array(sorted(clusters.values()), dtype=np.float64).reshape(-1, 5)
    total = table.sum(axis=0)
    tp, fp, fn, tn, unscored = (int(v) for v in total)
    draws = _draws(table)

    def rate(of: Callable[[Counts], Counts], hits: int | None = None, trials: int = 0) -> Rate:
        value = float(of(total[None])[0])
        spread = None if draws is None else of(draws)
        # Draws without any answer of a kind say nothing of its rate.
        spread = None if spread is None else spread[np.isfinite(spread)]
        enough = spread is not None and len(spread) >= RESAMPLES / 2
        return Rate(
            value=value if np.isfinite(value) else None,
            ci95=percentile(spread) if enough and spread is not None and np.isfinite(value) else None,
            ci95_wilson=wilson(hits, trials) if hits is not None else None,
        )

    scored = tp + fp + fn + tn
    return Agreement(
        n=scored + unscored,
        scored=scored,
        unscored=unscored,
        questions=len(table),
        right=tp + fn,
        accuracy=rate(_accuracy, tp + tn, scored),
        kappa=rate(_kappa) if 0 < tp + fn < scored else Rate(value=None),
        false_positive=rate(lambda c: _share(c[:, _FP], c[:, _FP] + c[:, _TN]), fp, fp + tn),
        false_negative=rate(lambda c: _share(c[:, _FN], c[:, _FN] + c[:, _TP]), fn, fn + tp),
        judged_right=(tp + fp) / scored if scored else None,
    )


def calibrate(judge: str, labels: Sequence[Label], scores: Sequence[Score], *, source: str, sha256: str) -> Calibration:
    """Everything that ``judge calibrate`` reports."""

    def by(key: Callable[[Label], str]) -> dict[str, Agreement]:
        groups: dict[str, list[int]] = {}
        for place, label in enumerate(labels):
            groups.setdefault(key(label), []).append(place)
        order = sorted(groups, key=lambda name: (_LENGTH_NAMES.index(name) if name in _LENGTH_NAMES else 0, name))
        return {n: agreement([labels[i] for i in groups[n]], [scores[i] for i in groups[n]]) for n in order}

    return Calibration(
        judge=judge,
        labels=source,
        labels_sha256=sha256,
        labellers=dict(sorted(Counter(label.labeller or "not stated" for label in labels).items())),
        overall=agreement(labels, scores),
        by_task=by(lambda label: label.task),
        by_language=by(lambda label: label.language),
        by_length=by(lambda label: length_name(label.answer)),
        by_kind=by(lambda label: label.kind or "not stated"),
        reasons=dict(sorted(Counter(s.reason or "unknown" for s in scores if s.value is None).items())),
        judging=summarize_judge([s.judge for s in scores if s.judge]),
        errors=tuple(
            i
            for i, (label, score) in enumerate(zip(labels, scores, strict=True))
            if score.value is not None and (score.value == 1.0) != label.label
        ),
    )


_LENGTH_NAMES = [
    *(f"{low + 1}-{high} words" for low, high in zip((-1, *LENGTHS[:-1]), LENGTHS, strict=True)),
    f"over {LENGTHS[-1]} words",
]


def length_name(answer: str) -> str:
    """The group of an answer by its number of words."""
    n = len(words(answer))
    return _LENGTH_NAMES[next((i for i, top in enumerate(LENGTHS) if n <= top), len(LENGTHS))]


def _cell(label: Label, score: Score) -> int:
    if score.value is None:
        return _UNSCORED
    if label.label:
        return _TP if score.value == 1.0 else _FN
    return _FP if score.value == 1.0 else _TN


def _draws(table: Counts) -> Counts | None:
    k = len(table)
    if k < 2:
        return None
    rng = np.random.default_rng(SEED)
    return np.asarray(rng.multinomial(k, np.full(k, 1 / k), size=RESAMPLES) @ table)


def _share(part: Counts, whole: Counts) -> Counts:
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)


def _accuracy(c: Counts) -> Counts:
    return _share(c[:, _TP] + c[:, _TN], c[:, :_UNSCORED].sum(axis=1))


def _kappa(c: Counts) -> Counts:
    n = c[:, :_UNSCORED].sum(axis=1)
    observed = _accuracy(c)
    labelled, judged = _share(c[:, _TP] + c[:, _FN], n), _share(c[:, _TP] + c[:, _FP], n)
    expected = labelled * judged + (1 - labelled) * (1 - judged)
    return _share(observed - expected, 1 - expected)
