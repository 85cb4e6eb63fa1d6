"""Judges over a real loopback server: one that reads its blocks, and replies that judges really write."""

from __future__ import annotations

import json
import re
from typing import Any

from comic_eval.answers.normalise import words
from support.mock_openai import RecordedRequest

BLOCK = re.compile(r"^<(\w+)>(.*)</(\w+)>$", re.MULTILINE)
NAMES = {"question", "position", "reference", "facts", "note", "answer"}


def blocks_of(text: str) -> dict[str, Any]:
    """The blocks of a judge's prompt; fails unless each stands there once, whole and on one line."""
    found: dict[str, Any] = {}
    for first, body, last in BLOCK.findall(text):
        assert first == last
        assert first not in found
        found[first] = json.loads(body)
    assert set(found) <= NAMES
    assert {"question", "reference", "facts", "answer"} <= set(found)
    # Nothing looks like a tag but the blocks' own.
    assert text.count("<") == text.count(">") == 2 * len(found)
    return found


def verdict(word: str, reason: str = "so it is") -> str:
    return json.dumps({"reason": reason, "verdict": word})


def obedient(request: RecordedRequest) -> str:
    """Right is what ends in the reference; what is not in the answer's block does not exist."""
    blocks = blocks_of(request.text)
    said, wanted = words(blocks["answer"]), words(blocks["reference"])
    return verdict("CORRECT" if said[-len(wanted) :] == wanted else "INCORRECT")
