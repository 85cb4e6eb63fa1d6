"""A question as a model proposes it, and how proposals are read out of what the model wrote.

Providers that enforce a JSON schema answer with the object alone; others wrap it in thoughts, code fences or words.
What is no complete, well-formed object with a list of questions is not read at all: nothing is mended, cut or made up.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from comic_eval.answers import tags
from comic_eval.types import Frozen

# Beyond these a reply is no list of a few questions about a panel.
MAX_TEXT = 100_000
MAX_ITEMS = 50
_STARTS_TRIED = 200


class Proposal(Frozen):
    """One question about a panel with its answer; ``facts`` is what a right answer must contain."""

    question: str = Field(min_length=1)
    answer: str = Field(min_length=1)
    facts: tuple[str, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Proposals:
    """What a reply proposes: in order, None for an item that is no question with answer and facts."""

    items: tuple[Proposal | None, ...]


def read_proposals(text: str) -> Proposals | str:
    """The proposals in a model's reply, or in one word why there are none.

    Of several objects with questions the last counts, since models correct themselves that way.

    Returns:
        `Proposals`, which may be empty; or ``empty``, ``too_long``, ``no_json`` (no complete object), ``no_questions``
        (an object without a list of questions).
    """
    if not text.strip():
        return "empty"
    if len(text) > MAX_TEXT:
        return "too_long"
    values = _json_values(tags.without_thoughts(text).body)
    found = [items for value in values if (items := _items(value)) is not None]
    if not found:
        return "no_questions" if values else "no_json"
    if len(found[-1]) > MAX_ITEMS:
        return "too_long"
    return Proposals(tuple(_proposal(item) for item in found[-1]))


def _items(value: Any) -> list[Any] | None:
    """The list of questions in a JSON value: under its name, or bare."""
    if isinstance(value, dict):
        value = value.get("questions")
    elif not (isinstance(value, list) and value and all(isinstance(i, dict) and "question" in i for i in value)):
        return None
    return value if isinstance(value, list) else None


def _proposal(item: Any) -> Proposal | None:
    if not isinstance(item, dict):
        return None
    question, answer, facts = (item.get(key) for key in ("question", "answer", "facts"))
    if not (isinstance(question, str) and isinstance(answer, str) and isinstance(facts, list)):
        return None
    if not all(isinstance(fact, str) for fact in facts):
        return None
    question, answer, *facts = (" ".join(text.split()) for text in (question, answer, *facts))
    if not facts or not all(_says_something(text) for text in (question, answer, *facts)):
        return None
    return Proposal(question=question, answer=answer, facts=tuple(facts))


def _says_something(text: str) -> bool:
    """Whether a text holds a letter or digit (unlike "...") and is Unicode (JSON allows half pairs)."""
    return any(c.isalnum() for c in text) and not any("\ud800" <= c <= "\udfff" for c in text)


def _json_values(text: str) -> list[Any]:
    """The complete JSON objects and arrays in a text, outermost ones only, in order."""
    decoder = json.JSONDecoder(parse_constant=_refuse)
    values: list[Any] = []
    place = tried = 0
    while tried < _STARTS_TRIED:
        starts = [i for i in (text.find("{", place), text.find("[", place)) if i >= 0]
        if not starts:
            break
        tried += 1
        try:
            value, place = decoder.raw_decode(text, min(starts))
        except (ValueError, RecursionError):
            place = min(starts) + 1
        else:
            values.append(value)
    return values


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")
