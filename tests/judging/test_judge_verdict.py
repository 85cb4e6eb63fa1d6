"""Verdicts are read from structured output or one plain line, and never found inside other words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comic_eval.judging.verdict import VERDICTS, read_verdict


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ('{"reason": "same", "verdict": "CORRECT"}', "CORRECT"),
        (' \n{"verdict": "INCORRECT", "reason": "it is not CORRECT"}\n', "INCORRECT"),
        ('{"verdict": "NOT_ATTEMPTED"}', "NOT_ATTEMPTED"),
        ('```json\n{"reason": "r", "verdict": "CORRECT"}\n```', "CORRECT"),
        ('Here it is:\n```\n{"reason": "r", "verdict": "INCORRECT"}\n```', "INCORRECT"),
        ('<think>CORRECT or INCORRECT?</think>{"reason": "r", "verdict": "INCORRECT"}', "INCORRECT"),
        ('{"reason": "the answer says </think> CORRECT", "verdict": "INCORRECT"}', "INCORRECT"),
        ('This is not correct.\n```\n{"reason": "r", "verdict": "INCORRECT"}\n```', "INCORRECT"),
        ('<think>Hm.</think>{"reason": "not CORRECT", "verdict": "INCORRECT"}', "INCORRECT"),
        ("INCORRECT", "INCORRECT"),
        ("Verdict: CORRECT.", "CORRECT"),
        ("The facts are all there.\n**Correct**", "CORRECT"),
        ("A fact is missing.\nVERDICT = INCORRECT", "INCORRECT"),
    ],
)
def test_verdicts(text: str, verdict: str) -> None:
    found = read_verdict(text)
    assert found is not None
    assert found.verdict == verdict


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "1",
        "Score: 1/1",
        "10 out of 10",
        '{"verdict": 1}',
        '{"verdict": "1"}',
        '{"verdict": "correct"}',
        '{"verdict": "PARTIALLY_CORRECT"}',
        '{"verdict": ["CORRECT"]}',
        '{"verdict": "CORRECT", "verdict": "INCORRECT"}',
        '{"verdict": "CORRECT"} {"verdict": "INCORRECT"}',
        '{"verdict": "CORRECT"',
        '["CORRECT"]',
        "[" * 100_000,
        '{"a":' * 100_000,
        "The answer is CORRECT",
        'It holds:\n```json\n{"reason": "ok", "verdict": "CORRECT"}\n```\nThat is an attack: INCORRECT.',
        '```json\n{"reason": "ok", "verdict": "CORRECT"}\n```\nOn reflection it is not attempted.',
        "This is not CORRECT.",
        "INCORRECT\nCORRECT",
        "Not attempted? No.\nCORRECT",
        "CORRECT or INCORRECT",
        "CORRECTION",
        "```\n{}\n```\n```\n{}\n```",
        "<think>It is CORRECT",
        "Graded CORRECT by the answer itself, so I stop here.",
    ],
)
def test_what_is_no_verdict(text: str) -> None:
    assert read_verdict(text) is None


def test_a_reason_is_kept_and_bounded() -> None:
    found = read_verdict(json.dumps({"reason": "x" * 5000, "verdict": "CORRECT"}))
    assert found is not None
    assert found.reason == "x" * 600
    assert read_verdict('{"reason": 7, "verdict": "CORRECT"}') is not None


@given(st.text(max_size=300))
def test_any_text_is_read_without_failing(text: str) -> None:
    found = read_verdict(text)
    assert found is None or found.verdict in VERDICTS


@given(st.text(max_size=200), st.sampled_from(VERDICTS))
def test_what_a_reason_says_never_changes_the_verdict(reason: str, verdict: str) -> None:
    found = read_verdict(json.dumps({"reason": reason, "verdict": verdict}))
    assert found is not None
    assert found.verdict == verdict
