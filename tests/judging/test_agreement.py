"""Kappas against published values, and calibration counts by hand."""

from __future__ import annotations

import random

import pytest

from comic_eval.analysis.intervals import wilson
from comic_eval.judging.agreement import cohen_kappa, fleiss_kappa
from comic_eval.judging.calibration import agreement, calibrate, length_name
from comic_eval.judging.labels import Label
from comic_eval.judging.usage import summarize_judge
from comic_eval.types import Judgement, Score, Usage, Verdict


def test_cohen_is_as_published() -> None:
    # The grant example of the literature: 20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no gives 0.4.
    first = [1] * 25 + [0] * 25
    second = [1] * 20 + [0] * 5 + [1] * 10 + [0] * 15
    assert cohen_kappa(first, second) == pytest.approx(0.4)
    assert cohen_kappa([1, 0], [1, 0]) == 1.0
    assert cohen_kappa([1, 0], [0, 1]) == -1.0
    assert cohen_kappa([1, 1], [1, 1]) is None
    assert cohen_kappa([], []) is None
    with pytest.raises(ValueError, match="different items"):
        cohen_kappa([1], [])


def test_fleiss_is_as_published() -> None:
    # Ten subjects, fourteen raters, five categories: kappa 0.210.
    table = [
        (0, 0, 0, 0, 14),
        (0, 2, 6, 4, 2),
        (0, 0, 3, 5, 6),
        (0, 3, 9, 2, 0),
        (2, 2, 8, 1, 1),
        (7, 7, 0, 0, 0),
        (3, 2, 6, 3, 0),
        (2, 5, 3, 2, 2),
        (6, 5, 2, 1, 0),
        (0, 2, 2, 3, 7),
    ]
    ratings = [[c for c, n in enumerate(row) for _ in range(n)] for row in table]
    assert fleiss_kappa(ratings) == pytest.approx(0.210, abs=5e-4)
    assert fleiss_kappa([]) is None
    assert fleiss_kappa([[1, 1], [1, 1]]) is None
    with pytest.raises(ValueError, match="same number"):
        fleiss_kappa([[1, 1], [1]])


def label(right: bool, question: str = "q", answer: str = "a", **more: object) -> Label:
    return Label.model_validate(
        {"question": question, "reference": "r", "answer": answer, "label": right, "page": "p"} | more
    )


def rows(tp: int, fp: int, fn: int, tn: int, unscored: int = 0) -> tuple[list[Label], list[Score]]:
    kinds = [(True, 1.0)] * tp + [(False, 1.0)] * fp + [(True, 0.0)] * fn + [(False, 0.0)] * tn
    labels = [label(right, f"q{i % 7}") for i, (right, _) in enumerate(kinds)]
    scores = [Score(value=value) for _, value in kinds]
    labels += [label(True, f"q{i % 7}") for i in range(unscored)]
    scores += [Score(value=None, reason="judge_unparsed")] * unscored
    return labels, scores


def test_counts_and_rates() -> None:
    found = agreement(*rows(20, 10, 5, 15, unscored=3))
    assert (found.n, found.scored, found.unscored, found.right, found.questions) == (53, 50, 3, 25, 7)
    assert found.accuracy.value == 0.7
    assert found.kappa.value == pytest.approx(0.4)
    assert found.false_positive.value == 0.4
    assert found.false_negative.value == 0.2
    assert found.judged_right == 0.6
    assert found.accuracy.ci95_wilson == wilson(35, 50)
    for rate in (found.accuracy, found.kappa, found.false_positive, found.false_negative):
        assert rate.ci95 is not None
        assert rate.value is not None
        assert rate.ci95[0] <= rate.value <= rate.ci95[1]


def test_the_order_of_the_answers_changes_nothing() -> None:
    labels, scores = rows(20, 10, 5, 15, 2)
    pairs = list(zip(labels, scores, strict=True))
    random.Random(1).shuffle(pairs)  # noqa: S311
    assert agreement([a for a, _ in pairs], [b for _, b in pairs]) == agreement(labels, scores)


