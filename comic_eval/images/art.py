"""What the drawing says about where marks may go: how much detail lies somewhere, and where lettering stands on paper.

Only pixels are asked, never a sample's regions, so that a `Question` is drawn exactly like its `Sample`.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageChops, ImageFilter

from comic_eval.images.lettering import legible_unit
from comic_eval.images.rect import Rect

# Grey levels (0-255): balloons, captions and gutters are at least this light, the ink of lettering at least this dark.
PAPER = 215
INK = 120
# Surroundings are squares of twice this side, in pixels at 1024 tokens: wider than bold lettering is dense.
REACH = 10.0
# Detail is summed over cells of this size, in pixels at 1024 tokens: far smaller than any label, far fewer than pixels.
CELL = 2.0
# A stroke of lettering weighs as much as this many grey-level steps of other detail: practically never covered.
LETTERING_WEIGHT = 10000

_IS_PAPER = [0] * PAPER + [255] * (256 - PAPER)
_IS_INK = [255] * INK + [0] * (256 - INK)
_MOSTLY = [0] * 128 + [255] * 128


def paper_mask(grey: Image.Image, reach: int) -> Image.Image:
    """Where most of the surroundings within ``reach`` pixels are paper: balloons with their lettering, and gutters.

    Args:
        grey: a picture of mode L.

    Returns:
        A mask of mode L, 0 or 255.
    """
    return grey.point(_IS_PAPER).filter(ImageFilter.BoxBlur(reach)).point(_MOSTLY)


def reach(page: tuple[int, int]) -> int:
    """`REACH` in pixels of a page of this width and height."""
    return max(1, round(REACH * legible_unit(*page)))


class DetailMap:
    """How much would be lost under a rectangle: lettering most, faces and outlines much, sky and gutters little.

    Args:
        page: the RGB page.
        area: the part of it that will be asked about.
    """

    def __init__(self, page: Image.Image, area: Rect) -> None:
        self._area = area
        self._cell = cell = max(1, round(CELL * legible_unit(*page.size)))
        grey = page.crop(area).convert("L")
        across = ImageChops.difference(grey, ImageChops.offset(grey, 1, 0))
        down = ImageChops.difference(grey, ImageChops.offset(grey, 0, 1))
        paper = grey.point(_IS_PAPER).reduce(cell).filter(ImageFilter.BoxBlur(reach(page.size) / cell)).point(_MOSTLY)
        lettering = ImageChops.darker(grey.point(_IS_INK).reduce(cell), paper)
        loss = np.asarray(ImageChops.add(across, down).reduce(cell), dtype=np.float64)
        loss = loss + np.asarray(lettering, dtype=np.float64) * (LETTERING_WEIGHT / 255)
        self._sums = np.zeros((loss.shape[0] + 1, loss.shape[1] + 1))
        np.cumsum(np.cumsum(loss, axis=0), axis=1, out=self._sums[1:, 1:])

    def mean(self, rect: Rect) -> float:
        """Mean loss a pixel of a rectangle inside the area; without lettering, mean grey-level step to the next."""
        x1, y1 = (rect.x1 - self._area.x1) // self._cell, (rect.y1 - self._area.y1) // self._cell
        x2, y2 = -(-(rect.x2 - self._area.x1) // self._cell), -(-(rect.y2 - self._area.y1) // self._cell)
        total = self._sums[y2, x2] - self._sums[y1, x2] - self._sums[y2, x1] + self._sums[y1, x1]
        return float(total) / ((x2 - x1) * (y2 - y1))
