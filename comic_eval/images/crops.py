"""Cuts oracle crops out of the marked page at full resolution."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from comic_eval.images.budget import ResizeRule
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


def sent_size(box: Box, rules: CropRules, resize: ResizeRule, budget: int) -> tuple[int, int]:
    """Width and height at which a crop of ``box`` is sent: enlarged to the rules' smallest size, then to the budget."""
    width, height = int(box.width), int(box.height)
    grow = math.sqrt(rules.min_pixels / (width * height))
    if grow > 1:
        width, height = round(width * grow), round(height * grow)
    return resize(width, height, budget)


def cut_out(page: Image.Image, box: Box) -> Image.Image:
    """The part of the page inside a whole-pixel box."""
    return page.crop((int(box.x1), int(box.y1), int(box.x2), int(box.y2)))


def noise_image(size: tuple[int, int], seed: str) -> Image.Image:
    """Pixels that are uniform over all colours, of this width and height; the same for the same seed."""
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big")
    pixels = np.random.default_rng(number).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels)
