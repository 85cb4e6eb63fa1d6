from collections import Counter

import pytest
from support.pepper_carrot import marked, of_task

from comic_eval.benchmark.build.depth_comparison import PAIRS_PER_PANEL, SAME_PLACE_IOU
from comic_eval.types import CHOICE_LETTERS


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_answer_is_the_mark_of_the_nearer_character(language):
    samples = of_task("depth_comparison", language=language)
    assert samples
    for sample in samples:
        first, second = marked(sample)
        assert first.panel == second.panel
        assert None not in (first.depth, second.depth)
        assert first.depth != second.depth
        nearer = 0 if first.depth < second.depth else 1
        assert [m.label for m in sample.marks] == ["A", "B"]
        assert sample.answer == CHOICE_LETTERS[nearer]
        assert sample.choices[nearer].endswith(sample.answer)


def test_one_target_the_panel_of_both():
    for sample in of_task("depth_comparison"):
        assert len(sample.targets) == 1
        assert [r.label for r in sample.regions if r.target] == [marked(sample)[0].panel]
        assert {r.box for r in sample.regions if r.role == "character"} == {m.box for m in sample.marks}


def test_no_pair_coincides_and_no_panel_dominates():
    panels = Counter()
    for sample in of_task("depth_comparison"):
        first, second = marked(sample)
        assert first.box.iou(second.box) <= SAME_PLACE_IOU
        panels[sample.page, first.panel] += 1
    assert max(panels.values()) <= PAIRS_PER_PANEL


RULES = {
    "bigger": lambda a, b: a.area > b.area,
    "taller": lambda a, b: a.height > b.height,
    "wider": lambda a, b: a.width > b.width,
    "lower": lambda a, b: a.y2 > b.y2,
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("split", ["train", "test"])
def test_no_single_rule_about_the_boxes_pays(rule, split):
    samples = of_task("depth_comparison", split)
    right = sum(RULES[rule](*(m.box for m in sample.marks)) == (sample.answer == "A") for sample in samples)
    assert 0.4 <= right / len(samples) <= 0.6
