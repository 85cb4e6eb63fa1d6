"""Reads an answer in words out of a model's text.

What the ``<answer>`` tags hold; else a JSON object's answer or ``\\boxed{…}``; else what follows the last "Answer:" or
"Final answer" heading; else all that was said outside of thoughts. Refusals are no answers. What is judged keeps the
model's own words: only blanks, tags and Markdown around the answer are taken off.
"""

from __future__ import annotations

import re

from comic_eval.answers import formats, tags
from comic_eval.answers.normalise import clean, words
from comic_eval.answers.refusal import declines
from comic_eval.answers.reply import read_reply
from comic_eval.types import Extraction

_JSON_KEYS = frozenset({"answer", "final_answer", "response", "réponse", "reponse", "réponse_finale", "reponse_finale"})
_ANSWER_FOLLOWS = re.compile(
    r"(?:^|\n|(?<=[.!?] ))(?:the |la |my |ma )?(?:final |short )?(?:answer|réponse|reponse)(?: finale| courte)?"
    r"(?: is| est)? ?:\s*",
    re.IGNORECASE,
)
_HEADING = re.compile(r"(?:^|\n)(?:final |short )?(?:answer|réponse)(?: finale| courte)?\n\s*", re.IGNORECASE)
# A refusal that goes on is an attempt: "I cannot read the sign, but she holds a broom."
_GOES_ON = re.compile(
    r"(?<!sorry )(?<!sorry, )(?<!désolé )(?<!désolé, )\b(?:but|however|mais|cependant|toutefois)\b", re.IGNORECASE
)
_LONGEST_REFUSAL = 60


def extract_open(text: str) -> Extraction:
    """The answer that the text gives, its blanks made single and its empty lines taken out.

    Returns:
        the answer's text, or a reason: ``empty``, ``truncated``, ``refusal``, ``ambiguous`` (two different answers in
        tags), ``no_answer``.
    """
    return read_reply(
        clean(text).strip(), "open", tag=_as_answer, body=lambda body: _as_answer(_settled(body)) if body else None
    )


def _settled(body: str) -> str:
    formatted = formats.json_values(body, _JSON_KEYS) or formats.boxed(body)
    if formatted:
        return formatted[-1]
    body = formats.unmark(body)
    follows = [*_ANSWER_FOLLOWS.finditer(body), *_HEADING.finditer(body)]
    answer = body[max(m.end() for m in follows) :].strip() if follows else ""
    return answer or body


def _as_answer(content: str) -> Extraction:
    content = "\n".join(" ".join(line.split()) for line in content.split("\n") if line.strip())
    if tags.is_placeholder(content, "open"):
        return Extraction(value=None, reason="no_answer")
    if declines(content) and len(words(content)) <= _LONGEST_REFUSAL and not _GOES_ON.search(content):
        return Extraction(value=None, reason="refusal")
    return Extraction(value=content)
