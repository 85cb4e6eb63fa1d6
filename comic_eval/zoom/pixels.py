"""The pixels of a crop, or the noise in its place: the one way in which evaluation, views and training cut pages."""

from __future__ import annotations

import hashlib
from typing import Protocol

import numpy as np
from PIL import Image

from comic_eval.types import Box


class Cuttable(Protocol):
    """A `PIL.Image.Image`, or something that draws the page only when it is cut."""

    def crop(self, box: tuple[int, int, int, int]) -> Image.Image: ...


def cut_out(page: Cuttable, box: Box) -> Image.Image:
    """The part of the page inside a whole-pixel box."""
    return page.crop((int(box.x1), int(box.y1), int(box.x2), int(box.y2)))


def seed_of(text: str) -> int:
    """A seed that is the same for the same text on every machine."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def noise_image(size: tuple[int, int], source: np.random.Generator) -> Image.Image:
    """The next pixels of a source of noise: uniform over all colours, of this width and height."""
    return Image.fromarray(source.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))
