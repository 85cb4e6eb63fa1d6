"""The order in which every reader goes through a reply: thoughts out, answer tags, then all that was said."""

from __future__ import annotations

from collections.abc import Callable

from comic_eval.answers import tags
from comic_eval.answers.refusal import is_refusal
from comic_eval.types import Extraction

# Reads a text; None where it finds neither an answer nor why there is none.
Read = Callable[[str], Extraction | None]


def read_reply(text: str, kind: str, *, tag: Read, body: Read) -> Extraction:
    """What a reply answers.

    Args:
        text: the reply, in the form that the readers want.
        kind: ``choice``, ``number`` or ``open``.
        tag: reads what stands between answer tags.
        body: reads what was said outside of thoughts and tags.

    Returns:
        the answer, or the readers' reason; where they give none it is ``empty``, ``truncated`` (inside a thought),
        ``refusal`` or ``no_answer``.
    """
    if not text:
        return Extraction(value=None, reason="empty")
    reply = tags.without_thoughts(text)
    tagged = tags.read_tags(reply.tagged, kind, lambda content: tag(content) or _nothing(content))
    if tagged is not None:
        return tagged
    said = tags.without_tags(reply.body)
    found = body(said)
    if found is not None:
        return found
    return _nothing(said) if reply.unfinished is None else Extraction(value=None, reason="truncated")


def _nothing(said: str) -> Extraction:
    return Extraction(value=None, reason="refusal" if is_refusal(said) else "no_answer")
