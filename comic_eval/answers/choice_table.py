"""Finds a choice by its text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from comic_eval.answers.normalise import canonical, key, words
from comic_eval.types import CHOICE_LETTERS

_LONE_CAPITAL = re.compile(r"(?<![\w'])[A-Z](?![\w'])")
# Words that may join the items of an order ("2, then 1, then 3") without being part of it.
_JOINTS = frozenset({"then", "puis", "ensuite", "next", "finally", "enfin", "and", "et", "to", "first", "dabord"})
_SAME = re.compile(r"\b(?:same|même)\b", re.IGNORECASE)
_DIFFERENT = re.compile(r"\b(?:different|différente?s?)\b", re.IGNORECASE)
_LONGEST_SENTENCE = 80


class ChoiceTable:
    """The choices of one sample, findable by text.

    Attributes:
        letters: the letters of the choices.
        marks: labels of things on the page (the B of "character B") that name exactly one choice -> its letter.
        text: all choices, for what their own words make harmless.
        same_or_different: the choices are two, "the same" and "different".
    """

    def __init__(self, choices: Sequence[str]) -> None:
        self.letters = CHOICE_LETTERS[: len(choices)]
        self.text = canonical("\n".join(choices))
        same = {bool(_SAME.search(text)) - bool(_DIFFERENT.search(text)) for text in choices}
        self.same_or_different = len(choices) == 2 and same == {1, -1}
        keys = [key(text) for text in choices]
        self._is_order = all(k and all(w.isdigit() for w in k) and len(k) > 1 for k in keys)
        self._keys = {
            k: letter
            for k, letter in zip(keys, self.letters, strict=True)
            if k and keys.count(k) == 1 and not (len(k) == 1 and len(k[0]) == 1 and k[0].isalpha())
        }
        self.marks = self._labels(choices)
        self._telling = self._telling_words(keys)

    def _labels(self, choices: Sequence[str]) -> dict[str, str]:
        named: dict[str, list[str]] = {}
        for letter, text in zip(self.letters, choices, strict=True):
            for label in set(_LONE_CAPITAL.findall(canonical(text))):
                named.setdefault(label, []).append(letter)
        # A label that does not stand in all the texts' like places ("A figure", "running") names nothing.
        if any(not _LONE_CAPITAL.search(canonical(text)) for text in choices):
            return {}
        return {label: letters[0] for label, letters in named.items() if len(letters) == 1}

    def _telling_words(self, keys: Sequence[tuple[str, ...]]) -> dict[str, frozenset[str]]:
        """Per choice the words that no other choice has; short ones tell nothing."""
        stems = [{_singular(w) for w in k} for k in keys]
        return {
            letter: frozenset(
                w for w in stems[place] if len(w) > 3 and not any(w in s for s in stems if s is not stems[place])
            )
            for place, letter in enumerate(self.letters)
        }

    def _items(self, text: str) -> tuple[str, ...]:
        items = key(text)
        if not self._is_order:
            return items
        # "213" for "2, 1, 3", since nothing on a page is numbered in the hundreds.
        length = len(next(iter(self._keys), ()))
        split = [list(w) if w.isdigit() and len(w) == length > 2 else [w] for w in items if w not in _JOINTS]
        return tuple(w for group in split for w in group)

    def exact(self, text: str) -> str | None:
        """The choice whose text this is, but for case, accents, articles and punctuation."""
        return self._keys.get(self._items(text))

    def named(self, text: str) -> set[str]:
        """The choices whose texts occur in this one; one that stands inside a longer one does not count."""
        items = list(self._items(text))
        if len(items) > _LONGEST_SENTENCE:
            return set()
        found = set()
        for wanted in sorted(self._keys, key=len, reverse=True):
            size = len(wanted)
            for at in range(len(items) - size + 1):
                if tuple(items[at : at + size]) == wanted:
                    found.add(self._keys[wanted])
                    items[at : at + size] = [""] * size
        return found

    def told(self, text: str) -> set[str]:
        """The choice of which the text has half of the words that no other choice has, and none of another's."""
        said = {_singular(w) for w in words(text)}
        hits = {letter: len(telling & said) for letter, telling in self._telling.items() if telling & said}
        return set(hits) if all(2 * n >= len(self._telling[letter]) for letter, n in hits.items()) else set()


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith(("s", "x")) else word