def test_one_kind_of_label_has_no_kappa_and_no_rate_of_the_other() -> None:
    found = agreement(*rows(0, 2, 0, 8))
    assert found.kappa.value is None
    assert found.false_negative.value is None
    assert found.false_negative.ci95_wilson is None
    assert found.false_positive.value == 0.2
    nothing = agreement(*rows(0, 0, 0, 0, 4))
    assert nothing.accuracy.value is None
    assert nothing.unscored == 4


def test_answers_to_one_question_are_one_cluster() -> None:
    labels = [label(i % 2 == 0, "one" if i < 20 else "two") for i in range(40)]
    scores = [Score(value=1.0 if i < 20 else float(i % 2 == 0)) for i in range(40)]
    found = agreement(labels, scores)
    # The judge is right on half of one question and on all of the other: two clusters, so very wide.
    assert found.accuracy.ci95 == (0.5, 1.0)
    pair = [label(True, "x", sample_id=f"pu-1-{lang}", language=lang) for lang in ("en", "fr")]
    assert pair[0].question_key == pair[1].question_key


def test_breakdowns_and_errors() -> None:
    labels = [
        label(True, "q1", "word", kind="paraphrase"),
        label(False, "q2", "word " * 10, language="fr", kind="near_miss", labeller="two people"),
        label(False, "q3", "word " * 40, task="other"),
        label(False, "q3", ""),
    ]
    scores = [Score(value=0.0), Score(value=1.0), Score(value=None, reason="judge_timeout"), Score(value=0.0)]
    found = calibrate("j", labels, scores, source="f", sha256="0")
    assert found.errors == (0, 1)
    assert found.reasons == {"judge_timeout": 1}
    assert found.labellers == {"not stated": 3, "two people": 1}
    assert list(found.by_length) == ["0-5 words", "6-15 words", "over 30 words"]
    assert {name: part.n for name, part in found.by_task.items()} == {"other": 1, "panel_understanding": 3}
    assert found.by_language["fr"].false_positive.value == 1.0
    assert length_name("") == "0-5 words"


def judged(verdicts: str, calls: int = 1, **more: object) -> Judgement:
    names: dict[str, Verdict | None] = {"c": "CORRECT", "i": "INCORRECT", "n": "NOT_ATTEMPTED", "-": None}
    votes = tuple(
        Judgement(judge=f"j{i}", verdict=names[v], by="model", model=f"m{i}", calls=1) for i, v in enumerate(verdicts)
    )
    return Judgement.model_validate(
        {"judge": "p", "verdict": "CORRECT", "by": "panel", "votes": votes, "calls": calls} | more
    )


def test_a_panels_agreement_leaves_out_what_no_model_was_asked_about() -> None:
    panels = [judged("cc"), judged("ii"), judged("ci"), judged("nn"), judged("c-"), judged("cc", calls=0)]
    found = summarize_judge(panels)
    assert found is not None
    assert found.voted == 4
    assert found.by_rule == 1
    assert found.fleiss_kappa == pytest.approx(fleiss_kappa([(1, 1), (0, 0), (1, 0), (0, 0)]))
    assert found.pairwise_kappa == {"j0 & j1": pytest.approx(0.5)}
    assert summarize_judge([]) is None


def test_usage_and_cost_are_added_up() -> None:
    one = Judgement(
        judge="j",
        verdict=None,
        by="model",
        calls=3,
        unparsed=3,
        usage=Usage(input_tokens=30, output_tokens=6),
        cost_usd=0.25,
    )
    other = Judgement(
        judge="j", verdict="CORRECT", by="model", calls=1, cached=1, usage=Usage(input_tokens=10), cut=True
    )
    found = summarize_judge([one, other])
    assert found is not None
    assert (found.calls, found.cached, found.unparsed, found.cut, found.undecided) == (4, 1, 3, 1, 1)
    assert (found.input_tokens, found.output_tokens, found.cost_usd) == (40, 6, 0.25)
