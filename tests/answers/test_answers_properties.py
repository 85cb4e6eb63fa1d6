from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from comic_eval.answers import extract_choice, extract_number, extract_open
from comic_eval.answers.normalise import canonical, clean
from comic_eval.answers.numerals import VALUES, value_of
from comic_eval.types import CHOICE_LETTERS

ACTIONS = ("walking", "standing", "holding an object", "shouting")
# The signs and words that the patterns look for, thrown together.
PIECES = [
    *(
        "A",
        "B",
        "C",
        "D",
        "E",
        "a",
        "b",
        "I",
        "1",
        "2",
        "3",
        "٣",
        "Ｂ",
        "½",
        "-",
        "→",
        " ",
        "\n",
        ".",
        ",",
        ":",
        "(",
        ")",
    ),
    *(
        "**",
        "`",
        "'",
        '"',
        "$",
        "\\boxed{",
        "}",
        "{",
        "[",
        "]",
        "<answer>",
        "</answer>",
        "<think>",
        "</think>",
        "<",
        ">",
    ),
    *(
        "the answer is ",
        "Answer: ",
        "la réponse est ",
        "option ",
        " or ",
        " and ",
        " not ",
        " but ",
        "so ",
        "panel ",
        "in ",
    ),
    *("three", "deux", "total", "times", "walking", "standing", "holding", "object", "I cannot see the image", "..."),
]
soup = st.lists(st.sampled_from(PIECES), max_size=30).map("".join) | st.text(max_size=200)
choice_texts = st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=6, unique=True)
# No word of these is a choice, a letter of one, or a statement.
idle = st.lists(
    st.sampled_from(["witch", "page", "sees", "tree", "red", "hat", "sorcière", "forêt", "rouge", "under", "clouds"]),
    max_size=40,
).map(" ".join)


@given(soup, choice_texts)
def test_choice_never_raises_and_stays_among_the_letters(text: str, choices: list[str]) -> None:
    found = extract_choice(text, choices)
    assert found.value is None or found.value in CHOICE_LETTERS[: len(choices)]
    assert found == extract_choice(text, choices)


@given(soup)
def test_number_never_raises_and_is_a_possible_count(text: str) -> None:
    found = extract_number(text)
    assert found.value is None or found.value in {str(count) for count in range(100)}


@given(soup)
def test_open_never_raises_and_is_part_of_what_was_said(text: str) -> None:
    found = extract_open(text)
    if found.value is not None:
        assert any(c.isalnum() for c in found.value)
        assert "<think>" not in found.value.casefold()
        assert "<answer>" not in found.value.casefold()


@given(soup, st.sampled_from("ABCD"))
@example("<think>", "A")
@example("<answer>", "B")
def test_reasoning_before_the_tag_changes_nothing(reasoning: str, letter: str) -> None:
    if "answer>" in reasoning or "reponse>" in reasoning:
        reasoning = reasoning.replace("answer>", "")
    assert extract_choice(f"{reasoning}\n<answer>{letter}</answer>", ACTIONS).value == letter


@given(soup, st.integers(0, 99))
def test_reasoning_before_the_number_changes_nothing(reasoning: str, number: int) -> None:
    reasoning = reasoning.replace("answer>", "")
    assert extract_number(f"{reasoning}\n<answer>{number}</answer>").value == str(number)


@given(choice_texts.filter(lambda texts: len(texts) > 1), st.data())
def test_a_letter_in_the_tag_is_read_whatever_the_choices_say(choices: list[str], data: st.DataObject) -> None:
    letter = data.draw(st.sampled_from(CHOICE_LETTERS[: len(choices)]))
    for written in (letter, letter.lower(), f" {letter}. ", f"({letter})", f"**{letter}**", f"\\boxed{{{letter}}}"):
        assert extract_choice(f"<answer>{written}</answer>", choices).value == letter


@given(idle)
def test_a_text_without_choices_gives_nothing(text: str) -> None:
    assert extract_choice(text, ACTIONS).value is None
    assert extract_number(text).value is None


@given(st.permutations(list(ACTIONS)), st.integers(0, 3))
def test_the_text_of_a_choice_gives_its_letter(order: list[str], place: int) -> None:
    letter = CHOICE_LETTERS[place]
    for written in (order[place], order[place].upper(), f"The character is {order[place]}.", f"**{order[place]}**"):
        assert extract_choice(written, order).value == letter
        assert extract_choice(f"<answer>{written}</answer>", order).value == letter


@pytest.mark.parametrize("word", sorted(VALUES))
def test_every_number_word_is_read(word: str) -> None:
    assert extract_number(f"<answer>{word}</answer>").value == str(VALUES[word])
    assert value_of(word.upper()) == VALUES[word]


@pytest.mark.parametrize(
    "canary",
    [
        "",
        " ",
        "\n\n",
        "…",
        "...",
        "A B C D",
        "A, B, C, D",
        "ABCD",
        "A/B/C/D",
        "1 2 3 4",
        "<answer></answer>",
        "*",
        "\u200b",
    ],
)
def test_canaries_never_score(canary: str) -> None:
    assert extract_choice(canary, ACTIONS).value is None
    assert extract_number(canary).value is None
    assert extract_choice(f"<answer>{canary}</answer>", ACTIONS).value is None
    assert extract_number(f"<answer>{canary}</answer>").value is None


@given(st.text(max_size=300))
def test_canonical_text_is_stable(text: str) -> None:
    assert canonical(canonical(text)) == canonical(text)
    assert clean(clean(text)) == clean(text) or "&" in text


@pytest.mark.parametrize(
    "piece",
    [
        "<answer>",
        "</answer>",
        "<think>",
        "</think>",
        "<",
        "A ",
        "the answer is ",
        " ",
        "\n",
        "*",
        "_",
        "(",
        "\\boxed{",
        '"a":',
        "3 ",
        "panel 1, ",
        "not A but ",
        "- ",
        "#",
        "1.",
        "&lt;",
        "two-",
        "cannot see ",
        "so it's ",
    ],
)
def test_long_hostile_texts_are_read(piece: str) -> None:
    """Patterns that back-track over a run of one piece would not come back within the test's patience."""
    text = piece * (200_000 // len(piece))
    end = "\n<answer>B</answer>"
    assert extract_choice(text, ACTIONS).value in (None, "A")
    assert extract_choice(text + end, ACTIONS).value in ("B", None)
    assert extract_number(text).value in (None, "1", "2", "3")
    assert isinstance(extract_open(text + end).reason, str | None)


def test_a_long_text_is_read_at_its_ends() -> None:
    middle = "The witch flies over the town. " * 20_000
    assert extract_choice(f"{middle}\nThe answer is C.", ACTIONS).value == "C"
    assert extract_choice(f"B\n{middle}", ACTIONS).value == "B"
    assert extract_choice(f"{middle}\n<answer>D</answer>", ACTIONS).value == "D"
    assert extract_number(f"{middle}\nThe answer is 4.").value == "4"
