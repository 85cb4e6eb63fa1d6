"""Puts lines of lettering into the blocks and the order in which a comic page is read: left to right, top to bottom."""

from __future__ import annotations

from collections.abc import Sequence

from comic_eval.types import Box, Frozen


class Line(Frozen):
    """One line of text; ``box`` in pixels of the picture that was read."""

    text: str
    box: Box


def _union(boxes: Sequence[Box]) -> Box:
    return Box(
        x1=min(b.x1 for b in boxes),
        y1=min(b.y1 for b in boxes),
        x2=max(b.x2 for b in boxes),
        y2=max(b.y2 for b in boxes),
    )


def _same_block(upper: Box, lower: Box) -> bool:
    """Whether two lines are neighbours in one balloon: close, of similar height, one above the other."""
    heights = sorted((upper.height, lower.height))
    overlap = min(upper.x2, lower.x2) - max(upper.x1, lower.x1)
    gap = max(upper.y1, lower.y1) - min(upper.y2, lower.y2)
    return overlap > 0.4 * min(upper.width, lower.width) and gap < 0.6 * heights[0] and heights[1] < 2 * heights[0]


def blocks(lines: Sequence[Line]) -> list[list[Line]]:
    """Groups lines into blocks (balloons, captions), each from top to bottom."""
    groups: list[list[Line]] = []
    for line in sorted(lines, key=lambda x: (x.box.y1, x.box.x1)):
        touching = [g for g in groups if any(_same_block(other.box, line.box) for other in g)]
        groups = [g for g in groups if g not in touching]
        groups.append([*(x for g in touching for x in g), line])
    return [sorted(g, key=lambda x: (x.box.y1, x.box.x1)) for g in groups]


def _cut(spans: Sequence[tuple[float, float]]) -> list[list[int]]:
    """Groups of indices of intervals with gaps between the groups, in order."""
    order = sorted(range(len(spans)), key=lambda i: spans[i])
    groups: list[list[int]] = []
    end = float("-inf")
    for i in order:
        if spans[i][0] >= end:
            groups.append([])
        groups[-1].append(i)
        end = max(end, spans[i][1])
    return groups


def reading_order(boxes: Sequence[Box]) -> list[int]:
    """The order of boxes by recursive XY cuts: rows first, then columns within a row.

    Returns:
        The indices of ``boxes`` in reading order. Where neither cut separates them, from top to bottom.
    """
    if len(boxes) < 2:
        return list(range(len(boxes)))
    for spans in ([(b.y1, b.y2) for b in boxes], [(b.x1, b.x2) for b in boxes]):
        groups = _cut(spans)
        if len(groups) > 1:
            return [g[i] for g in groups for i in reading_order([boxes[j] for j in g])]
    return sorted(range(len(boxes)), key=lambda i: (boxes[i].y1, boxes[i].x1))


def page_text(lines: Sequence[Line]) -> str:
    """The text of a page, one block a line, in reading order."""
    found = blocks(lines)
    order = reading_order([_union([line.box for line in block]) for block in found])
    return "\n".join(" ".join(line.text for line in found[i]) for i in order)
