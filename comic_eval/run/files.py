"""What a run folder is written with: readable JSON, digests, safe names."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import orjson

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")


def to_json(value: Any) -> bytes:
    """Readable JSON with a final newline."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def digest(value: Any) -> str:
    """sha256 (hex) of a JSON value, independent of the order of its keys."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()


def safe_name(text: str) -> str:
    """``text`` with everything but letters, digits, dots and hyphens turned into hyphens; never empty or hidden."""
    return re.sub(r"-{2,}", "-", re.sub(r"[^A-Za-z0-9.]+", "-", text)).strip("-.")[:80] or "run"


def is_safe_name(name: str) -> bool:
    """Whether ``name`` can be one folder's name everywhere: no separators, not hidden, at most 120 characters."""
    return _NAME.fullmatch(name) is not None
