"""Reads a judge's verdict: structured output first, one plain line at most, and never a word found inside another."""

from __future__ import annotations

import json
import re
from typing import Any, get_args

from comic_eval.answers.tags import without_thoughts
from comic_eval.types import Frozen, Verdict

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
SCHEMA: dict[str, Any] = {
    "type": "object",
    # The reason comes first, so that the verdict follows from it.
    "properties": {"reason": {"type": "string"}, "verdict": {"type": "string", "enum": list(VERDICTS)}},
    "required": ["reason", "verdict"],
    "additionalProperties": False,
}
LONGEST_REASON = 600
_FENCE = re.compile(r"```(?:json)?\s*\n(.*?)\n?\s*```", re.DOTALL)
_LINE = re.compile(r"(?:verdict\s*[:=]\s*)?[\"'*]*(CORRECT|INCORRECT|NOT_ATTEMPTED)[\"'*]*\.?")
_NAMED = re.compile(r"(?<![A-Z_])(?:CORRECT|INCORRECT|NOT[_ ]ATTEMPTED)(?![A-Z_])", re.IGNORECASE)


class Ruling(Frozen):
    """A verdict with its reason."""

    verdict: Verdict
    reason: str | None = None


def read_verdict(text: str) -> Ruling | None:
    """The verdict that a reply gives, or None where it gives none or more than one.

    A reply is a JSON object of `SCHEMA`, alone or in one code fence around which no other verdict is named; or its last
    line is a verdict and nothing in it names another. Digits and scores mean nothing.
    """
    whole = text.strip()
    if whole.startswith("{"):
        # Before thoughts are looked for: a reason may quote an answer that speaks of them.
        return _from_json(whole)
    reply = without_thoughts(whole)
    body = reply.body.strip()
    if reply.unfinished is not None or not body:
        return None
    fences = _FENCE.findall(body)
    if len(fences) == 1 and not body.startswith("{"):
        ruling = _from_json(fences[0].strip())
        return None if ruling and _contradicted(ruling, _FENCE.sub("", body)) else ruling
    return _from_json(body) if body.startswith("{") or fences else _from_line(body)


def _contradicted(ruling: Ruling, beside: str) -> bool:
    """A fence may quote what an answer says of itself, while the judge's own word stands beside it.

    Beside INCORRECT, "correct" in small letters is an adjective ("this is not correct").
    """
    named = _named(beside) if ruling.verdict == "CORRECT" else set(re.findall(_NAMED.pattern, beside))
    return bool(named - {ruling.verdict})


def _named(text: str) -> set[str]:
    """The verdicts that a text speaks of."""
    return {name.upper().replace(" ", "_") for name in _NAMED.findall(text)}


def _from_json(body: str) -> Ruling | None:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a key stands twice")
        return found

    try:
        value = json.loads(body, object_pairs_hook=unique)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or value.get("verdict") not in VERDICTS:
        return None
    reason = value.get("reason")
    return Ruling(verdict=value["verdict"], reason=reason[:LONGEST_REASON] if isinstance(reason, str) else None)


def _from_line(body: str) -> Ruling | None:
    *before, last = [line.strip() for line in body.splitlines() if line.strip()]
    found = re.fullmatch(_LINE.pattern, last, re.IGNORECASE)
    if not found:
        return None
    verdict = found[1].upper()
    if _named("\n".join(before)) - {verdict}:
        return None
    return Ruling.model_validate({"verdict": verdict, "reason": " ".join(before)[:LONGEST_REASON] or None})
