"""What an episode's zooms were worth, one trace at a time: IoU, coverage, and the signs of a faked zoom."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from scipy.optimize import linear_sum_assignment

from comic_eval.types import Box, Frozen
from comic_eval.zoom.trace import Trace

REPEAT_IOU = 0.9
WHOLE_PAGE = 0.8


def matched_ious(requested: Sequence[Box | None], targets: Sequence[Box]) -> list[float]:
    """IoU of each call with the target that it is matched to, calls and targets one to one.

    The matching is the one with the largest sum (Hungarian method), so that neither the order of the targets nor a
    second crop of the same target earns anything. Calls without a partner or without a box on the page get 0.
    """
    ious = np.zeros((len(requested), max(len(targets), 1)))
    for i, box in enumerate(requested):
        if box is not None:
            for j, target in enumerate(targets):
                ious[i, j] = box.iou(target)
    rows, columns = linear_sum_assignment(-ious)
    matched = [0.0] * len(requested)
    for i, j in zip(rows.tolist(), columns.tolist(), strict=True):
        matched[i] = float(ious[i, j])
    return matched


def coverage(boxes: Sequence[Box], targets: Sequence[Box]) -> float:
    """Mean over the targets of the share of the target's area that its best crop shows (LFPC's overlap)."""
    return float(np.mean([max((b.intersection(t) / t.area for b in boxes), default=0.0) for t in targets]))


def repeats(requested: Sequence[Box | None]) -> bool:
    """Whether two of the requested boxes are nearly the same (IoU above 0.9)."""
    boxes = [b for b in requested if b is not None]
    return any(a.iou(b) > REPEAT_IOU for a, b in combinations(boxes, 2))


class EpisodeMeasures(Frozen):
    """One episode in numbers; ``ious`` and ``coverage`` are None where the sample has no targets.

    ``ious`` has one entry a call, invalid ones with 0. ``whole_page``: a crop showed at least 80 % of the page.
    """

    calls: int
    executed: int
    invalid: int
    malformed: int
    ious: tuple[float, ...] | None
    coverage: float | None
    repeated: bool
    whole_page: bool
    answered_early: bool
    max_turns: bool


def measure(trace: Trace) -> EpisodeMeasures:
    """The numbers of one trace. IoU is taken on requested boxes clamped to the page, before any growing."""
    width, height = trace.page_size
    executed = [c.executed for c in trace.calls if c.executed is not None]
    return EpisodeMeasures(
        calls=len(trace.calls),
        executed=len(executed),
        invalid=sum(c.error is not None for c in trace.calls),
        malformed=sum(c.error in ("malformed_call", "malformed_json") for c in trace.calls),
        ious=tuple(matched_ious(trace.requested, trace.targets)) if trace.targets else None,
        coverage=coverage(executed, trace.targets) if trace.targets else None,
        repeated=repeats(trace.requested),
        whole_page=any(b.area >= WHOLE_PAGE * width * height for b in executed),
        answered_early=any(t.answered_early for t in trace.turns),
        max_turns=trace.stop == "max_turns",
    )
