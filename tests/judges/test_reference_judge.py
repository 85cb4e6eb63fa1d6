from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comic_eval import plugins
from comic_eval.answers.facts import covers, is_same, relevance, token_f1
from comic_eval.judging.labels import BUNDLED
from comic_eval.types import Language, Sample, Score

OTHERS = Path(__file__).parent / "development_answers.jsonl"


def labelled() -> list[dict[str, Any]]:
    """The answers that the rules' author wrote; the bundled file has further ones."""
    bundled = BUNDLED["pepper-carrot"].read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in (*bundled, *OTHERS.read_text("utf-8").splitlines())]
    return [row | {"correct": row.get("correct", row.get("label") == "correct")} for row in rows if "set" in row]


LABELLED = labelled()


def sample(
    question: str = "What does she hold?",
    answer: str = "A broom.",
    facts: tuple[str, ...] = ("a broom",),
    language: Language = "en",
) -> Sample:
    return Sample(
        id="s",
        task="panel_understanding",
        split="test",
        page="p",
        image="images/en/p.jpg",
        question=question,
        answer=answer,
        facts=facts,
        language=language,
    )


def grade(answer: str, asked: Sample) -> Score:
    return asyncio.run(plugins.create_judge("reference").grade(answer, asked))


def graded(item: dict[str, Any]) -> bool:
    asked = sample(item["question"], item["reference"], tuple(item["facts"]), item["language"])
    return grade(item["answer"], asked).value == 1.0


def test_it_says_what_it_is() -> None:
    judge = plugins.create_judge("reference")
    assert judge.id == "reference-v2"
    assert judge.comparable is False


def test_accuracy_on_labelled_answers_is_what_the_docstring_says() -> None:
    agreed: Counter[str] = Counter()
    total: Counter[str] = Counter()
    false_alarms = 0
    for item in LABELLED:
        correct = graded(item)
        total[item["set"]] += 1
        agreed[item["set"]] += correct == item["correct"]
        false_alarms += item["set"] != "near_miss" and correct and not item["correct"]
    assert total == {"development": 100, "held_out": 129, "near_miss": 23}
    assert agreed == {"development": 92, "held_out": 124, "near_miss": 16}
    assert false_alarms == 0
    doc = str(plugins.load("judges", "reference").__doc__)
    for stated in ("92 of 100", "124 of 129", "16 of 23"):
        assert stated in doc


def test_answers_written_after_its_rules_show_its_limits() -> None:
    labels = [json.loads(line) for line in BUNDLED["pepper-carrot"].read_text("utf-8").splitlines()]
    later = [row for row in labels if "set" not in row]
    agreed = sum(graded(row) == (row["label"] == "correct") for row in later)
    assert (agreed, len(later)) == (98, 168)
    doc = str(plugins.load("judges", "reference").__doc__)
    assert "168 answers" in doc
    assert "98 agree" in doc


@pytest.mark.parametrize("item", LABELLED, ids=lambda i: i["page"])
def test_references_are_correct_answers(item: dict[str, Any]) -> None:
    asked = sample(item["question"], item["reference"], tuple(item["facts"]), item["language"])
    assert grade(item["reference"], asked).value == 1.0
    assert grade(item["reference"].upper() + " !", asked).value == 1.0
    assert grade(item["question"], asked).value == 0.0


@pytest.mark.parametrize("nothing", ["", " \n", "…", "?!"])
def test_empty_answers_are_wrong(nothing: str) -> None:
    assert grade(nothing, sample()) == Score(value=0.0, reason="empty", detail={"token_f1": 0.0, "facts_covered": 0.0})


def test_every_fact_is_needed_and_any_alternative_does() -> None:
    asked = sample("What is there?", "A cat and a dog.", ("a cat / a kitten", "a dog"))
    assert grade("A kitten plays with a dog.", asked).value == 1.0
    half = grade("There is a kitten.", asked)
    assert half.value == 0.0
    assert half.detail["facts_covered"] == 0.5


def test_without_facts_the_reference_is_the_fact() -> None:
    asked = sample("What does she hold?", "A red umbrella.", ())
    assert grade("She has an umbrella that is red", asked).value == 1.0
    assert grade("A stick", asked).value == 0.0


