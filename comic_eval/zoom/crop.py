"""How a requested box becomes a crop: padding, clamping to the page, minimum size, aspect limit, enlargement."""

from __future__ import annotations

import math
from collections.abc import Callable

from pydantic import Field

from comic_eval.types import Box, Frozen

Resize = Callable[[int, int, int], tuple[int, int]]
"""(width, height, budget in visual tokens) -> the size at which an image is sent."""


class CropRules(Frozen):
    """Explicit settings of every crop, oracle or requested; stored in the manifest.

    Attributes:
        padding: margin added on each side, as a share of the box's width and height. 0 for oracle crops as in Table 4.
        min_side: a crop is grown about its centre to at least this many page pixels on each side (28 = one patch of
            Qwen2.5-VL; smaller crops carry no token).
        max_aspect: a longer crop is grown on its short side; processors reject images beyond 200.
        min_pixels: smaller crops are enlarged to about this many sent pixels; 0 sends them as they are.
    """

    padding: float = Field(default=0.0, ge=0, le=2)
    min_side: int = Field(default=28, ge=1)
    max_aspect: float = Field(default=100.0, gt=1)
    min_pixels: int = Field(default=0, ge=0)

    def execute(self, box: Box, page_size: tuple[int, int]) -> Box:
        """The whole-pixel box that is really cut out for ``box``, inside a page of ``page_size`` (width, height).

        It contains the requested box clamped to the page. Growing keeps the centre where the page's edge allows it.
        """
        width, height = page_size
        px, py = box.width * self.padding, box.height * self.padding
        x1, x2 = _whole(box.x1 - px, box.x2 + px, width)
        y1, y2 = _whole(box.y1 - py, box.y2 + py, height)
        x1, x2 = _grow(x1, x2, max(self.min_side, math.ceil((y2 - y1) / self.max_aspect)), width)
        y1, y2 = _grow(y1, y2, max(self.min_side, math.ceil((x2 - x1) / self.max_aspect)), height)
        return Box(x1=x1, y1=y1, x2=x2, y2=y2)

    def sent_size(self, box: Box, resize: Resize, budget: int) -> tuple[int, int]:
        """Width and height at which a whole-pixel box is sent: enlarged to the smallest size, then to the budget."""
        width, height = int(box.width), int(box.height)
        grow = math.sqrt(self.min_pixels / (width * height))
        if grow > 1:
            width, height = round(width * grow), round(height * grow)
        return resize(width, height, budget)


def clamp(box: tuple[float, float, float, float], page_size: tuple[int, int]) -> Box | None:
    """The part of ``box`` that lies on the page; None where nothing does or the corners are in the wrong order."""
    x1, y1 = max(0.0, box[0]), max(0.0, box[1])
    x2, y2 = min(float(page_size[0]), box[2]), min(float(page_size[1]), box[3])
    return Box(x1=x1, y1=y1, x2=x2, y2=y2) if x1 < x2 and y1 < y2 else None


def _whole(low: float, high: float, limit: int) -> tuple[int, int]:
    a = min(max(0, math.floor(low)), limit - 1)
    return a, max(a + 1, min(limit, math.ceil(high)))


def _grow(low: int, high: int, size: int, limit: int) -> tuple[int, int]:
    """Grows [low, high) to ``size`` about its centre, shifted where it would leave [0, limit)."""
    size = min(size, limit)
    if high - low >= size:
        return low, high
    start = math.floor((low + high - size) / 2)
    start = min(max(0, start), limit - size)
    return start, start + size
