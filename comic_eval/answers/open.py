"""Reads an answer in words out of a model's text."""

from __future__ import annotations

from comic_eval.answers import tags
from comic_eval.answers.normalise import clean
from comic_eval.types import Extraction


def extract_open(text: str) -> Extraction:
    """The answer that the text gives."""

    def read(content: str) -> Extraction:
        if tags.is_placeholder(content, "open"):
            return Extraction(value=None, reason="no_answer")
        return Extraction(value=" ".join(content.split()))

    return tags.read_tags(clean(text), "open", read) or Extraction(value=None, reason="no_answer")
