from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from comic_eval.benchmark.build.balance import (
    LabelQuotas,
    count_within,
    deal_places,
    even_out,
    keep_balanced,
    ticket,
)

LABELS = "abcdefgh"
names = st.text("xyz0123456789", min_size=1, max_size=6)


@given(st.dictionaries(names, st.sampled_from(["same", "different"])), st.integers(2, 5), st.integers(0, 3))
def test_every_place_is_dealt_equally_often_overall_and_within_a_stratum(strata, places, seed):
    dealt = deal_places(strata, places, seed)
    assert dealt.keys() == strata.keys()
    for stratum in (None, "same", "different"):
        counts = Counter(place for name, place in dealt.items() if stratum in (None, strata[name]))
        spread = max(counts.values(), default=0) - min((counts[p] for p in range(places)), default=0)
        assert spread <= (1 if stratum is None else 2)


@given(st.dictionaries(names, st.just("")), st.integers(2, 4))
def test_dealing_does_not_depend_on_the_order_of_questions(strata, places):
    backwards = dict(reversed(strata.items()))
    assert deal_places(strata, places, 7) == deal_places(backwards, places, 7)


@st.composite
def labelled(draw):
    right = draw(st.dictionaries(names, st.sampled_from(LABELS), max_size=40))
    barred = {n: frozenset(draw(st.sets(st.sampled_from(LABELS), max_size=5)) - {right[n]}) for n in right}
    return right, barred


@settings(deadline=None)
@given(labelled(), st.integers(1, 3))
def test_a_label_is_wrong_exactly_k_times_as_often_as_it_is_right(questions, k):
    right, barred = questions
    wrong = LabelQuotas(right, barred, k).solve(0)
    offered, correct = Counter(), Counter()
    for name, labels in wrong.items():
        assert len(set(labels)) == k
        assert right[name] not in labels
        assert not barred[name] & set(labels)
        offered.update(labels)
        correct[right[name]] += 1
    assert offered == Counter({label: k * n for label, n in correct.items()})


def test_quotas_keep_everything_where_nothing_is_barred():
    right = {f"q{i}": LABELS[i % 8] for i in range(40)}
    wrong = LabelQuotas(right, dict.fromkeys(right, frozenset()), 3).solve(0)
    assert len(wrong) == 40


def test_quotas_drop_only_the_label_that_can_never_be_wrong():
    right = {f"q{i}": LABELS[i % 8] for i in range(40)}
    barred = {n: frozenset("a") - {label} for n, label in right.items()}
    wrong = LabelQuotas(right, barred, 3).solve(0)
    assert {right[n] for n in wrong} == set(LABELS) - {"a"}
    assert len(wrong) == 35


def test_keep_balanced_brings_a_rule_to_chance():
    rng = np.random.default_rng(0)
    agrees = np.where(rng.random(200) < 0.7, 1.0, -1.0)
    kept = keep_balanced(
        agrees[:, None],
        np.ones(200),
        [ticket(i) for i in range(200)],
        groups=list(range(200)),
        group_limit=1,
        keep=100,
    )
    assert len(kept) == 100
    assert agrees[kept].sum() == 0


def test_keep_balanced_respects_group_limits_even_when_it_may_keep_more():
    groups = ["crowd"] * 30 + ["few"] * 4
    kept = keep_balanced(
        np.ones((34, 1)),
        np.array([1.0, -1.0] * 17),
        [ticket(i) for i in range(34)],
        groups=groups,
        group_limit=6,
        keep=34,
    )
    assert Counter(groups[i] for i in kept) == {"crowd": 6, "few": 4}
    assert count_within(groups, 6) == 10


def test_no_answer_is_kept_more_often_than_the_median_one():
    answers = {f"q{i}": a for i, a in enumerate("1" * 69 + "2" * 22 + "3" * 15 + "4" * 12 + "5" * 4)}
    counts = Counter(answers[name] for name in even_out(answers, 0))
    assert counts == {"1": 15, "2": 15, "3": 15, "4": 12, "5": 4}
