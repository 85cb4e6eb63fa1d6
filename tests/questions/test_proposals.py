"""Reading proposals out of what models really write; nothing is made up where they write no usable list."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comic_eval.benchmark.questions.proposal import MAX_ITEMS, MAX_TEXT, Proposal, Proposals, read_proposals

ITEM = {"question": "What does he eat?", "answer": "Soup.", "facts": ["He eats soup"]}
ONE = Proposal(question="What does he eat?", answer="Soup.", facts=("He eats soup",))
OBJECT = json.dumps({"questions": [ITEM]})


def items(text: str) -> Any:
    found = read_proposals(text)
    return found.items if isinstance(found, Proposals) else found


@pytest.mark.parametrize(
    "text",
    [
        OBJECT,
        json.dumps([ITEM]),
        f"```json\n{OBJECT}\n```",
        f"Sure! Here are the questions:\n\n{OBJECT}\n\nLet me know if you need more {{or fewer}}.",
        f'<think>Perhaps {{"questions": [{{"question": "x"}}]}}</think>{OBJECT}',
        f'First try: {{"questions": []}}\nNo, better: {OBJECT}',
        f"{{not json}} {OBJECT}",
        json.dumps({"questions": [ITEM | {"difficulty": "hard"}], "notes": {"n": 1}}),
        OBJECT.replace("Soup.", "  Soup.\\n ").replace("eat?", "eat\u202f?").replace("eat ?", "eat?"),
    ],
)
def test_one_question_is_read(text: str) -> None:
    assert items(text) in ((ONE,), (ONE.model_copy(update={"question": "What does he eat ?"}),))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("I cannot write questions about this picture.", "no_json"),
        (OBJECT[:-20], "no_json"),
        # Cut off after a complete question: the part is not taken for the whole.
        (json.dumps({"questions": [ITEM, ITEM]})[:-20], "no_questions"),
        ('{"questions": [{"question": "What', "no_json"),
        ('{"questions": {"question": "What?"}}', "no_questions"),
        ('{"question": "What?", "answer": "This", "facts": ["this"]}', "no_questions"),
        ('["What?", "Who?"]', "no_questions"),
        ('{"questions": NaN}', "no_json"),
        (f"<think>{OBJECT}", "no_json"),
        ("{" * 5000, "no_json"),
        ("[" * 50_000, "no_json"),
        ("x" * (MAX_TEXT + 1), "too_long"),
        (json.dumps({"questions": [ITEM] * (MAX_ITEMS + 1)}), "too_long"),
    ],
)
def test_there_is_nothing_to_read(text: str, reason: str) -> None:
    assert items(text) == reason


@pytest.mark.parametrize(
    "item",
    [
        None,
        "What?",
        7,
        [],
        {},
        {"question": "What?", "answer": "This"},
        ITEM | {"facts": []},
        ITEM | {"facts": "He eats soup"},
        ITEM | {"facts": [1]},
        ITEM | {"facts": ["ok", " "]},
        ITEM | {"answer": None},
        ITEM | {"answer": ""},
        ITEM | {"question": " ? "},
        {"question": "...", "answer": "...", "facts": ["..."]},
        ITEM | {"answer": "\ud800 soup"},
    ],
)
def test_an_item_that_is_no_question_is_none_and_harms_no_other(item: Any) -> None:
    assert items(json.dumps({"questions": [item, ITEM]})) == (None, ONE)


def test_an_empty_list_is_an_answer() -> None:
    assert items('{"questions": []}') == ()


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    found = read_proposals(text)
    assert isinstance(found, str | Proposals)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_any_json_is_read_or_refused(value: Any) -> None:
    found = read_proposals("{}\n" + json.dumps({"questions": value}))
    assert isinstance(found, Proposals) == isinstance(value, list) or found == "too_long"


@given(
    st.lists(
        st.tuples(*[st.text(alphabet="abcdé 'œ,.", min_size=1).filter(lambda t: any(map(str.isalnum, t)))] * 3),
        max_size=5,
    )
)
def test_what_is_proposed_comes_back_word_for_word(triples: list[tuple[str, str, str]]) -> None:
    value = {"questions": [{"question": q, "answer": a, "facts": [f]} for q, a, f in triples]}
    found = read_proposals(f"Here you are: {json.dumps(value)}")
    assert isinstance(found, Proposals)
    read = [(p.question, p.answer, p.facts[0]) for p in found.items if p]
    assert read == [tuple(" ".join(t.split()) for t in triple) for triple in triples]