def test_naming_everything_is_no_answer() -> None:
    things = (
        "hat cat bag bottle lizard tree moon castle river mountain chair table lamp book coin fish bread apple knife "
    )
    things += "pumpkin ladder door window bird fox owl skeleton flower stone cloud rope paper sword staff cloak potion"
    assert grade(things + " broom", sample()).reason == "scattered"
    assert grade("a broom " * 100, sample()).reason == "too_long"


@pytest.mark.parametrize(
    ("answer", "fact", "covered"),
    [
        ("The cat is asleep", "the cat is asleep", True),
        ("The cat is not asleep", "the cat is asleep", False),
        ("The cat isn't asleep", "the cat is asleep", False),
        ("Le chat ne dort pas", "le chat dort", False),
        ("Elle n'a pas de chapeau", "elle a un chapeau", False),
        ("She is silent", "She says nothing", True),
        ("She shouts", "She says nothing", False),
        ("It is not a dog but a cat", "a cat", True),
        ("It cries", "it cries or wails", True),
        ("It is wailing", "it cries or wails", True),
        ("A red outfit", "a pink/red outfit", True),
        ("A parchment", "He holds a scroll (parchment)", True),
        ("Two moons", "three moons", False),
        ("Trois lunes", "trois lunes", True),
        ("50,000 Ko", "50 000Ko", True),
        ("5000 Ko", "50 000Ko", False),
        ("Shichimi and Pepper", "Shichimi and Coriander", False),
        ("l'œuf", "un oeuf", True),
        ("DES FLACONS", "un flacon", True),
        ("", "a cat", False),
    ],
)
def test_facts(answer: str, fact: str, covered: bool) -> None:
    assert covers(answer, fact) is covered


def test_words_of_the_question_prove_nothing() -> None:
    assert not covers("The cat is in the tree", "the cat is on a cushioned stool", "Where does the cat sit?")
    assert covers("On a stool", "the cat is on a stool", "Where does the cat sit?")


def test_token_f1_is_squads() -> None:
    assert token_f1("a red broom", "the broom") == pytest.approx(2 / 3)
    assert token_f1("hat", "broom") == 0.0
    assert token_f1("", "") == 0.0
    assert is_same("Les balais !", "le balai")
    assert not is_same("", "")
    assert relevance("a broom and a hat", "the broom") == 0.5


@given(st.text(max_size=200), st.text(min_size=1, max_size=60), st.lists(st.text(max_size=40), max_size=3))
def test_any_texts_are_graded_the_same_way_twice(answer: str, reference: str, facts: list[str]) -> None:
    asked = sample(answer=reference, facts=tuple(facts))
    first = grade(answer, asked)
    assert first == grade(answer, asked)
    assert first.value in (0.0, 1.0)
    assert set(first.detail) == {"token_f1", "facts_covered"}


DENIALS = {
    "en": (
        "It is not true that",
        "It's not the case that",
        "It isn't correct to say that",
        "It is false that",
        "No, it is wrong to say that",
        "I don't think that",
        "I doubt that",
        "There is no evidence that",
        "Nothing suggests that",
    ),
    "fr": (
        "Il n'est pas vrai que",
        "Il est faux de dire que",
        "Ce n'est pas le cas que",
        "Rien n'indique que",
        "Je ne pense pas que",
        "On ne peut pas dire que",
        "Je doute que",
    ),
}


@pytest.mark.parametrize(("language", "words"), [(k, w) for k, v in DENIALS.items() for w in v])
def test_a_denial_at_the_start_reaches_to_the_end_of_its_sentence(language: Language, words: str) -> None:
    said = {"en": "she holds a broom, and a lantern hangs from it", "fr": "elle tient un balai, et une lanterne y pend"}
    facts = {"en": ("a broom", "a lantern"), "fr": ("un balai", "une lanterne")}[language]
    asked = sample("What is seen?", " and ".join(facts), facts, language)
    assert grade(said[language].capitalize() + ".", asked).value == 1.0
    assert grade(f"{words} {said[language]}.", asked).value == 0.0
    turned = {"en": "she holds a fork, but", "fr": "elle tient une fourche, mais"}[language]
    assert grade(f"{words} {turned} {said[language]}.", asked).value == 1.0


@pytest.mark.parametrize("words", ["It is true that", "I think that", "It is clear that", "Il est vrai que"])
def test_an_affirmation_is_no_denial(words: str) -> None:
    assert grade(f"{words} she holds a broom.", sample()).value == 1.0
