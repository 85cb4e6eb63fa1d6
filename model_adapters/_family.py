"""Guesses a model's family from its name."""

from __future__ import annotations

import re

# First match wins. A template takes the groups of its pattern.
_PATTERNS: tuple[tuple[str, str], ...] = (
    (r"qwen[-_]?(\d(?:\.\d+)?)[-_]?vl", "qwen{0}-vl"),
    (r"qwen[-_]?(\d(?:\.\d+)?)", "qwen{0}"),
    (r"internvl[-_]?(\d(?:\.\d+)?|)", "internvl{0}"),
    (r"minicpm[-_](v|o)", "minicpm-{0}"),
    (r"kimi[-_]vl", "kimi-vl"),
    (r"glm[-_](\d(?:\.\d+)?v)", "glm-{0}"),
    (r"molmo", "molmo"),
    (r"llava", "llava"),
    (r"smolvlm", "smolvlm"),
    (r"smollm(\d|)", "smollm{0}"),
    (r"pixtral", "pixtral"),
    (r"deepseek[-_]vl", "deepseek-vl"),
    (r"gemini", "gemini"),
    (r"gemma", "gemma"),
    (r"claude", "claude"),
    (r"grok", "grok"),
    (r"llama", "llama"),
    (r"mistral", "mistral"),
    (r"gpt-oss", "gpt-oss"),
    (r"gpt|(?:^|/)o\d(?:$|[-_])", "gpt"),
)


def family_of(model: str) -> str | None:
    """``qwen2.5-vl`` of ``Qwen/Qwen2.5-VL-7B-Instruct``, ``gpt`` of ``o4-mini``; None where nothing is known."""
    name = model.lower()
    for pattern, template in _PATTERNS:
        if match := re.search(pattern, name):
            return template.format(*match.groups())
    return None
