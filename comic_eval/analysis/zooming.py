"""What a run's zooms were worth (paper, Table 6), the signs of a faked zoom, and boxes read in the wrong frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from comic_eval.types import Box, Frozen
from comic_eval.zoom.coords import CoordSpec, alternative_readings
from comic_eval.zoom.crop import clamp
from comic_eval.zoom.measure import matched_ious, measure
from comic_eval.zoom.trace import Trace, ZoomCall

# A call with less overlap than this did not find its target in any sense.
BLIND_IOU = 0.1
# The diagnostic speaks only where chance or a handful of calls cannot explain the difference.
MIN_CALLS = 10
MIN_GAIN = 0.15


class CallMean(Frozen):
    """Mean IoU of the calls at one place in their episodes (the first, the second, ...)."""

    n: int
    mean_iou: float


class ZoomStats(Frozen):
    """Zoom statistics of one task's episodes, after the paper's Table 6.

    IoU is taken on requested boxes clamped to the page, before any growing, matched one to one with the targets;
    averages go over calls, an invalid call counting with 0. None where no sample has targets or no call was made.

    Attributes:
        episodes: episodes counted.
        calls: attempted zooms in all, invalid ones included.
        mean_calls: calls an episode.
        mean_iou: over calls.
        iou_by_call: by the call's place in its episode, from the first.
        coverage: mean share of a target that its best crop shows; an episode without crops counts with 0.
        executed: share of the calls that returned a crop.
        malformed: share of the calls that could not be read.
        missed: share of the calls with an IoU below 0.1.
        repeated: share of the episodes with two nearly equal boxes (IoU above 0.9).
        whole_page: share of the episodes with a crop of at least 80 % of the page.
        answered_early: share of the episodes that wrote an answer in a turn that still zoomed.
        max_turns: share of the episodes that ran out of turns.
        area_p50, area_p95: quantiles of the crops' areas, as shares of the page.
    """

    episodes: int
    calls: int
    mean_calls: float
    mean_iou: float | None
    iou_by_call: tuple[CallMean, ...]
    coverage: float | None
    executed: float | None
    malformed: float | None
    missed: float | None
    repeated: float
    whole_page: float
    answered_early: float
    max_turns: float
    area_p50: float | None
    area_p95: float | None


def zoom_stats(traces: Sequence[Trace]) -> ZoomStats:
    """The statistics of one or more episodes of one task.

    Raises:
        ValueError: no episode.
    """
    if not traces:
        raise ValueError("zoom statistics need at least one episode")
    episodes = [measure(t) for t in traces]
    ious = [e.ious for e in episodes if e.ious is not None]
    flat = [iou for episode in ious for iou in episode]
    deepest = max(map(len, ious), default=0)
    by_call = tuple(
        CallMean(n=len(at), mean_iou=float(np.mean(at)))
        for i in range(deepest)
        if (at := [episode[i] for episode in ious if len(episode) > i])
    )
    calls = sum(e.calls for e in episodes)
    areas = [
        c.executed.area / (t.page_size[0] * t.page_size[1]) for t in traces for c in t.calls if c.executed is not None
    ]
    covered = [e.coverage for e in episodes if e.coverage is not None]

    def share_of_calls(count: int) -> float | None:
        return count / calls if calls else None

    return ZoomStats(
        episodes=len(episodes),
        calls=calls,
        mean_calls=calls / len(episodes),
        mean_iou=float(np.mean(flat)) if flat else None,
        iou_by_call=by_call,
        coverage=float(np.mean(covered)) if covered else None,
        executed=share_of_calls(sum(e.executed for e in episodes)),
        malformed=share_of_calls(sum(e.malformed for e in episodes)),
        missed=float(np.mean([iou < BLIND_IOU for iou in flat])) if flat else None,
        repeated=float(np.mean([e.repeated for e in episodes])),
        whole_page=float(np.mean([e.whole_page for e in episodes])),
        answered_early=float(np.mean([e.answered_early for e in episodes])),
        max_turns=float(np.mean([e.max_turns for e in episodes])),
        area_p50=float(np.quantile(areas, 0.5)) if areas else None,
        area_p95=float(np.quantile(areas, 0.95)) if areas else None,
    )


class Misreading(Frozen):
    """Another convention that would have fitted the targets far better than the one in use."""

    reading: str
    calls: int
    mean_iou: float
    mean_iou_in_use: float

    def __str__(self) -> str:
        return (
            f"these boxes look like {self.reading}: read so, the mean IoU of {self.calls} calls is {self.mean_iou:.2f} "
            f"instead of {self.mean_iou_in_use:.2f}. Scores are not changed; if it is so, run again with --coords"
        )


def diagnose(traces: Sequence[Trace], coords: CoordSpec) -> Misreading | None:
    """Tells when another family's reading of the boxes would have fitted the targets far better.

    A reading that is chosen by its fit to the targets is an oracle, so this never changes a score: it speaks to the
    user, who knows which model it is. Only calls on the page itself are read again (a crop's place depends on the
    reading of the calls before it).
    """
    usable = [t for t in traces if t.targets and any(_readable(c) for c in t.calls)]
    calls = sum(_readable(c) for t in usable for c in t.calls)
    if calls < MIN_CALLS:
        return None
    in_use = _mean_iou(usable, coords)
    scores = {name: _mean_iou(usable, spec) for name, spec in alternative_readings(coords).items()}
    best = max(scores, key=scores.__getitem__)
    if scores[best] - in_use < MIN_GAIN:
        return None
    return Misreading(reading=best, calls=calls, mean_iou=scores[best], mean_iou_in_use=in_use)


def _readable(call: ZoomCall) -> bool:
    return call.img_idx == 0 and call.values is not None


def _mean_iou(traces: Sequence[Trace], coords: CoordSpec) -> float:
    ious: list[float] = []
    for trace in traces:
        width, height = trace.page_size
        region = Box(x1=0, y1=0, x2=width, y2=height)
        boxes = [
            clamp(coords.to_page(c.values, region, trace.sent_size), trace.page_size)
            for c in trace.calls
            if _readable(c) and c.values is not None
        ]
        ious += matched_ious(boxes, trace.targets)
    return float(np.mean(ious))
