"""Untrusted text stays text."""

from __future__ import annotations

import json
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report.made_runs import HOSTILE

from comic_eval.report.markup import Html, element, join, text
from comic_eval.report.text import HEAD_CHARACTERS, INVISIBLE, TAIL_CHARACTERS, clip, folded, line, plain

ANY = st.text(st.characters(), max_size=200)
NASTY = st.text(st.sampled_from("<>&\"'/ \u202e\u200b\u200d\x00\r\n\t\ufeffaZ;#x\U000e0041\ud800é😀"), max_size=60)


class Reader(HTMLParser):
    """The tags and the text that a browser would see."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


@given(ANY | NASTY)
def test_text_becomes_text_and_nothing_else(content: str) -> None:
    read = Reader(text(content))
    assert all(tag == "span" and attributes["class"] == "unseen" for tag, attributes in read.tags)
    assert INVISIBLE.search("".join(read.texts)) is None
    if INVISIBLE.search(content) is None and "\r" not in content:
        assert "".join(read.texts) == content


@given(ANY | NASTY)
def test_attributes_hold_their_value_alone(content: str) -> None:
    ((tag, attributes),) = Reader(element("img", alt=content, class_="a")).tags
    assert tag == "img"
    assert set(attributes) == {"alt", "class"}
    assert INVISIBLE.search(attributes["alt"] or "") is None


@given(ANY | NASTY)
def test_everything_can_be_written_to_a_file(content: str) -> None:
    for made in (text(content), plain(content), line(content, 40), folded(content)):
        made.encode("utf-8")
        json.dumps(made)


def test_invisible_characters_are_named() -> None:
    assert "U+202E" in text("a\u202eb")
    assert "RIGHT-TO-LEFT OVERRIDE" in text("a\u202eb")
    assert plain("a\u200bb") == "a⟨U+200B⟩b"
    assert text("\u202e" * 1000).count("U+202E") == 8
    assert "and 992 more" in text("\u202e" * 1000)


@pytest.mark.parametrize(
    "ordinary", ["café — 5 %", "Où est-il\u202f?", "👩\u200d🚀 ❤\ufe0f", "日本語", "שלום", "a\tb\nc", "e\u0301"]
)
def test_ordinary_text_is_left_alone(ordinary: str) -> None:
    assert unescape(text(ordinary)) == ordinary


def test_line_ends() -> None:
    assert text("a\r\nb\rc") == "a\nb\nc"


def test_a_line_is_short_and_one() -> None:
    assert line("a\n b  c", 10) == "a b c"
    assert line("x" * 100, 10) == "x" * 9 + "…"
    assert len(line("\u202e" * 10**6, 50)) <= 50


@given(st.integers(min_value=0, max_value=HEAD_CHARACTERS + TAIL_CHARACTERS + 50))
def test_clipping_loses_nothing_silently(length: int) -> None:
    shown = clip("x" * length)
    assert len(shown.head) + shown.left_out + len(shown.tail) == length


def test_search_folds_case_and_accents() -> None:
    assert folded("Déjà\nVU") == "deja vu"


def test_children_are_escaped_in_lists_too() -> None:
    loose = ["<b>", Html("<i></i>")]
    assert join(loose) == "&lt;b&gt;<i></i>"  # type: ignore[arg-type]
    assert element("p", None, 3, "<") == "<p>3&lt;</p>"
    assert element("input", checked=True, hidden=False, id=None) == "<input checked>"
    assert "<script" not in text(HOSTILE)
