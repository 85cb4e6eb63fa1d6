"""Letters drawn on pages, in the font that Pillow carries inside itself (Aileron): every machine draws alike."""

from __future__ import annotations

import math
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

from comic_eval.errors import UserError
from comic_eval.images.budget import PIXELS_PER_TOKEN, SMALLEST_BUDGET

Colour = tuple[int, int, int]

DARK: Colour = (20, 20, 24)
LIGHT: Colour = (255, 255, 255)
# Aileron's capitals are 0.713 of the font size high; a stroke around the outline makes the regular weight bold.
CAP_HEIGHT = 0.713
BOLD_STROKE = 1 / 26


def legible_unit(width: int, height: int) -> float:
    """How many pixels of a ``width`` x ``height`` image become one pixel at the smallest budget (1024 tokens).

    Everything drawn is sized in this unit, so that it is drawn once and stays legible however small it is sent.
    """
    return max(1.0, math.sqrt(width * height / (SMALLEST_BUDGET * PIXELS_PER_TOKEN)))


@lru_cache(maxsize=64)
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise UserError("this Pillow was built without FreeType, so no marks can be drawn; install Pillow's own wheel")
    return font


def _stroke(size: int) -> int:
    return max(1, round(size * BOLD_STROKE))


def text_size(text: str, cap_height: float) -> tuple[int, int]:
    """Width and height in pixels of the ink of a line of bold text whose capitals are ``cap_height`` pixels high."""
    left, top, right, bottom = _ink(text, _points(cap_height))
    return right - left, bottom - top


def draw_text(
    draw: ImageDraw.ImageDraw, center: tuple[float, float], text: str, cap_height: float, fill: Colour
) -> None:
    """Draws a line of bold text with its ink centred on a point."""
    size = _points(cap_height)
    left, top, right, bottom = _ink(text, size)
    x = round(center[0] - (left + right) / 2)
    y = round(center[1] - (top + bottom) / 2)
    draw.text((x, y), text, fill=fill, font=_font(size), stroke_width=_stroke(size), stroke_fill=fill)


def _points(cap_height: float) -> int:
    return max(1, round(cap_height / CAP_HEIGHT))


@lru_cache(maxsize=1024)
def _ink(text: str, size: int) -> tuple[int, int, int, int]:
    canvas = ImageDraw.Draw(Image.new("L", (1, 1)))
    left, top, right, bottom = canvas.textbbox((0, 0), text, font=_font(size), stroke_width=_stroke(size))
    return math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom)
