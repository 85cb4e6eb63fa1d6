"""Leaves out the samples that have no such view, and keeps count of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from comic_eval.errors import UserError
from comic_eval.images.not_applicable import REASONS, Reason
from comic_eval.images.views import why_not
from comic_eval.run.plan import Item

LeftOut = dict[str, dict[str, int]]
"""Task -> reason -> number of samples."""


def leave_out(items: Sequence[Item]) -> tuple[list[Item], LeftOut]:
    """The items whose samples have their view, and how many of which task have not, and why.

    Raises:
        UserError: nothing remains.
    """
    kept: list[Item] = []
    counts: dict[str, Counter[Reason]] = {}
    for item in items:
        reason = why_not(item.view, item.sample)
        if reason is None:
            kept.append(item)
        else:
            counts.setdefault(item.sample.task, Counter())[reason] += 1
    left_out: LeftOut = {task: dict(sorted(c.items())) for task, c in sorted(counts.items())}
    if items and not kept:
        raise UserError(f"no sample has a view {items[0].view!r}: {describe(left_out)}. Choose other tasks or views")
    return kept, left_out


def describe(left_out: Mapping[str, Mapping[str, int]]) -> str:
    """The counts in words, for messages."""
    words = {str(reason): text for reason, text in REASONS.items()}
    return "; ".join(
        f"{n} of {task} left out: each {words.get(reason, reason)}"
        for task, reasons in left_out.items()
        for reason, n in reasons.items()
    )
