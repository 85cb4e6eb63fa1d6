"""Text in one form: what `clean` and `canonical` change is how a thing is typed, never what it says."""

from __future__ import annotations

import re
import unicodedata

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\ufe0e\ufe0f\u20e3]")
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&nbsp;": " ", "&amp;": "&"}
_ENTITY = re.compile("|".join(map(re.escape, _ENTITIES)))
_TYPED = str.maketrans(
    {
        **dict.fromkeys("‘’‛′`´", "'"),
        **dict.fromkeys("“”„‟«»″", '"'),
        **dict.fromkeys("‐‑‒–−﹣－", "-"),
        "—": " - ",
        "―": " - ",
        # Letters in coloured squares and discs have no compatibility mapping of their own.
        **{chr(0x1F150 + i): chr(ord("A") + i) for i in range(26)},
        **{chr(0x1F170 + i): chr(ord("A") + i) for i in range(26)},
    }
)
_ACCENTS = re.compile("[\u0300-\u036f]")
_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "ß": "ss"})
_WORD = re.compile(r"[^\W_]+")
_ARTICLES = frozenset({"the", "an", "le", "la", "les", "un", "une", "des", "du"})


def clean(text: str) -> str:
    """Newlines in one form, invisible characters out, HTML entities of markup resolved; the words stay as written."""
    text = _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return unicodedata.normalize("NFC", _ENTITY.sub(lambda m: _ENTITIES[m[0]], text))


def _plain_digit(char: str) -> str:
    kind = unicodedata.category(char)
    if kind == "Nd":
        return str(unicodedata.digit(char))
    if kind == "No":
        # Without a separator "3²" would become 32 and "2½" 21/2.
        shape = unicodedata.decomposition(char)
        if shape.startswith(("<super>", "<sub>")):
            return "^" + unicodedata.normalize("NFKC", char)
        if shape.startswith("<fraction>"):
            return " " + unicodedata.normalize("NFKC", char).replace("\u2044", "/")
    return char


def canonical(text: str) -> str:
    """``clean`` text with full-width, circled and styled characters, digits of any script, quotes and dashes made
    ASCII, and runs of blanks shortened (which also keeps every later pattern linear)."""
    text = clean(text)
    if not text.isascii():
        text = "".join(c if c.isascii() else _plain_digit(c) for c in text)
        text = unicodedata.normalize("NFKC", text.translate(_TYPED))
        text = unicodedata.normalize("NFC", _INVISIBLE.sub("", text)).translate(_TYPED)
    else:
        text = text.replace("`", "'")
    text = re.sub(r"[^\S\n]+", " ", text)
    return re.sub(r" ?\n[\s]*", "\n", text).strip()


def words(text: str) -> list[str]:
    """The words, lower-case and without accents; ``"L'été, 3×"`` gives ``l, ete, 3``."""
    folded = unicodedata.normalize("NFD", text.casefold().translate(_LIGATURES))
    return _WORD.findall(_ACCENTS.sub("", folded))


def key(text: str) -> tuple[str, ...]:
    """What two writings of a choice have in common: its words without articles.

    Of the one-letter words only a lower-case English "a" and the French elisions count as articles, so that
    "panel A" keeps its letter.
    """
    text = re.sub(r"\b(?:[ld]')|\ba\b(?=\s+\w)", " ", canonical(text))
    return tuple(w for w in words(text) if w not in _ARTICLES)
