r"""Answers in formats other than the tags: ``\boxed{…}``, JSON objects; and Markdown taken off.

All functions take `canonical` text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection

_BOXED = re.compile(r"\\f?boxed ?\{")
_TEXT_COMMAND = re.compile(
    r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathsf|mathit|mathtt|rm|bf|operatorname) ?\{([^{}]{0,200})\}"
)
_PAIR = re.compile(
    r"""["'](?P<key>[A-Za-zéÉ_ -]{1,20})["'] ?: ?"""
    r"""(?:"(?P<double>(?:[^"\\\n]|\\.)*)"|'(?P<single>[^'\n]*)'|(?P<bare>-?[\d.]+))"""
)
_EMPHASISED_LETTER = re.compile(r"(?<![\w*])[*_]{1,3}\(?([A-Za-z])\)?[.):]?[*_]{1,3}(?![\w*])")
_QUOTED_LETTER = re.compile(
    r"(?<![\w'])(?:'([A-Za-z])'|\"([A-Za-z])\"|\[([A-Za-z])\]|\{([A-Za-z])\}|<([A-Za-z])>)(?!\w)"
)
_EMPHASIS = re.compile(r"\*{1,3}|(?<!\w)_{1,3}(?=\S)|(?<=\S)_{1,3}(?!\w)|~~")
_LINE_START = re.compile(r"^(?:[#>]+ ?|[-•*+] (?=\S))+", re.MULTILINE)
_LONGEST = 400


def plain_latex(text: str) -> str:
    r"""``\text{B}`` and its like as ``B``, math delimiters out."""
    return re.sub(r"\\[()\[\]]|\$+", " ", _TEXT_COMMAND.sub(r"\1", text))


def boxed(text: str) -> list[str]:
    r"""What stands in each ``\boxed{…}``, with balanced braces."""
    found = []
    for start in _BOXED.finditer(text):
        depth = 1
        for place, char in enumerate(text[start.end() : start.end() + _LONGEST]):
            depth += (char == "{") - (char == "}")
            if depth == 0:
                found.append(plain_latex(text[start.end() : start.end() + place]).strip())
                break
    return found


def json_values(text: str, keys: Collection[str]) -> list[str]:
    """The strings and numbers under the given keys of JSON-like objects, also of ones cut short or single-quoted."""
    found = []
    for pair in _PAIR.finditer(text):
        if pair["key"].casefold().replace(" ", "_") not in keys:
            continue
        if pair["double"] is not None:
            try:
                found.append(str(json.loads(f'"{pair["double"]}"')))
            except ValueError:
                found.append(pair["double"])
        else:
            found.append(pair["single"] if pair["single"] is not None else pair["bare"])
    return found


def unmark(text: str) -> str:
    """Markdown off: headings, quotes, bullets and emphasis; an emphasised or quoted single letter becomes ``(B)``."""
    text = _LINE_START.sub("", text)
    text = _EMPHASISED_LETTER.sub(r"(\1)", text)
    text = _QUOTED_LETTER.sub(lambda m: f"({next(g for g in m.groups() if g)})", text)
    text = _EMPHASIS.sub("", text)
    return re.sub(r"'{3}\w{0,10}", "", text).strip()
