from collections import Counter

import pytest
from support.pepper_carrot import characters, marked, of_task, pages

TASK = "character_counting"


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_answer_counts_the_panels_with_the_character(language):
    for sample in of_task(TASK, language=language):
        (character,) = marked(sample)
        panels = {c.panel for c in characters(sample.page).values() if c.identity == character.identity}
        assert sample.choices is None
        assert sample.answer == str(len(panels))
        targets = [r for r in sample.regions if r.target]
        assert {r.label for r in targets} == panels
        assert all(r.role == "panel" for r in targets)


def test_targets_are_in_reading_order():
    order = {(p.id, panel.id): panel.order for p in pages() for panel in p.panels}
    for sample in of_task(TASK):
        places = [order[sample.page, r.label] for r in sample.regions if r.target]
        assert places == sorted(places)


def test_every_panel_of_the_page_is_named_and_counted():
    panels = {p.id: {panel.id for panel in p.panels} for p in pages()}
    for sample in of_task(TASK):
        named = [r.label for r in sample.regions if r.role == "panel"]
        assert sorted(named) == sorted(panels[sample.page])
        assert sample.metadata["page_panels"] == len(named)


def test_pages_with_an_unknown_identity_are_skipped():
    unknown = {p.id for p in pages() if any(c.identity is None for c in p.characters)}
    assert unknown
    assert not unknown & {s.page for s in of_task(TASK)}


@pytest.mark.parametrize("split", ["train", "test"])
def test_no_constant_answer_pays(split):
    counts = Counter(s.answer for s in of_task(TASK, split))
    assert max(counts.values()) / counts.total() <= 0.3
    assert len(counts) >= 5


def test_the_mark_is_not_always_the_first_appearance():
    first = 0
    several = [s for s in of_task(TASK) if int(s.answer) > 1]
    for sample in several:
        first += marked(sample)[0].panel == next(r.label for r in sample.regions if r.target)
    assert 0.2 < first / len(several) < 0.8
