"""Untrusted text made visible: everything a model wrote stays text, and nothing in it works unseen.

Characters that hide, reorder or merely occupy space (controls, bidirectional overrides, zero-width and tag characters)
are replaced by their code points, so that a reader sees what a judge or an extractor saw.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

# Longer texts are shown by their ends: reasoning begins at the one, the answer stands at the other.
HEAD_CHARACTERS = 30_000
TAIL_CHARACTERS = 10_000
_NAMED_IN_A_RUN = 8

_EMOJI = "\U0001f000-\U0001faff\u2600-\u27bf\ufe0f"
_CLASS = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200c\u200e\u200f"
    "\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\ufe00-\ufe0d\ufeff\uffa0"
    "\ufff0-\ufffb\ufffe\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff\U000f0000-\U0010ffff"
)
# The joiner of an emoji sequence is the one invisible character that readers expect to work.
_JOINER = f"(?<![{_EMOJI}])\u200d|\u200d(?![{_EMOJI}])"
INVISIBLE = re.compile(f"(?:[{_CLASS}]|{_JOINER})+")


class Clipped(NamedTuple):
    """A text's two ends, and how many characters between them are left out (0: ``head`` is all of it)."""

    head: str
    left_out: int
    tail: str


def clip(text: str) -> Clipped:
    """The ends of a huge text, or all of another."""
    left_out = len(text) - HEAD_CHARACTERS - TAIL_CHARACTERS
    return Clipped(text[:HEAD_CHARACTERS], left_out, text[-TAIL_CHARACTERS:]) if left_out > 0 else Clipped(text, 0, "")


def newlines(text: str) -> str:
    """``text`` with every kind of line end as a newline; a bare carriage return could overwrite a line."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def code_points(run: str) -> str:
    """``U+202E U+200B`` for those two characters; a long run is counted."""
    names = " ".join(f"U+{ord(c):04X}" for c in run[:_NAMED_IN_A_RUN])
    more = len(run) - _NAMED_IN_A_RUN
    return f"{names} and {more:,} more" if more > 0 else names


def names(run: str) -> str:
    """The characters' names, for a tooltip."""
    found = dict.fromkeys(unicodedata.name(c, f"U+{ord(c):04X}") for c in run[:_NAMED_IN_A_RUN])
    return ", ".join(found)


def plain(text: str) -> str:
    """``text`` with its invisible characters spelled out, where no markup can set them off (attributes, JSON)."""
    return INVISIBLE.sub(lambda found: f"⟨{code_points(found[0])}⟩", newlines(text))


def line(text: str, limit: int) -> str:
    """``text`` on one line of at most ``limit`` characters, its invisible characters spelled out."""
    flat = " ".join(plain(text[: limit * 4]).split())
    return flat if len(flat) <= limit and len(text) <= limit * 4 else flat[: limit - 1].rstrip() + "…"


def folded(text: str) -> str:
    """``text`` as the search compares it: lower case, without accents, on one line."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(plain(bare).lower().split())
