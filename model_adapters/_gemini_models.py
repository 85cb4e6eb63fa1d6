"""What differs between generations of Gemini models, told by their names."""

from __future__ import annotations

import re
from typing import Literal

from comic_eval.errors import RequestError

# What Google's own OpenAI-compatible endpoint makes of an effort for models that count their thoughts in tokens.
BUDGETS = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576}
LEVELS = ("minimal", "low", "medium", "high", "xhigh")

ToolImages = Literal["function_response", "user"]


def generation_of(model: str) -> float:
    """2.5 of ``gemini-2.5-flash``; names without a number, such as ``gemini-flash-latest``, are taken as new."""
    match = re.search(r"gemini-(\d+(?:\.\d+)?)", model.lower())
    return float(match[1]) if match else float("inf")


def tool_images_of(model: str) -> ToolImages:
    """Where a model sees pictures of tool results: inside function responses only from generation 3 on."""
    return "function_response" if generation_of(model) >= 3 else "user"


def thinking_of(model: str, effort: str) -> int | str:
    """``reasoning_effort`` as the API has it: a number of tokens up to generation 2.5, a level from 3 on.

    ``none`` is a budget of 0 everywhere; models that cannot stop thinking refuse it.

    Raises:
        RequestError: an effort that the model's generation does not have.
    """
    old = generation_of(model) < 3
    if effort == "none" or (old and effort in BUDGETS):
        return BUDGETS[effort]
    if not old and effort in LEVELS:
        return effort.upper()
    known = ", ".join(BUDGETS if old else ("none", *LEVELS))
    raise RequestError(f"reasoning_effort {effort!r} is unknown for {model}; there are {known}", cause="bad_request")
