import random
import re
from collections import Counter, defaultdict

import pytest
from support.pepper_carrot import of_task, pages, samples

from comic_eval.benchmark.build.assemble import PREFIX, build_samples
from comic_eval.errors import BenchmarkError
from comic_eval.types import CHOICE_LETTERS

CHOICE_TASKS = (
    "action_recognition",
    "depth_comparison",
    "dialog_reordering",
    "panel_reordering",
    "character_identification",
)


def test_all_seven_tasks_are_there_in_every_split_and_language():
    assert len(PREFIX) == 7
    for split in ("train", "val", "test"):
        for language in ("en", "fr"):
            assert {s.task for s in samples() if (s.split, s.language) == (split, language)} == PREFIX.keys()


@pytest.mark.parametrize("task", CHOICE_TASKS)
@pytest.mark.parametrize("split", ["train", "val", "test"])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_right_letters_differ_by_at_most_one(task, split, language):
    group = of_task(task, split, language)
    letters = CHOICE_LETTERS[: len(group[0].choices)]
    counts = Counter(s.answer for s in group)
    assert max(counts.values()) - min(counts[x] for x in letters) <= 1


def test_the_same_pages_and_seed_give_the_same_samples_in_any_order():
    shuffled = list(pages())
    random.Random(5).shuffle(shuffled)  # noqa: S311
    assert tuple(build_samples(shuffled, 0)) == samples()


def test_another_seed_gives_other_questions():
    assert {(s.id, s.answer) for s in samples()} != {(s.id, s.answer) for s in samples(1)}


def test_a_page_more_leaves_the_other_splits_alone():
    fewer = build_samples([p for p in pages() if p.id != "pc_e22p04"], 0)
    assert {s for s in map(str, fewer) if "split='train'" in s} == {
        s for s in map(str, samples()) if "split='train'" in s
    }


def test_a_page_more_changes_no_geometry_of_open_and_reordering_questions_elsewhere():
    page_tasks = ("panel_understanding", "dialog_reordering", "panel_reordering")
    fewer = {s.id: s for s in build_samples([p for p in pages() if p.id != "pc_e22p04"], 0) if s.task in page_tasks}
    whole = {s.id: s for s in samples() if s.task in page_tasks and s.page != "pc_e22p04"}
    assert fewer.keys() == whole.keys()
    assert all(fewer[i].question == whole[i].question for i in whole)


def test_languages_of_a_question_share_everything_but_text():
    twins = defaultdict(dict)
    for sample in samples():
        twins[sample.pair_id][sample.language] = sample
    for pair_id, pair in twins.items():
        en, fr = pair["en"], pair["fr"]
        assert (en.id, fr.id) == (f"{pair_id}-en", f"{pair_id}-fr")
        for name in ("task", "split", "page", "image_size", "regions", "marks", "composite"):
            assert getattr(en, name) == getattr(fr, name)
        if en.choices is not None:
            assert en.answer == fr.answer
            assert len(en.choices) == len(fr.choices)
        assert en.image != fr.image


def test_twins_of_dialog_reordering_and_counting_have_the_same_choices_and_answer():
    for task in ("dialog_reordering", "character_counting"):
        english = {s.pair_id: (s.choices, s.answer) for s in of_task(task)}
        assert english == {s.pair_id: (s.choices, s.answer) for s in of_task(task, language="fr")}


def test_ids_are_unique_readable_and_silent_about_the_answer():
    ids = [s.id for s in samples()]
    assert len(ids) == len(set(ids))
    for sample in samples():
        assert re.fullmatch(rf"{PREFIX[sample.task]}-{sample.page}-[a-z0-9-]+-{sample.language}", sample.id)
    # Where an id names two characters, their order must not follow the answer.
    for task in ("depth_comparison", "character_identification"):
        for sample in of_task(task):
            named = re.findall(r"c(\d+)", sample.id.removeprefix(f"{PREFIX[task]}-{sample.page}"))
            assert len(named) == 2


def test_guessable_questions_stand_in_splits_of_their_own():
    annotated = sum(q.guessable for p in pages() if p.language == "en" for q in p.questions)
    apart = [s for s in samples() if s.split.endswith("_guessable") and s.language == "en"]
    assert apart
    assert len(apart) <= annotated
    assert {s.task for s in apart} == {"panel_understanding"}
    assert {s.split for s in samples()} == {f"{x}{y}" for x in ("train", "val", "test") for y in ("", "_guessable")}


def test_samples_carry_source_licence_size_and_digest():
    for sample in samples():
        assert sample.license == "CC-BY-4.0"
        assert sample.source
        assert sample.image_size == (1240, sample.image_size[1])
        assert re.fullmatch(r"[0-9a-f]{64}", sample.image_sha256)


def test_a_page_given_twice_is_refused():
    with pytest.raises(BenchmarkError, match=r"pc_e03p01.*twice"):
        build_samples([*pages(), pages()[0]], 0)


def test_languages_in_different_splits_are_refused():
    moved = [p.model_copy(update={"split": "train"}) if p.language == "fr" else p for p in pages()]
    with pytest.raises(BenchmarkError, match="give both the same split"):
        build_samples(moved, 0)


def test_one_language_alone_builds_too():
    english = build_samples([p for p in pages() if p.language == "en"], 0)
    assert {s.language for s in english} == {"en"}
    assert {s.task for s in english} == PREFIX.keys()
