"""Where a mark's label goes: outside its box, off other marks, and where the art has the least to lose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from PIL import Image

from comic_eval.images.art import DetailMap
from comic_eval.images.rect import Rect

# A position is preferred to an earlier one only if it covers clearly less detail (mean grey-level steps, 0-255).
ORDER_BIAS = 0.05
STEPS_ALONG_EDGE = 12


def place_label(
    page: Image.Image,
    box: Rect,
    frame: Rect,
    size: tuple[int, int],
    *,
    labels: Sequence[Rect],
    frames: Sequence[Rect],
) -> Rect:
    """The best place for a label of ``size`` (width, height) at a frame.

    In this order it covers least: the marked box itself, labels already placed, other marks' frames, detailed art.

    Args:
        page: the RGB page, at least as large as the label.
        box: the marked box.
        frame: the outer edge of the line around it.
        size: the label's width and height.
        labels: labels already placed.
        frames: the other marks' frames.
    """
    area = frame.grown(max(size)).clipped(*page.size)
    detail = DetailMap(page, area)
    ranked = []
    for order, place in enumerate(_places(frame, size, page.size)):
        ranked.append(
            (
                place.overlap(box),
                sum(place.overlap(label) for label in labels),
                sum(place.overlap(other) for other in frames),
                detail.mean(place) + order * ORDER_BIAS,
                order,
                place,
            )
        )
    return min(ranked)[-1]


def _places(frame: Rect, size: tuple[int, int], page: tuple[int, int]) -> Iterator[Rect]:
    """Candidate places inside the page, the most customary ones first: above, below, beside, at corners, inside."""
    w, h = size
    xs = _along(frame.x1, frame.x2, w, page[0])
    ys = _along(frame.y1, frame.y2, h, page[1])
    outside = [
        *((x, frame.y1 - h) for x in xs),
        *((x, frame.y2) for x in xs),
        *((frame.x1 - w, y) for y in ys),
        *((frame.x2, y) for y in ys),
        *((x, y) for y in (frame.y1 - h, frame.y2) for x in (frame.x1 - w, frame.x2)),
    ]
    inside = [
        *((x, y) for y in (frame.y1, frame.y2 - h) for x in xs),
        *((x, y) for x in (frame.x1, frame.x2 - w) for y in ys),
    ]
    for x, y in outside:
        if 0 <= x <= page[0] - w and 0 <= y <= page[1] - h:
            yield Rect(x, y, x + w, y + h)
    for x, y in inside:
        x, y = min(max(x, 0), page[0] - w), min(max(y, 0), page[1] - h)
        yield Rect(x, y, x + w, y + h)


def _along(start: int, end: int, length: int, limit: int) -> list[int]:
    """Offsets at which something of ``length`` slides along an edge, both ends first, never off the page."""
    last = max(end - length, start)
    steps = {start, last, *(start + round(i * (last - start) / STEPS_ALONG_EDGE) for i in range(STEPS_ALONG_EDGE))}
    inside = {min(max(value, 0), max(limit - length, 0)) for value in steps}
    return sorted(inside, key=lambda value: (min(value - start, last - value), value))
