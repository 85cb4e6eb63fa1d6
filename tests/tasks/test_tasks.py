from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comic_eval import plugins
from comic_eval.benchmark import load_benchmark
from comic_eval.conformance import check_task
from comic_eval.types import Extraction, Sample

SEVEN = [
    "action_recognition",
    "character_counting",
    "character_identification",
    "depth_comparison",
    "dialog_reordering",
    "panel_reordering",
    "panel_understanding",
]
MARKS: list[Any] = [{"box": [10, 10, 60, 90], "label": "A"}, {"box": [80, 10, 130, 90], "label": "B"}]


def sample(task: str, **fields: Any) -> Sample:
    common = {"id": f"{task}-en", "split": "test", "page": "p1", "image": "images/en/p1.jpg", "image_size": [400, 600]}
    return Sample.model_validate({"task": task, **common, **fields})


BY_HAND = {
    "panel_understanding": sample(
        "panel_understanding",
        question="What does the witch hold?",
        position="the second panel of the third row",
        answer="A broom.",
        facts=["a broom"],
    ),
    "action_recognition": sample(
        "action_recognition",
        question="What is the character marked A doing?",
        choices=["walking", "standing", "holding an object", "shouting"],
        answer="C",
        marks=MARKS[:1],
    ),
    "depth_comparison": sample(
        "depth_comparison",
        question="Which of the two marked characters is nearer?",
        choices=["the character marked A", "the character marked B"],
        answer="B",
        marks=MARKS,
    ),
    "dialog_reordering": sample(
        "dialog_reordering",
        question="1. “Hello.” 2. “Who is there?” 3. “It is me.” In which order are they read?",
        choices=["2 → 1 → 3", "1 → 2 → 3"],
        answer="B",
    ),
    "panel_reordering": sample(
        "panel_reordering",
        question="Which panel belongs at place 1?",
        choices=["panel A", "panel B"],
        answer="A",
        composite={
            "slots": [[0, 0, 100, 100], [100, 0, 200, 100]],
            "candidates": [[0, 0, 100, 100], [100, 0, 200, 100]],
        },
    ),
    "character_identification": sample(
        "character_identification",
        question="Are the characters marked A and B the same?",
        choices=["the same character", "two different characters"],
        answer="A",
        marks=MARKS,
    ),
    "character_counting": sample(
        "character_counting", question="In how many panels is the character marked A?", answer="3", marks=MARKS[:1]
    ),
}


def test_the_seven_tasks_are_there() -> None:
    assert set(SEVEN) <= set(plugins.names("tasks"))
    assert set(BY_HAND) == set(SEVEN)


@pytest.mark.parametrize("name", SEVEN)
def test_conformance_by_hand(name: str) -> None:
    check_task(plugins.get_task(name), BY_HAND[name])


@pytest.mark.parametrize("name", SEVEN)
def test_each_file_opens_with_what_a_reader_wants(name: str) -> None:
    doc = str(plugins.load("tasks", name).__doc__)
    for section in ("Abstract:", "Data:", "Metric:", "Citation:", "arXiv:2511.06490"):
        assert section in doc
    assert plugins.get_task(name).info.name == name


@pytest.fixture(scope="module")
def bundled() -> dict[str, list[Sample]]:
    by_task = defaultdict(list)
    for item in load_benchmark("pepper-carrot").samples:
        by_task[item.task].append(item)
    return by_task


@pytest.mark.parametrize("name", SEVEN)
def test_conformance_over_the_bundled_benchmark(name: str, bundled: dict[str, list[Sample]]) -> None:
    task = plugins.get_task(name)
    # A fifth of the samples: the whole check of all of them takes a minute. Every answer is read in the next test.
    assert bundled[name]
    for item in bundled[name][::5]:
        check_task(task, item)


