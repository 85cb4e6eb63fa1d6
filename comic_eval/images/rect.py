"""Rectangles of whole pixels, in which everything is drawn."""

from __future__ import annotations

import math
from typing import NamedTuple

from comic_eval.types import Box


class Rect(NamedTuple):
    """Whole pixels; x2 and y2 are exclusive."""

    x1: int
    y1: int
    x2: int
    y2: int

    @property
    def width(self) -> int:
        return self.x2 - self.x1

    @property
    def height(self) -> int:
        return self.y2 - self.y1

    def grown(self, by: int) -> Rect:
        return Rect(self.x1 - by, self.y1 - by, self.x2 + by, self.y2 + by)

    def clipped(self, width: int, height: int) -> Rect:
        return Rect(max(self.x1, 0), max(self.y1, 0), min(self.x2, width), min(self.y2, height))

    def overlap(self, other: Rect) -> int:
        """Shared pixels."""
        w = min(self.x2, other.x2) - max(self.x1, other.x1)
        h = min(self.y2, other.y2) - max(self.y1, other.y1)
        return w * h if w > 0 and h > 0 else 0


def covering(box: Box) -> Rect:
    """The smallest whole pixels that cover a box."""
    return Rect(math.floor(box.x1), math.floor(box.y1), math.ceil(box.x2), math.ceil(box.y2))
