"""The proof that the sample benchmark has no shortcut: nothing that does not look at the art beats chance."""

from functools import cache

import pytest
from support.pepper_carrot import FOLDER, of_task, samples

from comic_eval.benchmark.blind import Majority, always_first, longest_choice, random_choice
from comic_eval.benchmark.build.shortcuts import Shortcut, chance_interval, measure
from comic_eval.plugins import get_task

BLIND = ("first", "longest", "majority")
CHOICE_TASKS = (
    "action_recognition",
    "depth_comparison",
    "dialog_reordering",
    "panel_reordering",
    "character_identification",
)


@cache
def measured() -> dict[tuple[str, str, str], Shortcut]:
    return {(s.task, s.split, s.language): s for s in measure(samples())}


@pytest.mark.parametrize("task", CHOICE_TASKS)
@pytest.mark.parametrize("split", ["train", "val", "test"])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_blind_baselines_stay_inside_the_chance_interval(task, split, language):
    """Exact binomial 95 % intervals; nothing here is drawn by lot, so that no correction for many tests is needed."""
    shortcut = measured()[task, split, language]
    low, high = shortcut.interval
    for name in BLIND:
        correct = shortcut.correct[name]
        assert correct is not None
        assert low <= correct <= high, f"{name}: {correct} of {shortcut.n}, chance gives {low} to {high}"


@pytest.mark.parametrize("task", CHOICE_TASKS)
def test_random_answers_are_right_at_chance_on_average(task):
    """One draw may leave a 95 % interval; the mean of 60 draws over all splits must be near chance."""
    questions = [(s.to_question(), s.answer) for s in of_task(task)]
    right = sum(random_choice(q, seed) == answer for seed in range(60) for q, answer in questions)
    n = 60 * len(questions)
    chance = 1 / len(questions[0][0].choices)
    assert abs(right / n - chance) < 4 * (chance * (1 - chance) / n) ** 0.5


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_no_constant_count_pays(split, language):
    shortcut = measured()["character_counting", split, language]
    assert shortcut.chance <= 0.3
    for name in BLIND:
        assert shortcut.correct[name] / shortcut.n <= shortcut.chance


@pytest.mark.parametrize("language", ["en", "fr"])
def test_geometry_stays_at_chance_where_balancing_can_bring_it_there(language):
    for task in ("depth_comparison", "character_identification"):
        shortcut = measured()[task, "test", language]
        assert shortcut.correct["geometry"] <= shortcut.interval[1]
    for task in ("dialog_reordering", "panel_reordering"):
        assert measured()[task, "test", language].correct["geometry"] is None


@pytest.mark.parametrize("language", ["en", "fr"])
def test_geometry_of_single_boxes_leaks_little(language):
    """A lying character has a wide box: that cannot be balanced away, so it is reported; here is its bound."""
    for task in ("action_recognition", "character_counting"):
        shortcut = measured()[task, "test", language]
        assert shortcut.correct["geometry"] / shortcut.n < 0.36


def test_the_card_states_what_was_measured():
    card = (FOLDER / "README.md").read_text(encoding="utf-8").splitlines()
    for (task, split, language), shortcut in measured().items():
        if split == "test":
            title = get_task(task).info.title
            (row,) = [line for line in card if line.startswith(f"| {title} | {language} | {shortcut.n} |")]
            geometry = shortcut.correct["geometry"]
            assert row.endswith("| **–** |" if geometry is None else f"| **{geometry / shortcut.n:.1%}** |")


@pytest.mark.parametrize("task", CHOICE_TASKS)
def test_choices_of_a_question_do_not_tell_the_right_one_by_length(task):
    for language in ("en", "fr"):
        for longest in (True, False):
            right = extreme = 0
            for sample in of_task(task, None, language):
                lengths = [len(c) for c in sample.choices]
                mark = max(lengths) if longest else min(lengths)
                share = lengths.count(mark)
                extreme += 1
                right += (lengths["ABCD".index(sample.answer)] == mark) / share
            low, high = chance_interval(extreme, 1 / len(sample.choices))
            assert low <= right <= high


def test_baselines_answer_counts_with_numbers_and_open_questions_not_at_all():
    train = [s for s in samples() if s.split == "train"]
    majority = Majority(train)
    count = of_task("character_counting", "test")[0].to_question()
    assert {always_first(count), longest_choice(count), majority.answer(count)} == {"1"}
    assert random_choice(count, 3) in {"1", "2", "3", "4", "5"}
    question = of_task("panel_understanding", "test")[0].to_question()
    for answer in (always_first, longest_choice, random_choice, majority.answer):
        assert answer(question) is None


def test_longest_takes_the_first_of_equals():
    question = of_task("action_recognition")[0].to_question()
    assert longest_choice(question.model_copy(update={"choices": ("aa", "bbb", "ccc", "d")})) == "B"


def test_majority_knows_which_texts_were_right():
    train = of_task("action_recognition", "train")
    question = (
        train[0].to_question().model_copy(update={"choices": ("unheard of", "also not", "holding an object", "x")})
    )
    assert Majority(train).answer(question) == "C"


def test_random_depends_on_seed_and_id_alone():
    question = of_task("action_recognition")[0].to_question()
    assert random_choice(question, 5) == random_choice(question.model_copy(update={"split": "other"}), 5)
    assert len({random_choice(question, seed) for seed in range(50)}) == 4


@pytest.mark.parametrize(
    ("n", "p", "expected"), [(100, 0.5, (40, 60)), (20, 0.25, (2, 9)), (5, 0.5, (0, 5)), (1, 0.5, (0, 1))]
)
def test_chance_interval_is_the_exact_binomial_one(n, p, expected):
    assert chance_interval(n, p) == expected
