from collections import Counter

import pytest
from support.pepper_carrot import characters, marked, of_task, pages

from comic_eval.benchmark.annotations import Character, Page, Panel
from comic_eval.benchmark.build.action_recognition import SMALL_SPLIT, drafts
from comic_eval.benchmark.build.actions import TEXTS, action_text
from comic_eval.benchmark.build.pages import SMALLEST_SIDE
from comic_eval.types import CHOICE_LETTERS, Box


@pytest.mark.parametrize("language", ["en", "fr"])
def test_wrong_choices_are_never_acceptable_labels(language):
    for sample in of_task("action_recognition", language=language):
        character = marked(sample)[0]
        right = sample.choices[CHOICE_LETTERS.index(sample.answer)]
        assert right == action_text(character.action, language)
        fair = {action_text(label, language) for label in (character.action, *character.also)}
        assert fair & set(sample.choices) == {right}
        assert len(set(sample.choices)) == 4


@pytest.mark.parametrize("split", ["train", "val", "test"])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_label_is_right_in_one_case_of_four_where_it_is_offered(split, language):
    samples = of_task("action_recognition", split, language)
    offered = Counter(text for s in samples for text in s.choices)
    right = Counter(s.choices[CHOICE_LETTERS.index(s.answer)] for s in samples)
    assert offered == {text: 4 * right[text] for text in right}


def test_every_label_of_the_pages_has_a_text_in_both_languages():
    labels = {n for p in pages() for c in p.characters for n in (c.action, *c.also) if n}
    assert labels <= TEXTS.keys()
    for language in ("en", "fr"):
        assert len({action_text(n, language) for n in TEXTS}) == len(TEXTS)


def test_an_unknown_label_is_shown_in_plain_words():
    assert action_text("riding_a_bicycle", "fr") == "riding a bicycle"


def test_targets_the_panel_and_marks_the_character_with_a_number():
    for sample in of_task("action_recognition", "test"):
        character = marked(sample)[0]
        assert [m.label for m in sample.marks] == ["1"]
        target, other, *rest = sample.regions
        assert (target.role, target.target, target.label) == ("panel", True, character.panel)
        assert (other.role, other.target, other.box) == ("character", False, character.box)
        assert rest
        assert all((r.role, r.target) == ("panel", False) for r in rest)


def test_tiny_silhouettes_are_not_marked():
    for sample in of_task("action_recognition"):
        box = marked(sample)[0].box
        assert min(box.width, box.height) >= SMALLEST_SIDE * sample.image_size[0]
    assert any(min(c.box.width, c.box.height) < 20 for c in characters("pc_e21p03").values())


def small_page(n: int, also: tuple[str, ...]) -> Page:
    actions = ("sitting", "walking", "lying", "flying", "standing")
    return Page(
        id="small",
        book="b",
        split="test",
        image="/none.png",
        image_name="images/none.png",
        width=1000,
        height=1000,
        panels=[Panel(id="p1", order=1, box=Box(x1=0, y1=0, x2=1000, y2=1000))],
        characters=[
            Character(
                id=f"c{i}",
                panel="p1",
                box=Box(x1=50 * i, y1=0, x2=50 * i + 40, y2=90),
                action=actions[i % 5],
                also=also,
            )
            for i in range(n)
        ],
    )


def test_a_handful_of_characters_still_gives_questions():
    made = drafts([small_page(5, ("hiding",))], 0)
    assert len(made) == 5 < SMALL_SPLIT
    for draft in made:
        assert "hiding" not in draft.wrong
        assert len(draft.wrong) == 3


def test_no_question_where_too_few_labels_may_be_wrong():
    assert drafts([small_page(5, ("walking", "lying", "flying"))], 0) == []
