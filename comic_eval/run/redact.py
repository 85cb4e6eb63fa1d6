"""Keeps keys out of files and terminals, and control characters out of terminals.

Settings and error messages come from users, servers and libraries, and any of them may quote a key.
"""

from __future__ import annotations

import os
import re
from typing import Any

HIDDEN = "[hidden]"

_SECRET_VARIABLE = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD)$", re.IGNORECASE)
_SECRET_FIELD = re.compile(
    r"^(x[-_])?(api[-_]?key|authorization|auth|token|access[-_]?token|secret|client[-_]?secret|password)$",
    re.IGNORECASE,
)
_PATTERNS = (
    re.compile(r"\b(?:sk|pk|rk|gsk|xai)-[A-Za-z0-9_\-*]{8,}"),
    re.compile(r"\b(?:hf|gsk|ghp)_[A-Za-z0-9]{16,}"),
    re.compile(r"\bAIza[A-Za-z0-9_\-]{10,}"),
    re.compile(r"(?<=bearer )[^\s\"',;]+", re.IGNORECASE),
    re.compile(r"(?<=basic )[A-Za-z0-9+/=]{8,}", re.IGNORECASE),
    re.compile(
        r"(?P<kept>\b(?:x[-_])?(?:api[-_]?key|authorization|access[-_]?token|secret|password)[\"']?\s*[=:]\s*[\"']?)"
        r"(?!\[hidden\])[^\s\"'&,;}]+",
        re.IGNORECASE,
    ),
    re.compile(r"(?<=://)[^/\s@:]+:[^/\s@]+(?=@)"),
)
# C0 and C1 controls but tab and newline, and the marks that reorder text on a terminal.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_SURROGATES = re.compile("[\ud800-\udfff]")


def redact(text: str) -> str:
    """``text`` without anything that looks like a key, and without the value of any key in the environment."""
    for name, value in os.environ.items():
        if len(value) >= 8 and _SECRET_VARIABLE.search(name) and value in text:
            text = text.replace(value, HIDDEN)
    for pattern in _PATTERNS:
        text = pattern.sub(lambda found: (found.groupdict().get("kept") or "") + HIDDEN, text)
    return text


def redact_json(value: Any) -> Any:
    """A JSON value with every string redacted, and every field that is named like a secret hidden."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {k: HIDDEN if _SECRET_FIELD.match(str(k)) and v else redact_json(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [redact_json(v) for v in value]
    return value


def storable(text: str) -> str:
    """``text`` with lone surrogates replaced, which no file can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text)
    return text


def printable_text(text: str) -> str:
    """Several lines that are safe on a terminal: no control characters but the ends of lines."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", storable(text).replace("\r\n", "\n"))


def printable(text: str, limit: int = 300) -> str:
    """One line that is safe on a terminal: no control characters, at most ``limit`` characters."""
    line = _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", storable(" ".join(text.split())))
    return line if len(line) <= limit else line[: limit - 1] + "…"
