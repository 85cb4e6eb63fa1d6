"""Reads the answer out of what a model wrote."""

from __future__ import annotations

from comic_eval.answers.choice import extract_choice
from comic_eval.answers.number import extract_number
from comic_eval.answers.open import extract_open

__all__ = ["extract_choice", "extract_number", "extract_open"]
