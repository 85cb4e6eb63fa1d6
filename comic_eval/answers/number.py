"""Reads a count out of a model's text."""

from __future__ import annotations

from comic_eval.answers import tags
from comic_eval.answers.normalise import canonical
from comic_eval.types import Extraction, Language


def extract_number(text: str, language: Language = "en") -> Extraction:
    """The number that the text settles on."""

    def read(content: str) -> Extraction:
        if content.isdigit():
            return Extraction(value=str(int(content)))
        return Extraction(value=None, reason="no_answer")

    return tags.read_tags(canonical(text), "number", read) or Extraction(value=None, reason="no_answer")
