"""Draws Panel Reordering's picture: the page with numbered empty slots, and the lifted panels beside it as A and B.

The page stays at (0, 0), so boxes in page pixels remain valid. Candidates are cut from the untouched page at its own
scale, below one another (or side by side, where that makes a smaller picture), each under its letter in the margin.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from PIL import Image, ImageDraw

from comic_eval.images.lettering import DARK, Colour, draw_text, legible_unit
from comic_eval.images.rect import Rect, covering
from comic_eval.types import CHOICE_LETTERS, Composite

MARGIN_COLOUR: Colour = (236, 236, 238)
SLOT_COLOUR: Colour = (214, 215, 219)
BORDER_COLOUR: Colour = (70, 72, 80)
# In pixels at 1024 tokens (`legible_unit` of the page).
LETTER_CAP = 22.0
GAP = 14.0
BORDER = 2.5
SLOT_CAP = 48.0


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Where everything lies on the canvas: its size, and for each candidate its picture's place."""

    size: tuple[int, int]
    places: tuple[Rect, ...]


def arrange(page_size: tuple[int, int], composite: Composite) -> Arrangement:
    """Lays the candidates out to the right of a page of ``page_size`` (width, height) pixels."""
    unit = legible_unit(*page_size)
    gap, head = round(GAP * unit), round((LETTER_CAP + GAP) * unit)
    cuts = _cuts(composite)
    layouts = [_arrange(page_size, cuts, gap, head, across=across) for across in (False, True)]
    return min(layouts, key=lambda layout: layout.size[0] * layout.size[1])


def canvas_size(page_size: tuple[int, int], composite: Composite | None) -> tuple[int, int]:
    """Width and height of the picture of a page, with the composite where there is one."""
    return page_size if composite is None else arrange(page_size, composite).size


def draw_composite(page: Image.Image, composite: Composite) -> Image.Image:
    """The composite of an RGB page, on a new canvas."""
    layout = arrange(page.size, composite)
    unit = legible_unit(*page.size)
    canvas = Image.new("RGB", layout.size, MARGIN_COLOUR)
    canvas.paste(page, (0, 0))
    draw = ImageDraw.Draw(canvas)
    border = max(2, round(BORDER * unit))
    for number, slot in enumerate(composite.slots, start=1):
        _draw_slot(draw, covering(slot), str(number), border, unit)
    for letter, cut, place in zip(CHOICE_LETTERS, _cuts(composite), layout.places, strict=False):
        edge = place.grown(border)
        draw.rectangle((edge.x1, edge.y1, edge.x2 - 1, edge.y2 - 1), fill=BORDER_COLOUR)
        canvas.paste(page.crop(cut), (place.x1, place.y1))
        center = (place.x1 + place.x2) / 2, place.y1 - (GAP / 2 + LETTER_CAP / 2) * unit
        draw_text(draw, center, letter, LETTER_CAP * unit, DARK)
    return canvas


def _cuts(composite: Composite) -> list[Rect]:
    """The candidates in whole pixels, all of exactly one shape, however their coordinates were rounded."""
    width = max(1, min(round(box.width) for box in composite.candidates))
    height = max(1, min(round(box.height) for box in composite.candidates))
    corners = [(math.floor(box.x1), math.floor(box.y1)) for box in composite.candidates]
    return [Rect(x, y, x + width, y + height) for x, y in corners]


def _arrange(page_size: tuple[int, int], cuts: list[Rect], gap: int, head: int, *, across: bool) -> Arrangement:
    width, height = page_size
    x, y = width + gap, 0
    places = []
    right, bottom = width, height
    for cut in cuts:
        place = Rect(x, y + head, x + cut.width, y + head + cut.height)
        places.append(place)
        right, bottom = max(right, place.x2 + gap), max(bottom, place.y2 + gap)
        if across:
            x = place.x2 + gap
        else:
            y = place.y2 + gap
    return Arrangement((right, bottom), tuple(places))


def _draw_slot(draw: ImageDraw.ImageDraw, slot: Rect, number: str, border: int, unit: float) -> None:
    draw.rectangle((slot.x1, slot.y1, slot.x2 - 1, slot.y2 - 1), fill=SLOT_COLOUR, outline=BORDER_COLOUR, width=border)
    cap = min(SLOT_CAP * unit, 0.6 * slot.height, 0.6 * slot.width)
    draw_text(draw, ((slot.x1 + slot.x2) / 2, (slot.y1 + slot.y2) / 2), number, cap, BORDER_COLOUR)