@pytest.mark.parametrize("name", SEVEN)
def test_every_answer_of_the_benchmark_is_read(name: str, bundled: dict[str, list[Sample]]) -> None:
    task = plugins.get_task(name)
    for item in bundled[name]:
        found = task.extract(f"<answer>{item.answer}</answer>", item)
        assert found.value == (" ".join(item.answer.split()) if task.info.kind == "open" else item.answer)
        if task.info.kind != "open":
            assert task.score(found, item).value == 1.0
            assert task.extract(task.prompt(item, shown="page"), item).value is None


@pytest.mark.parametrize("name", [n for n in SEVEN if n not in ("panel_understanding", "character_counting")])
def test_every_choice_of_the_benchmark_is_read_by_its_text(name: str, bundled: dict[str, list[Sample]]) -> None:
    task = plugins.get_task(name)
    for item in bundled[name]:
        for letter, text in zip(item.letters, item.choices or (), strict=True):
            for written in (text, f"{letter}. {text}", f"**{letter}. {text}**", f"<answer>{text.upper()}</answer>"):
                assert task.extract(written, item) == Extraction(value=letter), written


def test_counting_scores() -> None:
    task, item = plugins.get_task("character_counting"), BY_HAND["character_counting"]
    right, near, far = (task.score(task.extract(f"<answer>{n}</answer>", item), item) for n in ("three", "4", "1"))
    assert (right.value, right.detail) == (1.0, {"abs_error": 0.0, "within_one": 1.0})
    assert (near.value, near.detail) == (0.0, {"abs_error": 1.0, "within_one": 1.0})
    assert (far.value, far.detail) == (0.0, {"abs_error": 2.0, "within_one": 0.0})


@pytest.mark.parametrize("name", SEVEN)
def test_what_is_not_read_is_not_scored(name: str) -> None:
    task, item = plugins.get_task(name), BY_HAND[name]
    score = task.score(task.extract("", item), item)
    assert score.value is None
    assert score.reason == "empty"


def test_open_answers_wait_for_a_judge() -> None:
    task, item = plugins.get_task("panel_understanding"), BY_HAND["panel_understanding"]
    score = task.score(task.extract("<answer>A broom.</answer>", item), item)
    assert (score.value, score.reason) == (None, "needs_judge")


def test_chance_follows_the_number_of_choices() -> None:
    assert plugins.get_task("action_recognition").chance(BY_HAND["action_recognition"]) == 0.25
    assert plugins.get_task("character_identification").chance(BY_HAND["character_identification"]) == 0.5
    assert plugins.get_task("character_counting").chance(BY_HAND["character_counting"]) is None
    assert plugins.get_task("panel_understanding").chance(BY_HAND["panel_understanding"]) is None


@pytest.mark.parametrize("language", ["en", "fr"])
def test_prompts_speak_of_what_is_shown_only(language: str) -> None:
    picture = {"en": ("image", "drawn on"), "fr": ("image", "tracés sur")}[language]
    for name in SEVEN:
        item = BY_HAND[name].model_copy(update={"language": language})
        blind = plugins.get_task(name).prompt(item, shown="nothing")
        for word in picture:
            assert word not in blind.lower()
        page = plugins.get_task(name).prompt(item, shown="page")
        assert picture[0] in page.lower()
        assert (picture[1] in page) is bool(item.marks)
        assert "<answer>" in page
        assert "<answer>" in blind


def test_a_crop_does_not_tell_how_many_panels_there_are() -> None:
    item = BY_HAND["character_counting"]
    region = {"box": [0, 0, 50, 50], "role": "panel", "target": True}
    few, many = (Sample.model_validate(item.model_dump() | {"answer": str(n), "regions": [region] * n}) for n in (1, 4))
    task = plugins.get_task("character_counting")
    assert task.prompt(few, shown="crop") == task.prompt(many, shown="crop")


@given(st.text(min_size=1, max_size=80).filter(str.strip), st.sampled_from(["page", "crop", "page+crop", "nothing"]))
def test_any_question_reaches_the_prompt_untouched(question: str, shown: Any) -> None:
    """Braces and percent signs of a question are no place-holders."""
    for name in SEVEN:
        item = BY_HAND[name].model_copy(update={"question": question})
        assert question in plugins.get_task(name).prompt(item, shown=shown)
