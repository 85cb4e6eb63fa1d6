"""Guesses a model's family from its name."""

from __future__ import annotations

import re

from comic_eval.zoom.coords import UNKNOWN
from comic_eval.zoom.coords import family_of as box_family

# Families of which no box convention is known. First match wins; a template takes the groups of its pattern.
_OTHERS: tuple[tuple[str, str], ...] = (
    (r"qwen[-_]?(\d(?:\.\d+)?)", "qwen{0}"),
    (r"llava", "llava"),
    (r"smolvlm", "smolvlm"),
    (r"smollm(\d|)", "smollm{0}"),
    (r"pixtral", "pixtral"),
    (r"deepseek[-_]vl", "deepseek-vl"),
    (r"gemma", "gemma"),
    (r"claude", "claude"),
    (r"grok", "grok"),
    (r"llama", "llama"),
    (r"mistral", "mistral"),
    (r"gpt", "gpt"),
)


def family_of(model: str) -> str | None:
    """``qwen2.5-vl`` of ``Qwen/Qwen2.5-VL-7B-Instruct``, ``gpt`` of ``o4-mini``; None where nothing is known.

    Families with a box convention have the names of `comic_eval.zoom.coords.FAMILIES`.
    """
    known = box_family(model)
    if known is not UNKNOWN:
        return known.name
    name = model.lower()
    return next(
        (template.format(*m.groups()) for pattern, template in _OTHERS if (m := re.search(pattern, name))), None
    )
