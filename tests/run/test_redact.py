"""Keys are hidden, ordinary words are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comic_eval.run.redact import HIDDEN, printable, redact, redact_json

KEY = "sk-" + "abc123DEF456" * 2


@pytest.mark.parametrize(
    "text",
    [
        f"Incorrect API key provided: {KEY}.",
        f"Authorization: Bearer {KEY}",
        "Bearer abcdef0123456789",
        "https://user:hunter2pass@example.org/v1",
        "GET /v1?api_key=abcdef0123456789&x=1",
        '{"api_key": "abcdef0123456789"}',
        "x-api-key=abcdef0123456789",
        "AIza" + "SyA0123456789abcdef",
        "hf_" + "abcdefghijKLMNOP0123",
    ],
)
def test_keys_are_hidden(text: str) -> None:
    shown = redact(text)
    assert HIDDEN in shown
    for secret in (KEY, "abcdef0123456789", "hunter2pass", "SyA0123456789abcdef", "abcdefghijKLMNOP0123"):
        assert secret not in shown


@pytest.mark.parametrize(
    "text",
    [
        "openai:gpt-5-mini",
        "hf-internal-testing/tiny-model",
        "the token limit of 8192 was exceeded",
        "risk-averse answers",
        "http://127.0.0.1:8000/v1",
        "Qwen/Qwen2.5-VL-7B-Instruct",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert redact(text) == text


def test_the_values_of_keys_in_the_environment_are_hidden_wherever_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_PROVIDER_API_KEY", "plain-looking-word")
    assert redact("he said plain-looking-word twice") == f"he said {HIDDEN} twice"


def test_fields_that_are_named_like_secrets_are_hidden() -> None:
    value = {"api_key": "x", "nested": [{"Authorization": "y", "top_k": 20}], "max_tokens": 5, "token": None}
    assert redact_json(value) == {
        "api_key": HIDDEN,
        "nested": [{"Authorization": HIDDEN, "top_k": 20}],
        "max_tokens": 5,
        "token": None,
    }


@given(st.text())
def test_printable_text_is_one_line_without_controls(text: str) -> None:
    shown = printable(text + "\x1b[31m\x9b\u202e\r\n")
    assert not {"\x1b", "\x9b", "\u202e", "\r", "\n", "\x00"} & set(shown)
    assert len(shown) <= 300


def test_hiding_twice_changes_nothing() -> None:
    once = redact(f"key {KEY} and api_key=abcdef0123456789")
    assert redact(once) == once
