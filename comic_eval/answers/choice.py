"""Reads the letter of a choice out of a model's text."""

from __future__ import annotations

from collections.abc import Sequence

from comic_eval.answers import tags
from comic_eval.answers.normalise import canonical
from comic_eval.types import CHOICE_LETTERS, Extraction, Language


def extract_choice(text: str, choices: Sequence[str], language: Language = "en") -> Extraction:
    """The letter of the choice that the text settles on."""

    def read(content: str) -> Extraction:
        letter = content.strip(" .*()").upper()
        if len(letter) != 1:
            return Extraction(value=None, reason="no_answer")
        if letter not in CHOICE_LETTERS[: len(choices)]:
            return Extraction(value=None, reason="out_of_range")
        return Extraction(value=letter)

    return tags.read_tags(canonical(text), "choice", read) or Extraction(value=None, reason="no_answer")
