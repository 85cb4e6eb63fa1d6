from collections import Counter

import pytest
from support.pepper_carrot import marked, of_task, pages

from comic_eval.benchmark.build.character_identification import DIFFERENT, PAIRS_PER_IDENTITY, SAME
from comic_eval.types import CHOICE_LETTERS

TASK = "character_identification"


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_answer_follows_from_the_identities(language):
    for sample in of_task(TASK, language=language):
        first, second = marked(sample)
        assert first.panel != second.panel
        assert None not in (first.identity, second.identity)
        wanted = SAME if first.identity == second.identity else DIFFERENT
        assert sample.choices[CHOICE_LETTERS.index(sample.answer)] == wanted[language]
        assert set(sample.choices) == {SAME[language], DIFFERENT[language]}


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_same_and_different_are_balanced_and_crossed_with_the_letter(split):
    samples = of_task(TASK, split)
    kinds = Counter((s.choices[CHOICE_LETTERS.index(s.answer)] == SAME["en"], s.answer) for s in samples)
    assert kinds[True, "A"] + kinds[True, "B"] == kinds[False, "A"] + kinds[False, "B"]
    assert max(kinds.values()) - min(kinds.values()) <= 2


def test_targets_are_the_two_panels_in_mark_order():
    order = {(p.id, panel.id): panel.order for p in pages() for panel in p.panels}
    for sample in of_task(TASK, "test"):
        characters = marked(sample)
        assert [r.label for r in sample.regions if r.target] == [c.panel for c in characters]
        assert [m.label for m in sample.marks] == ["1", "2"]
        places = [order[sample.page, c.panel] for c in characters]
        assert places == sorted(places)


def test_no_pair_of_identities_fills_a_page():
    used = Counter()
    for sample in of_task(TASK):
        used[(sample.page, *sorted(str(c.identity) for c in marked(sample)))] += 1
    assert max(used.values()) <= PAIRS_PER_IDENTITY


def test_the_heroine_is_marked_in_pairs_of_both_kinds():
    same, different = Counter(), Counter()
    for sample in of_task(TASK, "test"):
        first, second = (str(c.identity) for c in marked(sample))
        (same if first == second else different).update([first, second])
    for identity in ("pepper", "carrot"):
        assert 0.5 <= different[identity] / same[identity] <= 2
