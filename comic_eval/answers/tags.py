"""Reads a model's text by its tags: thoughts out, answers in.

Rules:

- ``<think>…</think>`` is removed, and so is everything before a lone ``</think>`` (some chat templates put the opening
  tag into the prompt). After a ``<think>`` that never closes only answer tags at its end count.
- The answer is what the last ``<answer>…</answer>`` holds, and all of them must say the same: two answers are none.
- An ``<answer>`` that is never closed counts if it is the last thing in the text. One that another opening tag
  follows is talk about the tags.
- A tag that holds nothing but the prompt's own placeholder ("letter", "...") is no answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from comic_eval.answers.normalise import canonical, words
from comic_eval.types import Extraction

_THOUGHT = re.compile(r"<(/?) ?(?:think|thinking|thoughts?|reasoning) ?>|\u25c1(/?)think\u25b7", re.IGNORECASE)
_ANSWER = re.compile(
    r"<(?P<end>/?) ?(?:final[_ ]answer|answer|réponse|reponse) ?>|<\|(?P<box>begin|end)_of_box\|>", re.IGNORECASE
)
# Words after a tag in an unfinished thought that may still be the answer inside it.
_LONGEST_ANSWER = 4
# Words of a reply under a limit of a few tokens that are still an answer: "The answer is B, listening".
_SHORT_REPLY = 8
_HINTS = frozenset(
    {"your", "votre", "final", "finale", "answer", "reponse", "here", "ici", "the", "la", "le", "of", "du", "correct"}
    | {"right", "bon", "bonne", "choice", "choix", "insert"}
)
_PLACEHOLDERS = {
    "choice": _HINTS | {"letter", "lettre", "option"},
    "number": _HINTS | {"number", "nombre", "digits", "chiffres", "n", "x"},
    "open": _HINTS - {"here", "ici", "right", "bon", "bonne", "of", "du"} | {"text", "texte"},
}


@dataclass(frozen=True)
class Reply:
    """A text without its thoughts.

    Attributes:
        body: what was said.
        unfinished: what follows a thought's opening tag that is never closed; None if there is none.
    """

    body: str
    unfinished: str | None

    @property
    def tagged(self) -> str:
        """Where answer tags count: also in a thought never closed, if it ends with one. Thinking that goes on after a
        tag, until the tokens run out, has only weighed that answer."""
        if self.unfinished is None:
            return self.body
        found = list(_ANSWER.finditer(self.unfinished))
        closed = bool(found) and bool(found[-1]["end"] or found[-1]["box"] == "end")
        weighed = closed and len(words(self.unfinished[found[-1].end() :])) > _LONGEST_ANSWER
        return self.body if weighed else f"{self.body}\n{self.unfinished}"


def without_thoughts(text: str) -> Reply:
    """Removes the thoughts from a text."""
    kept: list[str] = []
    at, opened = 0, None
    for tag in _THOUGHT.finditer(text):
        closing = bool(tag[1] or tag[2])
        if closing and opened is None:
            kept.clear()
        elif opened is None:
            kept.append(text[at : tag.start()])
            opened = tag.end()
        elif closing:
            opened = None
        at = tag.end()
    if opened is not None:
        return Reply("\n".join(kept).strip(), text[opened:])
    kept.append(text[at:])
    return Reply("\n".join(kept).strip(), None)


def answers(text: str) -> tuple[list[str], str | None]:
    """The contents of all closed answer tags in order, and that of an open one that runs to the end."""
    closed: list[str] = []
    start: int | None = None
    for tag in _ANSWER.finditer(text):
        if tag["end"] or tag["box"] == "end":
            if start is not None:
                closed.append(text[start : tag.start()].strip())
            start = None
        elif not (start is not None and not closed and tag.end() == len(text)):
            # ``<answer>B<answer>``: a second opening tag that ends the text stands for the closing one.
            start = tag.end()
        else:
            closed.append(text[start : tag.start()].strip())
            start = None
    return closed, None if start is None else text[start:].strip()


def without_tags(text: str) -> str:
    """The text with the answer tags themselves taken out, for a reading that ignores them."""
    return _ANSWER.sub(" ", text).strip()


def is_placeholder(content: str, kind: str) -> bool:
    """Whether a tag holds nothing, dots, or the word that the prompt put there."""
    if not any(c.isalnum() for c in content):
        return True
    said = words(content)
    return 0 < len(said) <= 5 and _PLACEHOLDERS[kind].issuperset(said)


def survives_cut(text: str) -> bool:
    """Whether a reply that ran out of tokens may hold its answer: it has a closed answer tag or a ``\\boxed``, or is so
    short that it is one. Otherwise its last sentence only weighs a choice ("Now option B seems"), and what stands in a
    tag that was cut open may be the half of it ("1" of "12")."""
    text = canonical(text)
    closed, running = answers(text)
    if running is not None:
        return False
    return bool(closed) or "boxed" in text or len(words(text)) <= _SHORT_REPLY


def read_tags(text: str, kind: str, read: Callable[[str], Extraction]) -> Extraction | None:
    """The answer that the tags give, or the reason why they give none; None where no tag holds anything."""
    closed, running = answers(text)
    found = [
        result for content in closed if (result := read(content)).value is not None or not is_placeholder(content, kind)
    ]
    last = read(running) if running else None
    if last is not None and last.value is not None:
        found.append(last)
    if not found:
        return None
    values = {result.value and tuple(words(result.value)) for result in found}
    if len(values) > 1:
        return Extraction(value=None, reason="ambiguous")
    return found[-1]
