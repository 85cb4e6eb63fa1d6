"""Places oracle crops on the marked page."""

from __future__ import annotations

from collections.abc import Sequence

from comic_eval.images.marks import PlacedMark
from comic_eval.types import Box
from comic_eval.zoom.crop import CropRules


def place_cut(box: Box, rules: CropRules, page_size: tuple[int, int], placed: Sequence[PlacedMark]) -> Box:
    """The whole-pixel box that is cut out for ``box``: as the rules say, and grown to hold the marks inside it.

    Args:
        box: the region, in page pixels, inside the page.
        page_size: width and height of the page.
        placed: every mark of the page; only those whose box has its centre in the cut make it grow.
    """
    cut = rules.execute(box, page_size)
    x1, y1, x2, y2 = cut.x1, cut.y1, cut.x2, cut.y2
    for mark in placed:
        x, y = mark.mark.box.center
        if not (cut.x1 <= x <= cut.x2 and cut.y1 <= y <= cut.y2):
            continue
        for rect in (mark.frame, mark.tag):
            if rect is not None:
                x1, y1, x2, y2 = min(x1, rect.x1), min(y1, rect.y1), max(x2, rect.x2), max(y2, rect.y2)
    return Box(x1=max(x1, 0), y1=max(y1, 0), x2=min(x2, page_size[0]), y2=min(y2, page_size[1]))
